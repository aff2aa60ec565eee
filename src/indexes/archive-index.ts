/**
 * The archive: fingerprint -> metric and fingerprint -> time range, for series that are on disk only. The labels of
 * these series are stored only here. docs/formats/indexes.md
 *
 * Changes are collected in an {@link ArchiveBatch} and written with one LevelDB batch for each index, metrics first as
 * in the original. A crash between the two can leave a metric without times, which recovery completes, or times without
 * a metric, which recovery deletes.
 */
import { TidemarkError } from '../model/errors.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import type { LabelPairs } from '../model/labels.ts';
import { TextTable } from '../model/text-table.ts';
import type { ArchiveDirectory } from './archive-directory.ts';
import {
  decodeFingerprint,
  encodeFingerprint,
  encodeMetric,
  encodeTimeRange,
  IndexDecoder,
  type TimeRange,
} from './codable.ts';
import type { KeyRange, KeyValueOperation, KeyValueStore } from './key-value-store.ts';

export interface ArchivedMetric {
  readonly high: number;
  readonly low: number;
  readonly pairs: LabelPairs;
}

export interface ArchivedTimeRange extends TimeRange {
  readonly high: number;
  readonly low: number;
}

/** An entry that can't be decoded. */
export interface BadEntry {
  readonly key: Uint8Array;
  readonly error: unknown;
}

/** One page of a scan. */
export interface Page<T> {
  readonly entries: readonly T[];
  readonly bad: readonly BadEntry[];
}

/** Operations in one LevelDB batch. Building one takes about 10 ms of the main thread. */
const OPERATIONS_PER_WRITE = 8192;

/** Changes of the archive, in the order of the calls. */
export class ArchiveBatch {
  readonly metrics: KeyValueOperation[] = [];
  readonly timeRanges: KeyValueOperation[] = [];

  archive(high: number, low: number, pairs: LabelPairs, { firstTime, lastTime }: TimeRange): void {
    const key = encodeFingerprint(high, low);
    this.metrics.push({ type: 'put', key, value: encodeMetric(pairs) });
    this.timeRanges.push({ type: 'put', key, value: encodeTimeRange(firstTime, lastTime) });
  }

  /** Puts only the labels, for an archive whose time ranges are complete. */
  putMetric(high: number, low: number, pairs: LabelPairs): void {
    this.metrics.push({ type: 'put', key: encodeFingerprint(high, low), value: encodeMetric(pairs) });
  }

  updateTimeRange(high: number, low: number, { firstTime, lastTime }: TimeRange): void {
    this.timeRanges.push({
      type: 'put',
      key: encodeFingerprint(high, low),
      value: encodeTimeRange(firstTime, lastTime),
    });
  }

  /** Removes a series that is woken or purged. */
  remove(high: number, low: number): void {
    const key = encodeFingerprint(high, low);
    this.metrics.push({ type: 'del', key });
    this.timeRanges.push({ type: 'del', key });
  }
}

export class ArchiveIndex {
  private readonly metrics: KeyValueStore;
  private readonly timeRanges: KeyValueStore;
  private readonly decoder: IndexDecoder;

  constructor(metrics: KeyValueStore, timeRanges: KeyValueStore, texts: TextTable = new TextTable()) {
    this.metrics = metrics;
    this.timeRanges = timeRanges;
    this.decoder = new IndexDecoder(texts);
  }

  /**
   * The labels of an archived series, or `undefined`. Blocks for one read, because `append` needs the answer at once.
   */
  labelsOf(high: number, low: number): LabelPairs | undefined {
    const value = this.metrics.getBlocking(encodeFingerprint(high, low));
    return value === undefined ? undefined : this.decode(value);
  }

  /**
   * The labels of many series; `undefined` for those that are not archived. `halves`: high and low halves, alternating.
   */
  async labelsOfMany(halves: ArrayLike<number>): Promise<(LabelPairs | undefined)[]> {
    const keys: Uint8Array[] = [];
    for (let i = 0; i < halves.length; i += 2) keys.push(encodeFingerprint(halves[i], halves[i + 1]));
    const values = await this.metrics.getMany(keys);
    return values.map((value) => (value === undefined ? undefined : this.decode(value)));
  }

  /** Reports and returns the error for an archived series whose labels are missing here, although they were written. */
  lacks(high: number, low: number): TidemarkError {
    const error = new TidemarkError(
      'TIDEMARK_CORRUPT_INDEX',
      `the archive index lacks the labels of series ${fingerprintText(high, low)}`,
    );
    this.metrics.reportDamage?.(error);
    return error;
  }

  private decode(metric: Uint8Array): LabelPairs {
    try {
      return this.decoder.metric(metric);
    } catch (error) {
      this.metrics.reportDamage?.(error);
      throw error;
    }
  }

  /** Writes changes. With `sync` they are on the disk when it resolves. */
  async apply(batch: ArchiveBatch, options: { readonly sync: boolean }): Promise<void> {
    await writeInParts(this.metrics, batch.metrics, options.sync);
    await writeInParts(this.timeRanges, batch.timeRanges, options.sync);
  }

  /** All metrics, in pages, in the order of fingerprints; only those in `range` if it is given. */
  async *scanMetrics(range: KeyRange = {}): AsyncGenerator<Page<ArchivedMetric>> {
    yield* scan(this.metrics, range, (high, low, value) => ({ high, low, pairs: this.decoder.metric(value) }));
  }

  /** All time ranges, in pages, in the order of fingerprints. */
  async *scanTimeRanges(): AsyncGenerator<Page<ArchivedTimeRange>> {
    yield* scan(this.timeRanges, {}, (high, low, value) => ({ high, low, ...this.decoder.timeRange(value) }));
  }

  /**
   * The archived series with mapped fingerprints, so that the mapping table can be completed from them. These are the
   * fingerprints 0 to 2^20, a few entries at the beginning.
   */
  scanMapped(): AsyncGenerator<Page<ArchivedMetric>> {
    return this.scanMetrics({ lt: encodeFingerprint(0, (1 << 20) + 1) });
  }

  /** Fills the directory from the time ranges; returns the entries that could not be decoded. */
  async loadDirectory(directory: ArchiveDirectory, onProgress: (done: number) => void = () => {}): Promise<BadEntry[]> {
    const bad: BadEntry[] = [];
    for await (const page of this.scanTimeRanges()) {
      for (const { high, low, firstTime, lastTime } of page.entries) directory.add(high, low, firstTime, lastTime);
      bad.push(...page.bad);
      onProgress(directory.size);
    }
    return bad;
  }

  /** Deletes entries by key. Recovery uses it for bad ones. */
  async deleteKeys(keys: readonly Uint8Array[]): Promise<void> {
    const operations = keys.map((key) => ({ type: 'del', key }) as const);
    await writeInParts(this.metrics, operations, true);
    await writeInParts(this.timeRanges, operations, true);
  }

  /** Approximate bytes on disk. */
  async approximateSize(): Promise<number> {
    return (await this.metrics.approximateSize()) + (await this.timeRanges.approximateSize());
  }

  async close(): Promise<void> {
    await this.metrics.close();
    await this.timeRanges.close();
  }
}

const writeInParts = async (
  store: KeyValueStore,
  operations: readonly KeyValueOperation[],
  sync: boolean,
): Promise<void> => {
  for (let start = 0; start < operations.length; start += OPERATIONS_PER_WRITE) {
    const end = start + OPERATIONS_PER_WRITE;
    // A sync makes everything written before durable too, so only the last part needs it.
    await store.batch(operations.slice(start, end), { sync: sync && end >= operations.length });
  }
};

async function* scan<T>(
  store: KeyValueStore,
  range: KeyRange,
  decode: (high: number, low: number, value: Uint8Array) => T,
): AsyncGenerator<Page<T>> {
  const fingerprint = new Int32Array(2);
  for await (const page of store.entries(range)) {
    const entries: T[] = [];
    const bad: BadEntry[] = [];
    for (const [key, value] of page) {
      try {
        decodeFingerprint(key, fingerprint);
        entries.push(decode(fingerprint[0], fingerprint[1], value));
      } catch (error) {
        bad.push({ key, error });
      }
    }
    yield { entries, bad };
  }
}
