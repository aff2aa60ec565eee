/** deriv and predict_linear: a straight line through the samples of a window, by least squares. */
import { KahanSum } from '../kahan.ts';
import type { Windows } from '../windows.ts';
import { windowFunction } from './range-function.ts';

const sumX = new KahanSum();
const sumY = new KahanSum();
const sumXY = new KahanSum();
const sumXX = new KahanSum();

/** The line at `origin` milliseconds: written to this object, so that a window allocates nothing. */
const line = { slope: 0, intercept: 0 };

const fitLine = ({ timestamps, values }: Windows, low: number, high: number, origin: number): void => {
  for (const sum of sums) sum.reset(0, 0);
  let isConstant = true;
  for (let i = low; i < high; i++) {
    const x = (timestamps[i] - origin) / 1000;
    const y = values[i];
    if (y !== values[low]) isConstant = isConstant && i === low;
    sumX.add(x);
    sumY.add(y);
    sumXY.add(x * y);
    sumXX.add(x * x);
  }
  if (isConstant) {
    const isInfinite = Math.abs(values[low]) === Number.POSITIVE_INFINITY;
    line.slope = isInfinite ? Number.NaN : 0;
    line.intercept = isInfinite ? Number.NaN : values[low];
    return;
  }
  const count = high - low;
  const x = sumX.sum + sumX.compensation;
  const y = sumY.sum + sumY.compensation;
  const covariance = sumXY.sum + sumXY.compensation - (x * y) / count;
  const variance = sumXX.sum + sumXX.compensation - (x * x) / count;
  line.slope = covariance / variance;
  line.intercept = y / count - (line.slope * x) / count;
};

const sums = [sumX, sumY, sumXY, sumXX];

export const deriv = windowFunction(2, (windows, low, high) => {
  fitLine(windows, low, high, windows.timestamps[low]);
  return line.slope;
});

/** The line is taken at the time of the evaluation, which an offset does not shift. */
export const predictLinear = windowFunction(2, (windows, low, high, step) => {
  fitLine(windows, low, high, windows.steps.timeAt(step));
  return line.slope * windows.parameters[0][step] + line.intercept;
});
