/** Expressions that are parsed and not evaluated: `/api/v1/format_query`, `/parse_query`, `/query_exemplars`. */
import type { Expr } from '../../promql/syntax/ast.ts';
import { parseWithPauses } from '../../promql/syntax/parse.ts';
import { prettify } from '../../promql/syntax/prettify.ts';
import { namedLater, timeParam } from '../params.ts';
import { badData, sendData } from '../reply.ts';
import type { StoreExchange } from '../router.ts';
import { syntaxTreeJson } from './syntax-tree-json.ts';

const queryOf = ({ params }: StoreExchange): string => params.get('query') ?? '';

/** The expression of the request. Throws 400. */
const expressionOf = (exchange: StoreExchange): Promise<Expr> =>
  namedLater('query', () => parseWithPauses(queryOf(exchange), exchange.breathe));

export const formatQuery = async (exchange: StoreExchange): Promise<void> =>
  sendData(exchange.response, prettify(await expressionOf(exchange)));

export const parseQuery = async (exchange: StoreExchange): Promise<void> =>
  sendData(exchange.response, syntaxTreeJson(await expressionOf(exchange), queryOf(exchange)));

/**
 * No exemplars: the store keeps none. Grafana asks with milliseconds where seconds are meant; such times are far in the
 * future, and right.
 */
export const listExemplars = async (exchange: StoreExchange): Promise<void> => {
  const { params, response, breathe } = exchange;
  const start = timeParam(params, 'start') ?? Number.NEGATIVE_INFINITY;
  const end = timeParam(params, 'end') ?? Number.POSITIVE_INFINITY;
  if (end < start) throw badData('end timestamp must not be before start timestamp');
  await parseWithPauses(queryOf(exchange), breathe);
  return sendData(response, []);
};
