/**
 * What the server needs of recording and alerting rules, to list them as Prometheus does. What `startRules` of
 * `tidemark/rules` returns has it.
 */
import type { Labels } from '../index.ts';

export interface AlertState {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: 'pending' | 'firing';
  /** Milliseconds since the epoch. */
  readonly activeAt: number;
  /** Since when the alert is kept firing although its expression has no result any more. */
  readonly keptSince?: number;
  readonly value: number;
}

interface RuleState {
  readonly name: string;
  /** The expression. */
  readonly expr: string;
  readonly labels: Labels;
  readonly health: 'ok' | 'err' | 'unknown';
  /** Empty without an error. */
  readonly lastError: string;
  readonly evaluationMs: number;
  /** Milliseconds since the epoch; 0 before the first evaluation. */
  readonly lastEvaluation: number;
}

export interface RecordingRuleState extends RuleState {
  readonly type: 'recording';
}

export interface AlertingRuleState extends RuleState {
  readonly type: 'alerting';
  readonly state: 'inactive' | 'pending' | 'firing';
  /** How long the expression must hold before the alert fires. */
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly annotations: Labels;
  readonly alerts: readonly AlertState[];
}

export interface RuleGroupState {
  readonly name: string;
  readonly file: string;
  readonly intervalMs: number;
  /** The maximum number of series of a rule's result; 0 for no limit. */
  readonly limit: number;
  readonly rules: readonly (RecordingRuleState | AlertingRuleState)[];
  readonly evaluationMs: number;
  /** Milliseconds since the epoch; 0 before the first evaluation. */
  readonly lastEvaluation: number;
}

export interface RulesSource {
  /** All groups as they are now. */
  groups(): readonly RuleGroupState[];
}
