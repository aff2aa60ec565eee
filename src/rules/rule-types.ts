/** Rules as a program gives them. The fields are those of Prometheus' rule files, with the names of TypeScript. */
import type { Duration } from '../api/api.ts';
import type { Labels } from '../model/labels.ts';

/** A rule that appends the result of an expression as new series. */
export interface RecordingRule {
  /** The name of the new series. */
  readonly record: string;
  /** A PromQL expression that gives a vector or a scalar. */
  readonly expr: string;
  /** Labels that the new series get; an empty text removes a label. */
  readonly labels?: Labels;
}

/** A rule with an alert for each series of an expression's result. */
export interface AlertingRule {
  readonly alert: string;
  readonly expr: string;
  /** How long the expression must have given a series before its alert fires. Default 0: it fires at once. */
  readonly for?: Duration;
  /** How long an alert goes on firing after the expression has stopped giving its series. Default 0. */
  readonly keepFiringFor?: Duration;
  /** Labels of the alert. The values are templates. */
  readonly labels?: Labels;
  /** Texts for people. The values are templates. */
  readonly annotations?: Labels;
}

export type Rule = RecordingRule | AlertingRule;

/** Rules that are evaluated together, one after the other, at the same times. */
export interface RuleGroup {
  /** Unique within a file. */
  readonly name: string;
  /** Time between two evaluations. Default: `interval` of the caller's options, `'1m'`. */
  readonly interval?: Duration;
  /** Series or alerts that one rule may give; with more, the rule fails. Default 0: no limit. */
  readonly limit?: number;
  /** How far back the expressions are evaluated, so that late samples are seen. Default 0. */
  readonly queryOffset?: Duration;
  /** Labels of all rules; those of a rule go first. */
  readonly labels?: Labels;
  readonly rules: readonly Rule[];
  /** The file that the group was read from. */
  readonly file?: string;
}
