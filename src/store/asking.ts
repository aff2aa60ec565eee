/**
 * Answers PromQL: parses an expression, reads the series it names, and evaluates it. Loaded when a program asks for the
 * first time, so that a store that is never asked does not pay for the language.
 */
import type { Duration, QueryLimits, QueryOptions, QueryRangeOptions, QueryResult } from '../api/api.ts';
import { Semaphore } from '../async/semaphore.ts';
import { TidemarkError } from '../model/errors.ts';
import { invalidOption } from '../model/invalid-option.ts';
import { toLabels } from '../model/labels.ts';
import { metricText } from '../model/metric-text.ts';
import type { Clock } from '../ports/clock.ts';
import { defaultLimits, type EngineLimits, type EngineOptions } from '../promql/engine/engine-options.ts';
import { type EvalResult, evaluate } from '../promql/engine/evaluate.ts';
import type { SeriesSource, SourceRequest, SourceSeries } from '../promql/source.ts';
import { parseWithPauses } from '../promql/syntax/parse.ts';
import { checkFiniteTime, durationOption, type Queries } from '../query/queries.ts';

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
  private readonly evaluating = new Semaphore(CONCURRENT_MAX);

  constructor(parts: AskParts) {
    this.parts = parts;
    this.source = { select: (request) => selectFrom(parts.queries, request) };
  }

  query(text: string, options: QueryOptions = {}): Promise<QueryResult> {
    const at = options.at ?? this.parts.clock.now();
    checkFiniteTime('at', at);
    return this.evaluate(text, { start: at, end: at, stepMs: 0, isInstant: true }, options);
  }

  queryRange(text: string, options: QueryRangeOptions): Promise<QueryResult> {
    const { from, through } = options;
    checkFiniteTime('from', from);
    checkFiniteTime('through', through);
    if (from > through) throw invalidOption('through', through, `a time that is not before from, ${from}`);
    const stepMs = durationOption('step', options.step);
    if (stepMs < 1) throw invalidOption('step', options.step, 'a duration of at least 1 ms');
    return this.evaluate(text, { start: from, end: through, stepMs, isInstant: false }, options);
  }

  private async evaluate(
    text: string,
    range: { readonly start: number; readonly end: number; readonly stepMs: number; readonly isInstant: boolean },
    options: QueryOptions,
  ): Promise<QueryResult> {
    if (typeof text !== 'string') throw invalidOption('expr', text, 'the text of an expression');
    const engine = this.engineOptions(options);
    const { signal } = options;
    const breathe = async (): Promise<void> => {
      if (signal?.aborted === true) throw aborted(signal.reason);
      await engine.breathe();
    };
    const expr = await parseWithPauses(text, breathe, { experimental: engine.experimental });
    const request = { expr, text, ...range, ...(signal === undefined ? {} : { signal }) };
    const asked = engine.now();
    await this.admit(signal);
    const begun = engine.now();
    try {
      const outcome = await evaluate(this.source, request, engine);
      return resultOf(outcome, { queueMs: begun - asked, evaluationMs: engine.now() - begun });
    } finally {
      this.evaluating.release();
    }
  }

  /** Resolves when the query may be evaluated. */
  private async admit(signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.evaluating.acquire(signal);
    } catch (cause) {
      throw aborted(cause);
    }
  }

  private engineOptions(options: QueryOptions): EngineOptions {
    const { clock } = this.parts;
    return {
      lookbackMs: options.lookback === undefined ? DEFAULT_LOOKBACK_MS : durationOption('lookback', options.lookback),
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

const aborted = (cause: unknown): TidemarkError =>
  new TidemarkError('TIDEMARK_ABORTED', 'the query was aborted', { cause });

async function* selectFrom(queries: Queries, request: SourceRequest): AsyncGenerator<readonly SourceSeries[]> {
  const { matchers, signal, from, through } = request;
  const range = queries.rangeOf({ from, through });
  for await (const batch of queries.batches(matchers, range, signal, true)) {
    yield batch.map(([{ pairs }, { timestamps, values, problems }]) => {
      const series = { labels: pairs, timestamps, values };
      if (problems === undefined) return series;
      const name = metricText(pairs);
      return { ...series, problems: problems.map((problem) => `${name}: ${problem}`) };
    });
  }
}

const resultOf = (
  { type, series, text, warnings, infos, problems, stats }: EvalResult,
  times: { readonly queueMs: number; readonly evaluationMs: number },
): QueryResult => ({
  type,
  series: series.map(({ labels, timestamps, values }) => ({ labels: toLabels(labels), timestamps, values })),
  ...(text === undefined ? {} : { text }),
  warnings: [...warnings, ...(problems.length > PROBLEMS_MAX ? cut(problems) : problems)],
  infos: [...infos],
  stats: { ...stats, ...times },
});

const cut = (problems: readonly string[]): string[] => [
  ...problems.slice(0, PROBLEMS_MAX),
  `${problems.length - PROBLEMS_MAX} more problems are not listed`,
];

const limitsOf = (given: QueryLimits = {}): EngineLimits => {
  const limits: Record<string, number> = { ...defaultLimits };
  for (const [name, value] of Object.entries(given)) {
    const key = name === 'timeout' ? 'timeoutMs' : name;
    if (!(key in limits)) throw invalidOption(`limits.${name}`, value, 'samples, bytes, steps, series, timeout');
    const number = key === 'timeoutMs' ? durationOption('limits.timeout', value as Duration) : value;
    if (typeof number !== 'number' || !(number > 0)) throw invalidOption(`limits.${name}`, value, 'a number above 0');
    limits[key] = number;
  }
  return limits as unknown as EngineLimits;
};
