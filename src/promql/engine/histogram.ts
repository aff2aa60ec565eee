/**
 * histogram_quantile, histogram_quantiles and histogram_fraction of classic histograms: series with cumulative counts,
 * one for each upper bound in the label `le`.
 */
import { type LabelPairs, labelValue, METRIC_NAME } from '../../model/labels.ts';
import { quoteLikeGo } from '../../model/quote-like-go.ts';
import type { Call, Expr } from '../syntax/ast.ts';
import type { RaisedBuckets } from './annotations.ts';
import type { Execution, ScalarOperator, VectorOperator } from './execution.ts';
import { formatOpenMetrics, parseGoFloat } from './go-text.ts';
import { LabelNumbers, withLabel, without } from './labels-of-results.ts';
import { hasBit, isEmpty, type Row, type RowSink, type Steps, setBit } from './rows.ts';

const BUCKET = 'le';

/** The series of one histogram, by their bounds. */
interface Histogram {
  /** Without `le`, with the metric name. */
  readonly labels: LabelPairs;
  readonly dropName: boolean;
  readonly buckets: { readonly bound: number; readonly row: Row }[];
}

/** The buckets of one histogram at one step: bounds ascending, counts cumulative. */
class Buckets {
  bounds: Float64Array;
  counts: Float64Array;
  length = 0;

  constructor(capacity: number) {
    this.bounds = new Float64Array(capacity);
    this.counts = new Float64Array(capacity);
  }

  /** Takes the values of a step. Buckets with the same bound become one. */
  fill(histogram: Histogram, step: number): void {
    this.length = 0;
    for (const { bound, row } of histogram.buckets) {
      if (!hasBit(row.present, step)) continue;
      if (this.length > 0 && this.bounds[this.length - 1] === bound) {
        this.counts[this.length - 1] += row.values[step];
        continue;
      }
      this.bounds[this.length] = bound;
      this.counts[this.length] = row.values[step];
      this.length++;
    }
  }

  get endsInInfinity(): boolean {
    return this.length > 0 && this.bounds[this.length - 1] === Number.POSITIVE_INFINITY;
  }

  get total(): number {
    return this.counts[this.length - 1];
  }

  /**
   * Raises counts that are below the one before. Tiny differences, as floating point sums have them, are evened out
   * silently. Returns which others were raised.
   */
  makeMonotonic(): RaisedBuckets | undefined {
    let lowestBound = Number.POSITIVE_INFINITY;
    let highestBound = Number.NEGATIVE_INFINITY;
    let greatestChange = 0;
    let before = this.counts[0];
    for (let i = 1; i < this.length; i++) {
      const count = this.counts[i];
      if (count === before) continue;
      if (isAlmostEqual(before, count)) {
        this.counts[i] = before;
      } else if (count < before) {
        this.counts[i] = before;
        lowestBound = Math.min(lowestBound, this.bounds[i]);
        highestBound = Math.max(highestBound, this.bounds[i]);
        greatestChange = Math.max(greatestChange, before - count);
      } else {
        before = count;
      }
    }
    return greatestChange === 0 ? undefined : { lowestBound, highestBound, greatestChange };
  }
}

const TOLERANCE = 1e-12;
const SMALLEST_NORMAL = 2 ** -1022;

const isAlmostEqual = (a: number, b: number): boolean => {
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < SMALLEST_NORMAL) return difference < TOLERANCE * SMALLEST_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < TOLERANCE;
};

/** Collects the series into histograms. Those without a bound that can be read are left out, with a warning. */
const readHistograms = async (
  execution: Execution,
  vector: Expr,
  input: VectorOperator,
  steps: Steps,
): Promise<Histogram[]> => {
  const numbers = new LabelNumbers();
  const histograms: Histogram[] = [];
  await input.run((row) => {
    const text = labelValue(row.labels, BUCKET);
    const bound = parseGoFloat(text);
    if (bound === undefined) {
      execution.annotations.warn(
        `bucket label "le" is missing or has a malformed value of ${quoteLikeGo(text)}${forMetric(row.labels)}`,
        vector.span,
      );
      steps.release(row);
      return;
    }
    const labels = without(row.labels, BUCKET);
    const number = numbers.numberOf(labels, false);
    if (number === histograms.length) histograms.push({ labels, dropName: row.dropName, buckets: [] });
    histograms[number].buckets.push({ bound, row });
  });
  for (const { buckets } of histograms) buckets.sort((a, b) => a.bound - b.bound);
  return histograms;
};

const forMetric = (labels: LabelPairs): string => {
  const name = labelValue(labels, METRIC_NAME);
  return name === '' ? '' : ` for metric name ${quoteLikeGo(name)}`;
};

/** The quantile of buckets that are monotonic. */
const quantileOfBuckets = (q: number, { bounds, counts, length, total }: Buckets): number => {
  if (length < 2 || total === 0) return Number.NaN;
  let rank = q * total;
  // The first bucket whose count reaches the rank; the last one if no other does.
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (counts[middle] >= rank) high = middle;
    else low = middle + 1;
  }
  if (low === length - 1) return bounds[length - 2];
  if (low === 0 && bounds[0] <= 0) return bounds[0];
  let start = 0;
  let count = counts[low];
  if (low > 0) {
    start = bounds[low - 1];
    count -= counts[low - 1];
    rank -= counts[low - 1];
  }
  return start + (bounds[low] - start) * (rank / count);
};

interface QuantileParts {
  readonly call: Call;
  readonly vector: Expr;
  readonly quantiles: readonly Expr[];
  /** The label that tells the quantiles of histogram_quantiles apart. */
  readonly label: string | undefined;
}

export class HistogramQuantile implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly execution: Execution;
  private readonly parts: QuantileParts;
  private readonly quantiles: readonly ScalarOperator[];
  private readonly input: VectorOperator;
  private readonly steps: Steps;

  constructor(
    execution: Execution,
    parts: QuantileParts,
    quantiles: readonly ScalarOperator[],
    input: VectorOperator,
    steps: Steps,
  ) {
    this.execution = execution;
    this.parts = parts;
    this.quantiles = quantiles;
    this.input = input;
    this.steps = steps;
    this.isDistinct = input.isDistinct;
  }

  async run(sink: RowSink): Promise<void> {
    const { execution, steps, parts } = this;
    const columns: Float64Array[] = [];
    for (const quantile of this.quantiles) columns.push(await quantile.run());
    for (const [index, column] of columns.entries()) {
      execution.annotations.warnOfQuantiles(column, parts.quantiles[index].span);
    }
    for (const histogram of await readHistograms(execution, parts.vector, this.input, steps)) {
      const results = new Map<string, Row>();
      const buckets = new Buckets(histogram.buckets.length);
      for (let step = 0; step < steps.count; step++) {
        buckets.fill(histogram, step);
        if (buckets.length === 0) continue;
        const raised = buckets.endsInInfinity ? buckets.makeMonotonic() : undefined;
        for (const column of columns) {
          const q = column[step];
          const row = this.rowFor(results, histogram, q);
          row.values[step] = this.quantile(q, buckets);
          setBit(row.present, step);
        }
        if (raised !== undefined) this.inform(histogram, steps.timeAt(step), raised);
        if (execution.budget.spend(4 * buckets.length)) await execution.budget.breathe();
      }
      for (const { row } of histogram.buckets) steps.release(row);
      for (const row of results.values()) await sink(row);
    }
  }

  private quantile(q: number, buckets: Buckets): number {
    if (Number.isNaN(q)) return Number.NaN;
    if (q < 0) return Number.NEGATIVE_INFINITY;
    if (q > 1) return Number.POSITIVE_INFINITY;
    return buckets.endsInInfinity ? quantileOfBuckets(q, buckets) : Number.NaN;
  }

  /** The row of a histogram, or with a label that of a histogram and a quantile. */
  private rowFor(results: Map<string, Row>, histogram: Histogram, q: number): Row {
    const { label } = this.parts;
    const key = label === undefined ? '' : formatOpenMetrics(q);
    const known = results.get(key);
    if (known !== undefined) return known;
    const labels = label === undefined ? histogram.labels : withLabel(histogram.labels, label, key);
    const row = this.steps.take(labels, histogram.dropName);
    this.execution.dropName(row);
    results.set(key, row);
    return row;
  }

  /** The metric is named only while its name is still among the labels, and the place is that of the second argument. */
  private inform({ labels }: Histogram, time: number, raised: RaisedBuckets): void {
    const { annotations, options } = this.execution;
    const metric = options.delayedNameRemoval ? forMetric(labels) : '';
    annotations.informRaised(
      `input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)${metric}`,
      this.parts.call.args[1].span,
      time,
      raised,
    );
  }
}

/** How many of the observations are at most `value`, between two buckets interpolated. */
const rankOf = (value: number, { bounds, counts, length, total }: Buckets): number => {
  let rank = 0;
  for (let i = 0; i < length; i++) {
    const upper = bounds[i];
    // The first bucket begins at 0 if its bound is above it.
    const lower = i > 0 ? bounds[i - 1] : upper > 0 ? 0 : Number.NEGATIVE_INFINITY;
    if (lower >= value) return Math.min(rank, total);
    if (upper > value) {
      if (lower === Number.NEGATIVE_INFINITY) return Math.min(counts[i], total);
      return Math.min(rank + ((counts[i] - rank) * (value - lower)) / (upper - lower), total);
    }
    rank = counts[i];
  }
  return total;
};

export class HistogramFraction implements VectorOperator {
  readonly isDistinct: boolean;
  private readonly execution: Execution;
  private readonly call: Call;
  private readonly bounds: readonly [ScalarOperator, ScalarOperator];
  private readonly input: VectorOperator;
  private readonly steps: Steps;

  constructor(
    execution: Execution,
    call: Call,
    bounds: readonly [ScalarOperator, ScalarOperator],
    input: VectorOperator,
    steps: Steps,
  ) {
    this.execution = execution;
    this.call = call;
    this.bounds = bounds;
    this.input = input;
    this.steps = steps;
    this.isDistinct = input.isDistinct;
  }

  async run(sink: RowSink): Promise<void> {
    const { execution, steps } = this;
    const lower = await this.bounds[0].run();
    const upper = await this.bounds[1].run();
    for (const histogram of await readHistograms(execution, this.call.args[2], this.input, steps)) {
      const result = steps.take(histogram.labels, histogram.dropName);
      const buckets = new Buckets(histogram.buckets.length);
      for (let step = 0; step < steps.count; step++) {
        buckets.fill(histogram, step);
        if (buckets.length === 0) continue;
        result.values[step] = fractionOf(lower[step], upper[step], buckets);
        setBit(result.present, step);
        if (execution.budget.spend(4 * buckets.length)) await execution.budget.breathe();
      }
      for (const { row } of histogram.buckets) steps.release(row);
      execution.dropName(result);
      if (isEmpty(result.present)) steps.release(result);
      else await sink(result);
    }
  }
}

const fractionOf = (lower: number, upper: number, buckets: Buckets): number => {
  const { total } = buckets;
  if (!buckets.endsInInfinity || total === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  return lower >= upper ? 0 : (rankOf(upper, buckets) - rankOf(lower, buckets)) / total;
};
