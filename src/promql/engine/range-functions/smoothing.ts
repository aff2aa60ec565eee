/** double_exponential_smoothing, before Prometheus 3 called holt_winters: a smoothed value and a smoothed trend. */
import { failed } from '../limits.ts';
import { windowFunction } from './range-function.ts';

const checkFactor = (name: string, short: string, factor: number): void => {
  if (factor > 0 && factor < 1) return;
  throw failed(`invalid ${name} factor. Expected: 0 < ${short} < 1, got: ${fixed(factor)}`);
};

/** `%f` of Go. */
const fixed = (x: number): string => {
  if (Number.isNaN(x)) return 'NaN';
  return Number.isFinite(x) ? x.toFixed(6) : x > 0 ? '+Inf' : '-Inf';
};

export const doubleExponentialSmoothing = windowFunction(1, ({ values, parameters }, low, high, step) => {
  const valueFactor = parameters[0][step];
  const trendFactor = parameters[1][step];
  checkFactor('smoothing', 'sf', valueFactor);
  checkFactor('trend', 'tf', trendFactor);
  let before = 0;
  let smoothed = values[low];
  let trend = values[low + 1] - values[low];
  for (let i = low + 1; i < high; i++) {
    const scaled = valueFactor * values[i];
    if (i > low + 1) trend = trendFactor * (smoothed - before) + (1 - trendFactor) * trend;
    const carried = (1 - valueFactor) * (smoothed + trend);
    before = smoothed;
    smoothed = scaled + carried;
  }
  return smoothed;
});
