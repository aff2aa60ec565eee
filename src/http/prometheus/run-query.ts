/** What `/query` and `/query_range` have in common: running a query, its errors, and its answer. */
import type { QueryResult } from '../../index.ts';
import { codeOf, messageOf } from '../../text/error-text.ts';
import { badData, HttpError } from '../reply.ts';
import type { StoreExchange } from '../router.ts';
import { Deadline } from './deadline.ts';
import { sendEnvelope } from './envelope.ts';
import { truncated } from './label-lists.ts';
import { resultPieces } from './result-json.ts';

/** The parameters of both endpoints that don't decide what is evaluated. */
export interface QueryRequest {
  /** The maximum number of series; 0 for no limit. */
  readonly limit: number;
  readonly timeoutMs: number;
  /** The time of a result that has none. */
  readonly at: number;
}

/** Warnings and infos of each kind that an answer lists. */
const NOTES_MAX = 10;

const cut = (notes: readonly string[], kind: string): readonly string[] =>
  notes.length <= NOTES_MAX
    ? notes
    : [...notes.slice(0, NOTES_MAX), `${notes.length - NOTES_MAX} more ${kind} annotations omitted`];

/** The message of the engine for a query that was not begun. */
const inQueue = 'the query was aborted';

const notForRanges = /^invalid expression type ".*" for range query/;

/** The error as Prometheus tells it: mistakes in the expression name the parameter. */
const toldError = (error: unknown, { isOver }: Deadline): unknown => {
  const message = messageOf(error);
  if (isOver && codeOf(error) === 'TIDEMARK_ABORTED')
    return new HttpError(
      503,
      'timeout',
      message === inQueue ? 'query timed out in query queue' : 'query timed out in expression evaluation',
    );
  const isMistake =
    codeOf(error) === 'TIDEMARK_QUERY_SYNTAX' ||
    (codeOf(error) === 'TIDEMARK_QUERY_FAILED' && notForRanges.test(message));
  return isMistake ? badData(`invalid parameter "query": ${message}`) : error;
};

/** Runs the query within its time and sends its result. */
export const answerQuery = async (
  exchange: StoreExchange,
  { limit, timeoutMs, at }: QueryRequest,
  ask: (signal: AbortSignal) => Promise<QueryResult>,
): Promise<void> => {
  const deadline = new Deadline(exchange.signal, timeoutMs);
  let result: QueryResult;
  try {
    result = await ask(deadline.signal);
  } catch (error) {
    throw toldError(error, deadline);
  } finally {
    deadline.end();
  }
  await sendResult(exchange, result, { limit, at });
};

const sendResult = (
  exchange: StoreExchange,
  whole: QueryResult,
  { limit, at }: { readonly limit: number; readonly at: number },
): Promise<void> => {
  const isCut = limit > 0 && whole.series.length > limit;
  const result = isCut ? { ...whole, series: whole.series.slice(0, limit) } : whole;
  const warnings = isCut ? [...whole.warnings, truncated] : whole.warnings;
  const stats = exchange.params.get('stats');
  return sendEnvelope(exchange, resultPieces(result, { at, ...(stats ? { stats: statsOf(whole) } : {}) }), {
    warnings: cut(warnings, 'warning'),
    infos: cut(whole.infos, 'info'),
  });
};

/** Prometheus' statistics. What the engine does not measure by itself is 0. Times are seconds. */
const statsOf = ({ stats }: QueryResult) => {
  const { queueMs = 0, evaluationMs = 0, samples = 0, peakSamples = 0 } = stats ?? {};
  return {
    timings: {
      evalTotalTime: evaluationMs / 1000,
      resultSortTime: 0,
      queryPreparationTime: 0,
      innerEvalTime: evaluationMs / 1000,
      execQueueTime: queueMs / 1000,
      execTotalTime: (queueMs + evaluationMs) / 1000,
    },
    samples: { totalQueryableSamples: samples, peakSamples },
  };
};
