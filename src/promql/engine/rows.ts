/**
 * The steps of an evaluation, and the columns over them. A series of a result is a {@link Row}: one value a step, and one
 * bit a step that says whether there is a value. NaN is a value like any other.
 *
 * A row has one owner. Passing it to a sink gives it away; the last owner gives it back to its steps, which use its
 * columns again.
 */
import type { LabelPairs } from '../../model/labels.ts';
import type { Budget } from './limits.ts';

export class Row {
  labels: LabelPairs;
  /** The metric name is still among the labels and goes at the end of the query. */
  dropName: boolean;
  readonly values: Float64Array;
  /** Bit s & 31 of word s >>> 5 belongs to step s. Bits beyond the last step are 0. */
  readonly present: Uint32Array;

  constructor(labels: LabelPairs, dropName: boolean, values: Float64Array, present: Uint32Array) {
    this.labels = labels;
    this.dropName = dropName;
    this.values = values;
    this.present = present;
  }
}

/** Takes a row. A promise means that the next row must wait for it. */
export type RowSink = (row: Row) => void | Promise<void>;

/** Bytes of free columns that are kept for the next rows. */
const FREE_BYTES_MAX = 8 * 1024 * 1024;

export class Steps {
  readonly start: number;
  readonly stepMs: number;
  readonly count: number;
  /** Words of a presence bitmap. */
  readonly words: number;
  private readonly budget: Budget;
  private readonly free: Row[] = [];
  private readonly rowBytes: number;
  private readonly freeMax: number;

  constructor(start: number, stepMs: number, count: number, budget: Budget) {
    this.start = start;
    this.stepMs = stepMs;
    this.count = count;
    this.words = (count + 31) >>> 5;
    this.budget = budget;
    this.rowBytes = 8 * count + 4 * this.words;
    this.freeMax = Math.floor(FREE_BYTES_MAX / this.rowBytes);
  }

  timeAt(step: number): number {
    return this.start + step * this.stepMs;
  }

  /** A row without values. */
  take(labels: LabelPairs, dropName: boolean): Row {
    this.budget.hold(this.count, this.rowBytes);
    const row = this.free.pop();
    if (row === undefined) {
      return new Row(labels, dropName, new Float64Array(this.count), new Uint32Array(this.words));
    }
    row.labels = labels;
    row.dropName = dropName;
    row.present.fill(0);
    return row;
  }

  /** Takes a row back. Nothing may use it after that. */
  release(row: Row): void {
    this.budget.release(this.count, this.rowBytes);
    if (this.free.length < this.freeMax) this.free.push(row);
  }

  /** Columns of numbers that are not rows: accumulators and scalars. They count until the end of the query. */
  column(): Float64Array {
    this.budget.hold(this.count, 8 * this.count);
    return new Float64Array(this.count);
  }

  bitmap(): Uint32Array {
    return new Uint32Array(this.words);
  }

  /** Marks all steps as present. */
  fillPresent(present: Uint32Array): void {
    present.fill(0xffffffff);
    const rest = this.count & 31;
    if (rest !== 0) present[this.words - 1] = 2 ** rest - 1;
  }

  isFull(present: Uint32Array): boolean {
    const whole = this.count >>> 5;
    for (let word = 0; word < whole; word++) if (present[word] !== 0xffffffff) return false;
    const rest = this.count & 31;
    return rest === 0 || present[whole] === 2 ** rest - 1;
  }
}

export const hasBit = (present: Uint32Array, step: number): boolean => (present[step >>> 5] & (1 << (step & 31))) !== 0;

export const setBit = (present: Uint32Array, step: number): void => {
  present[step >>> 5] |= 1 << (step & 31);
};

export const clearBit = (present: Uint32Array, step: number): void => {
  present[step >>> 5] &= ~(1 << (step & 31));
};

export const isEmpty = (present: Uint32Array): boolean => {
  for (let word = 0; word < present.length; word++) if (present[word] !== 0) return false;
  return true;
};

/** Whether a step is in both bitmaps. */
export const overlaps = (a: Uint32Array, b: Uint32Array): boolean => {
  for (let word = 0; word < a.length; word++) if ((a[word] & b[word]) !== 0) return true;
  return false;
};

export const unite = (into: Uint32Array, other: Uint32Array): void => {
  for (let word = 0; word < into.length; word++) into[word] |= other[word];
};

export const countBits = (present: Uint32Array): number => {
  let count = 0;
  for (let word = 0; word < present.length; word++) {
    let bits = present[word];
    bits -= (bits >>> 1) & 0x55555555;
    bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
    count += Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
};
