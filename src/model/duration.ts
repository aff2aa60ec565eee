/** Durations as people write them: `5m`, `1h30m`, `15d`, `2w`, `1y`, `100ms`. A day has 24 hours, a year 365 days. */
import { TidemarkError } from './errors.ts';
import { detailOf, shownText, shownValue } from './shown-value.ts';

const unitMs = [31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1000, 1] as const;
/** The units in which a duration is shown. Weeks and years are left out: `21d` is read more easily than `3w`. */
const shownUnits = ['', '', 'd', 'h', 'm', 's', 'ms'] as const;
const pattern = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/**
 * Milliseconds of a duration: a number of milliseconds, or text with whole numbers and the units y, w, d, h, m, s, ms,
 * large units first. Throws `TIDEMARK_INVALID_OPTION` for anything else, and for durations that are negative or above
 * 2^53.
 */
export const parseDuration = (duration: number | string): number => {
  const milliseconds = typeof duration === 'number' ? duration : (durationMs(duration) ?? Number.NaN);
  if (!(milliseconds >= 0 && milliseconds <= Number.MAX_SAFE_INTEGER)) {
    const given = typeof duration === 'string' ? `'${shownText(duration, 50)}'` : shownValue(duration);
    throw new TidemarkError(
      'TIDEMARK_INVALID_OPTION',
      `${given} is not a duration; allowed are milliseconds as a number from 0 on, or text such as '100ms', '90s', '5m', '1h30m', '15d', '2w', '1y'`,
      { details: { duration: detailOf(duration) } },
    );
  }
  return milliseconds;
};

/** Milliseconds of a duration in text; `undefined` for any other text. The result may be beyond 2^53. */
export const durationMs = (text: unknown): number | undefined => {
  if (text === '0') return 0;
  const match = typeof text === 'string' && text !== '' && text.length <= 50 ? pattern.exec(text) : null;
  if (match === null) return undefined;
  return unitMs.reduce((sum, ms, index) => sum + Number(match[index + 1] ?? 0) * ms, 0);
};

/** A duration in the form that {@link parseDuration} reads: `15d`, `1h30m`. */
export const formatDuration = (milliseconds: number): string => {
  let text = '';
  let left = milliseconds;
  for (const [index, unit] of shownUnits.entries()) {
    const count = unit === '' ? 0 : Math.floor(left / unitMs[index]);
    if (count > 0) text += `${count}${unit}`;
    left -= count * unitMs[index];
  }
  return text === '' ? '0' : text;
};
