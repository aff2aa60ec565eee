/**
 * Thins a series out for a chart. The time range is divided into as many buckets as the chart has columns. The first,
 * lowest, highest and last sample of each bucket are kept, so that no peak is lost. Holes are found before that, in all
 * samples; a hole that is at least as wide as a bucket has a kept sample on both sides.
 */
import { isStaleAt } from '../model/staleness.ts';
import { formatValue } from '../text/values.ts';
import { holesOf } from './holes.ts';

export interface ChartSamples {
  readonly timestamps: number[];
  /** `null` where no number can be drawn: NaN, an infinity, the end of a series. */
  readonly values: (number | null)[];
  /** The times of samples that come after a hole: the line is broken before them. */
  readonly holes: number[];
  /** The values that JSON has no number for, by index: `NaN`, `+Inf`, `-Inf`, `-0`, `stale`. Absent if there are none. */
  readonly specials?: Readonly<Record<number, string>>;
}

/** The number to draw: `null` for NaN and the infinities. */
export const drawable = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Whether JSON has no number for the value. */
export const isSpecial = (value: number): boolean => !Number.isFinite(value) || Object.is(value, -0);

/** The indexes of the samples to keep from `start` to before `end`, ascending. NaN is neither lowest nor highest. */
const keptOf = (values: Float64Array, start: number, end: number): number[] => {
  let lowest = start;
  let highest = start;
  for (let i = start; i < end; i++) {
    if (values[i] < values[lowest] || Number.isNaN(values[lowest])) lowest = i;
    if (values[i] > values[highest] || Number.isNaN(values[highest])) highest = i;
  }
  return [...new Set([start, lowest, highest, end - 1])].sort((a, b) => a - b);
};

/** The indexes of the samples to keep if a bucket is `width` milliseconds wide, ascending. */
const allKept = (timestamps: Float64Array, values: Float64Array, width: number): number[] => {
  const count = timestamps.length;
  const first = timestamps[0];
  const kept: number[] = [];
  let start = 0;
  for (let i = 1; i <= count; i++) {
    if (i < count && Math.floor((timestamps[i] - first) / width) === Math.floor((timestamps[start] - first) / width))
      continue;
    for (const index of keptOf(values, start, i)) kept.push(index);
    start = i;
  }
  return kept;
};

/** The names of special values among the kept ones, by their place there. */
const specialsOf = (values: Float64Array, kept: readonly number[]): Pick<ChartSamples, 'specials'> => {
  const specials: Record<number, string> = {};
  let count = 0;
  for (let place = 0; place < kept.length; place++) {
    const i = kept[place];
    if (!isSpecial(values[i])) continue;
    specials[place] = isStaleAt(values, i) ? 'stale' : formatValue(values[i]);
    count++;
  }
  return count === 0 ? {} : { specials };
};

/** Keeps at most four samples per bucket, or all samples if that would not be fewer. */
export const thinOut = (timestamps: Float64Array, values: Float64Array, buckets: number): ChartSamples => {
  const count = timestamps.length;
  const isThinned = count > 4 * buckets;
  const width = isThinned ? (timestamps[count - 1] - timestamps[0] + 1) / buckets : 0;
  const kept = isThinned ? allKept(timestamps, values, width) : Array.from(timestamps, (_, i) => i);
  return {
    timestamps: kept.map((i) => timestamps[i]),
    values: kept.map((i) => drawable(values[i])),
    holes: holesOf(timestamps, width),
    ...specialsOf(values, kept),
  };
};
