/** Series in memory: the plainest source, and the storage of a test file without a store. */
import { compareLabelPairs } from '../../model/labels.ts';
import { compileMatcher, matchesPairs } from '../../model/matcher.ts';
import { firstAtOrAfter } from '../../model/search-times.ts';
import type { SeriesSource, SourceRequest, SourceSeries } from '../source.ts';
import type { LoadedSeries, TestStorage } from './storage.ts';

/** Series in a batch; small, so that tests with a few series already see several batches. */
const BATCH_LENGTH = 16;

/** A source of these series, which must not have equal labels. */
export const memorySource = (series: readonly SourceSeries[]): SeriesSource => {
  const sorted = series.toSorted((a, b) => compareLabelPairs(a.labels, b.labels));
  return { select: (request) => selectFrom(sorted, request) };
};

/** The storage of a test file in memory. */
export const memoryStorage = (): TestStorage => {
  const series = new Map<string, LoadedSeries>();
  return {
    clear: async () => series.clear(),
    append: async (added) => {
      for (const one of added) {
        const key = JSON.stringify(one.labels);
        series.set(key, merged(series.get(key), one));
      }
    },
    get source() {
      return memorySource([...series.values()]);
    },
  };
};

async function* selectFrom(
  sorted: readonly SourceSeries[],
  { matchers, from, through, signal }: SourceRequest,
): AsyncGenerator<readonly SourceSeries[]> {
  const compiled = matchers.map(compileMatcher);
  let batch: SourceSeries[] = [];
  for (const series of sorted) {
    signal?.throwIfAborted();
    if (!matchesPairs(compiled, series.labels)) continue;
    const { timestamps, values } = series;
    const start = firstAtOrAfter(timestamps, from, 0, timestamps.length);
    const end = firstAtOrAfter(timestamps, through + 1, start, timestamps.length);
    if (start === end && series.problems === undefined) continue;
    batch.push({
      ...series,
      timestamps: timestamps.subarray(start, end),
      values: values.subarray(start, end),
    });
    if (batch.length < BATCH_LENGTH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

const merged = (old: LoadedSeries | undefined, added: LoadedSeries): LoadedSeries => {
  if (old === undefined || old.timestamps.length === 0) return added;
  const times = [...new Set([...old.timestamps, ...added.timestamps])].sort((a, b) => a - b);
  const timestamps = Float64Array.from(times);
  return { labels: old.labels, timestamps, values: mergedValues(timestamps, old, added) };
};

/** The value at each time, that of `added` if both have one. Values are copied as bits. */
const mergedValues = (timestamps: Float64Array, old: LoadedSeries, added: LoadedSeries): Float64Array => {
  const bits = new BigUint64Array(timestamps.length);
  for (const { timestamps: times, values } of [old, added]) {
    const source = new BigUint64Array(values.slice().buffer);
    for (let i = 0; i < times.length; i++) bits[firstAtOrAfter(timestamps, times[i], 0, timestamps.length)] = source[i];
  }
  return new Float64Array(bits.buffer);
};
