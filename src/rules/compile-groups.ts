/** Rules as the evaluation uses them: durations in milliseconds, expressions printed, templates parsed. */
import { parseDuration } from '../model/duration.ts';
import { TidemarkError } from '../model/errors.ts';
import { invalidOption } from '../model/invalid-option.ts';
import type { Labels } from '../model/labels.ts';
import { parse } from '../promql/syntax/parse.ts';
import { print } from '../promql/syntax/print.ts';
import { checkGroup, type GroupProblem } from './check-group.ts';
import type { Rule, RuleGroup } from './rule-types.ts';
import { type AlertTemplate, alertTemplate } from './templates/alert-template.ts';

interface CompiledRuleBase {
  readonly name: string;
  /** Name and place, unique within the group: `HighLoad`, `HighLoad#2`. */
  readonly id: string;
  /** The expression as Prometheus prints it. */
  readonly expr: string;
  /** Labels of the group and of the rule, as they are written. */
  readonly labels: Labels;
}

export interface CompiledRecordingRule extends CompiledRuleBase {
  readonly kind: 'recording';
}

export interface CompiledAlertingRule extends CompiledRuleBase {
  readonly kind: 'alerting';
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly annotations: Labels;
  readonly labelTemplates: readonly (readonly [string, AlertTemplate])[];
  readonly annotationTemplates: readonly (readonly [string, AlertTemplate])[];
}

export type CompiledRule = CompiledRecordingRule | CompiledAlertingRule;

export interface CompiledGroup {
  readonly name: string;
  /** Name and place, unique among all groups: `node`, `node#2`. */
  readonly id: string;
  readonly file: string;
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  /** 0: no limit. */
  readonly limit: number;
  readonly rules: readonly CompiledRule[];
}

/** Interval of groups that say none, milliseconds. */
export const DEFAULT_INTERVAL_MS = 60_000;

/**
 * @throws {TidemarkError} `TIDEMARK_INVALID_RULES` that names group and rule of every mistake
 */
export const compileGroups = (
  groups: readonly RuleGroup[],
  defaultIntervalMs = DEFAULT_INTERVAL_MS,
): readonly CompiledGroup[] => {
  if (!Array.isArray(groups)) throw invalidOption('rules', groups, 'a group of rules, or an array of groups');
  const mistakes = groups.flatMap((group, i) =>
    typeof group === 'object' && group !== null
      ? checkGroup(group).map((problem) => problemOf(group, problem))
      : [`rules[${i}] is not a group of rules`],
  );
  if (mistakes.length > 0)
    throw new TidemarkError('TIDEMARK_INVALID_RULES', mistakes.join('\n'), { details: { mistakes } });
  const ids = new Numbered();
  return groups.map((group) => compileGroup(group, ids.next(group.name), defaultIntervalMs));
};

const problemOf = (group: RuleGroup, { rule, message }: GroupProblem): string => {
  const name = `group ${JSON.stringify(group.name)}`;
  return rule === undefined ? `${name}: ${message}` : `${name}, rule ${rule + 1}: ${message}`;
};

/** Makes names unique: `a`, `a#2`, `a#3`. */
class Numbered {
  private readonly counts = new Map<string, number>();

  next(name: string): string {
    const count = (this.counts.get(name) ?? 0) + 1;
    this.counts.set(name, count);
    return count === 1 ? name : `${name}#${count}`;
  }
}

const compileGroup = (group: RuleGroup, id: string, defaultIntervalMs: number): CompiledGroup => {
  const ids = new Numbered();
  const intervalMs = group.interval === undefined ? 0 : parseDuration(group.interval);
  return {
    name: group.name,
    id,
    file: group.file ?? '',
    intervalMs: intervalMs > 0 ? intervalMs : defaultIntervalMs,
    queryOffsetMs: parseDuration(group.queryOffset ?? 0),
    limit: group.limit ?? 0,
    rules: group.rules.map((rule) => compileRule(rule, group.labels ?? {}, ids)),
  };
};

const compileRule = (rule: Rule, groupLabels: Labels, ids: Numbered): CompiledRule => {
  const labels = { ...groupLabels, ...rule.labels };
  const expr = print(parse(rule.expr, { experimental: true }));
  if ('record' in rule) return { kind: 'recording', name: rule.record, id: ids.next(rule.record), expr, labels };
  const annotations = rule.annotations ?? {};
  return {
    kind: 'alerting',
    name: rule.alert,
    id: ids.next(rule.alert),
    expr,
    labels,
    annotations,
    forMs: parseDuration(rule.for ?? 0),
    keepFiringForMs: parseDuration(rule.keepFiringFor ?? 0),
    labelTemplates: templatesOf(labels),
    annotationTemplates: templatesOf(annotations),
  };
};

const templatesOf = (texts: Labels): readonly (readonly [string, AlertTemplate])[] =>
  Object.entries(texts).map(([name, text]) => [name, alertTemplate(text)] as const);
