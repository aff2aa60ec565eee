/** Decoded samples in the order of time, each time once. */
import { SampleColumns } from './chunk.ts';

/** Whether each sample is later than the one before it. */
export const isAscending = ({ count, timestamps }: SampleColumns): boolean => {
  for (let i = 1; i < count; i++) if (timestamps[i] <= timestamps[i - 1]) return false;
  return true;
};

/** Sorts by time into new columns. Of several samples with the same time, only the first is kept. */
export const sortedByTime = ({ count, timestamps, words }: SampleColumns): SampleColumns => {
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  order.sort((a, b) => timestamps[a] - timestamps[b] || a - b);
  const columns = new SampleColumns(count);
  let kept = 0;
  for (const i of order) {
    if (kept > 0 && timestamps[i] === columns.timestamps[kept - 1]) continue;
    columns.timestamps[kept] = timestamps[i];
    columns.words[2 * kept] = words[2 * i];
    columns.words[2 * kept + 1] = words[2 * i + 1];
    kept++;
  }
  columns.count = kept;
  return columns;
};
