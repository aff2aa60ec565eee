/**
 * The windows of a range vector over one series: for each step the samples `lows[step]` to `highs[step] - 1`. Two pointers
 * find them in one pass, before a range function runs over them.
 */
import type { LabelPairs } from '../../model/labels.ts';
import type { Execution } from './execution.ts';
import type { Steps } from './rows.ts';

export interface WindowOptions {
  readonly rangeMs: number;
  /** The right end of the window of step 0. */
  readonly first: number;
  /** How far the window moves with each step; 0 with `@`. */
  readonly stepMs: number;
}

/** A series as a range function sees it: without stale markers. */
export interface RangeSeries {
  readonly labels: LabelPairs;
  readonly dropName: boolean;
  /** The first `length` elements count. */
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly length: number;
}

export class Windows {
  readonly steps: Steps;
  readonly rangeMs: number;
  readonly lows: Int32Array;
  readonly highs: Int32Array;
  /** The scalar arguments of the function, a number for each step. */
  parameters: readonly Float64Array[] = [];
  timestamps: Float64Array = NONE;
  values: Float64Array = NONE;
  length = 0;
  /** Facts about the series that a function works out before its first window: indexes of samples, or counts. */
  scratch: Int32Array = new Int32Array(0);
  scratchLength = 0;
  private readonly first: number;
  private readonly stepMs: number;
  private readonly closed: boolean;

  constructor(execution: Execution, steps: Steps, options: WindowOptions) {
    this.steps = steps;
    this.rangeMs = options.rangeMs;
    this.first = options.first;
    this.stepMs = options.stepMs;
    this.closed = execution.options.closedRanges;
    execution.budget.hold(steps.count, 8 * steps.count);
    this.lows = new Int32Array(steps.count);
    this.highs = new Int32Array(steps.count);
  }

  /** Makes room for `length` numbers in `scratch`. */
  reserve(length: number): Int32Array {
    if (this.scratch.length < length) this.scratch = new Int32Array(2 * length);
    this.scratchLength = 0;
    return this.scratch;
  }

  /** The right end of a step's window. */
  endAt(step: number): number {
    return this.first + step * this.stepMs;
  }

  /** Finds the windows of a series. Returns how many samples they have together. */
  locate(series: RangeSeries): number {
    const { timestamps, length } = series;
    const { lows, highs, first, stepMs } = this;
    this.timestamps = timestamps;
    this.values = series.values;
    this.length = length;
    // A window has the samples after `end - range`; a closed one has that sample too.
    const reach = this.closed ? this.rangeMs : this.rangeMs - 1;
    const { count } = this.steps;
    let low = 0;
    let high = 0;
    let total = 0;
    // Most series are recorded at an interval, so the ends mostly move by as many samples as the time before. That is
    // tried first.
    let lowMoved = 0;
    let highMoved = 0;
    for (let step = 0; step < count; step++) {
      const end = first + step * stepMs;
      const nextHigh = high + highMoved;
      if (nextHigh > 0 && nextHigh < length && timestamps[nextHigh - 1] <= end && timestamps[nextHigh] > end) {
        high = nextHigh;
      } else {
        const before = high;
        while (high < length && timestamps[high] <= end) high++;
        highMoved = high - before;
      }
      const start = end - reach;
      const nextLow = low + lowMoved;
      if (nextLow > 0 && nextLow < high && timestamps[nextLow - 1] < start && timestamps[nextLow] >= start) {
        low = nextLow;
      } else {
        const before = low;
        while (low < high && timestamps[low] < start) low++;
        lowMoved = low - before;
      }
      lows[step] = low;
      highs[step] = high;
      total += high - low;
    }
    return total;
  }
}

const NONE = new Float64Array(0);
