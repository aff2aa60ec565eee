/**
 * Evaluates recording rules over the past, so that a new rule has a history. Each group is evaluated at the times of its
 * interval, many times with one query, and the results are merged into the store: what is there already stays. A rule
 * sees what the rules before it have written.
 */

import { firstDue } from '../../streams/rule-evaluations.ts';
import type { Duration, Progress, QueryResult, SeriesColumns, Store } from '../api/api.ts';
import { parseDuration } from '../model/duration.ts';
import { TidemarkError } from '../model/errors.ts';
import { checkStore, invalidOption } from '../model/invalid-option.ts';
import { type Labels, METRIC_NAME, toLabelPairs } from '../model/labels.ts';
import { type CompiledGroup, type CompiledRecordingRule, compileGroups } from './compile-groups.ts';
import { withLabels } from './evaluate-rule.ts';
import type { RuleGroup } from './rule-types.ts';
import { seriesKey } from './series-key.ts';
import { notVector } from './store-rule-storage.ts';

export interface BackfillRulesOptions {
  /** Milliseconds since the epoch, both ends included. */
  readonly from: number;
  readonly through: number;
  /** Interval of groups that say none. Default `'1m'`. */
  readonly interval?: Duration;
  readonly signal?: AbortSignal;
  /** Called when a part of a rule is done; counts evaluations. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface BackfillRulesResult {
  /** Recording rules that were evaluated. Alerting rules are left out. */
  readonly rules: number;
  /** Samples that the store has now, with those that it had already. */
  readonly accepted: number;
  /** Samples that it refused: another value is there, or they are past retention. */
  readonly rejected: number;
}

/** Evaluations of one query. */
const STEPS = 5_000;

/**
 * @throws {TidemarkError} `TIDEMARK_INVALID_RULES`, `TIDEMARK_INVALID_OPTION`, the errors of `queryRange` and `backfill`
 */
export const backfillRules = async (
  store: Store,
  rules: RuleGroup | readonly RuleGroup[],
  options: BackfillRulesOptions,
): Promise<BackfillRulesResult> => {
  checkStore(store);
  const groups = compileGroups(Array.isArray(rules) ? rules : [rules], parseDuration(options.interval ?? '1m'));
  const { from, through } = options;
  if (!Number.isFinite(from) || !Number.isFinite(through) || from > through) {
    throw invalidOption('from', from, 'a time in milliseconds, not after through');
  }
  const parts = groups.flatMap((group) => partsOf(group, options).map((part) => ({ group, part })));
  const total = parts.reduce((sum, { part }) => sum + part.count * part.rules.length, 0);
  const result = { rules: 0, accepted: 0, rejected: 0 };
  let done = 0;
  for (const group of groups) result.rules += group.rules.filter(({ kind }) => kind === 'recording').length;
  for (const { group, part } of parts) {
    for (const rule of part.rules) {
      options.signal?.throwIfAborted();
      const columns = columnsOf(await ask(store, rule, group, part, options.signal), rule);
      const { accepted, rejected } = await store.backfill(columns, { signal: options.signal });
      result.accepted += accepted;
      result.rejected += rejected.reduce((sum, { count }) => sum + count, 0);
      done += part.count;
      options.onProgress?.({ phase: `${group.id}/${rule.id}`, done, total });
    }
  }
  return result;
};

/** Some evaluations of a group: part after part, so that a rule sees the results of the rules before it. */
interface Part {
  readonly first: number;
  readonly count: number;
  readonly rules: readonly CompiledRecordingRule[];
}

const partsOf = (group: CompiledGroup, { from, through }: BackfillRulesOptions): Part[] => {
  const rules = group.rules.filter((rule) => rule.kind === 'recording');
  const { intervalMs } = group;
  const parts: Part[] = [];
  if (rules.length === 0) return parts;
  for (let first = firstDue(from, intervalMs, 0); first <= through; first += STEPS * intervalMs) {
    parts.push({ first, count: Math.min(STEPS, Math.floor((through - first) / intervalMs) + 1), rules });
  }
  return parts;
};

const ask = async (
  store: Store,
  rule: CompiledRecordingRule,
  { intervalMs, queryOffsetMs }: CompiledGroup,
  { first, count }: Part,
  signal: AbortSignal | undefined,
): Promise<QueryResult> => {
  const from = first - queryOffsetMs;
  const result = await store.queryRange(rule.expr, {
    from,
    through: from + (count - 1) * intervalMs,
    step: intervalMs,
    experimental: true,
    ...(signal && { signal }),
  });
  if (result.type !== 'matrix') throw notVector(result.type);
  return result;
};

const columnsOf = ({ series }: QueryResult, rule: CompiledRecordingRule): SeriesColumns[] => {
  const seen = new Set<string>();
  return series.map(({ labels: found, timestamps, values }) => {
    const pairs = Object.keys(found).length === 0 ? [] : toLabelPairs(found);
    const labels: Labels = withLabels(pairs, { [METRIC_NAME]: rule.name, ...rule.labels });
    const key = seriesKey(labels);
    if (seen.has(key)) {
      throw new TidemarkError(
        'TIDEMARK_QUERY_FAILED',
        `${rule.id}: vector contains metrics with the same labelset after applying rule labels`,
      );
    }
    seen.add(key);
    return { labels, timestamps, values };
  });
};
