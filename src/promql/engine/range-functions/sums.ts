/**
 * Sums, averages and deviations. Each window is summed from its first sample on: taking samples out of a compensated sum
 * would leave other last digits.
 */
import { compensated, KahanSum } from '../kahan.ts';
import { type WindowValue, windowFunction } from './range-function.ts';

const sum: WindowValue = ({ values }, low, high) => {
  let total = 0;
  let compensation = 0;
  for (let i = low; i < high; i++) {
    const next = total + values[i];
    compensation = compensated(total, values[i], next, compensation);
    total = next;
  }
  return Number.isFinite(total) ? total + compensation : total;
};

/** The sum by the count. If the sum overflows, the mean is carried on from there instead of the sum. */
const average: WindowValue = ({ values }, low, high) => {
  let total = values[low];
  let compensation = 0;
  for (let i = low + 1; i < high; i++) {
    const next = total + values[i];
    if (next === Number.POSITIVE_INFINITY || next === Number.NEGATIVE_INFINITY) {
      return incrementalMean(values, i, high, i - low, total, compensation);
    }
    compensation = compensated(total, values[i], next, compensation);
    total = next;
  }
  const count = high - low;
  return total / count + compensation / count;
};

const mean = new KahanSum();

/** Goes on from the sum of `count` values with the value at `from`. */
const incrementalMean = (
  values: Float64Array,
  from: number,
  to: number,
  count: number,
  total: number,
  compensation: number,
): number => {
  mean.reset(total / count, compensation / count);
  for (let i = from; i < to; i++) {
    count++;
    const weight = (count - 1) / count;
    mean.reset(mean.sum * weight, mean.compensation * weight);
    mean.add(values[i] / count);
  }
  return mean.sum + mean.compensation;
};

const centre = new KahanSum();
const squares = new KahanSum();

const variance: WindowValue = ({ values }, low, high) => {
  centre.reset(0, 0);
  squares.reset(0, 0);
  for (let i = low; i < high; i++) {
    const difference = values[i] - (centre.sum + centre.compensation);
    centre.add(difference / (i - low + 1));
    squares.add(difference * (values[i] - (centre.sum + centre.compensation)));
  }
  return (squares.sum + squares.compensation) / (high - low);
};

export const sumOverTime = windowFunction(1, sum);
export const avgOverTime = windowFunction(1, average);
export const stdvarOverTime = windowFunction(1, variance);
export const stddevOverTime = windowFunction(1, (windows, low, high, step) =>
  Math.sqrt(variance(windows, low, high, step)),
);
