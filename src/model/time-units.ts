/**
 * Recognizes timestamps in a wrong unit. Timestamps are milliseconds; the usual mistake is to give seconds, microseconds
 * or nanoseconds. Such a number, read in its own unit, is a time near the present.
 */

/** How far from the present a time may be to count as one. The units are a factor of 1000 apart, so a year is safe. */
const NEAR_MS = 365 * 86_400_000;

const units = [
  { name: 'seconds', toMs: 1000 },
  { name: 'microseconds', toMs: 1e-3 },
  { name: 'nanoseconds', toMs: 1e-6 },
] as const;

export type MistakenUnit = (typeof units)[number]['name'];

/** The unit in which `timestamp` is probably given; `undefined` when it does not look like a mistake. */
export const mistakenUnit = (timestamp: unknown, now: number): MistakenUnit | undefined => {
  if (typeof timestamp !== 'number' || isNear(timestamp, now)) return undefined;
  return units.find(({ toMs }) => isNear(timestamp * toMs, now))?.name;
};

/** The end of an error message: names the unit, or is empty. */
export const unitHint = (timestamp: unknown, now: number): string => {
  const unit = mistakenUnit(timestamp, now);
  return unit === undefined ? '' : `; it looks like ${unit}, but timestamps are milliseconds`;
};

const isNear = (time: number, now: number): boolean => Math.abs(time - now) <= NEAR_MS;
