/** The range functions by name. */

import { firstOverTime, idelta, irate, lastOverTime, timeOfFirst, timeOfLast } from './ends.ts';
import { maxOverTime, minOverTime, timeOfMax, timeOfMin } from './extremes.ts';
import { madOverTime, quantileOverTime } from './quantiles.ts';
import type { RangeFunction } from './range-function.ts';
import { delta, increase, rate } from './rate.ts';
import { deriv, predictLinear } from './regression.ts';
import { doubleExponentialSmoothing } from './smoothing.ts';
import { avgOverTime, stddevOverTime, stdvarOverTime, sumOverTime } from './sums.ts';
import { changes, countOverTime, presentOverTime, resets } from './window-counts.ts';

export const rangeFunctions: ReadonlyMap<string, RangeFunction> = new Map<string, RangeFunction>([
  ['avg_over_time', avgOverTime],
  ['changes', changes],
  ['count_over_time', countOverTime],
  ['delta', delta],
  ['deriv', deriv],
  ['double_exponential_smoothing', doubleExponentialSmoothing],
  ['first_over_time', firstOverTime],
  ['holt_winters', doubleExponentialSmoothing],
  ['idelta', idelta],
  ['increase', increase],
  ['irate', irate],
  ['last_over_time', lastOverTime],
  ['mad_over_time', madOverTime],
  ['max_over_time', maxOverTime],
  ['min_over_time', minOverTime],
  ['predict_linear', predictLinear],
  ['present_over_time', presentOverTime],
  ['quantile_over_time', quantileOverTime],
  ['rate', rate],
  ['resets', resets],
  ['stddev_over_time', stddevOverTime],
  ['stdvar_over_time', stdvarOverTime],
  ['sum_over_time', sumOverTime],
  ['ts_of_first_over_time', timeOfFirst],
  ['ts_of_last_over_time', timeOfLast],
  ['ts_of_max_over_time', timeOfMax],
  ['ts_of_min_over_time', timeOfMin],
]);
