/**
 * Puts the alerts of an earlier process back into their states (docs/decisions/0038-alerts-are-restored-from-the-journal.md).
 *
 * 1. The events of alerts are folded: an episode without `alertResolved` was pending or firing.
 * 2. The last sample of `ALERTS_FOR_STATE` tells how far the alert was observed. Time that was not observed does not
 *    count for `for`: the alert's `activeAt` is moved by it. After more than the tolerance, a pending alert begins again.
 * 3. An alert that the events no longer have, because the history has a bound, is restored from `ALERTS_FOR_STATE` and
 *    `ALERTS` alone.
 */
import type { Store } from '../api/api.ts';
import type { AlertEvent } from '../model/events.ts';
import { type Labels, toLabelPairs } from '../model/labels.ts';
import type { AlertPublisher } from './alert-table.ts';
import { type Alerting, episodeOf } from './alerting.ts';
import { withLabels } from './evaluate-rule.ts';
import type { EvaluatedGroup, EvaluatedRule } from './evaluated-group.ts';
import { seriesKey } from './series-key.ts';

export interface RestoreAlertsOptions {
  readonly store: Store;
  readonly groups: readonly EvaluatedGroup[];
  readonly publish: AlertPublisher;
  readonly now: number;
  /** Longest time without evaluation after which a pending alert goes on, milliseconds. */
  readonly toleranceMs: number;
}

interface OpenEpisode {
  readonly event: AlertEvent;
  readonly firedAt: number;
}

interface AlertRuleOfGroup {
  readonly group: EvaluatedGroup;
  readonly rule: EvaluatedRule & { readonly alerting: Alerting };
}

export const restoreAlerts = async (options: RestoreAlertsOptions): Promise<void> => {
  const rules = new Map<string, AlertRuleOfGroup>();
  for (const group of options.groups) {
    for (const rule of group.rules) {
      if (rule.alerting !== undefined) rules.set(`${group.group.id}\0${rule.rule.id}`, { group, rule });
    }
  }
  const { episodes, known } = await openEpisodes(options.store);
  for (const episode of episodes) {
    const found = rules.get(`${episode.event.group}\0${episode.event.rule}`);
    if (found === undefined) endEpisode(episode, 'ruleRemoved', options);
    else restoreEpisode(episode, found, options);
  }
  await restoreFromSeries(rules, known, options);
};

/** The episodes that have not ended, and the alerts of which the journal has any event. */
const openEpisodes = async (store: Store): Promise<{ episodes: OpenEpisode[]; known: Set<string> }> => {
  const episodes = new Map<string, OpenEpisode>();
  const known = new Set<string>();
  for await (const event of store.alertHistory()) {
    known.add(seriesKey(event.labels));
    if (event.type === 'alertResolved') episodes.delete(event.episode);
    else {
      const firedAt = event.type === 'alertFired' ? event.time : (episodes.get(event.episode)?.firedAt ?? 0);
      episodes.set(event.episode, { event, firedAt });
    }
  }
  return { episodes: [...episodes.values()], known };
};

const endEpisode = (
  { event, firedAt }: OpenEpisode,
  reason: 'ruleRemoved' | 'outage',
  { publish, now }: RestoreAlertsOptions,
): void => {
  const { episode, group, rule, labels, annotations, value, activeAt } = event;
  const facts = { time: now, episode, group, rule, labels, annotations, value, activeAt };
  const was = firedAt === 0 ? ({ was: 'pending' } as const) : ({ was: 'firing', firedAt } as const);
  publish({ type: 'alertResolved', ...facts, ...was, reason });
};

const restoreEpisode = (
  episode: OpenEpisode,
  { group, rule }: AlertRuleOfGroup,
  options: RestoreAlertsOptions,
): void => {
  const { store, publish, now, toleranceMs } = options;
  const { event, firedAt } = episode;
  const { intervalMs, queryOffsetMs } = group.group;
  if (firedAt !== 0) {
    rule.alerting.restore({ event, state: 'firing', activeAt: event.activeAt, firedAt });
  } else {
    const lastTime = store.series(withLabels(toLabelPairs(event.labels), { __name__: 'ALERTS_FOR_STATE' })).lastTime;
    const observedAt = Math.max(event.time, lastTime === undefined ? 0 : lastTime + queryOffsetMs);
    const gap = now - observedAt;
    if (gap > toleranceMs) {
      endEpisode(episode, 'outage', options);
      return;
    }
    // Up to two intervals between two evaluations are no outage.
    const unobserved = gap > 2 * intervalMs ? gap - intervalMs : 0;
    const activeAt = event.activeAt + unobserved;
    if (unobserved > 0) {
      publish({ ...withoutPosition(event), type: 'alertPending', time: now, activeAt, restored: true });
    }
    rule.alerting.restore({ event, state: 'pending', activeAt, firedAt: 0 });
  }
  continueSeries(rule, event.labels);
};

const withoutPosition = ({ episode, group, rule, labels, annotations, value }: AlertEvent) => ({
  episode,
  group,
  rule,
  labels,
  annotations,
  value,
});

/** The alert's series end with a stale marker, if the next evaluation does not give the alert. */
const continueSeries = ({ alerting, output }: AlertRuleOfGroup['rule'], labels: Labels): void => {
  const row = alerting.rows.get(seriesKey(labels));
  if (row === undefined) return;
  for (const { key, series } of alerting.samplesOf(row)) if (series !== undefined) output.continue(key, series);
};

/** Restores alerts of which only the series are left. */
const restoreFromSeries = async (
  rules: ReadonlyMap<string, AlertRuleOfGroup>,
  known: ReadonlySet<string>,
  { store, now, toleranceMs }: RestoreAlertsOptions,
): Promise<void> => {
  const byName = new Map<string, AlertRuleOfGroup[]>();
  for (const found of rules.values()) {
    const { name } = found.rule.rule;
    byName.set(name, [...(byName.get(name) ?? []), found]);
  }
  if (byName.size === 0 || toleranceMs <= 0) return;
  const { series } = await store.query('ALERTS_FOR_STATE', { at: now, lookback: toleranceMs });
  for (const { labels: withName, values } of series) {
    const labels = withLabels(toLabelPairs(withName), { __name__: '' });
    const candidates = byName.get(labels['alertname'] ?? '') ?? [];
    // With several rules of the name it is not known whose alert it was.
    if (candidates.length !== 1 || known.has(seriesKey(labels))) continue;
    const [{ group, rule }] = candidates;
    const pairs = toLabelPairs(labels);
    const lastTime = store.series(withName).lastTime ?? now;
    const firing = store.series({ ...labels, __name__: 'ALERTS', alertstate: 'firing' });
    const state = firing.lastTime === lastTime ? 'firing' : 'pending';
    const gap = now - lastTime;
    const unobserved = state === 'pending' && gap > 2 * group.group.intervalMs ? gap - group.group.intervalMs : 0;
    const begunAt = values[0] * 1000;
    const episode = episodeOf(group.group.id, rule.rule.id, pairs, begunAt);
    const facts = { time: lastTime, episode, group: group.group.id, rule: rule.rule.id, labels, annotations: {} };
    const event: AlertEvent = { type: 'alertPending', ...facts, value: 'NaN', activeAt: begunAt };
    rule.alerting.restore({ event, state, activeAt: begunAt + unobserved, firedAt: state === 'firing' ? lastTime : 0 });
    continueSeries(rule, labels);
  }
};
