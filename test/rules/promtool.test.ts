/** Rule files and unit-test files, good and bad ones: the verdicts are those of Debian's promtool on the same files. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import * as library from '../../src/index.ts';
import { runInProcess } from '../cli/run-in-process.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

const group = (rules: string, rest = ''): string => `groups:\n  - name: g\n${rest}    rules:\n${rules}`;
const rule = (...lines: string[]): string => lines.map((line, i) => `      ${i === 0 ? '- ' : '  '}${line}\n`).join('');
const alert = (...lines: string[]): string => group(rule('alert: A', 'expr: up == 0', ...lines));

/** Rule files; promtool decides which are good. */
const ruleFiles: Readonly<Record<string, string>> = {
  empty: '',
  'no groups': 'groups: []\n',
  'null groups': 'groups:\n',
  'one recording rule': group(rule('record: a:b', 'expr: sum(up)')),
  'all fields of 2.42': `groups:
  - name: all
    interval: 1m30s
    limit: 10
    rules:
      - alert: A
        expr: |
          sum by (job) (rate(x[5m]))
            > 1
        for: 5m
        keep_firing_for: 1h
        labels: {severity: page, number: 5, yes: true}
        annotations:
          summary: "{{ $labels.job }} {{ $value | humanize }}"
`,
  'an unknown field': alert('four: 5m'),
  'an unknown field of the group': group(rule('record: a', 'expr: b'), '    intervall: 1m\n'),
  'an unknown top field': 'group:\n  - name: a\n',
  'not YAML': 'groups: [\n',
  'a tab': 'groups:\n\t- name: a\n',
  'a list on top': '- a\n',
  'the same key twice': alert('for: 1m', 'for: 2m'),
  'no name': 'groups:\n  - rules:\n      - record: a\n        expr: b\n',
  'the same group twice': 'groups:\n  - name: a\n  - name: a\n',
  'a group without rules': 'groups:\n  - name: a\n',
  'record and alert': group(rule('record: a', 'alert: b', 'expr: c')),
  'neither record nor alert': group(rule('expr: c')),
  'no expression': group(rule('record: a')),
  'a wrong expression': group(rule('record: a', 'expr: sum(')),
  'an expression of a wrong type': group(rule('record: a', 'expr: rate(up)')),
  'a range as a result': group(rule('record: a', 'expr: up[5m]')),
  'a string as a result': group(rule('record: a', 'expr: \'"text"\'')),
  'a number as expression': group(rule('record: a', 'expr: 1')),
  'a wrong recorded name': group(rule('record: a-b', 'expr: c')),
  'a recorded name with a space': group(rule('record: "a b"', 'expr: c')),
  'for in a recording rule': group(rule('record: a', 'expr: c', 'for: 5m')),
  'keep_firing_for in a recording rule': group(rule('record: a', 'expr: c', 'keep_firing_for: 5m')),
  'annotations in a recording rule': group(rule('record: a', 'expr: c', 'annotations: {a: b}')),
  'empty annotations in a recording rule': group(rule('record: a', 'expr: c', 'annotations: {}')),
  'a wrong label name': alert('labels: {a-b: c}'),
  '__name__ as a label': alert('labels: {__name__: c}'),
  '__name__ as an annotation': alert('annotations: {__name__: c}'),
  'a wrong annotation name': alert('annotations: {a-b: c}'),
  'a wrong duration': alert('for: 5 minutes'),
  'a duration without unit': alert('for: 5'),
  'a duration of zero': alert('for: 0'),
  'a negative duration': alert('for: -5m'),
  'a duration in the wrong order': alert('for: 5m1h'),
  'a wrong limit': group(rule('record: a', 'expr: b'), '    limit: many\n'),
  'a negative limit': group(rule('record: a', 'expr: b'), '    limit: -1\n'),
  'an unknown function in a template': alert("annotations: {a: '{{ nothing }}'}"),
  'an unknown variable in a template': alert("annotations: {a: '{{ $nothing }}'}"),
  'an unclosed template': alert("annotations: {a: '{{ $value '}"),
  'a template without end': alert("labels: {a: '{{ if true }}b'}"),
  'a template in a label': alert("labels: {a: '{{ with $labels.job }}{{ . }}{{ end }}'}"),
  'a template of a recording rule': group(rule('record: a', 'expr: b', "labels: {a: '{{ nothing }}'}")),
  'a label that is a list': alert('labels: {a: [b]}'),
  'a label that is null': alert('labels: {a: }'),
  'labels that are a list': alert('labels: [a]'),
  anchors:
    'groups:\n  - name: a\n    rules:\n      - &r\n        record: a\n        expr: b\n      - <<: *r\n        record: c\n',
  'two documents': 'groups: []\n---\ngroups: 5\n',
  'duplicate rules': group(rule('record: a', 'expr: b') + rule('record: a', 'expr: c')),
  'a comment in the middle': `groups: # here\n  # and here\n  - name: a\n`,
};

const rulesUnderTest = `groups:
  - name: first
    interval: 1m
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
        labels: {team: infra}
      - alert: Down
        expr: up == 0
        for: 2m
        labels: {severity: page, inst: '{{ $labels.instance | toUpper }}'}
        annotations:
          summary: '{{ $labels.instance }} of {{ .Labels.job }} down: {{ $value }}'
          more: '{{ $externalLabels.region }} {{ $externalURL }} {{ with query "job:up:sum" | sortByLabel "job" }}{{ . | first | value }}{{ end }}'
  - name: second
    rules:
      - record: sum:job:up
        expr: sum(job:up:sum)
      - alert: Kept
        expr: job:up:sum < 2
        keep_firing_for: 3m
      - alert: Now
        expr: vector(1)
        annotations: {v: '{{ printf "%.3f" $value }} {{ humanizeDuration 3661.0 }} {{ reReplaceAll "(.)b" "$1" "abcb" }}'}
`;

// Without an order, promtool evaluates the groups now in one and now in another.
const unitTest = (tests: string, top = 'group_eval_order: [first, second]\n'): string =>
  `rule_files: [rules.yml]\nevaluation_interval: 1m\n${top}tests:\n  - interval: 1m\n    input_series:\n` +
  `      - {series: 'up{job="a",instance="x"}', values: '1 1 0 0 0 0 0 1 1 1 1 1'}\n` +
  `      - {series: 'up{job="a",instance="y"}', values: '1x11'}\n` +
  `      - {series: 'up{job="b",instance="z"}', values: '1 _ stale 1+1x3 5-1x2 _x2'}\n${tests}`;
const exprTest = (expr: string, at: string, ...samples: (readonly [string, string])[]): string =>
  `    promql_expr_test:\n      - expr: ${JSON.stringify(expr)}\n        eval_time: ${at}\n` +
  (samples.length === 0
    ? ''
    : `        exp_samples:\n${samples.map(([labels, value]) => `          - {labels: ${JSON.stringify(labels)}, value: ${value}}\n`).join('')}`);
const down = (at: string, ...alerts: string[]): string =>
  `    alert_rule_test:\n      - eval_time: ${at}\n        alertname: Down\n` +
  (alerts.length === 0 ? '' : `        exp_alerts:\n${alerts.map((each) => `          - ${each}\n`).join('')}`);
const downX = (summary: string, more: string): string =>
  `{exp_labels: {severity: page, inst: X, job: a, instance: x}, exp_annotations: {summary: '${summary}', more: '${more}'}}`;

/** Unit-test files; promtool decides which pass. */
const unitTests: Readonly<Record<string, string>> = {
  'an alert that is pending': unitTest(down('3m')),
  'an alert that fires': unitTest(down('4m', downX('x of a down: 0', '  1'))),
  'an alert that fires, with a wrong annotation': unitTest(down('4m', downX('x of a down: 1', '  1'))),
  'an alert that fires, with a missing annotation': unitTest(
    down('4m', '{exp_labels: {severity: page, inst: X, job: a, instance: x}}'),
  ),
  'an alert that is expected and does not fire': unitTest(down('1m', downX('x of a down: 0', '  1'))),
  'an alert that fires and is not expected': unitTest(down('5m')),
  'an alert between two evaluations': unitTest(down('4m59s', downX('x of a down: 0', '  1'))),
  'an alert that has ended': unitTest(down('7m')),
  'external labels and URL': unitTest(
    `    external_labels: {region: eu}\n    external_url: http://x.example\n${down('4m', downX('x of a down: 0', 'eu http://x.example 1'))}`,
  ),
  'an alert that is kept': unitTest(
    '    alert_rule_test:\n      - {eval_time: 9m, alertname: Kept, exp_alerts: [{exp_labels: {job: a, team: infra}}]}\n',
  ),
  'an alert that was kept for long enough': unitTest(
    '    alert_rule_test:\n      - {eval_time: 10m, alertname: Kept}\n',
  ),
  'functions of templates': unitTest(
    "    alert_rule_test:\n      - {eval_time: 0, alertname: Now, exp_alerts: [{exp_annotations: {v: '1.000 1h 1m 1s acb'}}]}\n",
  ),
  'functions of templates, replaced': unitTest(
    "    alert_rule_test:\n      - {eval_time: 0, alertname: Now, exp_alerts: [{exp_annotations: {v: '1.000 1h 1m 1s ac'}}]}\n",
  ),
  'an alert that no rule has': unitTest('    alert_rule_test:\n      - {eval_time: 1m, alertname: Nothing}\n'),
  'an alert test without a name': unitTest('    alert_rule_test:\n      - {eval_time: 1m}\n'),
  'a recorded value': unitTest(
    exprTest('job:up:sum', '4m', ['job:up:sum{job="a",team="infra"}', '1'], ['job:up:sum{job="b",team="infra"}', '2']),
  ),
  'a recorded value, in another order': unitTest(
    exprTest('job:up:sum', '4m', ['job:up:sum{job="b",team="infra"}', '2'], ['job:up:sum{team="infra",job="a"}', '1']),
  ),
  'a recorded value that is wrong': unitTest(
    exprTest('job:up:sum', '4m', ['job:up:sum{job="a",team="infra"}', '2'], ['job:up:sum{job="b",team="infra"}', '2']),
  ),
  'a recorded value that is missing': unitTest(exprTest('job:up:sum', '4m', ['job:up:sum{job="a",team="infra"}', '1'])),
  'no value where one is expected': unitTest(exprTest('nothing', '4m', ['nothing', '1'])),
  'no value where none is expected': unitTest(exprTest('nothing', '4m')),
  'a rule of another group': unitTest(exprTest('sum:job:up', '5m', ['sum:job:up', '4'])),
  'groups in an order': unitTest(
    exprTest('sum:job:up', '5m', ['sum:job:up', '4']),
    'group_eval_order: [first, second]\n',
  ),
  'a group twice in the order': unitTest(exprTest('nothing', '5m'), 'group_eval_order: [first, first]\n'),
  ALERTS: unitTest(
    exprTest('ALERTS{alertname="Down"}', '3m', [
      'ALERTS{alertname="Down",alertstate="pending",severity="page",inst="X",job="a",instance="x"}',
      '1',
    ]),
  ),
  ALERTS_FOR_STATE: unitTest(
    exprTest('ALERTS_FOR_STATE{alertname="Down"}', '5m', [
      'ALERTS_FOR_STATE{alertname="Down",severity="page",inst="X",job="a",instance="x"}',
      '120',
    ]),
  ),
  'ALERTS that has ended': unitTest(exprTest('ALERTS{alertname="Down"}', '8m')),
  'a scalar': unitTest(exprTest('1 + 1', '1m', ['{}', '2'])),
  'a scalar with empty labels': unitTest(exprTest('1 + 1', '1m', ['', '2'])),
  NaN: unitTest(exprTest('vector(NaN)', '1m', ['{}', '.nan'])),
  'an infinity': unitTest(exprTest('vector(Inf)', '1m', ['{}', '.inf'])),
  'a value that is rounded': unitTest(exprTest('vector(0.1) + 0.2', '1m', ['{}', '0.3'])),
  'a value with all digits': unitTest(exprTest('vector(0.1) + 0.2', '1m', ['{}', '0.30000000000000004'])),
  'a value that is text': unitTest(exprTest('vector(1)', '1m', ['{}', '"1"'])),
  'a stale marker': unitTest(exprTest('up{job="b"}', '2m')),
  'a gap': unitTest(exprTest('up{job="b"}', '1m', ['up{job="b",instance="z"}', '1'])),
  'a rate': unitTest(exprTest('increase(up{job="b"}[2m])', '6m', ['{job="b",instance="z"}', '2'])),
  'a subquery without a step': unitTest(
    exprTest('count_over_time(up{job="a",instance="y"}[3m:])', '6m', ['{job="a",instance="y"}', '4']),
  ),
  'a wrong expression': unitTest(exprTest('sum(', '1m')),
  'a range as expression': unitTest(exprTest('up[5m]', '1m')),
  'wrong labels': unitTest(exprTest('up', '1m', ['up{', '1'])),
  'an unknown field': unitTest('    promql_expr_tests: []\n'),
  'a wrong time': unitTest(exprTest('up', 'soon')),
  'no tests': 'rule_files: [rules.yml]\ntests: []\n',
  'no rule files':
    'tests:\n  - interval: 1m\n    promql_expr_test:\n      - {expr: vector(1), eval_time: 0, exp_samples: [{labels: "{}", value: 1}]}\n',
  'a rule file with a star':
    'rule_files: ["ru*.yml"]\ntests:\n  - interval: 1m\n    promql_expr_test:\n      - {expr: sum:job:up, eval_time: 1m}\n',
  'a rule file that is wrong': 'rule_files: [bad.yml]\ntests: []\n',
  'a rule that fails':
    'rule_files: [fails.yml]\ntests:\n  - interval: 1m\n    input_series:\n      - {series: \'a{l="1"}\', values: 1x5}\n      - {series: \'a{l="2"}\', values: 1x5}\n    promql_expr_test:\n      - {expr: b, eval_time: 1m}\n',
  'wrong values': 'tests:\n  - interval: 1m\n    input_series:\n      - {series: up, values: "1 x y"}\n',
  'a wrong series': 'tests:\n  - interval: 1m\n    input_series:\n      - {series: "up{", values: "1"}\n',
  'not YAML': 'tests: [',
};

describe('rule files and their tests, beside promtool', function () {
  this.timeout(300_000);
  let folder: string;
  before(function () {
    if (!hasPromtool) {
      console.log('      promtool is not installed: skipped');
      this.skip();
    }
    folder = temporaryDirectory();
    mkdirSync(join(folder, 'files'));
    writeFileSync(join(folder, 'rules.yml'), rulesUnderTest);
    writeFileSync(join(folder, 'bad.yml'), 'groups:\n  - name: a\n    rules: [{record: a-b, expr: c}]\n');
    writeFileSync(join(folder, 'fails.yml'), group(rule('record: b', 'expr: a', 'labels: {l: x}')));
  });
  after(removeTemporaryDirectories);

  const verdicts = async (
    name: string,
    text: string,
    command: 'check' | 'test',
  ): Promise<{ promtool: boolean; own: boolean; said: string }> => {
    const path = join(folder, `${command}-${name.replace(/\W/g, '-')}.yml`);
    writeFileSync(path, text);
    const args = command === 'check' ? ['check', 'rules', path] : ['test', 'rules', path];
    const upstream = spawnSync('promtool', args, { encoding: 'utf8' });
    const own = await runInProcess(['rules', command, '--version', '2', path], { library });
    expect(own.exitCode, own.err).to.be.oneOf([0, 3]);
    const said = `promtool: ${upstream.stdout}${upstream.stderr}\nown: ${own.out}${own.err}`;
    return { promtool: upstream.status === 0, own: own.exitCode === 0, said };
  };

  for (const [name, text] of Object.entries(ruleFiles)) {
    it(`check: ${name}`, async () => {
      const { promtool, own, said } = await verdicts(name, text, 'check');
      expect(own, said).to.equal(promtool);
    });
  }

  for (const [name, text] of Object.entries(unitTests)) {
    it(`test: ${name}`, async () => {
      const { promtool, own, said } = await verdicts(name, text, 'test');
      expect(own, said).to.equal(promtool);
    });
  }
});
