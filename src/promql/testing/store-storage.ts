/** A real store as the storage of a test file: what is loaded goes through its chunks and files. */
import { type LabelPairs, type Labels, toLabelPairs, toLabels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { SeriesSource, SourceRequest, SourceSeries } from '../source.ts';
import { memoryStorage } from './memory-source.ts';
import type { LoadedSeries, TestStorage } from './storage.ts';

/** What a test needs of a store. */
export interface TestStore {
  series(labels: Labels): { appendBits(timestamp: number, high: number, low: number): void };
  select(
    matchers: readonly Matcher[],
    options: { readonly from: number; readonly through: number; readonly signal: AbortSignal | undefined },
  ): AsyncIterable<{ readonly labels: Labels } & Omit<SourceSeries, 'labels'>>;
  maintain(): Promise<void>;
  close(): Promise<void>;
}

/** Selects all series with all their samples. */
const ALL: SourceRequest = {
  matchers: [],
  from: Number.NEGATIVE_INFINITY,
  through: Number.POSITIVE_INFINITY,
  signal: undefined,
};

/** Visits of each series after a load. They close its head, write it to the file, and archive the series. */
const VISITS = 3;

export interface StoreStorage extends TestStorage {
  /** Closes the store that is open. */
  close(): Promise<void>;
}

/** `open` opens an empty store. It is called for each `clear`. */
export const storeStorage = (open: () => Promise<TestStore>): StoreStorage => {
  let store: TestStore | undefined;
  const close = async (): Promise<void> => {
    await store?.close();
    store = undefined;
  };
  const current = async (): Promise<TestStore> => {
    store ??= await open();
    return store;
  };
  const everything = memoryStorage();
  const newest = new Map<string, number>();
  /** Whether all samples are newer than those of the same series that were loaded before. Notes the newest ones. */
  const isNew = (one: LoadedSeries): boolean => {
    const last = newest.get(keyOf(one)) ?? Number.NEGATIVE_INFINITY;
    newest.set(keyOf(one), Math.max(last, one.timestamps[one.timestamps.length - 1]));
    return one.timestamps[0] > last;
  };
  const fill = async (series: readonly LoadedSeries[]): Promise<void> => {
    const target = await current();
    for (const one of series) appendTo(target, one);
    for (let visit = 0; visit < VISITS; visit++) await target.maintain();
  };
  return {
    close,
    clear: async () => {
      await close();
      await everything.clear();
      newest.clear();
    },
    append: async (series) => {
      await everything.append(series);
      if (series.map(isNew).every((each) => each)) await fill(series);
      else {
        // A store keeps the first value of a time, a test file expects the last: a new store gets only the last ones.
        await close();
        for await (const batch of everything.source.select(ALL)) await fill(batch);
      }
    },
    source: sourceOf(current),
  };
};

const keyOf = ({ labels }: LoadedSeries): string => JSON.stringify(labels);

const appendTo = (store: TestStore, { labels, timestamps, values }: LoadedSeries): void => {
  const series = store.series(toLabels(labels));
  const bits = new DataView(values.buffer, values.byteOffset, values.byteLength);
  for (let i = 0; i < timestamps.length; i++) {
    series.appendBits(timestamps[i], bits.getUint32(8 * i + 4, true), bits.getUint32(8 * i, true));
  }
};

const sourceOf = (current: () => Promise<TestStore>): SeriesSource => ({
  async *select({ matchers, from, through, signal }: SourceRequest): AsyncGenerator<readonly SourceSeries[]> {
    const store = await current();
    for await (const { labels, timestamps, values, problems } of store.select(matchers, { from, through, signal })) {
      const pairs: LabelPairs = toLabelPairs(labels);
      yield [{ labels: pairs, timestamps, values, ...(problems === undefined ? {} : { problems }) }];
    }
  },
});
