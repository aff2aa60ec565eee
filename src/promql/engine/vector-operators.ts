/** Small operators of instant vectors: change each row, merge rows, repeat, make a vector of a scalar. */
import type { LabelPairs } from '../../model/labels.ts';
import type { Execution, ScalarOperator, VectorOperator } from './execution.ts';
import type { RowKernel } from './instant-functions.ts';
import { LabelNumbers } from './labels-of-results.ts';
import { failed } from './limits.ts';
import { SAME_LABELSET } from './range-function-operator.ts';
import { hasBit, isEmpty, overlaps, type Row, type RowSink, type Steps, setBit, unite } from './rows.ts';

/** Applies a kernel to each row. */
export class MapRows implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly execution: Execution;
  private readonly input: VectorOperator;
  private readonly kernel: RowKernel;
  private readonly steps: Steps;
  private readonly parameters: readonly ScalarOperator[];
  private readonly dropsName: boolean;

  constructor(
    execution: Execution,
    input: VectorOperator,
    kernel: RowKernel,
    steps: Steps,
    parameters: readonly ScalarOperator[],
    dropsName: boolean,
  ) {
    this.execution = execution;
    this.input = input;
    this.kernel = kernel;
    this.steps = steps;
    this.parameters = parameters;
    this.dropsName = dropsName;
    this.isDistinct = input.isDistinct;
  }

  async run(sink: RowSink): Promise<void> {
    const { steps, kernel, execution, dropsName } = this;
    const parameters: Float64Array[] = [];
    for (const parameter of this.parameters) parameters.push(await parameter.run());
    await this.input.run((row) => {
      kernel(row, parameters, steps);
      if (isEmpty(row.present)) return steps.release(row);
      if (dropsName) execution.dropName(row);
      return sink(row);
    });
  }
}

/**
 * Merges rows with equal labels. They may not have values at the same step. All rows are held until the input ends, so
 * this is put only where labels can be equal.
 */
export class MergeRows implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly execution: Execution;
  private readonly input: VectorOperator;
  private readonly steps: Steps;

  constructor(execution: Execution, input: VectorOperator, steps: Steps, isDistinct: boolean) {
    this.execution = execution;
    this.input = input;
    this.steps = steps;
    this.isDistinct = isDistinct;
  }

  async run(sink: RowSink): Promise<void> {
    const merged = new MergedRows(this.steps);
    await this.input.run((row) => merged.add(row));
    await sendAll(merged.rows, sink, this.execution, this.steps);
  }
}

export class MergedRows {
  readonly rows: Row[] = [];
  private readonly numbers = new LabelNumbers();
  private readonly steps: Steps;

  constructor(steps: Steps) {
    this.steps = steps;
  }

  add(row: Row): void {
    const number = this.numbers.numberOf(row.labels, false);
    const known = this.rows[number];
    if (known === undefined) {
      this.rows[number] = row;
      return;
    }
    if (overlaps(known.present, row.present)) throw failed(SAME_LABELSET);
    for (let step = 0; step < row.values.length; step++) {
      if (hasBit(row.present, step)) known.values[step] = row.values[step];
    }
    unite(known.present, row.present);
    this.steps.release(row);
  }
}

/** Gives rows that were held to the sink. */
export const sendAll = async (
  rows: readonly Row[],
  sink: RowSink,
  execution: Execution,
  steps: Steps,
): Promise<void> => {
  for (const row of rows) {
    const waiting = sink(row);
    if (waiting !== undefined) await waiting;
    if (execution.budget.spend(steps.count)) await execution.budget.breathe();
  }
};

/** All rows of a vector, in their order. */
export const collect = async (input: VectorOperator): Promise<Row[]> => {
  const rows: Row[] = [];
  await input.run((row) => {
    rows.push(row);
  });
  return rows;
};

/** A part that is the same at each step: it is evaluated at one step, and its values are repeated. */
export class Repeated implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly input: VectorOperator;
  private readonly inputSteps: Steps;
  private readonly steps: Steps;

  constructor(input: VectorOperator, inputSteps: Steps, steps: Steps) {
    this.input = input;
    this.inputSteps = inputSteps;
    this.steps = steps;
    this.isDistinct = input.isDistinct;
  }

  async run(sink: RowSink): Promise<void> {
    await this.input.run((row) => {
      const repeated = this.steps.take(row.labels, row.dropName);
      repeated.values.fill(row.values[0]);
      this.steps.fillPresent(repeated.present);
      this.inputSteps.release(row);
      return sink(repeated);
    });
  }
}

export class RepeatedScalar implements ScalarOperator {
  private readonly input: ScalarOperator;
  private readonly steps: Steps;

  constructor(input: ScalarOperator, steps: Steps) {
    this.input = input;
    this.steps = steps;
  }

  async run(): Promise<Float64Array> {
    return this.steps.column().fill((await this.input.run())[0]);
  }
}

/** `vector(s)`, and the calendar functions without an argument. */
export class VectorOfScalar implements VectorOperator {
  readonly isDistinct = true;
  private readonly scalar: ScalarOperator;
  private readonly steps: Steps;

  constructor(scalar: ScalarOperator, steps: Steps) {
    this.scalar = scalar;
    this.steps = steps;
  }

  async run(sink: RowSink): Promise<void> {
    const values = await this.scalar.run();
    const row = this.steps.take([], false);
    row.values.set(values);
    this.steps.fillPresent(row.present);
    await sink(row);
  }
}

/** `absent(v)`: 1 at the steps at which the vector is empty. */
export class Absent implements VectorOperator {
  readonly isDistinct = true;
  private readonly input: VectorOperator;
  private readonly steps: Steps;
  private readonly labels: LabelPairs;

  constructor(input: VectorOperator, steps: Steps, labels: LabelPairs) {
    this.input = input;
    this.steps = steps;
    this.labels = labels;
  }

  async run(sink: RowSink): Promise<void> {
    const { steps } = this;
    const result = steps.take(this.labels, false);
    result.values.fill(1);
    steps.fillPresent(result.present);
    await this.input.run((row) => {
      for (let word = 0; word < steps.words; word++) result.present[word] &= ~row.present[word];
      steps.release(row);
    });
    if (isEmpty(result.present)) steps.release(result);
    else await sink(result);
  }
}

/** `scalar(v)`: the value where the vector has exactly one element, otherwise NaN. */
export class ScalarOfVector implements ScalarOperator {
  private readonly input: VectorOperator;
  private readonly steps: Steps;

  constructor(input: VectorOperator, steps: Steps) {
    this.input = input;
    this.steps = steps;
  }

  async run(): Promise<Float64Array> {
    const { steps } = this;
    const column = steps.column().fill(Number.NaN);
    const seen = steps.bitmap();
    await this.input.run((row) => {
      for (let step = 0; step < steps.count; step++) {
        if (!hasBit(row.present, step)) continue;
        column[step] = hasBit(seen, step) ? Number.NaN : row.values[step];
        setBit(seen, step);
      }
      steps.release(row);
    });
    return column;
  }
}

/** No series: what functions of native histograms give here. The argument is evaluated all the same. */
export class Nothing implements VectorOperator {
  readonly isDistinct = true;
  private readonly input: VectorOperator;
  private readonly steps: Steps;

  constructor(input: VectorOperator, steps: Steps) {
    this.input = input;
    this.steps = steps;
  }

  async run(): Promise<void> {
    await this.input.run((row) => this.steps.release(row));
  }
}
