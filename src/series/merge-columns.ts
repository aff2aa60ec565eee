/** Merges late samples into the samples of a series. Of two samples with the same time, the one that was there stays. */
import { SampleColumns } from '../chunk/chunk.ts';
import type { SortedSamples } from './sorted-samples.ts';

export interface MergeCounts {
  /** Late samples that were added. */
  readonly added: number;
  /** Late samples that were there already, with the same bits. */
  readonly repeated: number;
  /** Late samples for whose time another value was there. */
  readonly refused: number;
}

/** The samples of both, oldest first. Only the late samples from index `from` on take part. */
export const mergeColumns = (
  columns: Samples & { readonly count: number },
  late: SortedSamples,
  from: number,
): MergeCounts & { readonly merged: SampleColumns } => {
  const merged = new SampleColumns(columns.count + late.count - from);
  let added = 0;
  let repeated = 0;
  let refused = 0;
  let at = 0;
  for (let i = from; i < late.count; i++) {
    const time = late.timestamps[i];
    const start = at;
    while (at < columns.count && columns.timestamps[at] < time) at++;
    append(merged, columns, start, at);
    if (at < columns.count && columns.timestamps[at] === time) {
      const isSame = columns.words[2 * at] === late.words[2 * i] && columns.words[2 * at + 1] === late.words[2 * i + 1];
      if (isSame) repeated++;
      else refused++;
      continue;
    }
    append(merged, late, i, i + 1);
    added++;
  }
  append(merged, columns, at, columns.count);
  return { merged, added, repeated, refused };
};

interface Samples {
  readonly timestamps: Float64Array;
  readonly words: Int32Array;
}

const append = (target: SampleColumns, source: Samples, start: number, end: number): void => {
  if (start === end) return;
  target.timestamps.set(source.timestamps.subarray(start, end), target.count);
  target.words.set(source.words.subarray(2 * start, 2 * end), 2 * target.count);
  target.count += end - start;
};
