/**
 * The label indexes: label name -> its values, and label pair -> fingerprints, for series in memory and archived ones.
 * docs/formats/indexes.md
 *
 * A batch computes the complete new sets and writes them, with the last of them the journal position that they reach.
 * Applying an operation twice has the same result as once. So after a crash at any point, also between the two databases,
 * the journal is applied from the older position of the two databases on. A clean close removes the position, and the
 * indexes then have exactly the content of the original's.
 */
import { allOf } from '../async/all-of.ts';
import type { WorkSlices } from '../async/slices.ts';
import type { Position } from '../model/events.ts';
import type { LabelPairs } from '../model/labels.ts';
import { TextTable } from '../model/text-table.ts';
import type { BadEntry } from './archive-index.ts';
import { IndexDecoder } from './codable.ts';
import { FingerprintSet } from './fingerprint-set.ts';
import { clearPosition, isPositionKey, readPosition } from './index-position.ts';
import type { KeyValueStore } from './key-value-store.ts';
import type { LabelOperation } from './label-batch.ts';
import { type LabelPair, LabelSets, type ValueCondition } from './label-sets.ts';
import { LabelWriter } from './label-writer.ts';
import { unionAllInSlices } from './sets-in-slices.ts';

const MIB = 1024 * 1024;
const SERIES_PER_REBUILD_BATCH = 1 << 16;
/** Fingerprints to collect before they are merged, so that there are few large merges. */
const MERGED_AT_ONCE = 1 << 20;

export interface LabelIndexOptions {
  /** Maximum bytes of cached fingerprint sets. Default 32 MiB. */
  readonly postingBytes?: number;
  /** Maximum bytes of cached value sets. Default 32 MiB. */
  readonly valueBytes?: number;
  /** Shared label text. */
  readonly texts?: TextTable;
}

/** A label pair with its series. */
export interface LabelPairEntry {
  readonly name: string;
  readonly value: string;
  readonly fingerprints: FingerprintSet;
}

export interface IndexedSeries {
  readonly high: number;
  readonly low: number;
  readonly pairs: LabelPairs;
}

export interface ApplyOptions {
  /** Default true. */
  readonly sync?: boolean;
  /** Default: all of it at once. */
  readonly slices?: WorkSlices;
}

export interface RebuildOptions {
  /** The journal position that the source represents. */
  readonly position?: Position;
  readonly onProgress?: (seriesCount: number) => void;
  /** As for {@link ApplyOptions}. */
  readonly slices?: WorkSlices;
}

export class LabelIndex {
  private readonly nameStore: KeyValueStore;
  private readonly pairStore: KeyValueStore;
  private readonly decoder: IndexDecoder;
  private readonly sets: LabelSets;
  private readonly writer: LabelWriter;

  constructor(names: KeyValueStore, pairs: KeyValueStore, options: LabelIndexOptions = {}) {
    const { postingBytes = 32 * MIB, valueBytes = 32 * MIB, texts = new TextTable() } = options;
    this.nameStore = names;
    this.pairStore = pairs;
    this.decoder = new IndexDecoder(texts);
    this.sets = new LabelSets({ names, pairs, decoder: this.decoder, postingBytes, valueBytes });
    this.writer = new LabelWriter({ names, pairs, sets: this.sets });
  }

  /** The series that have a label pair. */
  async fingerprintsOf(name: string, value: string): Promise<FingerprintSet> {
    const [set] = await this.sets.readPostings([[name, value]]);
    return set;
  }

  /** The series of each label pair. */
  fingerprintsOfPairs(pairs: readonly LabelPair[]): Promise<FingerprintSet[]> {
    return this.sets.readPostings(pairs);
  }

  /** The values of a label, in no particular order. */
  async valuesOf(name: string): Promise<string[]> {
    const [set] = await this.sets.readValueSets([name]);
    return this.decoder.values(set);
  }

  /** The series that have a value of the label which meets the condition. */
  fingerprintsMatching(condition: ValueCondition, slices: WorkSlices): Promise<FingerprintSet> {
    return this.sets.readMatching(condition, slices);
  }

  /** All label names, in no particular order. Reads the whole index of names. */
  async names(): Promise<string[]> {
    const names: string[] = [];
    for await (const page of this.nameStore.entries()) {
      for (const [key] of page) {
        if (!isPositionKey(key)) names.push(this.decoder.labelName(key));
      }
    }
    return names;
  }

  /** All series that have a label. Reads the whole index of pairs. */
  async allFingerprints(slices: WorkSlices): Promise<FingerprintSet> {
    let all = FingerprintSet.empty;
    let sets: FingerprintSet[] = [];
    let count = 0;
    for await (const page of this.scanPairs()) {
      for (const { fingerprints } of page) {
        sets.push(fingerprints);
        count += fingerprints.size;
      }
      if (count < MERGED_AT_ONCE + all.size) continue;
      all = await unionAllInSlices([all, ...sets], slices);
      sets = [];
      count = 0;
    }
    return unionAllInSlices([all, ...sets], slices);
  }

  /** All entries of the label-pair index, in pages. An entry that can't be decoded throws, or is passed to `onBad`. */
  async *scanPairs(onBad?: (entry: BadEntry) => void): AsyncGenerator<readonly LabelPairEntry[]> {
    for await (const page of this.pairStore.entries()) {
      const entries: LabelPairEntry[] = [];
      for (const [key, bytes] of page) {
        if (isPositionKey(key)) continue;
        try {
          const [name, value] = this.decoder.labelPair(key);
          entries.push({ name, value, fingerprints: this.decoder.fingerprintSet(bytes) });
        } catch (error) {
          if (onBad === undefined) throw error;
          onBad({ key, error });
        }
      }
      yield entries;
    }
  }

  /**
   * Adds and removes series. If two operations contradict each other, the later one counts. Unless `sync` is false, the
   * changes and the position are on the disk when it resolves. Calls must not overlap. If a call fails, a part may have
   * been written; calling it again writes the rest.
   */
  async apply(operations: readonly LabelOperation[], position?: Position, options: ApplyOptions = {}): Promise<void> {
    const { sync = true, slices = undivided } = options;
    try {
      await this.writer.write(operations, { position, sync, slices });
    } catch (error) {
      this.sets.forget();
      throw error;
    }
  }

  /** The journal position that both databases have reached; `undefined` after a clean close. */
  async position(): Promise<Position | undefined> {
    const [ofNames, ofPairs] = await allOf([readPosition(this.nameStore), readPosition(this.pairStore)]);
    return ofNames === undefined || ofPairs === undefined ? undefined : Math.min(ofNames, ofPairs);
  }

  /** Removes the position, at a clean close. */
  async clearPosition(): Promise<void> {
    await allOf([clearPosition(this.nameStore), clearPosition(this.pairStore)]);
  }

  /** Replaces all content by the series that the source yields, in pages. */
  async rebuild(source: AsyncIterable<readonly IndexedSeries[]>, options: RebuildOptions = {}): Promise<void> {
    const { position, onProgress, slices = undivided } = options;
    await deleteAll(this.nameStore);
    await deleteAll(this.pairStore);
    this.sets.forget();
    let operations: LabelOperation[] = [];
    let seriesCount = 0;
    for await (const page of source) {
      for (const { high, low, pairs } of page) operations.push({ type: 'index', high, low, pairs });
      if (operations.length < SERIES_PER_REBUILD_BATCH) continue;
      await this.apply(operations, undefined, { sync: false, slices });
      seriesCount += operations.length;
      onProgress?.(seriesCount);
      operations = [];
    }
    await this.apply(operations, position, { slices });
    onProgress?.(seriesCount + operations.length);
  }

  /** Memory of the cached sets in bytes. */
  get cacheBytes(): number {
    return this.sets.byteCount;
  }

  /** Approximate bytes on disk. */
  async approximateSize(): Promise<number> {
    return (await this.nameStore.approximateSize()) + (await this.pairStore.approximateSize());
  }

  async close(): Promise<void> {
    await this.nameStore.close();
    await this.pairStore.close();
  }
}

const undivided: WorkSlices = { isOver: false, breathe: async () => {} };

/** Deletes all entries, also the position: there is none until the rebuild is complete. */
const deleteAll = async (store: KeyValueStore): Promise<void> => {
  for await (const page of store.entries()) {
    await store.batch(
      page.map(([key]) => ({ type: 'del', key })),
      { sync: false },
    );
  }
};
