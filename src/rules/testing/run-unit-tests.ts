/**
 * Runs the tests of a unit-test file as `promtool test rules` does: for each time from 0 on, it loads the series up to
 * that time, evaluates the groups in their order, and compares the firing alerts; then it evaluates the expressions.
 */
import { TidemarkError, textOf } from '../../model/errors.ts';
import { compareLabelPairs, type LabelPairs, type Labels } from '../../model/labels.ts';
import { metricText } from '../../model/metric-text.ts';
import { compareUtf8 } from '../../model/utf8.ts';
import { defaultLimits, type EngineOptions } from '../../promql/engine/engine-options.ts';
import { evaluate } from '../../promql/engine/evaluate.ts';
import { formatG } from '../../promql/engine/go-text.ts';
import { parse } from '../../promql/syntax/parse.ts';
import { alertStateOf } from '../alert-table.ts';
import { compileGroups } from '../compile-groups.ts';
import { EvaluatedGroup } from '../evaluated-group.ts';
import type { RuleSample, RuleStorage } from '../rule-storage.ts';
import type { RuleGroup } from '../rule-types.ts';
import { notVector } from '../store-rule-storage.ts';
import { TestSeries } from './test-series.ts';
import type { AlertTest, ExprTest, UnitTest, UnitTestFile } from './unit-test-file.ts';

export interface UnitTestFailure {
  /** Line of the test in its file. */
  readonly line: number;
  /** What was compared: `alertname: HighLoad, time: 5m`. */
  readonly what: string;
  readonly expected: string;
  readonly got: string;
}

export interface UnitTestReport {
  readonly passed: number;
  readonly failures: readonly UnitTestFailure[];
}

export interface UnitTestOptions {
  /** The groups of all rule files of the test file, in their order. */
  readonly groups: readonly RuleGroup[];
  /** Ranges include their left end, as in Prometheus 2. */
  readonly isVersion2: boolean;
  readonly breathe: () => Promise<void>;
  /** Milliseconds on a scale that never goes back. */
  readonly monotonic: () => number;
  readonly signal?: AbortSignal | undefined;
}

/** Evaluations of one test: above it, the test is a mistake. */
const EVALUATIONS_MAX = 10_000_000;

export const runUnitTests = async (file: UnitTestFile, options: UnitTestOptions): Promise<UnitTestReport> => {
  let passed = 0;
  const failures: UnitTestFailure[] = [];
  for (const test of file.tests) {
    const run = new UnitTestRun(file, test, options);
    failures.push(...(await run.failures()));
    passed += run.passed;
  }
  return { passed, failures };
};

class UnitTestRun {
  passed = 0;
  private readonly file: UnitTestFile;
  private readonly test: UnitTest;
  private readonly options: UnitTestOptions;
  private readonly series: TestSeries;
  private readonly groups: readonly EvaluatedGroup[];
  private readonly failed: UnitTestFailure[] = [];
  private readonly engine: EngineOptions;

  constructor(file: UnitTestFile, test: UnitTest, options: UnitTestOptions) {
    this.file = file;
    this.test = test;
    this.options = options;
    this.series = new TestSeries(test.series, test.intervalMs);
    const { breathe, monotonic, isVersion2 } = options;
    this.engine = {
      lookbackMs: 5 * 60_000,
      defaultSubqueryStepMs: file.evaluationIntervalMs,
      closedRanges: isVersion2,
      delayedNameRemoval: false,
      experimental: true,
      limits: defaultLimits,
      breathe,
      now: monotonic,
    };
    const storage: RuleStorage = {
      query: (expr, at) => this.query(expr, at),
      series: (labels) => this.series.series(labels),
      ready: async () => {},
    };
    const parts = {
      storage,
      externalLabels: test.externalLabels,
      externalUrl: test.externalUrl,
      publish: () => {},
      onError: () => {},
      breathe,
      monotonic,
    };
    const compiled = compileGroups(options.groups, test.intervalMs);
    const order = new Map(file.groupOrder.map((name, i) => [name, i]));
    const placeOf = (name: string): number => order.get(name) ?? (order.size === 0 ? 0 : Number.NEGATIVE_INFINITY);
    this.groups = compiled
      .toSorted((a, b) => placeOf(a.name) - placeOf(b.name) || 0)
      .map((group) => new EvaluatedGroup(group, parts));
  }

  async failures(): Promise<readonly UnitTestFailure[]> {
    const { test, file, options } = this;
    const stepMs = file.evaluationIntervalMs;
    const end = Math.max(0, ...[...test.alertTests, ...test.exprTests].map(({ at }) => at));
    if (end / stepMs > EVALUATIONS_MAX)
      return [this.failure(test.line, 'test', `at most ${EVALUATIONS_MAX} evaluations`, `${Math.floor(end / stepMs)}`)];
    const waiting = test.alertTests.toSorted((a, b) => a.at - b.at);
    for (let at = 0, round = 0; at <= end; at += stepMs, round++) {
      options.signal?.throwIfAborted();
      if (!(await this.evaluateAt(at))) return this.failed;
      while (waiting.length > 0 && waiting[0].at < at + stepMs) this.compareAlerts(waiting.shift() as AlertTest);
      if (round % 16 === 0) await options.breathe();
    }
    for (const each of test.exprTests) await this.compareExpr(each);
    return this.failed;
  }

  /** Whether every rule could be evaluated. */
  private async evaluateAt(at: number): Promise<boolean> {
    this.series.loadThrough(at);
    for (const group of this.groups) {
      await group.evaluate(at);
      for (const { rule, lastError } of group.rules) {
        if (lastError === '') continue;
        this.failed.push(
          this.failure(
            this.test.line,
            `rule: ${rule.name}, time: ${at / 1000}s`,
            'a result',
            `the error: ${lastError}`,
          ),
        );
      }
    }
    return this.failed.every(({ got }) => !got.startsWith('the error: '));
  }

  private async query(text: string, at: number): Promise<readonly RuleSample[]> {
    const { type, series } = await this.ask(text, at);
    if (type !== 'vector' && type !== 'scalar') throw notVector(type);
    return series.map(({ labels, values }) => ({ labels, value: values[0] }));
  }

  private ask(text: string, at: number): ReturnType<typeof evaluate> {
    const expr = parse(text, { experimental: true });
    const { signal } = this.options;
    const request = { expr, text, start: at, end: at, stepMs: 0, isInstant: true, ...(signal && { signal }) };
    return evaluate(this.series.source, request, this.engine);
  }

  private compareAlerts({ line, at, alertName, expected }: AlertTest): void {
    const got = this.groups.flatMap((group) =>
      [...group.alerts()].filter(({ rule, row }) => rule.name === alertName && alertStateOf(row.state) === 'firing'),
    );
    const gotTexts = got.map(({ row }) => alertText(row.labels, row.annotations)).sort(compareUtf8);
    const expectedTexts = expected
      .map(({ labels, annotations }) => alertText({ ...labels, alertname: alertName }, annotations))
      .sort(compareUtf8);
    const what = `alertname: ${alertName}, time: ${at / 1000}s`;
    this.note(line, what, listText(expectedTexts), listText(gotTexts));
  }

  private note(line: number, what: string, expected: string, got: string): void {
    if (expected === got) this.passed++;
    else this.failed.push(this.failure(line, what, expected, got));
  }

  private failure(line: number, what: string, expected: string, got: string): UnitTestFailure {
    return { line, what, expected, got };
  }

  private async compareExpr({ line, at, expr, expected }: ExprTest): Promise<void> {
    const what = `expr: ${JSON.stringify(expr)}, time: ${at / 1000}s`;
    try {
      const got = (await this.query(expr, at)).toSorted((a, b) => compareLabelPairs(a.labels, b.labels));
      const wanted = expected.toSorted((a, b) => compareLabelPairs(a.labels, b.labels));
      const isEqual = got.length === wanted.length && wanted.every((sample, i) => this.isSame(sample, got[i]));
      if (isEqual) this.passed++;
      else this.failed.push(this.failure(line, what, samplesText(wanted), samplesText(got)));
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      this.failed.push(this.failure(line, what, samplesText(expected), `the error: ${textOf(error)}`));
    }
  }

  /** As in Prometheus, NaN equals nothing. A fuzzy comparison also takes the two neighbours of a number. */
  private isSame(a: RuleSample, b: RuleSample): boolean {
    if (compareLabelPairs(a.labels, b.labels) !== 0) return false;
    return a.value === b.value || (this.file.isFuzzy && areNeighbours(a.value, b.value));
  }
}

const areNeighbours = (a: number, b: number): boolean => {
  if (!Number.isFinite(a) || !Number.isFinite(b)) return false;
  const [x, y] = new BigInt64Array(Float64Array.of(a, b).buffer);
  // Bit patterns of doubles with the same sign are in the order of their values.
  return (a === 0 && b === 0) || (x >= 0n === y >= 0n && (x - y === 1n || y - x === 1n));
};

const alertText = (labels: Labels, annotations: Labels): string =>
  `Labels:${labelsText(labels)} Annotations:${labelsText(annotations)}`;

const labelsText = (labels: Labels): string =>
  `{${Object.keys(labels)
    .sort()
    .map((name) => `${name}=${JSON.stringify(labels[name])}`)
    .join(', ')}}`;

const listText = (texts: readonly string[]): string => (texts.length === 0 ? '[]' : texts.join('\n'));

const samplesText = (samples: readonly { readonly labels: LabelPairs; readonly value: number }[]): string =>
  samples.length === 0
    ? 'nil'
    : samples.map(({ labels, value }) => `${metricText(labels)} ${formatG(value)}`).join(', ');
