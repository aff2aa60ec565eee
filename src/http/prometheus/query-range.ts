/** `/api/v1/query_range`: an expression over time. */
import { named } from '../params.ts';
import { badData } from '../reply.ts';
import type { StoreExchange } from '../router.ts';
import { limitParam, lookbackParam, requiredTime, stepParam, timeoutParam } from './query-params.ts';
import { answerQuery } from './run-query.ts';

/** Intervals between the points of a series. There may be one point more. */
const INTERVALS_MAX = 11_000;

/** Parameters are checked in the order of Prometheus, so that the same one is named. */
export const answerRange = async (exchange: StoreExchange): Promise<void> => {
  const { params, store } = exchange;
  const limit = limitParam(params);
  const from = requiredTime(params, 'start');
  const through = requiredTime(params, 'end');
  named('end', () => {
    if (through < from) throw badData('end timestamp must not be before start time');
  });
  const step = stepParam(params);
  if (Math.floor((through - from) / step) > INTERVALS_MAX)
    throw badData(
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    );
  const timeoutMs = timeoutParam(params);
  const lookback = lookbackParam(params);
  await answerQuery(exchange, { limit, timeoutMs, at: through }, (signal) =>
    store.queryRange(params.get('query') ?? '', {
      from,
      through,
      step,
      signal,
      ...(lookback === undefined ? {} : { lookback }),
    }),
  );
};
