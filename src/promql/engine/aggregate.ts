/**
 * Aggregations that fold each series into its group as soon as it is there, and those that need all values of a group:
 * quantile and count_values.
 */
import { METRIC_NAME } from '../../model/labels.ts';
import { quoteLikeGo } from '../../model/quote-like-go.ts';
import type { Aggregation } from '../syntax/ast.ts';
import { printNumber } from '../syntax/numbers.ts';
import { type Accumulation, Accumulator } from './accumulators.ts';
import type { Execution, ScalarOperator, VectorOperator } from './execution.ts';
import { Grouping } from './grouping.ts';
import { isLabelName, withLabel } from './labels-of-results.ts';
import { failed } from './limits.ts';
import { quantileOf } from './quantile.ts';
import { hasBit, type Row, type RowSink, type Steps, setBit } from './rows.ts';
import { MergedRows, sendAll } from './vector-operators.ts';

/** Groups differ without the metric name unless it is one of the labels that are kept. */
export const isDistinctGrouping = ({ grouping, without }: Aggregation): boolean =>
  without || !grouping.includes(METRIC_NAME);

export class FoldAggregation implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly execution: Execution;
  private readonly node: Aggregation;
  private readonly accumulation: Accumulation;
  private readonly input: VectorOperator;
  private readonly steps: Steps;

  constructor(
    execution: Execution,
    node: Aggregation,
    accumulation: Accumulation,
    input: VectorOperator,
    steps: Steps,
  ) {
    this.execution = execution;
    this.node = node;
    this.accumulation = accumulation;
    this.input = input;
    this.steps = steps;
    this.isDistinct = isDistinctGrouping(node);
  }

  async run(sink: RowSink): Promise<void> {
    const { execution, steps } = this;
    const { add, finish, columns } = this.accumulation;
    const grouping = new Grouping(this.node.grouping, this.node.without);
    const groups: Accumulator[] = [];
    await this.input.run((row) => {
      const number = grouping.numberOf(row);
      if (number === groups.length) groups.push(new Accumulator(steps, columns));
      add(groups[number], row);
      execution.budget.count(steps.count);
      steps.release(row);
    });
    for (const [number, group] of groups.entries()) {
      const row = steps.take(grouping.labelsOf(number), grouping.dropsName(number));
      finish(group, row.values);
      row.present.set(group.present);
      const waiting = sink(row);
      if (waiting !== undefined) await waiting;
      if (execution.budget.spend(steps.count)) await execution.budget.breathe();
    }
  }
}

/** The rows of each group, all held. */
const rowsOfGroups = async (input: VectorOperator, grouping: Grouping): Promise<Row[][]> => {
  const groups: Row[][] = [];
  await input.run((row) => {
    const number = grouping.numberOf(row);
    if (number === groups.length) groups.push([row]);
    else groups[number].push(row);
  });
  return groups;
};

/** `quantile by (job) (0.9, x)`. */
export class QuantileAggregation implements VectorOperator {
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
    this.isDistinct = isDistinctGrouping(node);
  }

  async run(sink: RowSink): Promise<void> {
    const { execution, steps } = this;
    const quantiles = await this.parameter.run();
    execution.annotations.warnOfQuantiles(quantiles, (this.node.parameter ?? this.node).span);
    const grouping = new Grouping(this.node.grouping, this.node.without);
    const groups = await rowsOfGroups(this.input, grouping);
    for (const [number, rows] of groups.entries()) {
      const result = steps.take(grouping.labelsOf(number), grouping.dropsName(number));
      const buffer = new Float64Array(rows.length);
      for (let step = 0; step < steps.count; step++) {
        const count = gather(rows, step, buffer);
        if (count === 0) continue;
        result.values[step] = quantileOf(quantiles[step], buffer, count);
        setBit(result.present, step);
        if (execution.budget.spend(4 * rows.length)) await execution.budget.breathe();
      }
      for (const row of rows) steps.release(row);
      const waiting = sink(result);
      if (waiting !== undefined) await waiting;
    }
  }
}

/** Copies the values of a step. Returns how many there are. */
const gather = (rows: readonly Row[], step: number, into: Float64Array): number => {
  let count = 0;
  for (const row of rows) if (hasBit(row.present, step)) into[count++] = row.values[step];
  return count;
};

/** `count_values("version", x)`: how many series have each value. */
export class CountValues implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly execution: Execution;
  private readonly node: Aggregation;
  private readonly label: string;
  private readonly input: VectorOperator;
  private readonly steps: Steps;

  constructor(execution: Execution, node: Aggregation, label: string, input: VectorOperator, steps: Steps) {
    this.execution = execution;
    this.node = node;
    this.label = label;
    this.input = input;
    this.steps = steps;
    this.isDistinct = isDistinctGrouping(node) && label !== METRIC_NAME;
  }

  async run(sink: RowSink): Promise<void> {
    if (!isLabelName(this.label)) throw failed(`invalid label name ${quoteLikeGo(this.label)}`);
    const { execution, steps } = this;
    const { grouping: names, without } = this.node;
    // The label replaces one of the same name.
    const grouping = without
      ? new Grouping([...names, this.label], true)
      : new Grouping(
          names.filter((name) => name !== this.label),
          false,
        );
    const groups: Map<number | string, Row>[] = [];
    await this.input.run((row) => {
      const number = grouping.numberOf(row);
      if (number === groups.length) groups.push(new Map());
      for (let step = 0; step < steps.count; step++) {
        if (hasBit(row.present, step)) this.countValue(groups[number], grouping, number, row.values[step], step);
      }
      steps.release(row);
    });
    const merged = new MergedRows(steps);
    for (const counts of groups) for (const row of counts.values()) merged.add(row);
    await sendAll(merged.rows, sink, execution, steps);
  }

  private countValue(
    counts: Map<number | string, Row>,
    grouping: Grouping,
    group: number,
    x: number,
    step: number,
  ): void {
    // A Map takes 0 and -0 for the same key, but their texts differ.
    const key = Object.is(x, -0) ? '-0' : x;
    let row = counts.get(key);
    if (row === undefined) {
      row = this.steps.take(withLabel(grouping.labelsOf(group), this.label, printNumber(x)), grouping.dropsName(group));
      counts.set(key, row);
    }
    row.values[step] = hasBit(row.present, step) ? row.values[step] + 1 : 1;
    setBit(row.present, step);
  }
}
