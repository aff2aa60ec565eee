/**
 * The sets of the label indexes, decoded and cached. Queries read sets while a batch is being written. A set that was
 * read from the disk is cached only if no batch was settled during the read. Otherwise it might be older than the
 * batch, and the next batch would build on it.
 */
import type { WorkSlices } from '../async/slices.ts';
import { encodeLabelName, encodeLabelPair, type IndexDecoder } from './codable.ts';
import { FingerprintSet } from './fingerprint-set.ts';
import type { KeyValueStore } from './key-value-store.ts';
import { MatchedSets } from './matched-sets.ts';
import { CACHED_SIZE_MIN, PostingCache } from './posting-cache.ts';
import { unionAllInSlices } from './sets-in-slices.ts';
import { ValueSet } from './value-set.ts';
import { ValueSetCache } from './value-set-cache.ts';

export type LabelPair = readonly [name: string, value: string];

/** Answers to regular expressions may take this share of the room for fingerprint sets. */
const MATCHED_SHARE = 1 / 4;

/** Sets between two looks at the clock, unless one has so many series. */
const SETS_PER_LOOK = 16;
const LARGE_SET = 4096;

/** Whether it is time to look at the clock, after the work on the set at this place of a list. */
export const isTimeToLook = (index: number, { size }: FingerprintSet): boolean =>
  index % SETS_PER_LOOK === 0 || size >= LARGE_SET;

/** A condition on the values of a label. The first three fields say which; `matches` tests it. */
export interface ValueCondition {
  readonly name: string;
  readonly op: string;
  readonly value: string;
  readonly matches: (value: string) => boolean;
}

export interface LabelSetsParts {
  readonly names: KeyValueStore;
  readonly pairs: KeyValueStore;
  readonly decoder: IndexDecoder;
  /**
   * Maximum bytes of cached fingerprint sets, a quarter more with answers to regular expressions, and of value sets.
   */
  readonly postingBytes: number;
  readonly valueBytes: number;
}

export class LabelSets {
  private readonly parts: LabelSetsParts;
  private readonly postings: PostingCache;
  private readonly valueSets: ValueSetCache;
  private readonly matched: MatchedSets;
  private generation = 0;

  constructor(parts: LabelSetsParts) {
    this.parts = parts;
    this.postings = new PostingCache(parts.postingBytes);
    this.valueSets = new ValueSetCache(parts.valueBytes);
    this.matched = new MatchedSets(parts.postingBytes * MATCHED_SHARE);
  }

  /** Bytes that the cached sets take. */
  get byteCount(): number {
    return this.postings.byteCount + this.valueSets.byteCount + this.matched.byteCount;
  }

  /** Reads the series of each label pair. */
  async readPostings(pairs: readonly LabelPair[]): Promise<FingerprintSet[]> {
    const sets = pairs.map(([name, value]) => this.postings.get(name, value));
    await this.readMissing(
      sets,
      (index) => encodeLabelPair(...pairs[index]),
      (index) => pairs[index],
    );
    return sets as FingerprintSet[];
  }

  /** As {@link readPostings}, for pairs in columns whose keys are encoded already. `slices` divide the decoding. */
  async readPostingsByKey(
    names: readonly string[],
    values: readonly string[],
    keys: readonly Uint8Array[],
    slices: WorkSlices,
  ): Promise<FingerprintSet[]> {
    const sets = names.map((name, index) => this.postings.get(name, values[index]));
    await this.readMissing(
      sets,
      (index) => keys[index],
      (index) => [names[index], values[index]],
      slices,
    );
    return sets as FingerprintSet[];
  }

  /** Reads the values of each label name. The sets are those of the cache, and only a batch may change them. */
  async readValueSets(names: readonly string[]): Promise<ValueSet[]> {
    const { generation } = this;
    const { decoder } = this.parts;
    const sets = names.map((name) => this.valueSets.get(name));
    const missing = indicesOfMissing(sets);
    if (missing.length > 0) {
      const found = await this.parts.names.getMany(missing.map((index) => encodeLabelName(names[index])));
      for (const [i, index] of missing.entries()) {
        const bytes = found[i];
        const set =
          bytes === undefined ? new ValueSet() : this.decoded(this.parts.names, () => decoder.valueSet(bytes));
        sets[index] = set;
        if (generation === this.generation) this.valueSets.set(names[index], set);
      }
    }
    return sets as ValueSet[];
  }

  /** Reads the series that have a value of the label which meets the condition. */
  async readMatching({ name, op, value, matches }: ValueCondition, slices: WorkSlices): Promise<FingerprintSet> {
    const { generation } = this;
    const key = JSON.stringify([name, op, value]);
    const known = this.matched.get(key);
    if (known !== undefined) return known;
    const [values] = await this.readValueSets([name]);
    const passed = this.parts.decoder.valuesThat(values, matches);
    const postings = await this.readPostings(passed.map((text) => [name, text] as const));
    const set = await unionAllInSlices(postings, slices);
    if (generation === this.generation) this.matched.set(key, set);
    return set;
  }

  /** Caches fingerprint sets that were written. Small sets that were small before the write may be left out. */
  settlePostings(written: Iterable<readonly [LabelPair, FingerprintSet]>): void {
    this.startGeneration();
    for (const [[name, value], set] of written) this.postings.set(name, value, set);
  }

  /** Caches value sets that were written. */
  settleValueSets(written: Iterable<readonly [name: string, ValueSet]>): void {
    this.startGeneration();
    for (const [name, set] of written) this.valueSets.set(name, set);
  }

  /** Forgets all cached sets, because they may be ahead of the disk. */
  forget(): void {
    this.startGeneration();
    this.postings.clear();
    this.valueSets.clear();
  }

  /** Sets that are being read now may be older than what was written. */
  private startGeneration(): void {
    this.generation++;
    this.matched.clear();
  }

  private decoded<Decoded>(store: KeyValueStore, decode: () => Decoded): Decoded {
    try {
      return decode();
    } catch (error) {
      store.reportDamage?.(error);
      throw error;
    }
  }

  /** Reads the sets that are `undefined` from the database. */
  private async readMissing(
    sets: (FingerprintSet | undefined)[],
    keyOf: (index: number) => Uint8Array,
    pairOf: (index: number) => LabelPair,
    slices?: WorkSlices,
  ): Promise<void> {
    const { generation } = this;
    const { decoder } = this.parts;
    const missing = indicesOfMissing(sets);
    if (missing.length === 0) return;
    const found = await this.parts.pairs.getMany(missing.map(keyOf));
    for (let i = 0; i < missing.length; i++) {
      const index = missing[i];
      const bytes = found[i];
      const set =
        bytes === undefined
          ? FingerprintSet.empty
          : this.decoded(this.parts.pairs, () => decoder.fingerprintSet(bytes));
      sets[index] = set;
      if (set.size >= CACHED_SIZE_MIN && generation === this.generation) this.postings.set(...pairOf(index), set);
      if (slices !== undefined && isTimeToLook(i, set) && slices.isOver) await slices.breathe();
    }
  }
}

const indicesOfMissing = (sets: readonly unknown[]): number[] => {
  const missing: number[] = [];
  for (let i = 0; i < sets.length; i++) if (sets[i] === undefined) missing.push(i);
  return missing;
};
