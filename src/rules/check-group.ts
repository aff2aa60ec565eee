/** Checks a group of rules, as Prometheus does when it loads a rule file. */
import { durationMs } from '../model/duration.ts';
import { TidemarkError, textOf } from '../model/errors.ts';
import { METRIC_NAME } from '../model/labels.ts';
import { parse } from '../promql/syntax/parse.ts';
import type { RuleGroup } from './rule-types.ts';
import { alertTemplate } from './templates/alert-template.ts';
import { TemplateError } from './templates/template-error.ts';

export interface GroupProblem {
  /** Index of the rule; absent for a problem of the group itself. */
  readonly rule?: number;
  /** The field that is wrong, and its entry if it has entries. */
  readonly field: string;
  readonly key?: string;
  readonly message: string;
}

/** Series or alerts of a group: above it, the group is a mistake rather than a configuration. */
const RULES_MAX = 100_000;

const labelName = /^[a-zA-Z_]\w*$/;

/** What is wrong with a group that a program gave, or that was read from a file. */
export const checkGroup = (group: RuleGroup): GroupProblem[] => {
  const problems: GroupProblem[] = [];
  const note = (field: string, message: string, key?: string): void => {
    problems.push({ field, message, ...(key === undefined ? {} : { key }) });
  };
  if (typeof group.name !== 'string' || group.name === '') note('name', 'the name must not be empty');
  for (const field of ['interval', 'queryOffset'] as const) {
    if (!isDuration(group[field]))
      note(field, `${field} is not a duration; allowed: milliseconds, or text such as 30s`);
  }
  if (group.limit !== undefined && !Number.isSafeInteger(group.limit)) note('limit', 'limit takes a whole number');
  checkNames(group.labels, 'labels', note, true);
  if (!Array.isArray(group.rules)) note('rules', 'rules takes a list');
  else if (group.rules.length > RULES_MAX) note('rules', `more than ${RULES_MAX} rules`);
  else
    for (const [rule, each] of group.rules.entries())
      for (const found of checkRule(each)) problems.push({ ...found, rule });
  return problems;
};

const isDuration = (value: unknown): boolean =>
  value === undefined || (typeof value === 'number' ? value >= 0 : durationMs(value) !== undefined);

type Note = (field: string, message: string, key?: string) => void;

/** A rule as a program without types may give it. */
interface AnyRule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr?: string;
  readonly for?: number | string;
  readonly keepFiringFor?: number | string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const checkRule = (rule: AnyRule): GroupProblem[] => {
  const problems: GroupProblem[] = [];
  const note: Note = (field, message, key) => {
    problems.push({ field, message, ...(key === undefined ? {} : { key }) });
  };
  if (typeof rule !== 'object' || rule === null) {
    note('record', 'a rule takes record or alert, and expr');
    return problems;
  }
  const { record, alert } = rule;
  if (record && alert) note('record', "only one of 'record' and 'alert' must be set");
  if (!record && !alert) note('record', "one of 'record' or 'alert' must be set");
  checkExpression(rule.expr, note);
  if (record) checkRecording(rule, record, note);
  for (const field of ['for', 'keepFiringFor'] as const) {
    if (!isDuration(rule[field])) note(field, `${field} is not a duration; allowed: milliseconds, or text such as 5m`);
  }
  checkNames(rule.labels, 'labels', note, true);
  checkNames(rule.annotations, 'annotations', note, false);
  if (alert) for (const field of ['labels', 'annotations'] as const) checkTemplates(rule[field], field, note);
  return problems;
};

const checkExpression = (expr: string | undefined, note: Note): void => {
  if (typeof expr !== 'string' || expr === '') {
    note('expr', "field 'expr' must be set in rule");
    return;
  }
  try {
    parse(expr, { experimental: true });
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    note('expr', `could not parse expression: ${error.message}`);
  }
};

const checkRecording = (rule: AnyRule, record: string, note: Note): void => {
  if (rule.annotations !== undefined) note('annotations', "invalid field 'annotations' in recording rule");
  if (rule.for !== undefined && rule.for !== 0) note('for', "invalid field 'for' in recording rule");
  if (rule.keepFiringFor !== undefined && rule.keepFiringFor !== 0) {
    note('keepFiringFor', "invalid field 'keep_firing_for' in recording rule");
  }
  if (!/^[a-zA-Z_:][\w:]*$/.test(record)) note('record', `invalid recording rule name: ${record}`);
};

const checkNames = (
  texts: Readonly<Record<string, string>> | undefined,
  field: 'labels' | 'annotations',
  note: Note,
  isLabel: boolean,
): void => {
  if (texts === undefined) return;
  if (typeof texts !== 'object' || texts === null) {
    note(field, `${field} takes names and texts`);
    return;
  }
  for (const [name, text] of Object.entries(texts)) {
    if (!labelName.test(name) || (isLabel && name === METRIC_NAME)) {
      note(field, `invalid ${isLabel ? 'label' : 'annotation'} name: ${name}`, name);
    }
    if (typeof text !== 'string' || /\p{Cs}/u.test(text)) {
      note(field, `invalid ${isLabel ? 'label' : 'annotation'} value of ${name}: not a text`, name);
    }
  }
};

const checkTemplates = (
  texts: Readonly<Record<string, string>> | undefined,
  field: 'labels' | 'annotations',
  note: Note,
): void => {
  for (const [name, text] of Object.entries(texts ?? {})) {
    if (typeof text !== 'string') continue;
    try {
      alertTemplate(text);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      note(
        field,
        `${field === 'labels' ? 'label' : 'annotation'} ${JSON.stringify(name)}: template: ${textOf(error)}`,
        name,
      );
    }
  }
};
