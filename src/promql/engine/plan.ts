/**
 * Turns a syntax tree into operators over given steps. Parts that are the same at each step get a plan over one step.
 * Selectors are announced here, so that equal ones can share a reading.
 */
import { METRIC_NAME } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { SeriesSource } from '../source.ts';
import type { Aggregation, Binary, Call, Expr, Shift, Subquery, VectorSelector } from '../syntax/ast.ts';
import { typeOf } from '../syntax/types.ts';
import { absentLabels } from './absent-labels.ts';
import { accumulations } from './accumulators.ts';
import { CountValues, FoldAggregation, QuantileAggregation } from './aggregate.ts';
import { VectorScalar, VectorVector } from './binary.ts';
import { LimitAggregation, RatioAggregation, TopAggregation } from './choose.ts';
import type { Execution, ScalarOperator, VectorOperator } from './execution.ts';
import { maxOf, minOf } from './go-math.ts';
import { HistogramFraction, HistogramQuantile } from './histogram.ts';
import { InfoFunction, infoMatchers } from './info-function.ts';
import { calendarFunctions, type RowKernel, rowFunctions } from './instant-functions.ts';
import { InstantSelector, type References } from './instant-selector.ts';
import { Invariance } from './invariance.ts';
import { LabelJoin, LabelReplace } from './label-functions.ts';
import { failed } from './limits.ts';
import { isSetOperator, numberOperation } from './operations.ts';
import { AbsentOverTime, RangeFunctionOperator } from './range-function-operator.ts';
import { rangeFunctions } from './range-functions/by-name.ts';
import { type RangeSource, SelectorRange, SubqueryRange } from './range-sources.ts';
import type { Steps } from './rows.ts';
import { Constant, ScalarOperation, StepTimes } from './scalars.ts';
import { Selects } from './select.ts';
import { SetOperation } from './set-operators.ts';
import { SortByLabels, SortByValue } from './sort.ts';
import {
  Absent,
  MapRows,
  MergeRows,
  Nothing,
  Repeated,
  RepeatedScalar,
  ScalarOfVector,
  VectorOfScalar,
} from './vector-operators.ts';

const negate: RowKernel = ({ values }) => {
  for (let step = 0; step < values.length; step++) values[step] = -values[step];
};

const asItIs: RowKernel = () => {};

/** They work on native histograms, which this engine does not have, and ignore other samples. */
const histogramFunctions: ReadonlySet<string> = new Set([
  'histogram_avg',
  'histogram_count',
  'histogram_sum',
  'histogram_stddev',
  'histogram_stdvar',
]);

export class Planner {
  private readonly execution: Execution;
  private readonly selects: Selects;
  private readonly invariance = new Invariance();

  constructor(execution: Execution, source: SeriesSource) {
    this.execution = execution;
    this.selects = new Selects(source, execution);
  }

  /** An expression of the type vector. */
  vector(expr: Expr, steps: Steps): VectorOperator {
    if (steps.count > 1 && this.invariance.isInvariant(expr)) {
      const once = this.execution.steps(steps.start, steps.stepMs, 1);
      return new Repeated(this.vector(expr, once), once, steps);
    }
    switch (expr.kind) {
      case 'parentheses':
        return this.vector(expr.expr, steps);
      case 'selector':
        return this.selector(expr, steps, false);
      case 'unary':
        if (expr.operator === '+') return this.vector(expr.expr, steps);
        return this.mapped(this.vector(expr.expr, steps), negate, steps, []);
      case 'aggregation':
        return this.aggregation(expr, steps);
      case 'binary':
        return this.binary(expr, steps);
      case 'call':
        return this.call(expr, steps);
      default:
        throw failed(`unexpected ${expr.kind} where an instant vector is needed`);
    }
  }

  /** An expression of the type scalar. */
  scalar(expr: Expr, steps: Steps): ScalarOperator {
    if (expr.kind === 'number') return new Constant(expr.value, steps);
    if (steps.count > 1 && this.invariance.isInvariant(expr)) {
      return new RepeatedScalar(this.scalar(expr, this.execution.steps(steps.start, steps.stepMs, 1)), steps);
    }
    switch (expr.kind) {
      case 'parentheses':
        return this.scalar(expr.expr, steps);
      case 'unary': {
        const inner = this.scalar(expr.expr, steps);
        return expr.operator === '+' ? inner : new ScalarOperation(inner, new Constant(0, steps), (value) => -value);
      }
      case 'binary':
        if (isSetOperator(expr.operator)) break;
        return new ScalarOperation(
          this.scalar(expr.left, steps),
          this.scalar(expr.right, steps),
          numberOperation(expr.operator),
        );
      case 'call':
        return this.scalarCall(expr, steps);
    }
    throw failed(`unexpected ${expr.kind} where a scalar is needed`);
  }

  /** An expression of the type matrix, with the windows that it needs at each step. */
  range(expr: Expr, steps: Steps): RangeSource {
    switch (expr.kind) {
      case 'parentheses':
        return this.range(expr.expr, steps);
      case 'range': {
        const { first, stepMs } = this.references(expr.selector, steps);
        const select = this.announce(expr.selector.matchers, steps, { first, stepMs }, expr.rangeMs);
        return new SelectorRange(select, { rangeMs: expr.rangeMs, first, stepMs }, hasOneName(expr.selector));
      }
      case 'subquery':
        return this.subquery(expr, steps);
      default:
        throw failed(`unexpected ${expr.kind} where a range vector is needed`);
    }
  }

  private subquery(expr: Subquery, steps: Steps): RangeSource {
    const { options } = this.execution;
    const { first, stepMs } = this.references(expr, steps);
    const last = first + (steps.count - 1) * stepMs;
    const innerStepMs = expr.stepMs ?? options.defaultSubqueryStepMs;
    const open = first - expr.rangeMs;
    let start = innerStepMs * Math.trunc(open / innerStepMs);
    if (start < open || (start === open && !options.closedRanges)) start += innerStepMs;
    const count = last < start ? 0 : Math.floor((last - start) / innerStepMs) + 1;
    const innerSteps = this.execution.steps(start, innerStepMs, count);
    const inner =
      typeOf(expr.expr) === 'scalar'
        ? new VectorOfScalar(this.scalar(expr.expr, innerSteps), innerSteps)
        : this.vector(expr.expr, innerSteps);
    return new SubqueryRange(this.execution, inner, innerSteps, { rangeMs: expr.rangeMs, first, stepMs });
  }

  private references(shift: Shift, steps: Steps): References {
    const { start, end } = this.execution.request;
    if (shift.at === undefined) return { first: steps.start - shift.offsetMs, stepMs: steps.stepMs };
    const { at } = shift.at;
    const time = at === 'start' ? start : at === 'end' ? end : at;
    return { first: time - shift.offsetMs, stepMs: 0 };
  }

  private selector(selector: VectorSelector, steps: Steps, givesTimes: boolean): VectorOperator {
    const references = this.references(selector, steps);
    const select = this.announce(selector.matchers, steps, references, this.execution.options.lookbackMs);
    return new InstantSelector(this.execution, select, steps, references, {
      isDistinct: hasOneName(selector),
      givesTimes,
    });
  }

  private announce(matchers: readonly Matcher[], steps: Steps, { first, stepMs }: References, reachMs: number) {
    const through = first + (steps.count - 1) * stepMs;
    const from = first - reachMs + (this.execution.options.closedRanges ? 0 : 1);
    return this.selects.announce(matchers, from, through);
  }

  /** Applies a kernel and removes the metric name. Series that then have equal labels are merged. */
  private mapped(
    input: VectorOperator,
    kernel: RowKernel,
    steps: Steps,
    parameters: readonly ScalarOperator[],
  ): VectorOperator {
    return this.merged(new MapRows(this.execution, input, kernel, steps, parameters, true), input.isDistinct, steps);
  }

  /** Merges the rows of an operator that removes metric names, unless they differ without them. */
  private merged(operator: VectorOperator, isDistinct: boolean, steps: Steps): VectorOperator {
    if (isDistinct || this.execution.options.delayedNameRemoval) return operator;
    return new MergeRows(this.execution, operator, steps, true);
  }

  private aggregation(node: Aggregation, steps: Steps): VectorOperator {
    const { execution } = this;
    const input = this.vector(node.expr, steps);
    const accumulation = accumulations.get(node.operator);
    if (accumulation !== undefined) return new FoldAggregation(execution, node, accumulation, input, steps);
    const { parameter } = node;
    if (parameter === undefined) throw failed(`${node.operator} needs a parameter`);
    if (node.operator === 'count_values') return new CountValues(execution, node, textOf(parameter), input, steps);
    const number = this.scalar(parameter, steps);
    switch (node.operator) {
      case 'quantile':
        return new QuantileAggregation(execution, node, number, input, steps);
      case 'limitk':
        return new LimitAggregation(node, number, input, steps);
      case 'limit_ratio':
        return new RatioAggregation(execution, node, number, input, steps);
      default:
        return new TopAggregation(execution, node, number, input, steps);
    }
  }

  private binary(node: Binary, steps: Steps): VectorOperator {
    const { execution } = this;
    if (typeOf(node.left) === 'scalar') {
      const vector = this.vector(node.right, steps);
      const operator = new VectorScalar(execution, node, vector, this.scalar(node.left, steps), steps, true);
      return this.mergedUnlessFilter(operator, node, vector, steps);
    }
    const left = this.vector(node.left, steps);
    if (typeOf(node.right) === 'scalar') {
      const operator = new VectorScalar(execution, node, left, this.scalar(node.right, steps), steps, false);
      return this.mergedUnlessFilter(operator, node, left, steps);
    }
    const right = this.vector(node.right, steps);
    const matching = node.matching ?? { cardinality: 'one-to-one', on: false, labels: [], include: [] };
    if (isSetOperator(node.operator)) return new SetOperation(execution, node.operator, matching, left, right, steps);
    const operator = new VectorVector(execution, node, matching, left, right, steps);
    return operator.needsMerge ? new MergeRows(execution, operator, steps, operator.isDistinct) : operator;
  }

  private mergedUnlessFilter(operator: VectorOperator, node: Binary, vector: VectorOperator, steps: Steps) {
    const isFilter = numberComparisons.has(node.operator) && !node.returnBool;
    return isFilter ? operator : this.merged(operator, vector.isDistinct, steps);
  }

  private call(call: Call, steps: Steps): VectorOperator {
    const { execution } = this;
    const { name, args } = call;
    const rangeFunction = rangeFunctions.get(name);
    if (rangeFunction !== undefined) {
      const source = this.range(args[rangeFunction.rangeArgument], steps);
      const parameters = args
        .filter((_argument, index) => index !== rangeFunction.rangeArgument)
        .map((argument) => this.scalar(argument, steps));
      return new RangeFunctionOperator(execution, call, rangeFunction, source, steps, parameters);
    }
    const kernel = rowFunctions.get(name);
    if (kernel !== undefined) return this.rowFunction(call, kernel, steps);
    if (histogramFunctions.has(name)) return new Nothing(this.vector(args[0], steps), steps);
    switch (name) {
      case 'vector':
        return new VectorOfScalar(this.scalar(args[0], steps), steps);
      case 'absent':
        return new Absent(this.vector(args[0], steps), steps, absentLabels(unwrapped(args[0])));
      case 'absent_over_time':
        return new AbsentOverTime(execution, this.range(args[0], steps), steps, absentLabels(unwrapped(args[0])));
      case 'sort':
      case 'sort_desc':
        return new SortByValue(execution, call, this.vector(args[0], steps), steps);
      case 'sort_by_label':
      case 'sort_by_label_desc':
        return new SortByLabels(execution, call, this.vector(args[0], steps), steps, args.slice(1).map(textOf));
      case 'label_replace':
      case 'label_join': {
        const input = this.vector(args[0], steps);
        const texts = args.slice(1).map(textOf);
        const operator = name === 'label_join' ? new LabelJoin(input, texts) : new LabelReplace(input, texts);
        return new MergeRows(execution, operator, steps, false);
      }
      case 'histogram_quantile':
        return this.histogramQuantile(call, args[1], [args[0]], undefined, steps);
      case 'histogram_quantiles':
        return this.histogramQuantile(call, args[0], args.slice(2), textOf(args[1]), steps);
      case 'histogram_fraction': {
        const input = this.vector(args[2], steps);
        const bounds = [this.scalar(args[0], steps), this.scalar(args[1], steps)] as const;
        return this.merged(new HistogramFraction(execution, call, bounds, input, steps), input.isDistinct, steps);
      }
      case 'info':
        return this.info(call, steps);
      default:
        throw failed(`unknown function with name "${name}"`);
    }
  }

  private rowFunction({ name, args }: Call, kernel: RowKernel, steps: Steps): VectorOperator {
    if (args.length === 0) {
      const times = new VectorOfScalar(new StepTimes(steps), steps);
      return calendarFunctions.has(name) ? this.mapped(times, kernel, steps, []) : times;
    }
    const argument = unwrapped(args[0]);
    if (name === 'timestamp' && argument.kind === 'selector') {
      return this.mapped(this.selector(argument, steps, true), asItIs, steps, []);
    }
    const parameters = args.slice(1).map((parameter) => this.scalar(parameter, steps));
    return this.mapped(this.vector(args[0], steps), kernel, steps, parameters);
  }

  private histogramQuantile(
    call: Call,
    vector: Expr,
    quantiles: readonly Expr[],
    label: string | undefined,
    steps: Steps,
  ): VectorOperator {
    const input = this.vector(vector, steps);
    const numbers = quantiles.map((quantile) => this.scalar(quantile, steps));
    const operator = new HistogramQuantile(this.execution, { call, vector, quantiles, label }, numbers, input, steps);
    return this.merged(operator, input.isDistinct, steps);
  }

  private info(call: Call, steps: Steps): VectorOperator {
    const base = this.vector(call.args[0], steps);
    const selector = call.args[1];
    const matchers = selector?.kind === 'selector' ? selector.matchers : [];
    const references = { first: steps.start, stepMs: steps.stepMs };
    const select = this.announce(infoMatchers(matchers), steps, references, this.execution.options.lookbackMs);
    const infos = new InstantSelector(this.execution, select, steps, references, {
      isDistinct: false,
      givesTimes: true,
    });
    const operator = new InfoFunction(this.execution, base, infos, matchers, steps);
    return new MergeRows(this.execution, operator, steps, false);
  }

  private scalarCall({ name, args }: Call, steps: Steps): ScalarOperator {
    const { start, end, stepMs, isInstant } = this.execution.request;
    switch (name) {
      case 'time':
        return new StepTimes(steps);
      case 'pi':
        return new Constant(Math.PI, steps);
      case 'scalar':
        return new ScalarOfVector(this.vector(args[0], steps), steps);
      case 'min_of':
        return new ScalarOperation(this.scalar(args[0], steps), this.scalar(args[1], steps), minOf);
      case 'max_of':
        return new ScalarOperation(this.scalar(args[0], steps), this.scalar(args[1], steps), maxOf);
      case 'start':
        return new Constant(start / 1000, steps);
      case 'end':
        return new Constant(end / 1000, steps);
      case 'range':
        return new Constant((end - start) / 1000, steps);
      case 'step':
        return new Constant(isInstant ? 0 : stepMs / 1000, steps);
      default:
        throw failed(`unknown function with name "${name}"`);
    }
  }
}

const numberComparisons: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** The expression inside of parentheses. */
export const unwrapped = (expr: Expr): Expr => (expr.kind === 'parentheses' ? unwrapped(expr.expr) : expr);

/** The text of a string argument. */
export const textOf = (expr: Expr): string => {
  const literal = unwrapped(expr);
  return literal.kind === 'string' ? literal.value : '';
};

/** All series that the selector finds have the same metric name. */
const hasOneName = ({ matchers }: VectorSelector): boolean =>
  matchers.some(({ name, op }) => name === METRIC_NAME && op === '=');
