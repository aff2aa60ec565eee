/** What a range function is to the engine. */
import type { Call } from '../../syntax/ast.ts';
import type { Execution } from '../execution.ts';
import { type Row, setBit } from '../rows.ts';
import type { RangeSeries, Windows } from '../windows.ts';

/** Writes the values of the steps `from` to `to - 1`. */
export type RangeKernel = (windows: Windows, row: Row, from: number, to: number) => void;

export interface RangeFunction {
  readonly kernel: RangeKernel;
  /** Works out facts about a whole series, before the kernel runs over its windows. */
  readonly prepare?: (windows: Windows) => void;
  /** The kernel reads all samples of each window; without it, about one sample a step. */
  readonly rescans: boolean;
  /** The metric name stays. */
  readonly keepsName: boolean;
  /** Position of the range vector among the arguments. */
  readonly rangeArgument: number;
  /** Remarks on a series that has a result. */
  readonly remark?: (execution: Execution, call: Call, series: RangeSeries, windows: Windows, row: Row) => void;
}

/** The value of a window from its samples `low` to `high - 1`; there is at least one. */
export type WindowValue = (windows: Windows, low: number, high: number, step: number) => number;

/** A kernel that calls `compute` for each window with at least `samplesMin` samples. */
export const eachWindow =
  (samplesMin: number, compute: WindowValue): RangeKernel =>
  (windows, row, from, to) => {
    const { lows, highs } = windows;
    const { values, present } = row;
    for (let step = from; step < to; step++) {
      const low = lows[step];
      const high = highs[step];
      if (high - low < samplesMin) continue;
      values[step] = compute(windows, low, high, step);
      setBit(present, step);
    }
  };

/** A function of the window's samples alone, without the metric name. */
export const windowFunction = (
  samplesMin: number,
  compute: WindowValue,
  options: Partial<RangeFunction> = {},
): RangeFunction => ({
  kernel: eachWindow(samplesMin, compute),
  rescans: true,
  keepsName: false,
  rangeArgument: 0,
  ...options,
});
