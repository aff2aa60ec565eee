/**
 * Evaluates the rules of a group, one after the other: each rule sees what the rules before it have written. A rule that
 * fails does not stop the others.
 */
import type { InspectionEvent } from 'xstate';
import { textOf } from '../model/errors.ts';
import type { Labels } from '../model/labels.ts';
import type { AlertPublisher, AlertRow } from './alert-table.ts';
import { alertStateOf } from './alert-table.ts';
import { Alerting } from './alerting.ts';
import type { CompiledAlertingRule, CompiledGroup, CompiledRecordingRule } from './compile-groups.ts';
import { RuleOutput } from './evaluate-rule.ts';
import { recordedSamples } from './recording.ts';
import type { RuleSample, RuleStorage } from './rule-storage.ts';

/** What the evaluation of rules needs. */
export interface EvaluationParts {
  readonly storage: RuleStorage;
  readonly externalLabels: Labels;
  readonly externalUrl: string;
  readonly publish: AlertPublisher;
  /** Called with the error of a sample that the store refused, and with that of a rule that failed. */
  readonly onError: (error: unknown, group: string, rule: string) => void;
  readonly breathe: () => Promise<void>;
  /** Milliseconds on a scale that never goes back. */
  readonly monotonic: () => number;
  /** The observer of the alerts' inspection events, if there is one now. */
  readonly inspector?: (() => ((event: InspectionEvent) => void) | undefined) | undefined;
}

/** How a rule is doing; the names are those of Prometheus. */
export interface RuleHealth {
  health: 'unknown' | 'ok' | 'err';
  lastError: string;
  /** Milliseconds since the epoch; 0 before the first evaluation. */
  lastEvaluation: number;
  evaluationMs: number;
  /** Evaluations, and those that failed. */
  evaluations: number;
  failures: number;
  /** Samples that the last evaluation wrote. */
  lastSamples: number;
  /** The result of the last evaluation that did not fail. */
  result: ResultSummary;
}

/** The values of a result. Lowest and highest are NaN if it has no series. */
export interface ResultSummary {
  readonly series: number;
  readonly lowest: number;
  readonly highest: number;
}

const noResult: ResultSummary = { series: 0, lowest: Number.NaN, highest: Number.NaN };

const summarize = (result: readonly RuleSample[]): ResultSummary => {
  let lowest = Number.NaN;
  let highest = Number.NaN;
  for (const { value } of result) {
    if (!(value >= lowest)) lowest = Number.isNaN(value) ? lowest : value;
    if (!(value <= highest)) highest = Number.isNaN(value) ? highest : value;
  }
  return { series: result.length, lowest, highest };
};

export type EvaluatedRule = RuleHealth & { readonly output: RuleOutput } & (
    | { readonly rule: CompiledRecordingRule; readonly alerting?: undefined }
    | { readonly rule: CompiledAlertingRule; readonly alerting: Alerting }
  );

export class EvaluatedGroup {
  readonly group: CompiledGroup;
  readonly rules: readonly EvaluatedRule[];
  /** Milliseconds since the epoch; 0 before the first evaluation. */
  lastEvaluation = 0;
  evaluationMs = 0;
  evaluationMsTotal = 0;
  /** Evaluations, and those that were due but did not happen. */
  evaluations = 0;
  missed = 0;
  private readonly parts: EvaluationParts;

  constructor(group: CompiledGroup, parts: EvaluationParts) {
    this.group = group;
    this.parts = parts;
    this.rules = group.rules.map((rule): EvaluatedRule => {
      const fresh = {
        health: 'unknown',
        lastError: '',
        lastEvaluation: 0,
        evaluationMs: 0,
        evaluations: 0,
        failures: 0,
        lastSamples: 0,
        result: noResult,
      } as const;
      const output = new RuleOutput();
      if (rule.kind === 'recording') return { ...fresh, rule, output };
      return { ...fresh, rule, output, alerting: new Alerting({ ...parts, rule, group: group.id }) };
    });
  }

  /** Evaluates all rules for a time, milliseconds since the epoch. */
  async evaluate(at: number, signal?: AbortSignal): Promise<void> {
    const begunAt = this.parts.monotonic();
    for (const rule of this.rules) {
      if (signal?.aborted) return;
      await this.evaluateRule(rule, at, signal);
    }
    this.lastEvaluation = at;
    this.evaluations++;
    this.evaluationMs = this.parts.monotonic() - begunAt;
    this.evaluationMsTotal += this.evaluationMs;
  }

  /** The alerts of all rules, with the rule of each. */
  *alerts(): Generator<{ readonly rule: CompiledAlertingRule; readonly row: AlertRow }, void, undefined> {
    for (const { rule, alerting } of this.rules) {
      if (alerting !== undefined) for (const row of alerting.rows.values()) yield { rule, row };
    }
  }

  private async evaluateRule(evaluated: EvaluatedRule, at: number, signal: AbortSignal | undefined): Promise<void> {
    const { storage, onError, breathe, monotonic } = this.parts;
    const { rule, output, alerting } = evaluated;
    const begunAt = monotonic();
    try {
      await storage.ready();
      const sampleTime = at - this.group.queryOffsetMs;
      const result = await storage.query(rule.expr, sampleTime);
      if (signal?.aborted) return;
      const { limit } = this.group;
      const samples =
        alerting === undefined ? recordedSamples(rule, result, limit) : await alerting.evaluate(result, at, limit);
      const refused = (error: unknown): void => onError(error, this.group.id, rule.id);
      await output.write(samples, sampleTime, { storage, refused, breathe });
      evaluated.lastSamples = samples.length;
      evaluated.result = summarize(result);
      evaluated.health = 'ok';
      evaluated.lastError = '';
    } catch (error) {
      if (signal?.aborted) return;
      evaluated.lastSamples = 0;
      evaluated.failures++;
      evaluated.health = 'err';
      evaluated.lastError = textOf(error);
      onError(error, this.group.id, rule.id);
    }
    evaluated.evaluations++;
    evaluated.lastEvaluation = at;
    evaluated.evaluationMs = monotonic() - begunAt;
  }
}

/** Whether an alert is pending or firing. */
export const isActive = (row: AlertRow): boolean => alertStateOf(row.state) !== 'inactive';
