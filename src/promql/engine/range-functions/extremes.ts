/**
 * Least and greatest values of windows, and their times. NaN counts only if there is nothing else.
 *
 * Windows that overlap share work: a queue of indexes holds the samples that can still be the least one of a window, each
 * greater than the one before. The first is the least of the current window.
 */
import { type Row, setBit } from '../rows.ts';
import type { Windows } from '../windows.ts';
import { type RangeFunction, type RangeKernel, windowFunction } from './range-function.ts';

/** The queue in the scratch column: `[head, tail, next sample, indexes …]`. */
const HEAD = 0;
const TAIL = 1;
const NEXT = 2;
const QUEUE = 3;

const emptyQueue = (windows: Windows): void => {
  const queue = windows.reserve(windows.length + QUEUE);
  queue[HEAD] = QUEUE;
  queue[TAIL] = QUEUE;
  queue[NEXT] = 0;
};

const extreme =
  (sign: 1 | -1): RangeKernel =>
  (windows: Windows, row: Row, from: number, to: number) => {
    const { values, lows, highs, scratch: queue } = windows;
    let head = queue[HEAD];
    let tail = queue[TAIL];
    let next = queue[NEXT];
    for (let step = from; step < to; step++) {
      const low = lows[step];
      const high = highs[step];
      for (; next < high; next++) {
        const value = values[next] * sign;
        if (Number.isNaN(value)) continue;
        while (tail > head && values[queue[tail - 1]] * sign >= value) tail--;
        queue[tail++] = next;
      }
      while (head < tail && queue[head] < low) head++;
      if (high <= low) continue;
      row.values[step] = head < tail ? values[queue[head]] : Number.NaN;
      setBit(row.present, step);
    }
    queue[HEAD] = head;
    queue[TAIL] = tail;
    queue[NEXT] = next;
  };

const extremeFunction = (sign: 1 | -1): RangeFunction => ({
  kernel: extreme(sign),
  prepare: emptyQueue,
  rescans: false,
  keepsName: false,
  rangeArgument: 0,
});

export const minOverTime = extremeFunction(1);
export const maxOverTime = extremeFunction(-1);

/** The time of the least value; of equal ones the latest. */
const timeOfExtreme = (sign: 1 | -1): RangeFunction =>
  windowFunction(1, ({ timestamps, values }, low, high) => {
    let best = low;
    for (let i = low + 1; i < high; i++) {
      if (values[i] * sign <= values[best] * sign || Number.isNaN(values[best])) best = i;
    }
    return timestamps[best] / 1000;
  });

export const timeOfMin = timeOfExtreme(1);
export const timeOfMax = timeOfExtreme(-1);
