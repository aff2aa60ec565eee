/** Expressions that are parsed and not evaluated: `/api/v1/format_query`, `/parse_query`, `/query_exemplars`. */
import { parse } from '../../promql/syntax/parse.ts';
import { prettify } from '../../promql/syntax/prettify.ts';
import { named, timeParam } from '../params.ts';
import { badData, sendData } from '../reply.ts';
import type { StoreExchange } from '../router.ts';
import { syntaxTreeJson } from './syntax-tree-json.ts';

const queryOf = ({ params }: StoreExchange): string => params.get('query') ?? '';

export const formatQuery = (exchange: StoreExchange): Promise<void> =>
  sendData(exchange.response, prettify(named('query', () => parse(queryOf(exchange)))));

export const parseQuery = (exchange: StoreExchange): Promise<void> => {
  const text = queryOf(exchange);
  return sendData(
    exchange.response,
    syntaxTreeJson(
      named('query', () => parse(text)),
      text,
    ),
  );
};

/**
 * No exemplars: the store keeps none. Grafana asks with milliseconds where seconds are meant; such times are far in the
 * future, and right.
 */
export const listExemplars = (exchange: StoreExchange): Promise<void> => {
  const { params, response } = exchange;
  const start = timeParam(params, 'start') ?? Number.NEGATIVE_INFINITY;
  const end = timeParam(params, 'end') ?? Number.POSITIVE_INFINITY;
  if (end < start) throw badData('end timestamp must not be before start timestamp');
  parse(queryOf(exchange));
  return sendData(response, []);
};
