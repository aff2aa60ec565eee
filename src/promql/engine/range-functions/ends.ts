/** Functions of the first or the last samples of a window. */
import { type Row, setBit } from '../rows.ts';
import type { Windows } from '../windows.ts';
import { type RangeFunction, type RangeKernel, windowFunction } from './range-function.ts';

export const lastOverTime = windowFunction(1, ({ values }, _low, high) => values[high - 1], {
  rescans: false,
  keepsName: true,
});
export const firstOverTime = windowFunction(1, ({ values }, low) => values[low], { rescans: false, keepsName: true });
export const timeOfLast = windowFunction(1, ({ timestamps }, _low, high) => timestamps[high - 1] / 1000, {
  rescans: false,
});
export const timeOfFirst = windowFunction(1, ({ timestamps }, low) => timestamps[low] / 1000, { rescans: false });

/** The change between the last two samples. */
const lastChange =
  (isRate: boolean): RangeKernel =>
  (windows: Windows, row: Row, from: number, to: number) => {
    const { timestamps, values, lows, highs } = windows;
    for (let step = from; step < to; step++) {
      const last = highs[step] - 1;
      if (last <= lows[step]) continue;
      const milliseconds = timestamps[last] - timestamps[last - 1];
      if (milliseconds === 0) continue;
      const isReset = isRate && values[last] < values[last - 1];
      let change = isReset ? values[last] : values[last] - values[last - 1];
      if (isRate) change /= milliseconds / 1000;
      row.values[step] = change;
      setBit(row.present, step);
    }
  };

const changeFunction = (isRate: boolean): RangeFunction => ({
  kernel: lastChange(isRate),
  rescans: false,
  keepsName: false,
  rangeArgument: 0,
});

export const irate = changeFunction(true);
export const idelta = changeFunction(false);
