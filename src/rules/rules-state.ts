/** Groups, rules and alerts as a program sees them. */
import type { InspectionEvent } from 'xstate';
import type { Labels } from '../model/labels.ts';
import { type AlertRow, alertStateOf } from './alert-table.ts';
import { type EvaluatedGroup, type EvaluatedRule, isActive, type ResultSummary } from './evaluated-group.ts';

/** An alert that is pending or firing. */
export interface ActiveAlert {
  readonly group: string;
  readonly rule: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: 'pending' | 'firing';
  /** Milliseconds since the epoch. */
  readonly activeAt: number;
  /** Since when the alert fires without its condition, because of `keep_firing_for`; absent while the condition holds. */
  readonly keptSince?: number;
  readonly value: number;
  /** The episode, as in the events. */
  readonly episode: string;
}

interface RuleStateBase {
  /** Name and place, unique within the group; the events of its alerts have it as `rule`. */
  readonly id: string;
  readonly name: string;
  readonly expr: string;
  readonly labels: Labels;
  readonly health: 'unknown' | 'ok' | 'err';
  /** Empty without an error. */
  readonly lastError: string;
  /** Milliseconds since the epoch; 0 before the first evaluation. */
  readonly lastEvaluation: number;
  readonly evaluationMs: number;
  /** The values of the last result; lowest and highest are NaN if it had no series. */
  readonly result: ResultSummary;
}

export type RuleState =
  | (RuleStateBase & { readonly type: 'recording' })
  | (RuleStateBase & {
      readonly type: 'alerting';
      readonly state: 'inactive' | 'pending' | 'firing';
      readonly forMs: number;
      readonly keepFiringForMs: number;
      readonly annotations: Labels;
      readonly alerts: readonly ActiveAlert[];
    });

export interface GroupState {
  /** Name and place, unique among all groups; the events of alerts have it as `group`. */
  readonly id: string;
  readonly name: string;
  readonly file: string;
  readonly intervalMs: number;
  readonly limit: number;
  readonly rules: readonly RuleState[];
  /** Milliseconds since the epoch; 0 before the first evaluation. */
  readonly lastEvaluation: number;
  readonly evaluationMs: number;
  readonly evaluations: number;
  /** Evaluations that were due and did not happen. */
  readonly missed: number;
}

export const groupState = (evaluated: EvaluatedGroup): GroupState => {
  const { id, name, file, intervalMs, limit } = evaluated.group;
  const { lastEvaluation, evaluationMs, evaluations, missed } = evaluated;
  const rules = evaluated.rules.map((rule) => ruleState(evaluated, rule));
  return { id, name, file, intervalMs, limit, rules, lastEvaluation, evaluationMs, evaluations, missed };
};

export const activeAlerts = ({ group, rules }: EvaluatedGroup): ActiveAlert[] =>
  rules.flatMap(({ rule, alerting }) =>
    alerting === undefined
      ? []
      : [...alerting.rows.values()].filter(isActive).map((row) => activeAlert(group.name, rule.name, row)),
  );

const activeAlert = (group: string, rule: string, row: AlertRow): ActiveAlert => {
  const { labels, annotations, value, episode, context } = row;
  const state = alertStateOf(row.state) === 'firing' ? 'firing' : 'pending';
  const kept = context.keptSince === 0 ? {} : { keptSince: context.keptSince };
  return { group, rule, labels, annotations, state, activeAt: context.activeAt, ...kept, value, episode };
};

const ruleState = ({ group }: EvaluatedGroup, evaluated: EvaluatedRule): RuleState => {
  const { rule, alerting, health, lastError, lastEvaluation, evaluationMs, result } = evaluated;
  const { id, name, expr, labels } = rule;
  const base = { id, name, expr, labels, health, lastError, lastEvaluation, evaluationMs, result };
  if (alerting === undefined) return { ...base, type: 'recording' };
  const alerts = [...alerting.rows.values()].filter(isActive).map((row) => activeAlert(group.name, name, row));
  const isFiring = alerts.some((alert) => alert.state === 'firing');
  const state = isFiring ? 'firing' : alerts.length > 0 ? 'pending' : 'inactive';
  const { forMs, keepFiringForMs, annotations } = evaluated.rule;
  return { ...base, type: 'alerting', state, forMs, keepFiringForMs, annotations, alerts };
};

/** Alerts by the states of their statechart; `firing` counts those of `active` and `kept`. */
export type AlertStateCounts = Readonly<Record<'pending' | 'firing' | 'active' | 'kept' | 'resolved', number>>;

export const alertStateCounts = (groups: readonly EvaluatedGroup[]): AlertStateCounts => {
  const counts = { pending: 0, firing: 0, active: 0, kept: 0, resolved: 0 };
  // The pages ask ten times a second: no object per alert.
  for (const { rules } of groups)
    for (const { alerting } of rules) {
      if (alerting === undefined) continue;
      for (const { state } of alerting.rows.values()) {
        if (state === 'pending') counts.pending++;
        else if (state === 'resolved') counts.resolved++;
        else if (state === 'firing.active') counts.active++;
        else if (state === 'firing.kept') counts.kept++;
      }
    }
  counts.firing = counts.active + counts.kept;
  return counts;
};

/** The sum of a number over the rules of a group. */
export const sumOfRules = ({ rules }: EvaluatedGroup, read: (rule: EvaluatedRule) => number): number =>
  rules.reduce((sum, rule) => sum + read(rule), 0);

/** What lists rules and alerts; the HTTP API takes it, too. */
export interface RulesSource {
  groups(): readonly GroupState[];
  alerts(): readonly ActiveAlert[];
  alertStates(): AlertStateCounts;
  inspect(observer: (event: InspectionEvent) => void): () => void;
}
