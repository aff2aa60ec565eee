/**
 * Metrics of the rules that run on a store, in the store's registry. Nothing is counted here: each metric reads its
 * numbers at a scrape. Rules that were stopped have no series any more.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { DeliveryCounts } from './delivery-counts.ts';
import type { EvaluatedGroup } from './evaluated-group.ts';
import { type AlertStateCounts, sumOfRules } from './rules-state.ts';

/** What the metrics read. */
export interface WatchedRules {
  readonly groupList: readonly EvaluatedGroup[];
  readonly deliveries: readonly DeliveryCounts[];
  alertStates(): AlertStateCounts;
}

interface Described {
  readonly help: string;
  readonly label: string;
  /** The numbers by the label's value. */
  readonly read: (rules: WatchedRules) => Iterable<readonly [value: string, number: number]>;
}

/** A number of each group. */
const ofGroups = (help: string, read: (group: EvaluatedGroup) => number): Described => ({
  help,
  label: 'group',
  read: ({ groupList }) => groupList.map((one) => [one.group.id, read(one)]),
});

/** A number of each receiver of alerts. */
const ofReceivers = (help: string, read: (counts: DeliveryCounts) => number): Described => ({
  help,
  label: 'receiver',
  read: ({ deliveries }) => deliveries.map((counts) => [counts.receiver, read(counts)]),
});

const gauges: Readonly<Record<string, Described>> = {
  tidemark_rules_last_duration_seconds: ofGroups(
    "How long the last evaluation of the group's rules took, in seconds.",
    ({ evaluationMs }) => evaluationMs / 1000,
  ),
  tidemark_rules_last_evaluation_timestamp_seconds: ofGroups(
    'The time of the last evaluation of the group, in seconds since the epoch.',
    ({ lastEvaluation }) => lastEvaluation / 1000,
  ),
  tidemark_rules_last_samples: ofGroups('Samples that the last evaluation of the group gave.', (group) =>
    sumOfRules(group, ({ lastSamples }) => lastSamples),
  ),
  tidemark_rules_interval_seconds: ofGroups(
    'The interval of the group, in seconds.',
    ({ group }) => group.intervalMs / 1000,
  ),
  tidemark_rules_alerts: {
    help: 'Alerts by state: pending, firing, resolved.',
    label: 'state',
    read: (rules) => {
      const { pending, firing, resolved } = rules.alertStates();
      return Object.entries({ pending, firing, resolved });
    },
  },
};

const counters: Readonly<Record<string, Described>> = {
  tidemark_rules_evaluations_total: ofGroups('Evaluations of rules, failed ones included.', (group) =>
    sumOfRules(group, ({ evaluations }) => evaluations),
  ),
  tidemark_rules_evaluation_failures_total: ofGroups('Evaluations of rules that failed.', (group) =>
    sumOfRules(group, ({ failures }) => failures),
  ),
  tidemark_rules_evaluation_seconds_total: ofGroups(
    "How long all evaluations of the group's rules took, in seconds.",
    ({ evaluationMsTotal }) => evaluationMsTotal / 1000,
  ),
  tidemark_rules_group_evaluations_total: ofGroups(
    'Evaluations of the group: each is one of all its rules.',
    ({ evaluations }) => evaluations,
  ),
  tidemark_rules_missed_evaluations_total: ofGroups(
    'Evaluations of the group that were due and did not happen.',
    ({ missed }) => missed,
  ),
  tidemark_rules_notifications_sent_total: ofReceivers(
    'Notifications that the receiver of alerts took; a firing alert that is sent again counts again.',
    ({ sent }) => sent,
  ),
  tidemark_rules_notifications_failed_total: ofReceivers(
    'Notifications that the receiver of alerts did not take, and that are sent again.',
    ({ failed }) => failed,
  ),
  tidemark_rules_notifications_dropped_total: ofReceivers(
    'Notifications that the receiver of alerts refused for good.',
    ({ dropped }) => dropped,
  ),
};

const watched = new WeakMap<Registry, Set<WatchedRules>>();

/** Adds rules to the metrics of a registry. Returns a function that removes them. */
export const watchRules = (registry: Registry, rules: WatchedRules): (() => void) => {
  const running = watched.get(registry) ?? new Set();
  watched.set(registry, running);
  if (registry.getSingleMetric('tidemark_rules_alerts') === undefined) registerMetrics(registry, running);
  running.add(rules);
  return () => running.delete(rules);
};

const registerMetrics = (registry: Registry, running: ReadonlySet<WatchedRules>): void => {
  for (const [Metric, all] of [
    [Gauge, gauges],
    [Counter, counters],
  ] as const) {
    for (const [name, { help, label, read }] of Object.entries(all)) {
      const metric: Gauge | Counter = new Metric({
        name,
        help,
        registers: [registry],
        labelNames: [label],
        collect: () => {
          metric.reset();
          for (const rules of running)
            for (const [value, number] of read(rules)) metric.inc({ [label]: value }, number);
        },
      });
    }
  }
};
