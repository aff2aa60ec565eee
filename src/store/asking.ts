/**
 * Answers PromQL: parses an expression, reads the series it names, and evaluates it. Loaded when a program asks for the
 * first time, so that a store that is never asked does not pay for the language.
 */
import type { QueryLimits, QueryOptions, QueryRangeOptions, QueryResult } from '../api/api.ts';
import { parseDuration } from '../model/duration.ts';
import { TidemarkError } from '../model/errors.ts';
import { toLabels } from '../model/labels.ts';
import { metricText } from '../model/metric-text.ts';
import { detailOf, shownValue } from '../model/shown-value.ts';
import type { Clock } from '../ports/clock.ts';
import { defaultLimits, type EngineLimits, type EngineOptions } from '../promql/engine/engine-options.ts';
import { type EvalResult, evaluate } from '../promql/engine/evaluate.ts';
import type { SeriesSource, SourceRequest, SourceSeries } from '../promql/source.ts';
import { parse } from '../promql/syntax/parse.ts';
import type { Queries } from '../query/queries.ts';

const DEFAULT_LOOKBACK_MS = 5 * 60_000;
const DEFAULT_SUBQUERY_STEP_MS = 60_000;
/** Queries that are evaluated at a time. Others wait for their turn: more would only share the thread and the memory. */
const CONCURRENT_MAX = 2;

/** Parts that could not be read which an answer lists. */
const PROBLEMS_MAX = 100;

export interface AskParts {
  readonly queries: Queries;
  readonly clock: Clock;
}

export class Asking {
  private readonly parts: AskParts;
  private readonly source: SeriesSource;
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(parts: AskParts) {
    this.parts = parts;
    this.source = { select: (request) => selectFrom(parts.queries, request) };
  }

  query(text: string, options: QueryOptions = {}): Promise<QueryResult> {
    const at = options.at ?? this.parts.clock.now();
    checkTime('at', at);
    return this.evaluate(text, { start: at, end: at, stepMs: 0, isInstant: true }, options);
  }

  queryRange(text: string, options: QueryRangeOptions): Promise<QueryResult> {
    const { from, through } = options;
    checkTime('from', from);
    checkTime('through', through);
    if (from > through) throw invalid('through', through, `a time that is not before from, ${from}`);
    const stepMs = durationOf('step', options.step);
    if (stepMs < 1) throw invalid('step', options.step, 'a duration of at least 1 ms');
    return this.evaluate(text, { start: from, end: through, stepMs, isInstant: false }, options);
  }

  private async evaluate(
    text: string,
    range: { readonly start: number; readonly end: number; readonly stepMs: number; readonly isInstant: boolean },
    options: QueryOptions,
  ): Promise<QueryResult> {
    if (typeof text !== 'string') throw invalid('expr', text, 'the text of an expression');
    const engine = this.engineOptions(options);
    const expr = parse(text, { experimental: engine.experimental });
    const { signal } = options;
    const request = { expr, text, ...range, ...(signal === undefined ? {} : { signal }) };
    await this.turn(signal);
    try {
      return resultOf(await evaluate(this.source, request, engine));
    } finally {
      this.running--;
      this.waiting.shift()?.();
    }
  }

  /** Resolves when the query may be evaluated. */
  private async turn(signal: AbortSignal | undefined): Promise<void> {
    while (this.running >= CONCURRENT_MAX) {
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
      if (signal?.aborted === true)
        throw new TidemarkError('TIDEMARK_ABORTED', 'the query was aborted', { cause: signal.reason });
    }
    this.running++;
  }

  private engineOptions(options: QueryOptions): EngineOptions {
    const { clock } = this.parts;
    return {
      lookbackMs: options.lookback === undefined ? DEFAULT_LOOKBACK_MS : durationOf('lookback', options.lookback),
      defaultSubqueryStepMs: DEFAULT_SUBQUERY_STEP_MS,
      closedRanges: options.closedRanges ?? false,
      delayedNameRemoval: false,
      experimental: options.experimental ?? false,
      limits: limitsOf(options.limits),
      breathe: () => clock.breathe(),
      now: () => clock.monotonic(),
    };
  }
}

async function* selectFrom(queries: Queries, request: SourceRequest): AsyncGenerator<readonly SourceSeries[]> {
  const { matchers, signal, from, through } = request;
  const range = queries.rangeOf({ from, through });
  for await (const batch of queries.batches(matchers, range, signal)) {
    yield batch.map(([{ pairs }, { timestamps, values, problems }]) => {
      const series = { labels: pairs, timestamps, values };
      if (problems === undefined) return series;
      const name = metricText(pairs);
      return { ...series, problems: problems.map((problem) => `${name}: ${problem}`) };
    });
  }
}

const resultOf = ({ type, series, text, warnings, infos, problems }: EvalResult): QueryResult => ({
  type,
  series: series.map(({ labels, timestamps, values }) => ({ labels: toLabels(labels), timestamps, values })),
  ...(text === undefined ? {} : { text }),
  warnings: [...warnings, ...(problems.length > PROBLEMS_MAX ? cut(problems) : problems)],
  infos: [...infos],
});

const cut = (problems: readonly string[]): string[] => [
  ...problems.slice(0, PROBLEMS_MAX),
  `${problems.length - PROBLEMS_MAX} more problems are not listed`,
];

const limitsOf = (given: QueryLimits = {}): EngineLimits => {
  const limits: Record<string, number> = { ...defaultLimits };
  for (const [name, value] of Object.entries(given)) {
    const key = name === 'timeout' ? 'timeoutMs' : name;
    if (!(key in limits)) throw invalid(`limits.${name}`, value, 'samples, bytes, steps, series, timeout');
    const number = key === 'timeoutMs' ? durationOf('limits.timeout', value) : value;
    if (typeof number !== 'number' || !(number > 0)) throw invalid(`limits.${name}`, value, 'a number above 0');
    limits[key] = number;
  }
  return limits as unknown as EngineLimits;
};

const durationOf = (name: string, value: unknown): number => {
  try {
    return parseDuration(value as string | number);
  } catch (cause) {
    throw invalid(name, value, "a duration such as '5m', or milliseconds", cause);
  }
};

const checkTime = (name: string, value: unknown): void => {
  if (typeof value === 'number' && Number.isFinite(value)) return;
  throw new TidemarkError(
    'TIDEMARK_INVALID_TIMESTAMP',
    `${name} is ${shownValue(value)}; allowed: milliseconds since the epoch`,
    { details: { name, value: detailOf(value) } },
  );
};

const invalid = (name: string, value: unknown, allowed: string, cause?: unknown): TidemarkError =>
  new TidemarkError('TIDEMARK_INVALID_OPTION', `${name} is ${shownValue(value)}; allowed: ${allowed}`, {
    cause,
    details: { option: name, value: detailOf(value) },
  });
