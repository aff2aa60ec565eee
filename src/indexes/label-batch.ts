/**
 * Label indexing operations grouped by label pair: for each pair the fingerprints to add and to remove. Grouping is the
 * first step of a batch and visits every label of every new series. So the groups are kept in columns: a group is a
 * number, and its entries are a chain through typed arrays.
 */
import type { WorkSlices } from '../async/slices.ts';
import type { LabelPairs } from '../model/labels.ts';
import { FingerprintSet } from './fingerprint-set.ts';
import { setInSlices } from './sets-in-slices.ts';

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
/** Halves of fingerprints, and operations that contradict others, that are taken without a pause: a millisecond. */
const HALVES_AT_ONCE = 1 << 14;
const CONTRADICTING_AT_ONCE = 1 << 11;
const none = new Int32Array(0);

/** High and low halves of fingerprints, alternating. */
interface ChangedHalves {
  readonly added: Int32Array;
  readonly removed: Int32Array;
}

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
    const steps = this.changing(group);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    const { added, removed } = step.value;
    return { added: FingerprintSet.of(added), removed: FingerprintSet.of(removed) };
  }

  /** The same as {@link changeOf}, with pauses for a pair that has very many operations. */
  async changeInSlices(group: number, slices: WorkSlices): Promise<PairChange> {
    const steps = this.changing(group);
    let step = steps.next();
    while (step.done !== true) {
      if (slices.isOver) await slices.breathe();
      step = steps.next();
    }
    const { added, removed } = step.value;
    return { added: await setInSlices(added, slices), removed: await setInSlices(removed, slices) };
  }

  /** The halves of the fingerprints that a group adds and removes. Yields after each part of the work. */
  private *changing(group: number): Generator<void, ChangedHalves> {
    const halves = new Int32Array(2 * this.counts[group]);
    const { type } = this.operations[this.entryOperations[this.newest[group]]];
    let end = 0;
    for (let entry = this.newest[group]; entry !== NONE; entry = this.previousEntries[entry]) {
      const operation = this.operations[this.entryOperations[entry]];
      if (operation.type !== type) return yield* this.lastOfEach(group);
      halves[end++] = operation.high;
      halves[end++] = operation.low;
      if (end % HALVES_AT_ONCE === 0) yield;
    }
    return type === 'index' ? { added: halves, removed: none } : { added: none, removed: halves };
  }

  private *lastOfEach(group: number): Generator<void, ChangedHalves> {
    const seen = new Map<number, Set<number>>();
    const added: number[] = [];
    const removed: number[] = [];
    let visited = 0;
    for (let entry = this.newest[group]; entry !== NONE; entry = this.previousEntries[entry]) {
      if (++visited % CONTRADICTING_AT_ONCE === 0) yield;
      const { type, high, low } = this.operations[this.entryOperations[entry]];
      const lows = seen.get(high);
      if (lows?.has(low) === true) continue;
      if (lows === undefined) seen.set(high, new Set([low]));
      else lows.add(low);
      (type === 'index' ? added : removed).push(high, low);
    }
    return { added: Int32Array.from(added), removed: Int32Array.from(removed) };
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
