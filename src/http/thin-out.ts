/**
 * Thins a series out for a chart. The time range is divided into as many buckets as the chart has columns. The first,
 * lowest, highest and last sample of each bucket are kept, so that no peak is lost.
 */

export interface ChartSamples {
  readonly timestamps: number[];
  /** `null` where no number can be drawn: NaN, an infinity, the end of a series. */
  readonly values: (number | null)[];
}

const drawable = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** The indexes of the samples to keep from `start` to before `end`, ascending. */
const keptOf = (values: Float64Array, start: number, end: number): number[] => {
  let lowest = start;
  let highest = start;
  for (let i = start; i < end; i++) {
    if (!(values[i] >= values[lowest])) lowest = i;
    if (!(values[i] <= values[highest])) highest = i;
  }
  return [...new Set([start, lowest, highest, end - 1])].sort((a, b) => a - b);
};

/** Keeps at most four samples per bucket, or all samples if that would not be fewer. */
export const thinOut = (timestamps: Float64Array, values: Float64Array, buckets: number): ChartSamples => {
  const count = timestamps.length;
  if (count <= 4 * buckets) return { timestamps: Array.from(timestamps), values: Array.from(values, drawable) };
  const first = timestamps[0];
  const width = (timestamps[count - 1] - first + 1) / buckets;
  const kept: number[] = [];
  let start = 0;
  for (let i = 1; i <= count; i++) {
    if (i < count && Math.floor((timestamps[i] - first) / width) === Math.floor((timestamps[start] - first) / width))
      continue;
    for (const index of keptOf(values, start, i)) kept.push(index);
    start = i;
  }
  return { timestamps: kept.map((i) => timestamps[i]), values: kept.map((i) => drawable(values[i])) };
};
