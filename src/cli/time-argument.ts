/**
 * Times on the command line: milliseconds since the epoch, an ISO 8601 date, `now`, or how long ago (`90s`, `5m`, `6h`,
 * `15d`, `2w`, `1h30m`).
 */
import { isCalendarDay, isTimeOfDay } from '../text/dates.ts';
import { durationMs } from '../text/durations.ts';
import { quoteBriefly } from '../text/json-lines.ts';
import { type GivenOptions, textOption, UsageError } from './verb.ts';

/**
 * A date with or without a time, seconds and zone. Except for the zone, `Date.parse` reads it the same on every
 * machine.
 */
const isoDate = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/;

/** Parses a date. `Date.parse` alone would turn an impossible day, such as February 30, into a later day. */
const dateMs = (text: string): number | undefined => {
  const match = isoDate.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour = 0, minute = 0, second = 0] = match.slice(1).map((part) => Number(part ?? 0));
  const exists = isCalendarDay(year, month, day) && isTimeOfDay(hour, minute, second);
  const milliseconds = exists ? Date.parse(text) : Number.NaN;
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
};

const timeOf = (text: string, now: number): number | undefined => {
  if (/^-?\d+$/.test(text)) return Number(text);
  if (text === 'now') return now;
  const ago = durationMs(text);
  return ago === undefined ? dateMs(text) : now - ago;
};

/** Milliseconds since the epoch. If the text is not a time, throws a usage error that names the option. */
export const parseTimeArgument = (option: string, text: string | undefined, now: number): number | undefined => {
  if (text === undefined) return undefined;
  const time = timeOf(text, now);
  if (time === undefined || !Number.isSafeInteger(time))
    throw new UsageError(
      `--${option} takes milliseconds since the epoch, a date such as 2026-01-31T12:00Z, or how long ago such as 6h, not ${quoteBriefly(text)}.`,
    );
  return time;
};

/**
 * The options --from and --through. A range that ends before it begins is a usage error; it does not count as empty.
 */
export const parseTimeRange = (
  options: GivenOptions,
  now: number,
): { readonly from: number | undefined; readonly through: number | undefined } => {
  const from = parseTimeArgument('from', textOption(options, 'from'), now);
  const through = parseTimeArgument('through', textOption(options, 'through'), now);
  if (from !== undefined && through !== undefined && through < from)
    throw new UsageError(`--through, ${through}, is before --from, ${from}.`);
  return { from, through };
};
