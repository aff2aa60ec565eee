/**
 * Label indexing operations grouped by label pair: for each pair the fingerprints to add and to remove. Grouping is the
 * first step of a batch and visits every label of every new series. So the groups are kept in columns: a group is a
 * number, and its entries are a chain through typed arrays.
 */
import type { WorkSlices } from '../async/slices.ts';
import type { LabelPairs } from '../model/labels.ts';
import { FingerprintSet, unionAllInSlices } from './fingerprint-set.ts';

/** A series whose labels are to be indexed or un-indexed. */
export interface LabelOperation {
  readonly type: 'index' | 'unindex';
  readonly high: number;
  readonly low: number;
  readonly pairs: LabelPairs;
}

/** What a batch changes for one label pair. Both may be empty. */
export interface PairChange {
  readonly added: FingerprintSet;
  readonly removed: FingerprintSet;
}

const NONE = -1;
/** Operations of a pair that are taken without a pause: about a millisecond. */
const ENTRIES_AT_ONCE = 8192;

export class LabelBatch {
  /** The label pair of each group. */
  readonly names: string[] = [];
  readonly values: string[] = [];
  private readonly operations: readonly LabelOperation[];
  /** Groups by name, then value. */
  private readonly groups = new Map<string, Map<string, number>>();
  /** The newest entry of each group, and the number of its entries. */
  private readonly newest: number[] = [];
  private readonly counts: number[] = [];
  /** The operation of each entry, and the entry before it in its group. */
  private readonly entryOperations: Int32Array;
  private readonly previousEntries: Int32Array;
  private entryCount = 0;

  constructor(operations: readonly LabelOperation[]) {
    let entryCount = 0;
    for (const { pairs } of operations) entryCount += pairs.length >> 1;
    this.operations = operations;
    this.entryOperations = new Int32Array(entryCount);
    this.previousEntries = new Int32Array(entryCount);
  }

  /**
   * Groups a range of the operations. Before any other method is called, all operations must have been grouped, in
   * order.
   */
  group(start: number, end: number): void {
    for (let i = start; i < end; i++) {
      const { pairs } = this.operations[i];
      for (let p = 0; p < pairs.length; p += 2) {
        const group = this.groupOf(pairs[p], pairs[p + 1]);
        const entry = this.entryCount++;
        this.entryOperations[entry] = i;
        this.previousEntries[entry] = this.newest[group];
        this.newest[group] = entry;
        this.counts[group]++;
      }
    }
  }

  /** Number of label pairs that the batch changes. */
  get groupCount(): number {
    return this.names.length;
  }

  /** Number of operations for a pair. */
  countOf(group: number): number {
    return this.counts[group];
  }

  /**
   * The series to add, if that is the only change for a pair, as with labels that are unique to a series; otherwise
   * `undefined`.
   */
  onlyAddition(group: number): LabelOperation | undefined {
    const entry = this.newest[group];
    if (this.previousEntries[entry] !== NONE) return undefined;
    const operation = this.operations[this.entryOperations[entry]];
    return operation.type === 'index' ? operation : undefined;
  }

  /** The change for a pair. If operations contradict each other, the last one counts. */
  changeOf(group: number): PairChange {
    const halves = new Int32Array(2 * this.counts[group]);
    const { type } = this.operations[this.entryOperations[this.newest[group]]];
    let end = 0;
    for (let entry = this.newest[group]; entry !== NONE; entry = this.previousEntries[entry]) {
      const operation = this.operations[this.entryOperations[entry]];
      if (operation.type !== type) return this.lastOfEach(group);
      halves[end++] = operation.high;
      halves[end++] = operation.low;
    }
    return changeFrom(type, FingerprintSet.of(halves));
  }

  /** The same as {@link changeOf}, with pauses for a pair that has very many operations. */
  async changeInSlices(group: number, slices: WorkSlices): Promise<PairChange> {
    const { type } = this.operations[this.entryOperations[this.newest[group]]];
    const halves = new Int32Array(2 * Math.min(this.counts[group], ENTRIES_AT_ONCE));
    const parts: FingerprintSet[] = [];
    let end = 0;
    for (let entry = this.newest[group]; entry !== NONE; entry = this.previousEntries[entry]) {
      const operation = this.operations[this.entryOperations[entry]];
      if (operation.type !== type) return this.lastOfEach(group);
      halves[end++] = operation.high;
      halves[end++] = operation.low;
      if (end < halves.length) continue;
      parts.push(FingerprintSet.of(halves));
      end = 0;
      if (slices.isOver) await slices.breathe();
    }
    parts.push(FingerprintSet.of(halves.subarray(0, end)));
    return changeFrom(type, await unionAllInSlices(parts, slices));
  }

  private lastOfEach(group: number): PairChange {
    const seen = new Map<number, Set<number>>();
    const added: number[] = [];
    const removed: number[] = [];
    for (let entry = this.newest[group]; entry !== NONE; entry = this.previousEntries[entry]) {
      const { type, high, low } = this.operations[this.entryOperations[entry]];
      const lows = seen.get(high);
      if (lows?.has(low) === true) continue;
      if (lows === undefined) seen.set(high, new Set([low]));
      else lows.add(low);
      (type === 'index' ? added : removed).push(high, low);
    }
    return { added: FingerprintSet.of(added), removed: FingerprintSet.of(removed) };
  }

  private groupOf(name: string, value: string): number {
    let groupsOfName = this.groups.get(name);
    if (groupsOfName === undefined) {
      groupsOfName = new Map();
      this.groups.set(name, groupsOfName);
    }
    const known = groupsOfName.get(value);
    if (known !== undefined) return known;
    const group = this.names.length;
    groupsOfName.set(value, group);
    this.names.push(name);
    this.values.push(value);
    this.newest.push(NONE);
    this.counts.push(0);
    return group;
  }
}

const changeFrom = (type: LabelOperation['type'], changed: FingerprintSet): PairChange =>
  type === 'index'
    ? { added: changed, removed: FingerprintSet.empty }
    : { added: FingerprintSet.empty, removed: changed };
