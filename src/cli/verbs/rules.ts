/** `tidemark rules`: checks rule files of Prometheus, runs their unit tests, and evaluates them over the past. */
import { dirname, isAbsolute, join } from 'node:path';
import type { Problem, RuleGroup } from '../../rules/index.ts';
import { formatCount, formatQuantity } from '../../text/quantities.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { globPaths } from '../glob-paths.ts';
import { nameOfInput, readInputText } from '../input-files.ts';
import { openExisting } from '../open-for-writing.ts';
import type { Terminal } from '../terminal.ts';
import { parseTimeRange } from '../time-argument.ts';
import { type Invocation, textOption, UsageError, type Verb } from '../verb.ts';

const commands = ['check', 'test', 'backfill'] as const;

/** Groups and problems of one rule file; the places in the file are part of the problems. */
const readGroups = async (
  path: string,
  terminal: Terminal,
): Promise<{ readonly groups: readonly RuleGroup[]; readonly problems: string[] }> => {
  const { readRuleFile, problemText } = await import('../../rules/index.ts');
  const { groups, problems } = await readRuleFile(await readInputText(path, terminal), nameOfInput(path));
  return { groups, problems: problems.map((problem: Problem) => problemText(nameOfInput(path), problem)) };
};

const check = async (files: readonly string[], { terminal, options }: Invocation): Promise<ExitCode> => {
  const { duplicateRules } = await import('../../rules/index.ts');
  let failed = 0;
  for (const path of files) {
    const { groups, problems } = await readGroups(path, terminal);
    const file = nameOfInput(path);
    const rules = groups.reduce((sum, group) => sum + group.rules.length, 0);
    const duplicates = problems.length > 0 ? [] : duplicateRules(groups);
    if (problems.length > 0) failed++;
    if (options['json'] === true) {
      await terminal.out.write(`${JSON.stringify({ file, groups: groups.length, rules, problems, duplicates })}\n`);
      continue;
    }
    for (const problem of problems) await terminal.out.write(`${problem}\n`);
    for (const duplicate of duplicates) terminal.err.say(`${file}: ${duplicate}\n`);
    if (problems.length === 0)
      await terminal.out.write(
        `${file}: ${formatQuantity(rules, 'rule')} in ${formatQuantity(groups.length, 'group')}\n`,
      );
  }
  return failed === 0 ? exitCodes.ok : exitCodes.problems;
};

const test = async (files: readonly string[], invocation: Invocation): Promise<ExitCode> => {
  const { terminal, options } = invocation;
  let failed = 0;
  for (const file of files) {
    const { passed, failures, problems } = await testFile(file, invocation);
    failed += failures.length + problems.length;
    if (options['json'] === true) {
      await terminal.out.write(`${JSON.stringify({ file, passed, failed: failures.length, failures, problems })}\n`);
      continue;
    }
    for (const problem of problems) await terminal.out.write(`${problem}\n`);
    if (problems.length === 0) await terminal.out.write(`${file}: ${passed} passed, ${failures.length} failed\n`);
    for (const { line, what, expected, got } of failures) {
      const indented = (text: string): string => text.replaceAll('\n', '\n            ');
      terminal.err.say(`${file}:${line}: ${what}\n  expected: ${indented(expected)}\n  got:      ${indented(got)}\n`);
    }
  }
  return failed === 0 ? exitCodes.ok : exitCodes.problems;
};

const testFile = async (path: string, { terminal, library, options, signal }: Invocation) => {
  const { readUnitTestFile, problemText, runUnitTests } = await import('../../rules/index.ts');
  const { systemClock } = await library();
  const { file, problems } = await readUnitTestFile(await readInputText(path, terminal));
  const texts = problems.map((problem: Problem) => problemText(path, problem));
  const groups: RuleGroup[] = [];
  // As promtool, a file without tests does not read its rule files.
  for (const pattern of file.tests.length === 0 ? [] : file.ruleFiles) {
    for (const found of await globPaths(isAbsolute(pattern) ? pattern : join(dirname(path), pattern))) {
      const read = await readGroups(found, terminal);
      groups.push(...read.groups);
      texts.push(...read.problems);
    }
  }
  if (texts.length > 0) return { passed: 0, failures: [], problems: texts };
  const report = await runUnitTests(file, {
    groups,
    isVersion2: textOption(options, 'version') === '2',
    breathe: () => systemClock.breathe(),
    monotonic: () => systemClock.monotonic(),
    signal,
  });
  return { ...report, problems: [] };
};

const backfill = async ([directory, ...files]: readonly string[], invocation: Invocation): Promise<ExitCode> => {
  const { terminal, library, options, signal } = invocation;
  if (files.length === 0) throw new UsageError('rules backfill takes DIR and at least one rule file.');
  const { systemClock } = await library();
  const { backfillRules, parseRules } = await import('../../rules/index.ts');
  const groups: RuleGroup[] = [];
  for (const file of files) groups.push(...(await parseRules(await readInputText(file, terminal), nameOfInput(file))));
  const now = systemClock.now();
  const given = parseTimeRange(options, now);
  await using opened = await openExisting(directory, invocation, { applyRetention: false });
  const { store, bar } = opened;
  const { firstTime = now, lastTime = now } = await store.info();
  const range = { from: given.from ?? firstTime, through: given.through ?? lastTime };
  const result = await backfillRules(store, groups, { ...range, signal, onProgress: bar.update });
  bar.clear();
  const { rules: count, accepted, rejected } = result;
  await terminal.out.write(
    options['json'] === true
      ? `${JSON.stringify(result)}\n`
      : `${formatQuantity(count, 'rule')}: ${formatQuantity(accepted, 'sample')} accepted, ${formatCount(rejected)} rejected\n`,
  );
  return rejected === 0 ? exitCodes.ok : exitCodes.problems;
};

export const rules: Verb = {
  name: 'rules',
  summary: "Check and test Prometheus' rule files; evaluate recording rules over the past.",
  positionals: [
    { name: 'COMMAND', required: true, summary: 'check, test, or backfill.', choices: commands },
    {
      name: 'FILE',
      required: true,
      summary:
        'Rule files for check; unit-test files for test; the directory and then rule files for backfill. - is stdin.',
      completes: 'file',
      repeatable: true,
    },
  ],
  options: {
    version: {
      type: 'string',
      placeholder: 'N',
      summary: 'For test: 2 takes ranges as Prometheus 2 does, with their left end. Default: 3.',
      choices: ['2', '3'],
    },
    from: { type: 'string', placeholder: 'TIME', summary: 'For backfill: the first time. Default: the oldest sample.' },
    through: {
      type: 'string',
      placeholder: 'TIME',
      summary: 'For backfill: the last time. Default: the newest sample.',
    },
    json: { type: 'boolean', summary: 'Print a JSON line for each file; for backfill, the counts as JSON.' },
  },
  notes: [
    'check prints one line for each mistake: file, line, column, group, rule. Rules with the same name and the same labels are named on stderr.',
    'test runs files in the format of `promtool test rules`. A line says how many comparisons of a file passed and failed; failures are described on stderr.',
    'backfill evaluates the recording rules at the times of their interval and merges the results into the directory. Samples that are there already stay. No process may have the directory open.',
    'The exit code is 3 when a file has mistakes, a test failed, or a sample was rejected.',
  ],
  examples: [
    'tidemark rules check rules/*.yml',
    'tidemark rules test tests/rules_test.yml',
    'tidemark rules backfill ./data rules/rollups.yml --from 30d',
  ],

  async run(invocation) {
    const [command, ...files] = invocation.positionals;
    if (command === 'backfill') return backfill(files, invocation);
    return command === 'check' ? check(files, invocation) : test(files, invocation);
  },
};
