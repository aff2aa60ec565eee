/** Calls a range function for each series: finds the windows, then runs the kernel over them. */
import type { Call } from '../syntax/ast.ts';
import type { Execution, ScalarOperator, VectorOperator } from './execution.ts';
import { LabelNumbers } from './labels-of-results.ts';
import { failed } from './limits.ts';
import type { RangeFunction } from './range-functions/range-function.ts';
import type { RangeSource } from './range-sources.ts';
import { isEmpty, type Row, type RowSink, type Steps } from './rows.ts';
import { type RangeSeries, Windows } from './windows.ts';

/** Samples that a kernel reads without looking at the clock. */
const SAMPLES_AT_ONCE = 32_768;

export const SAME_LABELSET = 'vector cannot contain metrics with the same labelset';

export class RangeFunctionOperator implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly execution: Execution;
  private readonly call: Call;
  private readonly rangeFunction: RangeFunction;
  private readonly source: RangeSource;
  private readonly steps: Steps;
  private readonly parameters: readonly ScalarOperator[];
  /** The label sets of the rows so far, if two may become equal without the metric name. */
  private readonly seen: LabelNumbers | undefined;

  constructor(
    execution: Execution,
    call: Call,
    rangeFunction: RangeFunction,
    source: RangeSource,
    steps: Steps,
    parameters: readonly ScalarOperator[],
  ) {
    this.execution = execution;
    this.call = call;
    this.rangeFunction = rangeFunction;
    this.source = source;
    this.steps = steps;
    this.parameters = parameters;
    const dropsNow = !rangeFunction.keepsName && !execution.options.delayedNameRemoval;
    this.seen = dropsNow && !source.isDistinct ? new LabelNumbers() : undefined;
    this.isDistinct = source.isDistinct || dropsNow;
  }

  async run(sink: RowSink): Promise<void> {
    const windows = new Windows(this.execution, this.steps, this.source.window);
    const parameters: Float64Array[] = [];
    for (const parameter of this.parameters) parameters.push(await parameter.run());
    windows.parameters = parameters;
    await this.source.run((series) => this.apply(series, windows, sink));
  }

  private apply(series: RangeSeries, windows: Windows, sink: RowSink): void | Promise<void> {
    const { kernel, prepare, rescans } = this.rangeFunction;
    const total = windows.locate(series);
    if (total === 0) return;
    prepare?.(windows);
    const row = this.steps.take(series.labels, series.dropName);
    const work = this.steps.count + (rescans ? total : 0);
    if (work > SAMPLES_AT_ONCE) return this.applyInParts(series, windows, row, sink);
    this.execution.budget.count(work);
    kernel(windows, row, 0, this.steps.count);
    return this.finish(series, windows, row, sink);
  }

  private async applyInParts(series: RangeSeries, windows: Windows, row: Row, sink: RowSink): Promise<void> {
    const { kernel, rescans } = this.rangeFunction;
    const { budget } = this.execution;
    const { count } = this.steps;
    let from = 0;
    while (from < count) {
      let work = 0;
      let to = from;
      while (to < count && work < SAMPLES_AT_ONCE) {
        work += 1 + (rescans ? windows.highs[to] - windows.lows[to] : 0);
        to++;
      }
      kernel(windows, row, from, to);
      from = to;
      if (budget.spend(work)) await budget.breathe();
    }
    await this.finish(series, windows, row, sink);
  }

  private finish(series: RangeSeries, windows: Windows, row: Row, sink: RowSink): void | Promise<void> {
    if (isEmpty(row.present)) return this.steps.release(row);
    const { keepsName, remark } = this.rangeFunction;
    remark?.(this.execution, this.call, series, windows, row);
    if (!keepsName) {
      this.execution.dropName(row);
      if (this.seen !== undefined) this.checkNew(row);
    }
    return sink(row);
  }

  /** Other than functions of instant vectors, range functions may not have equal label sets at different steps either. */
  private checkNew(row: Row): void {
    const { size } = this.seen!;
    if (this.seen!.numberOf(row.labels, false) < size) throw failed(SAME_LABELSET);
  }
}

/** `absent_over_time(x[5m])`: 1 at the steps at which no series has a sample in its window. */
export class AbsentOverTime implements VectorOperator {
  readonly isDistinct = true;
  private readonly execution: Execution;
  private readonly source: RangeSource;
  private readonly steps: Steps;
  private readonly labels: readonly string[];

  constructor(execution: Execution, source: RangeSource, steps: Steps, labels: readonly string[]) {
    this.execution = execution;
    this.source = source;
    this.steps = steps;
    this.labels = labels;
  }

  async run(sink: RowSink): Promise<void> {
    const windows = new Windows(this.execution, this.steps, this.source.window);
    const row = this.steps.take(this.labels, false);
    this.steps.fillPresent(row.present);
    row.values.fill(1);
    await this.source.run((series) => {
      if (windows.locate(series) === 0) return;
      for (let step = 0; step < this.steps.count; step++) {
        if (windows.highs[step] > windows.lows[step]) row.present[step >>> 5] &= ~(1 << (step & 31));
      }
    });
    if (isEmpty(row.present)) this.steps.release(row);
    else await sink(row);
  }
}
