/**
 * Runs a test file of Prometheus against the engine. Like Prometheus' own runner, it asks each instant query in more ways
 * than the file says, and all of them must give the expected result:
 *
 * 1. as it is written;
 * 2. with `@ time` at every selector, asked at five other times;
 * 3. each of these as a range query from a minute before to a minute after, of which the middle step counts.
 */
import { TidemarkError, textOf } from '../../model/errors.ts';
import type { SeriesSource } from '../source.ts';
import type { Expr } from '../syntax/ast.ts';
import { dependsOnTime, pinnedTo } from './at-modifier.ts';
import {
  type Answer,
  type AnsweredSeries,
  compareAnnotations,
  compareValues,
  type Difference,
  firstDisorder,
} from './compare.ts';
import { FLOAT, type SeriesLine } from './series-line.ts';
import type { LoadedSeries, TestStorage } from './storage.ts';
import { type EvalCommand, type LoadCommand, parseTestFile } from './test-file.ts';
import { UnsupportedSamples, unsupportedSyntax } from './unsupported.ts';

/** A query as the engine takes it. */
export interface Question {
  readonly expr: Expr;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly stepMs: number;
  readonly isInstant: boolean;
}

export interface PromqlTestOptions {
  /** The file's name, for the report. */
  readonly name: string;
  readonly storage: TestStorage;
  readonly parse: (text: string) => Expr;
  readonly evaluate: (source: SeriesSource, question: Question) => Promise<Answer>;
}

export interface PromqlTestFailure extends Difference {
  readonly line: number;
  readonly expression: string;
  /** How the query was asked: `instant`, `range`, or one of the further ways. */
  readonly asked: string;
}

export interface PromqlTestReport {
  readonly name: string;
  readonly passed: number;
  readonly failures: readonly PromqlTestFailure[];
  /** Reasons, and how many evals were skipped for each. */
  readonly skipped: ReadonlyMap<string, number>;
}

/** Runs a test file. Throws `TestFileError` if the file can't be read; failing evals are in the report. */
export const runPromqlTest = async (text: string, options: PromqlTestOptions): Promise<PromqlTestReport> => {
  const { name, storage } = options;
  const unsupported = new UnsupportedSamples();
  const failures: PromqlTestFailure[] = [];
  const skipped = new Map<string, number>();
  let passed = 0;
  await storage.clear();
  for (const command of parseTestFile(text)) {
    if (command.kind === 'clear') {
      unsupported.clear();
      await storage.clear();
    } else if (command.kind === 'load') {
      unsupported.note(command);
      await storage.append(loadedSeries(command));
    } else {
      const outcome = await runEval(command, unsupported, options);
      if (outcome === undefined) passed++;
      else if (typeof outcome === 'string') skipped.set(outcome, (skipped.get(outcome) ?? 0) + 1);
      else failures.push(outcome);
    }
  }
  return { name, passed, failures, skipped };
};

const loadedSeries = ({ series, stepMs }: LoadCommand): readonly LoadedSeries[] =>
  series.map((line) => loadedColumns(line, stepMs)).filter(({ timestamps }) => timestamps.length > 0);

const loadedColumns = ({ labels, values, kinds }: SeriesLine, stepMs: number): LoadedSeries => {
  const timestamps: number[] = [];
  // Values are moved as bits, because a stale marker may not pass through a number.
  const bits = new BigUint64Array(values.buffer, values.byteOffset, values.length);
  const kept = new BigUint64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    if (kinds[i] !== FLOAT) continue;
    kept[timestamps.length] = bits[i];
    timestamps.push(i * stepMs);
  }
  const column = new Float64Array(kept.buffer, 0, timestamps.length);
  return { labels, timestamps: Float64Array.from(timestamps), values: column };
};

/** The failure, the reason to skip the eval, or `undefined` if it passed. */
const runEval = async (
  command: EvalCommand,
  unsupported: UnsupportedSamples,
  options: PromqlTestOptions,
): Promise<PromqlTestFailure | string | undefined> => {
  const { line, text, expected } = command;
  const expr = parsed(text, options);
  const reason = unsupportedSyntax(command, !(expr instanceof TidemarkError));
  if (reason !== undefined) return reason;
  const failed = (asked: string, difference: Difference): PromqlTestFailure => ({
    line,
    expression: text,
    asked,
    ...difference,
  });
  if (expr instanceof TidemarkError) {
    const difference = compareError(expr, command);
    return difference === undefined ? undefined : failed('parse', difference);
  }
  for (const [index, { asked, question }] of questionsOf(command, expr).entries()) {
    const watched = unsupported.watch(options.storage.source);
    const answer = await answered(question, watched.source, options);
    // The further ways of asking read at more times, but the samples there don't count.
    if (index === 0 && watched.reason() !== undefined) return watched.reason();
    if (answer instanceof TidemarkError) {
      const difference = compareError(answer, command);
      if (difference !== undefined) return failed(asked, difference);
      continue;
    }
    const difference =
      compareSuccess(answer, command) ?? compareAnnotations(answer, expected) ?? compareValues(answer, expected);
    if (difference !== undefined) return failed(asked, difference);
    if (!command.isInstant || !hasRangeForm(command, answer)) continue;
    const ranged = await compareRangeForm(question, command, answer, options);
    if (ranged !== undefined) return failed(`${asked}, as the middle step of a range query`, ranged);
  }
  return undefined;
};

const parsed = (text: string, { parse }: PromqlTestOptions): Expr | TidemarkError => {
  try {
    return parse(text);
  } catch (error) {
    return asQueryError(error);
  }
};

const answered = async (
  question: Question,
  source: SeriesSource,
  { evaluate }: PromqlTestOptions,
): Promise<Answer | TidemarkError> => {
  try {
    return await evaluate(source, question);
  } catch (error) {
    return asQueryError(error);
  }
};

/** Anything else than an error of the engine's own is a defect: it fails the eval, even one that must fail. */
const asQueryError = (error: unknown): TidemarkError => {
  if (error instanceof TidemarkError) return error;
  return new TidemarkError('TIDEMARK_INTERNAL', `the engine has failed: ${textOf(error)}`, { cause: error });
};

const compareError = (error: TidemarkError, { expected }: EvalCommand): Difference | undefined => {
  const got = `the error: ${error.message}`;
  if (expected.failure === undefined) return { expected: 'a result', got };
  if (error.code !== 'TIDEMARK_INTERNAL' && expected.failure.every(({ accepts }) => accepts(error.message))) {
    return undefined;
  }
  return { expected: `the error: ${expected.failure.map(({ shown }) => shown).join('; ')}`, got };
};

const compareSuccess = (answer: Answer, { expected }: EvalCommand): Difference | undefined => {
  if (expected.failure === undefined) return undefined;
  const shown = expected.failure.map((text) => text.shown).join('; ');
  return { expected: `an error: ${shown}`, got: `a ${answer.type} of ${answer.series.length} series` };
};

const MINUTE_MS = 60_000;

const questionsOf = (
  { text, isInstant, start, end, stepMs }: EvalCommand,
  expr: Expr,
): readonly { asked: string; question: Question }[] => {
  const question = { expr, text, start, end, stepMs, isInstant };
  if (!isInstant) return [{ asked: 'range', question }];
  const asIs = { asked: 'instant', question };
  if (dependsOnTime(expr)) return [asIs];
  const pinned = pinnedTo(start, expr);
  const pinnedQuestions = otherTimes(start).map((time) => ({
    asked: `with @ ${start / 1000} at ${time / 1000}s`,
    question: { ...question, expr: pinned, start: time, end: time },
  }));
  return [asIs, ...pinnedQuestions];
};

const otherTimes = (time: number): readonly number[] =>
  time === 0 ? [-1_000_000, 0, 1_000_000] : [-10 * time, 0, Math.trunc(time / 5), time, 10 * time];

/** The result of these depends on the range of the query. */
const rangeFunction = /\b(?:start|end|range|step)\s*\(\s*\)/i;

const hasRangeForm = ({ text, expected }: EvalCommand, { type }: Answer): boolean =>
  !expected.isOrdered && (type === 'vector' || type === 'scalar') && !rangeFunction.test(text);

const compareRangeForm = async (
  question: Question,
  { expected }: EvalCommand,
  { type }: Answer,
  options: PromqlTestOptions,
): Promise<Difference | undefined> => {
  const { start } = question;
  const range = { start: start - MINUTE_MS, end: start + MINUTE_MS, stepMs: MINUTE_MS, isInstant: false };
  const answer = await answered({ ...question, ...range }, options.storage.source, options);
  if (answer instanceof TidemarkError) return { expected: 'a result', got: `the error: ${answer.message}` };
  const series = answer.series.flatMap((one) => sampleAt(one, start));
  return firstDisorder(answer.series) ?? compareValues({ ...answer, type, series }, expected);
};

const sampleAt = ({ labels, timestamps, values }: AnsweredSeries, time: number): readonly AnsweredSeries[] => {
  const index = timestamps.indexOf(time);
  if (index < 0) return [];
  return [{ labels, timestamps: timestamps.subarray(index, index + 1), values: values.subarray(index, index + 1) }];
};
