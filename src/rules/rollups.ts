/**
 * Rollups: recording rules that keep the minimum, maximum, sum, count and last value of series at a resolution, for
 * longer than the samples themselves. Their names tell what they are:
 *
 *     rollup:1h:min:temperature{room="kitchen"}
 *
 * An average over rollups is the sum of their sums divided by the sum of their counts.
 */
import type { Duration, QueryRangeOptions, QueryResult, RetentionRule, Store } from '../api/api.ts';
import { formatDuration, parseDuration } from '../model/duration.ts';
import { checkStore, invalidOption } from '../model/invalid-option.ts';
import { METRIC_NAME } from '../model/labels.ts';
import { matchersOf } from '../model/selector.ts';
import { parse } from '../promql/syntax/parse.ts';
import { print } from '../promql/syntax/print.ts';
import type { RecordingRule, RuleGroup } from './rule-types.ts';

export const rollupFunctions = ['min', 'max', 'sum', 'count', 'last'] as const;

export type RollupFunction = (typeof rollupFunctions)[number];

export interface RollupOptions {
  /** Names of the metrics, or selectors with a name such as `temperature{floor="1"}`. */
  readonly metrics: readonly string[];
  /** Time between two values, and the time that each covers: `'1h'`. */
  readonly resolution: Duration;
  /** Default: all. */
  readonly functions?: readonly RollupFunction[];
  /** How long after its end a stretch of time is rolled up, so that late samples count. Default 0. */
  readonly delay?: Duration;
}

/** Name of the rollup of a metric. */
export const rollupName = (metric: string, fn: RollupFunction, resolution: Duration): string =>
  `rollup:${formatDuration(parseDuration(resolution))}:${fn}:${metric}`;

/** The rule group that makes the rollups. */
export const rollupRules = ({
  metrics,
  resolution,
  functions = rollupFunctions,
  delay = 0,
}: RollupOptions): RuleGroup => {
  const resolutionMs = parseDuration(resolution);
  if (resolutionMs < 1000) throw invalidOption('resolution', resolution, 'a duration of at least one second');
  if (!Array.isArray(metrics) || metrics.length === 0) throw invalidOption('metrics', metrics, 'names or selectors');
  const text = formatDuration(resolutionMs);
  const rules = metrics.flatMap((selector): RecordingRule[] => {
    const name = matchersOf(selector).find((matcher) => matcher.name === METRIC_NAME && matcher.op === '=')?.value;
    if (name === undefined || !/^[a-zA-Z_:][\w:]*$/.test(name)) {
      throw invalidOption('metrics', selector, 'a plain name, or a selector with one, such as temperature{floor="1"}');
    }
    return functions.map((fn) => {
      if (!rollupFunctions.includes(fn)) throw invalidOption('functions', fn, rollupFunctions.join(', '));
      return { record: rollupName(name, fn, resolutionMs), expr: `${fn}_over_time(${selector}[${text}])` };
    });
  });
  return { name: `rollup:${text}`, interval: resolutionMs, queryOffset: delay, rules };
};

/** A rule of retention that keeps the rollups of a resolution, or of all, for a time of their own. */
export const rollupRetention = (time: Duration | 'off', resolution?: Duration): RetentionRule => ({
  selector: `{__name__=~"rollup:${resolution === undefined ? '[^:]+' : formatDuration(parseDuration(resolution))}:.+"}`,
  time,
});

export interface RollupQuery extends Omit<QueryRangeOptions, 'step'> {
  readonly metric: string;
  /** What is wanted of each step: an average is made of sums and counts. */
  readonly function: RollupFunction | 'avg';
  /** Resolutions of the rollups that exist, such as `['1h', '1d']`. */
  readonly resolutions: readonly Duration[];
  /** Time between two values, and the time that each covers. */
  readonly step: Duration;
  /** Matchers between the braces: `room="kitchen"`. */
  readonly where?: string;
}

/**
 * The expression for a long range: over the coarsest rollup that the step is a multiple of, or over the samples if there
 * is none. The series have the labels of the metric, without a name.
 */
export const rollupExpression = ({
  metric,
  function: fn,
  resolutions,
  step,
  where = '',
}: Pick<RollupQuery, 'metric' | 'function' | 'resolutions' | 'step' | 'where'>): string => {
  const stepMs = parseDuration(step);
  const window = formatDuration(stepMs);
  const fitting = resolutions.map(parseDuration).filter((resolution) => resolution > 0 && stepMs % resolution === 0);
  const over = (outer: string, name: string): string => {
    const selector = `${name}${where === '' ? '' : `{${where}}`}`;
    return `${outer}_over_time(${selector}[${window}])`;
  };
  if (fitting.length === 0) return checked(over(fn, metric));
  const resolution = Math.max(...fitting);
  const of = (each: RollupFunction): string => {
    const outer = each === 'count' ? 'sum' : each;
    return over(outer, rollupName(metric, each, resolution));
  };
  return checked(fn === 'avg' ? `${of('sum')} / ${of('count')}` : of(fn));
};

/** Throws `TIDEMARK_QUERY_SYNTAX` if a name or `where` was no part of an expression. */
const checked = (expr: string): string => print(parse(expr));

/** Evaluates {@link rollupExpression} over a range, at multiples of the step, so that each step covers whole rollups. */
export const queryRollup = (store: Store, query: RollupQuery): Promise<QueryResult> => {
  checkStore(store);
  const { metric: _metric, function: _function, resolutions: _resolutions, where: _where, ...range } = query;
  const stepMs = parseDuration(query.step);
  const from = Math.min(Math.ceil(query.from / stepMs) * stepMs, query.through);
  return store.queryRange(rollupExpression(query), { ...range, from });
};
