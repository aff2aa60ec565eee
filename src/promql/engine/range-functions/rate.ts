/**
 * rate, increase, delta: the change over the window, extended to its ends. The order of the operations decides the last
 * digit and is that of Prometheus.
 */
import { labelValue, METRIC_NAME } from '../../../model/labels.ts';
import { quoteLikeGo } from '../../../model/quote-like-go.ts';
import { setBit } from '../rows.ts';
import type { Windows } from '../windows.ts';
import type { RangeFunction, RangeKernel } from './range-function.ts';

/** The samples that are smaller than the one before: there a counter began again. */
const findResets = (windows: Windows): void => {
  const { values, length } = windows;
  const resets = windows.reserve(length);
  let count = 0;
  let before = values[0];
  for (let i = 1; i < length; i++) {
    const value = values[i];
    if (value < before) resets[count++] = i;
    before = value;
  }
  windows.scratchLength = count;
};

const extrapolated =
  (isCounter: boolean, isRate: boolean): RangeKernel =>
  (windows, row, from, to) => {
    const { timestamps, values, lows, highs, rangeMs, scratch: resets, scratchLength: resetCount } = windows;
    const { values: results, present } = row;
    const rangeSeconds = rangeMs / 1000;
    let firstReset = 0;
    for (let step = from; step < to; step++) {
      const low = lows[step];
      const last = highs[step] - 1;
      if (last <= low) continue;
      const first = values[low];
      let change = values[last] - first;
      if (isCounter && resetCount > 0) {
        while (firstReset < resetCount && resets[firstReset] <= low) firstReset++;
        for (let i = firstReset; i < resetCount && resets[i] <= last; i++) change += values[resets[i] - 1];
      }
      const windowEnd = windows.endAt(step);
      let toStart = (timestamps[low] - (windowEnd - rangeMs)) / 1000;
      let toEnd = (windowEnd - timestamps[last]) / 1000;
      const sampled = (timestamps[last] - timestamps[low]) / 1000;
      const average = sampled / (last - low);
      const threshold = average * 1.1;
      if (toStart >= threshold) toStart = average / 2;
      // A counter is never below 0, so it can't be extended to before the time at which it would have been 0.
      if (isCounter && change > 0 && first >= 0) {
        const toZero = sampled * (first / change);
        if (toZero < toStart) toStart = toZero;
      }
      if (toEnd >= threshold) toEnd = average / 2;
      let factor = (sampled + toStart + toEnd) / sampled;
      if (isRate) factor /= rangeSeconds;
      results[step] = change * factor;
      setBit(present, step);
    }
  };

const counterEnd = /_(?:total|sum|count|bucket)$/;

const counterFunction = (isRate: boolean): RangeFunction => ({
  kernel: extrapolated(true, isRate),
  prepare: findResets,
  rescans: false,
  keepsName: false,
  rangeArgument: 0,
  remark: (execution, call, series) => {
    const name = labelValue(series.labels, METRIC_NAME);
    if (name === '' || counterEnd.test(name)) return;
    execution.annotations.inform(
      `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${quoteLikeGo(name)}`,
      call.args[0].span,
    );
  },
});

export const rate = counterFunction(true);
export const increase = counterFunction(false);
export const delta: RangeFunction = {
  kernel: extrapolated(false, false),
  rescans: false,
  keepsName: false,
  rangeArgument: 0,
};
