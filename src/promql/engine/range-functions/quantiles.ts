/** quantile_over_time and mad_over_time: the windows are copied, because finding the quantile reorders values. */
import { isBadQuantile, quantileOf } from '../quantile.ts';
import { hasBit } from '../rows.ts';
import type { Windows } from '../windows.ts';
import { windowFunction } from './range-function.ts';

/** A copy of the window's values. Kernels never wait, so one buffer serves all. */
let buffer = new Float64Array(1024);

const copied = ({ values }: Windows, low: number, high: number): Float64Array => {
  if (buffer.length < high - low) buffer = new Float64Array(2 * (high - low));
  for (let i = low; i < high; i++) buffer[i - low] = values[i];
  return buffer;
};

export const quantileOverTime = windowFunction(
  1,
  (windows, low, high, step) => quantileOf(windows.parameters[0][step], copied(windows, low, high), high - low),
  {
    rangeArgument: 1,
    remark: (execution, call, _series, { parameters }, row) => {
      let last = 0;
      for (let step = 0; step < row.values.length; step++) {
        const q = parameters[0][step];
        if (!isBadQuantile(q) || Object.is(q, last) || !hasBit(row.present, step)) continue;
        execution.annotations.warnOfQuantile(q, call.args[0].span);
        last = q;
      }
    },
  },
);

/** The median distance from the median; NaN if any value is NaN. */
export const madOverTime = windowFunction(1, (windows, low, high) => {
  const length = high - low;
  const values = copied(windows, low, high);
  const median = quantileOf(0.5, values, length);
  // The first is NaN if any is.
  if (Number.isNaN(values[0])) return Number.NaN;
  for (let i = 0; i < length; i++) values[i] = Math.abs(values[i] - median);
  return quantileOf(0.5, values, length);
});
