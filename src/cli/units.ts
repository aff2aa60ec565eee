/** Formats counts, sizes and times for people. */

export const formatCount = (number: number): string => number.toLocaleString('en-US');

/** `1 sample`, `1,234 samples`. */
export const formatQuantity = (number: number, noun: string): string =>
  `${formatCount(number)} ${noun}${number === 1 ? '' : 's'}`;

const steps = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Decimal units with three digits: `1.04 kB`, `171 MB`. */
export const formatBytes = (bytes: number): string => {
  let value = bytes;
  let step = 0;
  while (value >= 999.5 && step < steps.length - 1) {
    value /= 1000;
    step++;
  }
  return step === 0 ? `${value} B` : `${value.toPrecision(3)} ${steps[step]}`;
};

/** ISO 8601 in UTC with milliseconds; the number itself if a Date cannot hold it. */
export const formatTime = (milliseconds: number): string => {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? String(milliseconds) : date.toISOString();
};

const durationUnits = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** A duration in the form of the options: `15d`, `1h30m`. */
export const formatDuration = (milliseconds: number): string => {
  let text = '';
  let left = milliseconds;
  for (const [unit, length] of durationUnits) {
    const count = Math.floor(left / length);
    if (count > 0) text += `${count}${unit}`;
    left -= count * length;
  }
  return text === '' ? '0' : text;
};
