/**
 * Reads a rule file of Prometheus: YAML with groups of recording and alerting rules. Every mistake is reported with its
 * line, its group and its rule, and reading goes on, so that one check shows all mistakes.
 */
import { TidemarkError } from '../../model/errors.ts';
import type { Labels } from '../../model/labels.ts';
import { checkGroup, type GroupProblem } from '../check-group.ts';
import type { AlertingRule, RecordingRule, Rule, RuleGroup } from '../rule-types.ts';
import { TreeFields } from './tree-fields.ts';
import { type Place, type Problem, parseYaml, type Tree } from './yaml-tree.ts';

export interface RuleFile {
  readonly groups: readonly RuleGroup[];
  /** What is wrong, in the order of the file; with a problem, the groups are not complete. */
  readonly problems: readonly Problem[];
}

/** Reads a rule file and checks it whole. `file` is its name, which its groups keep. */
export const readRuleFile = async (text: string, file: string): Promise<RuleFile> => {
  const { tree, problems: syntax } = await parseYaml(text);
  const problems: Problem[] = [...syntax];
  const top = new TreeFields(tree, ['groups'], problems, '');
  const names = new Set<string>();
  const groups = top.list('groups').map((group) => {
    const read = readGroup(group, file, problems);
    const { name } = read.group;
    if (name !== '' && names.has(name)) {
      problems.push({
        ...read.namePlace,
        message: `group ${JSON.stringify(name)}: the name is repeated in the same file`,
      });
    }
    names.add(name);
    return read.group;
  });
  return { groups, problems: problems.sort((a, b) => a.line - b.line || a.column - b.column) };
};

/**
 * The groups of a rule file.
 *
 * @throws {TidemarkError} `TIDEMARK_INVALID_RULES` that names file, line, group and rule of every mistake
 */
export const parseRules = async (text: string, file = 'rules.yml'): Promise<RuleGroup[]> => {
  if (typeof text !== 'string') throw new TidemarkError('TIDEMARK_INVALID_RULES', `${file}: not a text`);
  const { groups, problems } = await readRuleFile(text, file);
  if (problems.length === 0) return [...groups];
  throw new TidemarkError('TIDEMARK_INVALID_RULES', problems.map((problem) => problemText(file, problem)).join('\n'), {
    details: { file, problems },
  });
};

/** `rules.yml:12:5: group "node", rule 2 (HighLoad): expr: unclosed left parenthesis`. */
export const problemText = (file: string, { line, column, message }: Problem): string =>
  `${file}:${line}:${column}: ${message}`;

const groupFields = ['name', 'interval', 'query_offset', 'limit', 'labels', 'rules'];
const ruleFields = ['record', 'alert', 'expr', 'for', 'keep_firing_for', 'labels', 'annotations'];

const readGroup = (
  tree: Tree,
  file: string,
  problems: Problem[],
): { readonly group: RuleGroup; readonly namePlace: Place } => {
  const name = new TreeFields(tree, groupFields, [], '').text('name');
  const path = `group ${JSON.stringify(name)}`;
  const fields = new TreeFields(tree, groupFields, problems, path);
  const interval = fields.duration('interval');
  const queryOffset = fields.duration('query_offset');
  const limit = fields.integer('limit');
  const labels = fields.texts('labels');
  const rules = fields.list('rules').map((rule, i) => readRule(rule, `${path}, rule ${i + 1}`, problems));
  const group: RuleGroup = {
    name: fields.text('name'),
    ...(interval === undefined ? {} : { interval }),
    ...(queryOffset === undefined ? {} : { queryOffset }),
    ...(limit === undefined ? {} : { limit }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    rules: rules.map(({ rule }) => rule),
    file,
  };
  for (const problem of checkGroup(group)) {
    const read = problem.rule === undefined ? { fields, path } : rules[problem.rule];
    problems.push({ ...placeOf(problem, read.fields), message: `${read.path}: ${problem.message}` });
  }
  return { group, namePlace: fields.placeOf('name') };
};

const fileNames: Readonly<Record<string, string>> = { keepFiringFor: 'keep_firing_for', queryOffset: 'query_offset' };

const placeOf = ({ field, key }: GroupProblem, fields: TreeFields): Place => {
  const name = fileNames[field] ?? field;
  if (key !== undefined) return fields.entryPlaceOf(name, key);
  return fields.has(name) ? fields.valuePlaceOf(name) : fields.place;
};

const readRule = (
  tree: Tree,
  path: string,
  problems: Problem[],
): { readonly rule: Rule; readonly fields: TreeFields; readonly path: string } => {
  const peek = new TreeFields(tree, ruleFields, [], '');
  const name = peek.text('record') || peek.text('alert');
  const named = name === '' ? path : `${path} (${name})`;
  const fields = new TreeFields(tree, ruleFields, problems, named);
  const held = fields.duration('for');
  const keepFiringFor = fields.duration('keep_firing_for');
  const labels = fields.texts('labels');
  const annotations = fields.texts('annotations');
  // A rule with both names, or with fields of the other kind, is kept as it is: the check names the mistake.
  const rule: Partial<RecordingRule> & Partial<AlertingRule> = {
    ...(fields.text('record') === '' ? {} : { record: fields.text('record') }),
    ...(fields.text('alert') === '' ? {} : { alert: fields.text('alert') }),
    expr: fields.text('expr'),
    ...(held ? { for: held } : {}),
    ...(keepFiringFor ? { keepFiringFor } : {}),
    ...textsIfAny('labels', labels),
    ...textsIfAny('annotations', annotations),
  };
  return { rule: rule as Rule, fields, path: named };
};

const textsIfAny = (name: 'labels' | 'annotations', texts: Labels): Partial<Record<typeof name, Labels>> =>
  Object.keys(texts).length === 0 ? {} : { [name]: texts };
