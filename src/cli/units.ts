/** Formats sizes and times for people, and reads the sizes that people write. */

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

/** The place of a unit is its power of 1,024. */
const sizeUnits: readonly string[] = ['', 'K', 'M', 'G', 'T'];

/**
 * Bytes of a size: a whole number with an optional unit K, M, G or T, such as `256M`. A unit is a power of 1,024, as
 * memory is usually measured; `256MiB` is the same. `undefined` for any other text. `MB` is refused: it could also mean
 * a million bytes.
 */
export const parseSize = (text: string): number | undefined => {
  const match = /^(\d+)(?:([KMGT])(?:iB)?)?$/i.exec(text);
  if (match === null) return undefined;
  const [, count, unit = ''] = match;
  const bytes = Number(count) * 1024 ** sizeUnits.indexOf(unit.toUpperCase());
  return Number.isSafeInteger(bytes) ? bytes : undefined;
};

/** ISO 8601 in UTC with milliseconds; the number itself if a Date cannot hold it. */
export const formatTime = (milliseconds: number): string => {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? String(milliseconds) : date.toISOString();
};
