/** Formats sizes and times for people. */

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
