/** topk, bottomk, limitk, limit_ratio: aggregations that keep some of the series, with their labels. */
import { type LabelPairs, pairsHash } from '../../model/labels.ts';
import type { Aggregation } from '../syntax/ast.ts';
import type { Execution, ScalarOperator, VectorOperator } from './execution.ts';
import { formatG } from './go-text.ts';
import { Grouping } from './grouping.ts';
import { failed } from './limits.ts';
import { clearBit, hasBit, isEmpty, type Row, type RowSink, type Steps, setBit } from './rows.ts';
import { sendAll } from './vector-operators.ts';

/** The greatest double that fits into 64 bits with a sign. */
const INT64_MAX = 2 ** 63 - 1024;
const INT64_MIN = -(2 ** 63);

/** Throws for numbers that are no counts. */
const checkCounts = (counts: Float64Array): void => {
  if (counts.some(Number.isNaN)) throw failed('Parameter value is NaN');
  for (const count of counts) {
    if (count > INT64_MAX) throw failed(`Scalar value ${formatG(count)} overflows int64`);
    if (count < INT64_MIN) throw failed(`Scalar value ${formatG(count)} underflows int64`);
  }
};

/** A series that may be chosen at some step. */
interface Candidate {
  readonly labels: LabelPairs;
  readonly dropName: boolean;
  /** Where it was chosen; `undefined` if nowhere. */
  chosen: Row | undefined;
}

/**
 * The best values of one group: for each step a heap with the worst of them at its root. Columns are laid out step by
 * step and grow with the number of series, up to the greatest count that is asked for.
 */
class Heaps {
  values: Float64Array;
  candidates: Int32Array;
  readonly sizes: Int32Array;
  /** Of the series of this group. */
  series = 0;
  private capacity: number;
  private readonly execution: Execution;
  private readonly stepCount: number;
  private readonly sign: 1 | -1;

  constructor(execution: Execution, stepCount: number, sign: 1 | -1) {
    this.execution = execution;
    this.stepCount = stepCount;
    this.sign = sign;
    this.capacity = 0;
    this.values = new Float64Array(0);
    this.candidates = new Int32Array(0);
    this.sizes = new Int32Array(stepCount);
  }

  /** Makes room for `needed` elements a step. */
  grow(needed: number): void {
    if (needed <= this.capacity) return;
    const capacity = Math.max(needed, 2 * this.capacity);
    this.execution.budget.hold(capacity * this.stepCount, 12 * capacity * this.stepCount);
    const values = new Float64Array(capacity * this.stepCount);
    const candidates = new Int32Array(capacity * this.stepCount);
    for (let step = 0; step < this.stepCount; step++) {
      const from = step * this.capacity;
      values.set(this.values.subarray(from, from + this.sizes[step]), step * capacity);
      candidates.set(this.candidates.subarray(from, from + this.sizes[step]), step * capacity);
    }
    this.execution.budget.release(this.values.length, 12 * this.values.length);
    this.values = values;
    this.candidates = candidates;
    this.capacity = capacity;
  }

  offer(step: number, value: number, candidate: number, countMax: number): void {
    const base = step * this.capacity;
    const size = this.sizes[step];
    if (size < countMax) {
      this.values[base + size] = value;
      this.candidates[base + size] = candidate;
      this.sizes[step] = size + 1;
      this.rise(base, size);
      return;
    }
    const worst = this.values[base];
    if (!(worst * this.sign < value * this.sign || (Number.isNaN(worst) && !Number.isNaN(value)))) return;
    this.values[base] = value;
    this.candidates[base] = candidate;
    this.sink(base, size);
  }

  /** Takes the worst element of a step out of its heap. Returns its candidate; the value is then behind the heap's end. */
  removeWorst(step: number): number {
    const base = step * this.capacity;
    const size = --this.sizes[step];
    this.swap(base, base + size);
    this.sink(base, size);
    return this.candidates[base + size];
  }

  valueBehind(step: number): number {
    return this.values[step * this.capacity + this.sizes[step]];
  }

  /** NaN is worse than all numbers. */
  private isWorse(a: number, b: number): boolean {
    return Number.isNaN(this.values[a]) || this.values[a] * this.sign < this.values[b] * this.sign;
  }

  private rise(base: number, index: number): void {
    let child = index;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.isWorse(base + child, base + parent)) return;
      this.swap(base + child, base + parent);
      child = parent;
    }
  }

  private sink(base: number, size: number): void {
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= size) return;
      if (child + 1 < size && this.isWorse(base + child + 1, base + child)) child++;
      if (!this.isWorse(base + child, base + parent)) return;
      this.swap(base + child, base + parent);
      parent = child;
    }
  }

  private swap(a: number, b: number): void {
    const value = this.values[a];
    const candidate = this.candidates[a];
    this.values[a] = this.values[b];
    this.candidates[a] = this.candidates[b];
    this.values[b] = value;
    this.candidates[b] = candidate;
  }
}

/** `topk(3, x)` and `bottomk(3, x)`. The rows of an instant query are ordered: the best first. */
export class TopAggregation implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly execution: Execution;
  private readonly node: Aggregation;
  private readonly parameter: ScalarOperator;
  private readonly input: VectorOperator;
  private readonly steps: Steps;

  constructor(execution: Execution, node: Aggregation, parameter: ScalarOperator, input: VectorOperator, steps: Steps) {
    this.execution = execution;
    this.node = node;
    this.parameter = parameter;
    this.input = input;
    this.steps = steps;
    this.isDistinct = input.isDistinct;
  }

  async run(sink: RowSink): Promise<void> {
    const { execution, steps } = this;
    const counts = (await this.parameter.run()).map(Math.trunc);
    checkCounts(counts);
    const countMax = counts.reduce((max, count) => Math.max(max, count), 0);
    const grouping = new Grouping(this.node.grouping, this.node.without);
    const groups: Heaps[] = [];
    const candidates: Candidate[] = [];
    const sign = this.node.operator === 'topk' ? 1 : -1;
    await this.input.run((row) => {
      const number = grouping.numberOf(row);
      if (number === groups.length) groups.push(new Heaps(execution, steps.count, sign));
      const heaps = groups[number];
      heaps.series++;
      heaps.grow(Math.min(countMax, heaps.series));
      const candidate = candidates.push({ labels: row.labels, dropName: row.dropName, chosen: undefined }) - 1;
      for (let step = 0; step < steps.count; step++) {
        if (counts[step] >= 1 && hasBit(row.present, step)) {
          heaps.offer(step, row.values[step], candidate, counts[step]);
        }
      }
      execution.budget.count(4 * steps.count);
      steps.release(row);
    });
    for (const heaps of groups) await sendAll(this.choose(heaps, candidates), sink, execution, steps);
  }

  /** The rows of a group, the best of the last step first. */
  private choose(heaps: Heaps, candidates: readonly Candidate[]): Row[] {
    const rows: Row[] = [];
    for (let step = 0; step < this.steps.count; step++) {
      while (heaps.sizes[step] > 0) {
        const candidate = candidates[heaps.removeWorst(step)];
        if (candidate.chosen === undefined) {
          candidate.chosen = this.steps.take(candidate.labels, candidate.dropName);
          rows.push(candidate.chosen);
        }
        candidate.chosen.values[step] = heaps.valueBehind(step);
        setBit(candidate.chosen.present, step);
      }
    }
    return rows.reverse();
  }
}

/** `limitk(3, x)`: the first series of each group. */
export class LimitAggregation implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly node: Aggregation;
  private readonly parameter: ScalarOperator;
  private readonly input: VectorOperator;
  private readonly steps: Steps;

  constructor(node: Aggregation, parameter: ScalarOperator, input: VectorOperator, steps: Steps) {
    this.node = node;
    this.parameter = parameter;
    this.input = input;
    this.steps = steps;
    this.isDistinct = input.isDistinct;
  }

  async run(sink: RowSink): Promise<void> {
    const { steps } = this;
    const counts = (await this.parameter.run()).map(Math.trunc);
    checkCounts(counts);
    const grouping = new Grouping(this.node.grouping, this.node.without);
    /** How many series of each group were taken at each step. */
    const taken: Float64Array[] = [];
    await this.input.run((row) => {
      const number = grouping.numberOf(row);
      if (number === taken.length) taken.push(steps.column());
      const counted = taken[number];
      for (let step = 0; step < steps.count; step++) {
        if (!hasBit(row.present, step)) continue;
        if (counted[step] < counts[step]) counted[step]++;
        else clearBit(row.present, step);
      }
      return isEmpty(row.present) ? steps.release(row) : sink(row);
    });
  }
}

/**
 * `limit_ratio(0.1, x)`: a part of the series, chosen by a hash of their labels. `limit_ratio(-0.9, x)` chooses the
 * others. Prometheus has another hash, so it chooses other series.
 */
export class RatioAggregation implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly execution: Execution;
  private readonly node: Aggregation;
  private readonly parameter: ScalarOperator;
  private readonly input: VectorOperator;
  private readonly steps: Steps;

  constructor(execution: Execution, node: Aggregation, parameter: ScalarOperator, input: VectorOperator, steps: Steps) {
    this.execution = execution;
    this.node = node;
    this.parameter = parameter;
    this.input = input;
    this.steps = steps;
    this.isDistinct = input.isDistinct;
  }

  async run(sink: RowSink): Promise<void> {
    const { steps } = this;
    const ratios = (await this.parameter.run()).map((ratio) => this.capped(ratio));
    await this.input.run((row) => {
      const place = (pairsHash(row.labels) >>> 0) / 2 ** 32;
      for (let step = 0; step < steps.count; step++) {
        const ratio = ratios[step];
        if (!(ratio >= 0 ? place < ratio : place >= 1 + ratio)) clearBit(row.present, step);
      }
      return isEmpty(row.present) ? steps.release(row) : sink(row);
    });
  }

  private capped(ratio: number): number {
    if (Number.isNaN(ratio)) throw failed('Ratio value is NaN');
    const capped = Math.max(-1, Math.min(1, ratio));
    if (capped !== ratio) {
      this.execution.annotations.warn(
        `ratio value should be between -1 and 1, got ${formatG(ratio)}, capping to ${formatG(capped)}`,
        this.node.parameter?.span ?? this.node.span,
      );
    }
    return capped;
  }
}
