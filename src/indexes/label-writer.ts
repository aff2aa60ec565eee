/**
 * Writes a batch of label operations: the complete new sets of all pairs that change, and of all names that change. The
 * batch is written in parts, so that the event loop is free in between. The last part of the pairs and the names are
 * written at the same time, because one sync need not wait for the other. The last part of each database has the
 * position and the sync. Until then the old position is stored. After a crash everything from the old position on is
 * applied again, with the same result.
 */
import { allOf } from '../async/all-of.ts';
import type { WorkSlices } from '../async/slices.ts';
import type { Position } from '../model/events.ts';
import { encodeLabelName, encodeLabelPairs } from './codable.ts';
import { difference, encodeFingerprintSet, FingerprintSet, union } from './fingerprint-set.ts';
import { positionOperation } from './index-position.ts';
import type { KeyValueOperation, KeyValueStore } from './key-value-store.ts';
import { LabelBatch, type LabelOperation } from './label-batch.ts';
import { isTimeToLook, type LabelPair, type LabelSets } from './label-sets.ts';
import { CACHED_SIZE_MIN } from './posting-cache.ts';
import { differenceInSlices, unionInSlices } from './sets-in-slices.ts';
import type { ValueSet } from './value-set.ts';

/** Operations that are grouped between two looks at the clock. */
const OPERATIONS_PER_LOOK = 256;
/** Sets of so many series are merged with pauses. */
const MERGED_WITH_PAUSES = 1 << 14;
/** What is read and written at once: a few milliseconds of work. */
const PAIRS_PER_PART = 1024;
const CHANGES_PER_PART = 4096;
const NAMES_PER_PART = 256;
/** A value of so many bytes is written by itself. In a batch it would be copied twice, in one turn of the event loop. */
const ALONE_BYTES = 1 << 20;
/**
 * Bytes of the sets that a part should have. They are known only when the sets have been read. So the first part has the
 * pairs of one or two series, and each later one as many pairs as the sets of the part before suggest, but not many times
 * more.
 */
const SET_BYTES_PER_PART = 1 << 20;
const PAIRS_OF_FIRST_PART = 8;
const GROWTH_MAX = 4;

export interface WriteOptions {
  /** The journal position that the indexes reach with this batch. */
  readonly position: Position | undefined;
  readonly sync: boolean;
  readonly slices: WorkSlices;
}

export interface LabelWriterParts {
  readonly names: KeyValueStore;
  readonly pairs: KeyValueStore;
  readonly sets: LabelSets;
}

/** A part of a batch for the database of pairs. */
interface PairsPart {
  readonly operations: KeyValueOperation[];
  /** The sets to be cached when the operations are written. */
  readonly written: readonly (readonly [LabelPair, FingerprintSet])[];
  /** Bytes of all sets of the part. */
  readonly setBytes: number;
}

/** What all parts of a batch share. */
interface Preparation {
  /** By name, of all names in the batch. They are changed in place. */
  readonly valueSets: ReadonlyMap<string, ValueSet>;
  /** Receives the names whose values change. */
  readonly changedNames: Set<string>;
  readonly slices: WorkSlices;
}

export class LabelWriter {
  private readonly parts: LabelWriterParts;

  constructor(parts: LabelWriterParts) {
    this.parts = parts;
  }

  async write(operations: readonly LabelOperation[], options: WriteOptions): Promise<void> {
    const batch = new LabelBatch(operations);
    const { slices } = options;
    for (let start = 0; start < operations.length; start += OPERATIONS_PER_LOOK) {
      if (slices.isOver) await slices.breathe();
      batch.group(start, Math.min(start + OPERATIONS_PER_LOOK, operations.length));
    }
    const valueSets = await this.readValueSets(batch);
    const changedNames = new Set<string>();
    const prepare = (start: number, end: number): Promise<PairsPart> =>
      this.preparePairs(batch, start, end, { valueSets, changedNames, slices });
    let start = 0;
    let end = endOfPart(batch, start, PAIRS_OF_FIRST_PART);
    while (end < batch.groupCount) {
      const part = await prepare(start, end);
      await this.writePairs(part, { position: undefined, sync: false, slices });
      await slices.breathe();
      const pairCount = end - start;
      start = end;
      end = endOfPart(batch, start, pairsOfNextPart(pairCount, part.setBytes));
    }
    const last = await prepare(start, end);
    // Each database has its own position and sync, and what counts is the smaller position.
    await allOf([this.writePairs(last, options), this.writeNames([...changedNames], valueSets, options)]);
  }

  /**
   * Reads the value sets of all names in the batch. They are changed in place, and cached again when they are written.
   */
  private async readValueSets(batch: LabelBatch): Promise<Map<string, ValueSet>> {
    const names = [...new Set(batch.names)];
    const sets = await this.parts.sets.readValueSets(names);
    return new Map(names.map((name, index) => [name, sets[index]]));
  }

  private async preparePairs(
    batch: LabelBatch,
    start: number,
    end: number,
    { valueSets, changedNames, slices }: Preparation,
  ): Promise<PairsPart> {
    const names = batch.names.slice(start, end);
    const values = batch.values.slice(start, end);
    const keys = encodeLabelPairs(names, values);
    const existing = await this.parts.sets.readPostingsByKey(names, values, keys, slices);
    const operations: KeyValueOperation[] = [];
    const written: (readonly [LabelPair, FingerprintSet])[] = [];
    let setBytes = 0;
    for (let i = 0; i < keys.length; i++) {
      const before = existing[i];
      const isLarge = Math.max(before.size, batch.countOf(start + i)) >= MERGED_WITH_PAUSES;
      const next = isLarge ? await nextLargeSet(batch, start + i, before, slices) : nextSet(batch, start + i, before);
      setBytes += next.byteCount;
      if (isTimeToLook(i, next) && slices.isOver) await slices.breathe();
      const valueSet = valueSets.get(names[i])!;
      // Needed even if the pair's set does not change: a crash may have happened between the writes to the two
      // databases.
      if (next.size > 0 ? valueSet.add(values[i]) : valueSet.delete(values[i])) changedNames.add(names[i]);
      if (next === before) continue;
      operations.push(operationOf(keys[i], next));
      if (before.size < CACHED_SIZE_MIN && next.size < CACHED_SIZE_MIN) continue;
      written.push([[names[i], values[i]], next]);
    }
    return { operations, written, setBytes };
  }

  private async writePairs({ operations, written }: PairsPart, options: WriteOptions): Promise<void> {
    await writeAll(this.parts.pairs, operations, options);
    this.parts.sets.settlePostings(written);
  }

  private async writeNames(
    names: readonly string[],
    valueSets: ReadonlyMap<string, ValueSet>,
    { position, sync, slices }: WriteOptions,
  ): Promise<void> {
    for (let start = 0; start < names.length || start === 0; start += NAMES_PER_PART) {
      const part = names.slice(start, start + NAMES_PER_PART);
      const operations = part.map((name) => nameOperationOf(name, valueSets.get(name)!));
      const isLast = start + NAMES_PER_PART >= names.length;
      const options = { position: isLast ? position : undefined, sync: sync && isLast, slices };
      await writeAll(this.parts.names, operations, options);
    }
    this.parts.sets.settleValueSets(names.map((name) => [name, valueSets.get(name)!] as const));
  }
}

/**
 * Writes each large value by itself, then all other operations in one batch with the position. So the position is never
 * stored before a value that it covers.
 */
const writeAll = async (
  store: KeyValueStore,
  operations: readonly KeyValueOperation[],
  { position, sync, slices }: WriteOptions,
): Promise<void> => {
  const large = operations.filter(isLarge);
  const together = large.length === 0 ? [...operations] : operations.filter((operation) => !isLarge(operation));
  if (position !== undefined) together.push(positionOperation(position));
  const alone = large.map((operation) => [operation]);
  const batches = together.length > 0 || alone.length === 0 ? [...alone, together] : alone;
  for (const [index, batch] of batches.entries()) {
    if (batch !== together) await slices.breathe();
    await store.batch(batch, { sync: sync && index + 1 === batches.length });
  }
};

const isLarge = (operation: KeyValueOperation): boolean =>
  operation.type === 'put' && operation.value.byteLength >= ALONE_BYTES;

const endOfPart = (batch: LabelBatch, start: number, pairsMax: number): number => {
  let end = start;
  let changes = 0;
  while (end < batch.groupCount && end - start < pairsMax && changes < CHANGES_PER_PART) {
    changes += batch.countOf(end++);
  }
  return end;
};

/** As many pairs as have {@link SET_BYTES_PER_PART} if their sets are as large as those of the part before. */
const pairsOfNextPart = (pairCount: number, setBytes: number): number => {
  const growth = Math.min(GROWTH_MAX, SET_BYTES_PER_PART / setBytes);
  return Math.max(1, Math.min(PAIRS_PER_PART, Math.floor(pairCount * growth)));
};

const nextSet = (batch: LabelBatch, group: number, existing: FingerprintSet): FingerprintSet => {
  const addition = existing.size === 0 ? batch.onlyAddition(group) : undefined;
  if (addition !== undefined) return FingerprintSet.single(addition.high, addition.low);
  const { added, removed } = batch.changeOf(group);
  return union(difference(existing, removed), added);
};

/** The same for a set that may be too large to be merged without a pause. */
const nextLargeSet = async (
  batch: LabelBatch,
  group: number,
  existing: FingerprintSet,
  slices: WorkSlices,
): Promise<FingerprintSet> => {
  const { added, removed } = await batch.changeInSlices(group, slices);
  return unionInSlices(await differenceInSlices(existing, removed, slices), added, slices);
};

const operationOf = (key: Uint8Array, set: FingerprintSet): KeyValueOperation =>
  set.size > 0 ? { type: 'put', key, value: encodeFingerprintSet(set) } : { type: 'del', key };

const nameOperationOf = (name: string, values: ValueSet): KeyValueOperation => {
  const key = encodeLabelName(name);
  return values.size > 0 ? { type: 'put', key, value: values.encode() } : { type: 'del', key };
};
