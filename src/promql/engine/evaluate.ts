/** Evaluates an expression: the door of the engine. */
import { compareLabelPairs, type LabelPairs } from '../../model/labels.ts';
import type { SeriesSource } from '../source.ts';
import type { Expr } from '../syntax/ast.ts';
import { resolveDurations } from '../syntax/duration-expressions.ts';
import { typeOf } from '../syntax/types.ts';
import type { EngineOptions, EvalRequest } from './engine-options.ts';
import { Execution } from './execution.ts';
import { LabelNumbers, withoutName } from './labels-of-results.ts';
import { checkStepCount, failed } from './limits.ts';
import { Planner, textOf } from './plan.ts';
import { SAME_LABELSET } from './range-function-operator.ts';
import { countBits, hasBit, type Row, type Steps } from './rows.ts';
import { sortInSlices } from './sort-in-slices.ts';
import { collect, MergedRows } from './vector-operators.ts';
import { Windows } from './windows.ts';

export interface ResultSeries {
  readonly labels: LabelPairs;
  /** Milliseconds since the epoch. Series with the same times may share the array. */
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

export interface EvalResult {
  readonly type: 'vector' | 'matrix' | 'scalar' | 'string';
  /** A vector has one sample a series; a scalar is one series without labels. A matrix is sorted by labels. */
  readonly series: readonly ResultSeries[];
  /** Of a string. */
  readonly text?: string;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** What could not be read. */
  readonly problems: readonly string[];
  readonly stats: {
    /** Samples and series read from the source. */
    readonly samples: number;
    readonly series: number;
    readonly peakSamples: number;
  };
}

/**
 * Evaluates an expression that the type checker has accepted. Rejects with `TIDEMARK_QUERY_FAILED` if the evaluation
 * can't give a result, with `TIDEMARK_QUERY_LIMIT` if it would use too much, and with `TIDEMARK_ABORTED`.
 */
export const evaluate = async (
  source: SeriesSource,
  request: EvalRequest,
  options: EngineOptions,
): Promise<EvalResult> => {
  const { text, start, end, isInstant } = request;
  const times = { stepMs: isInstant ? 0 : request.stepMs, rangeMs: end - start };
  const expr = resolveDurations(text, request.expr, times);
  const execution = new Execution({ ...request, expr }, options);
  execution.budget.check();
  const result = await outcomeOf(execution, source);
  const { budget, annotations, problems } = execution;
  return {
    ...result,
    warnings: annotations.warnings,
    infos: annotations.infos,
    problems: [...problems],
    stats: { samples: budget.samplesRead, series: budget.seriesRead, peakSamples: budget.peakSamples },
  };
};

const outcomeOf = async (execution: Execution, source: SeriesSource): Promise<Outcome> => {
  try {
    return await (execution.request.isInstant ? instant(execution, source) : overRange(execution, source));
  } catch (error) {
    // The source may have ended with an error of its own because of the signal.
    if (execution.request.signal?.aborted === true) execution.budget.check();
    throw error;
  }
};

type Outcome = Pick<EvalResult, 'type' | 'series' | 'text'>;

const instant = async (execution: Execution, source: SeriesSource): Promise<Outcome> => {
  const { expr, start } = execution.request;
  const steps = execution.steps(start, 0, 1);
  const planner = new Planner(execution, source);
  switch (typeOf(expr)) {
    case 'string':
      return { type: 'string', series: [], text: textOf(expr) };
    case 'scalar':
      return { type: 'scalar', series: [await scalarSeries(planner, expr, steps)] };
    case 'matrix':
      return { type: 'matrix', series: await windowSeries(execution, planner, expr, steps) };
    case 'vector':
      return { type: 'vector', series: await vectorSeries(execution, planner, expr, steps) };
  }
};

const typeNames = { matrix: 'range vector', string: 'string' } as const;

const overRange = async (execution: Execution, source: SeriesSource): Promise<Outcome> => {
  const { expr, start, end, stepMs } = execution.request;
  checkStepCount(start, end, stepMs, execution.options.limits.steps);
  const type = typeOf(expr);
  if (type === 'matrix' || type === 'string') {
    throw failed(`invalid expression type "${typeNames[type]}" for range query, must be Scalar or instant Vector`);
  }
  const steps = execution.steps(start, stepMs, end < start ? 0 : Math.floor((end - start) / stepMs) + 1);
  const planner = new Planner(execution, source);
  if (steps.count === 0) return { type: 'matrix', series: [] };
  if (type === 'scalar') return { type: 'matrix', series: [await scalarSeries(planner, expr, steps)] };
  const series = await vectorSeries(execution, planner, expr, steps);
  await sortInSlices(series, byLabels, execution.budget);
  return { type: 'matrix', series };
};

const scalarSeries = async (planner: Planner, expr: Expr, steps: Steps): Promise<ResultSeries> => {
  const values = await planner.scalar(expr, steps).run();
  return { labels: [], timestamps: values.map((_value, step) => steps.timeAt(step)), values };
};

const vectorSeries = async (
  execution: Execution,
  planner: Planner,
  expr: Expr,
  steps: Steps,
): Promise<ResultSeries[]> => {
  const results = new Results(execution, steps);
  const operator = planner.vector(expr, steps);
  if (!execution.options.delayedNameRemoval) {
    await operator.run((row) => results.add(row));
    if (execution.hasLostTypes) checkDistinct(results.series);
    return results.series;
  }
  for (const row of await withoutNames(execution, await collect(operator), steps)) {
    results.add(row);
    if (execution.budget.spend(steps.count + 20)) await execution.budget.breathe();
  }
  return results.series;
};

/** Where only types and units differed, no operator has looked for equal labels. */
const checkDistinct = (series: readonly ResultSeries[]): void => {
  const numbers = new LabelNumbers();
  for (const { labels } of series) numbers.numberOf(labels, false);
  if (numbers.size < series.length) throw failed(SAME_LABELSET);
};

/** Removes the names that functions left for the end. Series that then have equal labels are merged. */
const withoutNames = async (execution: Execution, rows: readonly Row[], steps: Steps): Promise<readonly Row[]> => {
  const merged = new MergedRows(steps);
  for (const row of rows) {
    if (row.dropName) row.labels = withoutName(row.labels);
    merged.add(row);
    if (execution.budget.spend(100)) await execution.budget.breathe();
  }
  return merged.rows;
};

/** Makes series of rows, without the steps at which there is no value. */
class Results {
  readonly series: ResultSeries[] = [];
  private readonly execution: Execution;
  private readonly steps: Steps;
  /** The times of all steps, shared by the series that have a value at each. */
  private readonly times: Float64Array;

  constructor(execution: Execution, steps: Steps) {
    this.execution = execution;
    this.steps = steps;
    this.times = steps.column();
    for (let step = 0; step < steps.count; step++) this.times[step] = steps.timeAt(step);
  }

  add(row: Row): void {
    const { labels, values, present } = row;
    if (this.steps.isFull(present)) {
      // The row is not given back: its values are the result's.
      this.series.push({ labels, timestamps: this.times, values });
      return;
    }
    const length = countBits(present);
    this.execution.budget.hold(length, 16 * length);
    const series = { labels, timestamps: new Float64Array(length), values: new Float64Array(length) };
    let index = 0;
    for (let step = 0; index < length; step++) {
      if (!hasBit(present, step)) continue;
      series.timestamps[index] = this.times[step];
      series.values[index] = values[step];
      index++;
    }
    this.series.push(series);
    this.steps.release(row);
  }
}

/** The samples of the one window of an instant query for a range vector. */
const windowSeries = async (
  execution: Execution,
  planner: Planner,
  expr: Expr,
  steps: Steps,
): Promise<ResultSeries[]> => {
  const source = planner.range(expr, steps);
  const windows = new Windows(execution, steps, source.window);
  const series: ResultSeries[] = [];
  await source.run((input) => {
    const length = windows.locate(input);
    if (length === 0) return;
    execution.budget.hold(length, 16 * length);
    const low = windows.lows[0];
    const high = windows.highs[0];
    const labels = input.dropName ? withoutName(input.labels) : input.labels;
    series.push({ labels, timestamps: input.timestamps.slice(low, high), values: input.values.slice(low, high) });
  });
  await sortInSlices(series, byLabels, execution.budget);
  return series;
};

const byLabels = (a: ResultSeries, b: ResultSeries): number => compareLabelPairs(a.labels, b.labels);
