/**
 * What the server needs of recording and alerting rules, to list them as Prometheus does. What `startRules` of
 * `tidemark/rules` returns has it.
 */
import type { InspectionEvent } from 'xstate';
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
  /** What the events of the rule's alerts have as `rule`. Default: the name. */
  readonly id?: string;
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
  /** The values of the last result; lowest and highest are NaN if it had no series. */
  readonly result?: { readonly series: number; readonly lowest: number; readonly highest: number };
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
  /** What the events of the group's alerts have as `group`. Default: the name. */
  readonly id?: string;
  readonly name: string;
  readonly file: string;
  readonly intervalMs: number;
  /** The maximum number of series of a rule's result; 0 for no limit. */
  readonly limit: number;
  readonly rules: readonly (RecordingRuleState | AlertingRuleState)[];
  readonly evaluationMs: number;
  /** Milliseconds since the epoch; 0 before the first evaluation. */
  readonly lastEvaluation: number;
  /** Evaluations that were due and did not happen. */
  readonly missed?: number;
}

export interface RulesSource {
  /** All groups as they are now. */
  groups(): readonly RuleGroupState[];
  /** How many alerts are in each state of their statechart, for the pages. */
  alertStates?(): Readonly<Record<string, number>>;
  /** Adds an observer of the alerts' inspection events, for the pages. Returns a function that removes it. */
  inspect?(observer: (event: InspectionEvent) => void): () => void;
}
