/** The increase of a counter. */
import type { DrawnSeries } from '../../server/server-answers.ts';

/**
 * Increase per second between neighbouring samples. If a counter has decreased, it was reset to zero. There is none over
 * a hole.
 */
export const perSecond = ({ labels, timestamps, values, holes = [] }: DrawnSeries): DrawnSeries => {
  const increased: DrawnSeries = { labels, timestamps: [], values: [], holes: [] };
  let next = 0;
  let afterHole = false;
  for (let i = 1; i < timestamps.length; i++) {
    const skipped = next;
    while (next < holes.length && holes[next] <= timestamps[i]) next++;
    if (next > skipped && holes[next - 1] > timestamps[i - 1]) {
      afterHole = true;
      continue;
    }
    const before = values[i - 1];
    const after = values[i];
    if (before === null || after === null) {
      afterHole = true;
      continue;
    }
    if (afterHole) increased.holes?.push(timestamps[i]);
    afterHole = false;
    increased.timestamps.push(timestamps[i]);
    increased.values.push((after >= before ? after - before : after) / ((timestamps[i] - timestamps[i - 1]) / 1000));
  }
  return increased;
};
