/** The increase of a counter. */
import type { DrawnSeries } from '../../server/server-answers.ts';

/** Increase per second between neighbouring samples. If a counter has decreased, it was reset to zero. */
export const perSecond = ({ labels, timestamps, values }: DrawnSeries): DrawnSeries => {
  const increased: DrawnSeries = { labels, timestamps: [], values: [] };
  for (let i = 1; i < timestamps.length; i++) {
    const before = values[i - 1];
    const after = values[i];
    if (before === null || after === null) continue;
    increased.timestamps.push(timestamps[i]);
    increased.values.push((after >= before ? after - before : after) / ((timestamps[i] - timestamps[i - 1]) / 1000));
  }
  return increased;
};
