/** Reads a unit-test file of Prometheus' rules: the format that `promtool test rules` runs. */
import type { LabelPairs, Labels } from '../../model/labels.ts';
import { NATIVE_HISTOGRAM, NotationError, parseSeriesLine, type SeriesLine } from '../../promql/testing/series-line.ts';
import { TreeFields } from '../rule-files/tree-fields.ts';
import { type Problem, parseYaml, type Tree } from '../rule-files/yaml-tree.ts';

export interface UnitTestFile {
  /** Paths relative to the file; each may have `*`. */
  readonly ruleFiles: readonly string[];
  readonly evaluationIntervalMs: number;
  readonly groupOrder: readonly string[];
  readonly isFuzzy: boolean;
  readonly tests: readonly UnitTest[];
}

export interface UnitTest {
  readonly name: string;
  readonly line: number;
  /** Time between two values of a series. */
  readonly intervalMs: number;
  readonly series: readonly SeriesLine[];
  readonly externalLabels: Labels;
  readonly externalUrl: string;
  readonly alertTests: readonly AlertTest[];
  readonly exprTests: readonly ExprTest[];
}

export interface AlertTest {
  readonly line: number;
  readonly at: number;
  readonly alertName: string;
  readonly expected: readonly { readonly labels: Labels; readonly annotations: Labels }[];
}

export interface ExprTest {
  readonly line: number;
  readonly at: number;
  readonly expr: string;
  readonly expected: readonly { readonly labels: LabelPairs; readonly value: number }[];
}

/** Names the place of what a test can not have here. */
const HISTOGRAMS = 'native histograms are not supported';

const fileFields = ['rule_files', 'evaluation_interval', 'group_eval_order', 'fuzzy_compare', 'tests'];
const testFields = [
  'name',
  'interval',
  'input_series',
  'alert_rule_test',
  'promql_expr_test',
  'external_labels',
  'external_url',
];

const DEFAULT_INTERVAL_MS = 60_000;

export const readUnitTestFile = async (
  text: string,
): Promise<{ readonly file: UnitTestFile; readonly problems: readonly Problem[] }> => {
  const { tree, problems: syntax } = await parseYaml(text);
  const problems: Problem[] = [...syntax];
  const top = new TreeFields(tree, fileFields, problems, '');
  const evaluationIntervalMs = top.duration('evaluation_interval') || DEFAULT_INTERVAL_MS;
  const file: UnitTestFile = {
    ruleFiles: textsOf(top, 'rule_files'),
    evaluationIntervalMs,
    groupOrder: textsOf(top, 'group_eval_order'),
    isFuzzy: top.boolean('fuzzy_compare') ?? false,
    tests: top.list('tests').map((test, i) => readTest(test, i, evaluationIntervalMs, problems)),
  };
  const repeated = file.groupOrder.filter((name, i) => file.groupOrder.indexOf(name) !== i);
  if (repeated.length > 0)
    top.note(top.placeOf('group_eval_order'), `group name repeated in evaluation order: ${repeated[0]}`);
  return { file, problems };
};

const textsOf = (fields: TreeFields, name: string): string[] =>
  fields.list(name).flatMap((item) => {
    if (item.kind === 'scalar') return [item.text];
    fields.note(item.place, `${name} takes texts`);
    return [];
  });

const readTest = (tree: Tree, index: number, evaluationIntervalMs: number, problems: Problem[]): UnitTest => {
  const name = new TreeFields(tree, testFields, [], '').text('name');
  const path = name === '' ? `test ${index + 1}` : `test ${index + 1} (${name})`;
  const fields = new TreeFields(tree, testFields, problems, path);
  return {
    name,
    line: fields.place.line,
    intervalMs: fields.duration('interval') || evaluationIntervalMs,
    series: fields.list('input_series').flatMap((series) => readSeries(series, path, problems)),
    externalLabels: fields.texts('external_labels'),
    externalUrl: fields.text('external_url'),
    alertTests: fields.list('alert_rule_test').map((test) => readAlertTest(test, path, problems)),
    exprTests: fields.list('promql_expr_test').map((test) => readExprTest(test, path, problems)),
  };
};

const readSeries = (tree: Tree, path: string, problems: Problem[]): SeriesLine[] => {
  const fields = new TreeFields(tree, ['series', 'values'], problems, path);
  const values = fields.text('values');
  try {
    // A line break in the text counts as a space, as YAML has it for folded texts.
    const line = parseSeriesLine(`${fields.text('series').trim()} ${values.replace(/\s+/g, ' ')}`);
    if (line.kinds.some((kind) => kind === NATIVE_HISTOGRAM)) fields.note(fields.valuePlaceOf('values'), HISTOGRAMS);
    return [line];
  } catch (error) {
    if (!(error instanceof NotationError)) throw error;
    fields.note(fields.valuePlaceOf('values'), error.message);
    return [];
  }
};

const readAlertTest = (tree: Tree, path: string, problems: Problem[]): AlertTest => {
  const fields = new TreeFields(tree, ['eval_time', 'alertname', 'exp_alerts'], problems, path);
  const alertName = fields.text('alertname');
  if (alertName === '') fields.note(fields.place, 'an item under alert_rule_test misses required attribute alertname');
  return {
    line: fields.place.line,
    at: fields.duration('eval_time') ?? 0,
    alertName,
    expected: fields.list('exp_alerts').map((alert) => {
      const expected = new TreeFields(alert, ['exp_labels', 'exp_annotations'], problems, path);
      return { labels: expected.texts('exp_labels'), annotations: expected.texts('exp_annotations') };
    }),
  };
};

const readExprTest = (tree: Tree, path: string, problems: Problem[]): ExprTest => {
  const fields = new TreeFields(tree, ['expr', 'eval_time', 'exp_samples'], problems, path);
  return {
    line: fields.place.line,
    at: fields.duration('eval_time') ?? 0,
    expr: fields.text('expr'),
    expected: fields.list('exp_samples').flatMap((sample) => {
      const expected = new TreeFields(sample, ['labels', 'value', 'histogram'], problems, path);
      if (expected.text('histogram') !== '') expected.note(expected.valuePlaceOf('histogram'), HISTOGRAMS);
      try {
        const { labels } = parseSeriesLine(expected.text('labels') || '{}');
        return [{ labels, value: expected.number('value') ?? 0 }];
      } catch (error) {
        if (!(error instanceof NotationError)) throw error;
        expected.note(expected.valuePlaceOf('labels'), `labels: ${error.message}`);
        return [];
      }
    }),
  };
};
