/** `/api/v1/query`: an expression at one time. */
import { timeParam } from '../params.ts';
import type { StoreExchange } from '../router.ts';
import { limitParam, lookbackParam, timeoutParam } from './query-params.ts';
import { answerQuery } from './run-query.ts';

/** Parameters are checked in the order of Prometheus, so that the same one is named. */
export const answerInstant = async (exchange: StoreExchange): Promise<void> => {
  const { params, store } = exchange;
  const limit = limitParam(params);
  const at = timeParam(params, 'time');
  const timeoutMs = timeoutParam(params);
  const lookback = lookbackParam(params);
  await answerQuery(exchange, { limit, timeoutMs, at: at ?? Date.now() }, (signal) =>
    store.query(params.get('query') ?? '', {
      signal,
      ...(at === undefined ? {} : { at }),
      ...(lookback === undefined ? {} : { lookback }),
    }),
  );
};
