/**
 * Times on the command line: milliseconds since the epoch, an ISO 8601 date, `now`, or how long ago (`90s`, `5m`, `6h`,
 * `15d`, `2w`, `1h30m`).
 */
import { UsageError } from './verb.ts';

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

const durationMs = (text: string): number | undefined => {
  if (!/^(?:\d+(?:ms|[smhdwy]))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) sum += Number(count) * unitMs[unit];
  return sum;
};

/** Milliseconds since the epoch; a usage error names the option when the text is no time. */
export const parseTimeArgument = (option: string, text: string | undefined, now: number): number | undefined => {
  if (text === undefined) return undefined;
  if (/^-?\d+$/.test(text)) return Number(text);
  if (text === 'now') return now;
  const ago = durationMs(text);
  if (ago !== undefined) return now - ago;
  const date = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(date))
    throw new UsageError(
      `--${option} takes milliseconds since the epoch, a date such as 2026-01-31T12:00Z, or how long ago such as 6h, not ${JSON.stringify(text)}.`,
    );
  return date;
};
