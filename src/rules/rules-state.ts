/** Groups, rules and alerts as a program sees them. */
import type { Labels } from '../model/labels.ts';
import { type AlertRow, alertStateOf } from './alert-table.ts';
import { type EvaluatedGroup, type EvaluatedRule, isActive } from './evaluated-group.ts';

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
  readonly name: string;
  readonly expr: string;
  readonly labels: Labels;
  readonly health: 'unknown' | 'ok' | 'err';
  /** Empty without an error. */
  readonly lastError: string;
  /** Milliseconds since the epoch; 0 before the first evaluation. */
  readonly lastEvaluation: number;
  readonly evaluationMs: number;
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
  const { name, file, intervalMs, limit } = evaluated.group;
  const { lastEvaluation, evaluationMs, evaluations, missed } = evaluated;
  const rules = evaluated.rules.map((rule) => ruleState(evaluated, rule));
  return { name, file, intervalMs, limit, rules, lastEvaluation, evaluationMs, evaluations, missed };
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
  const { rule, alerting, health, lastError, lastEvaluation, evaluationMs } = evaluated;
  const { name, expr, labels } = rule;
  const base = { name, expr, labels, health, lastError, lastEvaluation, evaluationMs };
  if (alerting === undefined) return { ...base, type: 'recording' };
  const alerts = [...alerting.rows.values()].filter(isActive).map((row) => activeAlert(group.name, name, row));
  const isFiring = alerts.some((alert) => alert.state === 'firing');
  const state = isFiring ? 'firing' : alerts.length > 0 ? 'pending' : 'inactive';
  const { forMs, keepFiringForMs, annotations } = evaluated.rule;
  return { ...base, type: 'alerting', state, forMs, keepFiringForMs, annotations, alerts };
};

/** What lists rules and alerts; the HTTP API takes it, too. */
export interface RulesSource {
  groups(): readonly GroupState[];
  alerts(): readonly ActiveAlert[];
}
