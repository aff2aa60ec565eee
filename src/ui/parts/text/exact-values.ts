/** Values without loss, and those that are not numbers by their names. */
import type { DrawnSeries } from '../../server/server-answers.ts';

/** The value of a series at a place: all its digits, or `NaN`, `+Inf`, `-Inf`, `-0`, `stale`; empty without a sample. */
export const exactValue = ({ values, specials }: DrawnSeries, at: number): string => {
  const value = values[at];
  if (specials?.[at] !== undefined) return specials[at];
  if (value === undefined) return '';
  return value === null ? 'NaN' : String(value);
};

/** The place of the newest sample at or before a time; -1 if there is none. Times are milliseconds. */
export const placeAtTime = ({ timestamps }: DrawnSeries, time: number): number => {
  let low = 0;
  let high = timestamps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timestamps[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};
