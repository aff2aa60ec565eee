/** The cells of a heatmap: how much each bucket of a histogram grew at each time. */
import type { DrawnSeries } from '../../server/server-answers.ts';

export interface HeatmapCells {
  /** Milliseconds, ascending. */
  readonly times: readonly number[];
  /** Upper bounds of the buckets as the label `le` has them, ascending. */
  readonly bounds: readonly string[];
  /** By bound, then by time. */
  readonly counts: readonly Float64Array[];
  readonly highest: number;
}

const numberOf = (bound: string): number => (bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound));

/** Buckets count all values up to their bound, so a cell is the difference to the bucket below. `undefined` without `le`. */
export const heatmapCells = (list: readonly DrawnSeries[]): HeatmapCells | undefined => {
  const byBound = new Map<string, Map<number, number>>();
  for (const { labels, timestamps, values } of list) {
    const bound = labels['le'];
    if (bound === undefined || Number.isNaN(numberOf(bound))) continue;
    const sums = byBound.get(bound) ?? new Map<number, number>();
    byBound.set(bound, sums);
    for (const [i, time] of timestamps.entries()) sums.set(time, (sums.get(time) ?? 0) + (values[i] ?? 0));
  }
  if (byBound.size === 0) return undefined;
  const bounds = [...byBound.keys()].sort((a, b) => numberOf(a) - numberOf(b));
  const times = [...new Set([...byBound.values()].flatMap((sums) => [...sums.keys()]))].sort((a, b) => a - b);
  let highest = 0;
  const counts = bounds.map((bound, n) =>
    Float64Array.from(times, (time) => {
      const below = n === 0 ? 0 : (byBound.get(bounds[n - 1])?.get(time) ?? 0);
      const count = Math.max(0, (byBound.get(bound)?.get(time) ?? 0) - below);
      highest = Math.max(highest, count);
      return count;
    }),
  );
  return { times, bounds, counts, highest };
};
