/** Numbers and durations: the values of their tokens, and how they are printed. */

/** The value of a number token, or `undefined` if it is none: `1e`, `0x`, or beyond the range of doubles. */
export const numberOf = (text: string): number | undefined => {
  const plain = text.replaceAll('_', '').toLowerCase();
  if (plain === 'inf') return Number.POSITIVE_INFINITY;
  if (plain === 'nan') return Number.NaN;
  if (plain.startsWith('0x')) return hexadecimalOf(plain.slice(2));
  // As in Go, whole numbers with a leading zero are octal if they can be.
  if (/^0[0-7]+$/.test(plain)) return Number.parseInt(plain, 8);
  if (/e[+-]?$/.test(plain)) return undefined;
  const value = Number(plain);
  return Number.isFinite(value) ? value : undefined;
};

const hexadecimalOf = (text: string): number | undefined => {
  const match = /^([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, whole, fraction, exponent] = match;
  if (whole + (fraction ?? '') === '') return undefined;
  // A fraction needs an exponent in Go.
  if (fraction !== undefined && exponent === undefined) return undefined;
  const digits = Number(BigInt(`0x${whole}${fraction ?? ''}`));
  const value = digits * 2 ** (Number(exponent ?? 0) - 4 * (fraction ?? '').length);
  return Number.isFinite(value) ? value : undefined;
};

const unitMs: Readonly<Record<string, number>> = {
  y: 31_536_000_000,
  w: 604_800_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
};

/** The largest duration of Go: 2^63 nanoseconds, about 292 years. */
export const DURATION_SECONDS_MAX = 2 ** 63 / 1e9;

/** Milliseconds of a duration token, or what is wrong with it. */
export const durationOf = (text: string): number | string => {
  let milliseconds = 0;
  let unitBefore = Number.POSITIVE_INFINITY;
  let rest = text;
  while (rest !== '') {
    const match = /^(\d+)([^\d]+)/.exec(rest);
    if (match === null) return `not a valid duration string: "${text}"`;
    const unit = unitMs[match[2]];
    if (unit === undefined) {
      return /^[a-z]+$/.test(match[2])
        ? `unknown unit "${match[2]}" in duration "${text}"`
        : `not a valid duration string: "${text}"`;
    }
    if (unit >= unitBefore) return `not a valid duration string: "${text}"`;
    unitBefore = unit;
    milliseconds += Number(match[1]) * unit;
    if (milliseconds / 1000 > DURATION_SECONDS_MAX) return 'duration out of range';
    rest = rest.slice(match[0].length);
  }
  return milliseconds;
};

/** A duration as Prometheus prints it: `1h30m`, `90d`, `2w`, `0s`; `-5m` for a negative one. */
export const printDuration = (milliseconds: number): string => {
  if (milliseconds === 0) return '0s';
  let text = milliseconds < 0 ? '-' : '';
  let left = Math.abs(milliseconds);
  for (const [unit, ms] of Object.entries(unitMs)) {
    // 90d is read more easily than 12w6d.
    if ((unit === 'y' || unit === 'w') && left % ms !== 0) continue;
    const count = Math.floor(left / ms);
    if (count > 0) text += `${count}${unit}`;
    left -= count * ms;
  }
  return text;
};

/**
 * A number as Prometheus 3 prints it: the shortest digits that mean this number, never with an exponent; `+Inf`.
 * In Go, `strconv.FormatFloat(value, 'f', -1, 64)`.
 */
export const printNumber = (value: number): string => {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa, exponent] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  /** How many digits stand before the point. */
  const wholeCount = Number(exponent) + 1;
  if (wholeCount <= 0) return `${sign}0.${'0'.repeat(-wholeCount)}${digits}`;
  if (wholeCount >= digits.length) return sign + digits.padEnd(wholeCount, '0');
  return `${sign}${digits.slice(0, wholeCount)}.${digits.slice(wholeCount)}`;
};
