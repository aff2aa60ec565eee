/** Adds late samples to the samples that were read from chunks. A sample that a chunk has stays. */
import { SampleColumns } from '../chunk/chunk.ts';
import { mergeColumns } from '../series/merge-columns.ts';
import { SortedSamples } from '../series/sorted-samples.ts';
import type { Range } from './read-series.ts';
import type { ReadSamples } from './samples.ts';

/** A copy of the samples in the range. */
export const partOf = (samples: SortedSamples, { from, through }: Range): SortedSamples => {
  const start = samples.indexFrom(from);
  const end = samples.indexAfter(through);
  const part = new SortedSamples();
  part.timestamps = samples.timestamps.slice(start, end);
  part.words = samples.words.slice(2 * start, 2 * end);
  part.count = end - start;
  return part;
};

export const withLate = (samples: ReadSamples, lists: readonly SortedSamples[], range: Range): ReadSamples => {
  let merged = samples;
  for (const list of lists) {
    const part = partOf(list, range);
    if (part.count > 0) merged = { ...samples, ...mergedWith(merged, part) };
  }
  return merged;
};

const mergedWith = ({ timestamps, values }: ReadSamples, part: SortedSamples): ReadSamples => {
  const columns = new SampleColumns(0);
  columns.count = timestamps.length;
  columns.timestamps = timestamps;
  columns.values = values;
  columns.words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  const { merged } = mergeColumns(columns, part, 0);
  return { timestamps: merged.timestamps.slice(0, merged.count), values: merged.values.slice(0, merged.count) };
};
