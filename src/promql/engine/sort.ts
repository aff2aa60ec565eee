/** sort, sort_desc, sort_by_label, sort_by_label_desc. They order instant queries; the series of a range query are ordered by labels. */
import { compareLabelPairs, labelValue } from '../../model/labels.ts';
import type { Call } from '../syntax/ast.ts';
import type { Execution, VectorOperator } from './execution.ts';
import type { Row, RowSink, Steps } from './rows.ts';
import { sortInSlices } from './sort-in-slices.ts';
import { collect, sendAll } from './vector-operators.ts';

type Order = (a: Row, b: Row) => number;

/** Passes rows on in an order. */
const sortRows = async (
  execution: Execution,
  call: Call,
  input: VectorOperator,
  steps: Steps,
  order: Order,
  sink: RowSink,
): Promise<void> => {
  if (steps.count === 1) {
    const rows = await collect(input);
    await sortInSlices(rows, order, execution.budget);
    return sendAll(rows, sink, execution, steps);
  }
  execution.annotations.warn(
    'sort is ineffective for range queries since results are always ordered by labels',
    call.span,
  );
  await input.run(sink);
};

/** NaN is always last. */
const byValue = (a: Row, b: Row): number => {
  const left = a.values[0];
  const right = b.values[0];
  if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
  return left < right ? -1 : left > right ? 1 : 0;
};

const byValueDescending: Order = (a, b) =>
  Number.isNaN(a.values[0]) || Number.isNaN(b.values[0]) ? byValue(a, b) : byValue(b, a);

export class SortByValue implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly execution: Execution;
  private readonly call: Call;
  private readonly input: VectorOperator;
  private readonly steps: Steps;

  constructor(execution: Execution, call: Call, input: VectorOperator, steps: Steps) {
    this.execution = execution;
    this.call = call;
    this.input = input;
    this.steps = steps;
    this.isDistinct = input.isDistinct;
  }

  run(sink: RowSink): Promise<void> {
    const order = this.call.name === 'sort' ? byValue : byValueDescending;
    return sortRows(this.execution, this.call, this.input, this.steps, order, sink);
  }
}

export class SortByLabels implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly execution: Execution;
  private readonly call: Call;
  private readonly input: VectorOperator;
  private readonly steps: Steps;
  private readonly names: readonly string[];

  constructor(execution: Execution, call: Call, input: VectorOperator, steps: Steps, names: readonly string[]) {
    this.execution = execution;
    this.call = call;
    this.input = input;
    this.steps = steps;
    this.names = names;
    this.isDistinct = input.isDistinct;
  }

  run(sink: RowSink): Promise<void> {
    const sign = this.call.name === 'sort_by_label' ? 1 : -1;
    const order: Order = (a, b) => sign * this.compare(a, b);
    return sortRows(this.execution, this.call, this.input, this.steps, order, sink);
  }

  private compare(a: Row, b: Row): number {
    for (const name of this.names) {
      const order = compareNatural(labelValue(a.labels, name), labelValue(b.labels, name));
      if (order !== 0) return order;
    }
    return compareLabelPairs(a.labels, b.labels);
  }
}

/** Digits are compared as numbers: `node-9` comes before `node-10`. */
export const compareNatural = (a: string, b: string): number => {
  const left = a.match(parts) ?? [];
  const right = b.match(parts) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] === right[i]) continue;
    const areNumbers = digits.test(left[i]) && digits.test(right[i]);
    const difference = areNumbers ? Number(left[i]) - Number(right[i]) : 0;
    if (difference !== 0) return difference;
    if (!areNumbers) return left[i] < right[i] ? -1 : 1;
  }
  return left.length - right.length;
};

const parts = /\d+|\D+/g;
const digits = /^\d/;
