/**
 * The files in which Prometheus writes its PromQL tests, `*.test`. A file is a list of blocks of lines; an empty line or
 * a comment ends a block.
 *
 * ```
 * clear
 *
 * load 5m
 *   requests_total{job="api"} 0+10x10
 *
 * eval instant at 50m sum(requests_total)
 *   expect no_warn
 *   {} 100
 *
 * eval range from 0 to 10m step 5m sum(requests_total)
 *   {} 0 10 20
 * ```
 *
 * The forms of Prometheus 2.x (`eval_fail`, `eval_ordered`) and of 3.x (`expect fail`, `expect ordered`) are read alike.
 */

import { durationMs } from '../../model/duration.ts';
import { type CompiledRegex, compileRegex } from '../../model/regex.ts';
import { RegexSyntaxError } from '../../model/regex-syntax.ts';
import { UnquoteError, unquote } from '../../model/unquote.ts';
import { NotationError, parseLoneNumber, parseSeriesLine, type SeriesLine } from './series-line.ts';

export type Command = ClearCommand | LoadCommand | EvalCommand;

export interface ClearCommand {
  readonly kind: 'clear';
}

export interface LoadCommand {
  readonly kind: 'load';
  readonly stepMs: number;
  /** Whether classic histograms are loaded as native histograms too. */
  readonly alsoNative: boolean;
  readonly series: readonly SeriesLine[];
}

export interface EvalCommand {
  readonly kind: 'eval';
  /** The number of the line with `eval`, from 1 on. */
  readonly line: number;
  readonly text: string;
  readonly isInstant: boolean;
  /** Milliseconds since the epoch. For instant queries both are the same. */
  readonly start: number;
  readonly end: number;
  readonly stepMs: number;
  readonly expected: Expected;
}

export type AnnotationKind = 'warn' | 'info';

/** What an error or an annotation must say. */
export interface ExpectedText {
  /** As it is written in the file. */
  readonly shown: string;
  readonly accepts: (text: string) => boolean;
}

export interface Expected {
  readonly isOrdered: boolean;
  /** The query must fail, with an error that each of these accepts. */
  readonly failure: readonly ExpectedText[] | undefined;
  /** One of each is needed, and each annotation must be accepted by one. `undefined`: whatever annotations there are. */
  readonly annotations: Readonly<Record<AnnotationKind, readonly ExpectedText[] | undefined>>;
  readonly forbidden: ReadonlySet<AnnotationKind>;
  readonly text: string | undefined;
  readonly scalar: Float64Array | undefined;
  readonly rows: readonly SeriesLine[];
  /** The times of the rows' values: of a range query its steps, of an instant query those after `expect range vector`. */
  readonly times: { readonly start: number; readonly stepMs: number } | undefined;
}

/** A test file that can't be read. */
export class TestFileError extends Error {
  override readonly name = 'TestFileError';
  readonly line: number;

  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.line = line;
  }
}

/** Reads a test file. Throws {@link TestFileError}. */
export const parseTestFile = (text: string): readonly Command[] => {
  const lines = text.split('\n').map((line) => line.trim());
  const commands: Command[] = [];
  let index = 0;
  while (index < lines.length) {
    if (isBlank(lines[index])) {
      index++;
      continue;
    }
    let end = index + 1;
    const word = (/^\S+/.exec(lines[index]) as RegExpExecArray)[0].toLowerCase();
    if (word !== 'clear') while (end < lines.length && !isBlank(lines[end])) end++;
    commands.push(readBlock(word, index + 1, lines.slice(index, end)));
    index = end;
  }
  return commands;
};

const isBlank = (line: string): boolean => line === '' || line.startsWith('#');

const readBlock = (word: string, line: number, block: readonly string[]): Command => {
  if (word === 'clear') return { kind: 'clear' };
  if (word.startsWith('load')) return readLoad(line, block);
  if (word.startsWith('eval')) return readEval(line, block);
  throw new TestFileError(line, `unknown command: ${block[0]}`);
};

/** Runs a reader of one line; its errors get the line's number. */
const at = <T>(line: number, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotationError || error instanceof UnquoteError || error instanceof RegexSyntaxError) {
      throw new TestFileError(line, error.message);
    }
    throw error;
  }
};

const readLoad = (line: number, block: readonly string[]): LoadCommand => {
  const match = /^load(_with_nhcb)?\s+(\S+)$/i.exec(block[0]);
  const stepMs = timeOf(match?.[2] ?? '');
  if (match === null || stepMs === undefined)
    throw new TestFileError(line, `expected load and a duration: ${block[0]}`);
  const series = block.slice(1).map((text, index) => at(line + 1 + index, () => parseSeriesLine(text)));
  return { kind: 'load', stepMs, alsoNative: match[1] !== undefined, series };
};

/** Milliseconds of a duration, or of a number of seconds. */
const timeOf = (text: string): number | undefined => {
  const isNegative = text.startsWith('-');
  const unsigned = isNegative ? text.slice(1) : text;
  const milliseconds = /^\d+(?:\.\d*)?$/.test(unsigned) ? Math.round(Number(unsigned) * 1000) : durationMs(unsigned);
  return milliseconds === undefined ? undefined : isNegative ? -milliseconds : milliseconds;
};

const instantForm = /^eval(?:_(fail|warn|info|ordered))?\s+instant\s+at\s+(\S+)\s+(.+)$/i;
const rangeForm = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/i;

const readEval = (line: number, block: readonly string[]): EvalCommand => {
  const instant = instantForm.exec(block[0]);
  const match = instant ?? rangeForm.exec(block[0]);
  if (match === null) {
    throw new TestFileError(
      line,
      `expected eval instant at T EXPR, or eval range from T to T step D EXPR: ${block[0]}`,
    );
  }
  const start = timeOf(match[2]);
  const end = instant === null ? timeOf(match[3]) : start;
  const stepMs = instant === null ? timeOf(match[4]) : 0;
  if (start === undefined || end === undefined || stepMs === undefined) {
    throw new TestFileError(line, `expected a duration or a number of seconds: ${block[0]}`);
  }
  const text = match[match.length - 1];
  const isInstant = instant !== null;
  const suffix = match[1]?.toLowerCase();
  const expected = readExpected(line, block, suffix, isInstant ? undefined : { start, stepMs });
  return { kind: 'eval', line, text, isInstant, start, end, stepMs, expected };
};

interface Expectations {
  isOrdered: boolean;
  failure: ExpectedText[] | undefined;
  warn: ExpectedText[] | undefined;
  info: ExpectedText[] | undefined;
  forbidden: Set<AnnotationKind>;
  text: string | undefined;
  scalar: Float64Array | undefined;
  rows: SeriesLine[];
  times: Expected['times'];
}

const readExpected = (
  line: number,
  block: readonly string[],
  suffix: string | undefined,
  times: Expected['times'],
): Expected => {
  const found: Expectations = {
    isOrdered: false,
    failure: undefined,
    warn: undefined,
    info: undefined,
    forbidden: new Set(),
    text: undefined,
    scalar: undefined,
    rows: [],
    times,
  };
  if (suffix !== undefined) addExpectation(found, suffix, anyText);
  block.slice(1).forEach((text, index) => {
    at(line + 1 + index, () => readExpectedLine(found, text));
  });
  const { isOrdered, failure, warn, info, forbidden, text, scalar, rows } = found;
  return { isOrdered, failure, annotations: { warn, info }, forbidden, text, scalar, rows, times: found.times };
};

const expectation = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(msg|regex)\s*:(.*))?$/;
const olderFailure = /^expected_fail_(message|regexp)\s+(.+)$/;
const expectedText = /^expect\s+string\s+(.+)$/;
const expectedTimes = /^expect\s+range\s+vector\s+from\s+(\S+)\s+to\s+\S+\s+step\s+(\S+)$/;

const readExpectedLine = (found: Expectations, line: string): void => {
  const declared = expectation.exec(line);
  const older = olderFailure.exec(line);
  const text = expectedText.exec(line);
  const range = expectedTimes.exec(line);
  const scalar = parseLoneNumber(line);
  if (declared !== null) addExpectation(found, declared[1], textMatcher(declared[2], declared[3] ?? ''));
  else if (older !== null) addExpectation(found, 'fail', textMatcher(older[1], older[2]));
  else if (text !== null) found.text = unquote(text[1]);
  else if (range !== null) found.times = readTimes(range[1], range[2]);
  else if (/^expect\s/.test(line)) throw new NotationError(`unknown expectation: ${line}`);
  else if (scalar !== undefined) found.scalar = scalar;
  else found.rows.push(parseSeriesLine(line));
};

const readTimes = (from: string, step: string): Expected['times'] => {
  const [start, stepMs] = [timeOf(from), timeOf(step)];
  if (start === undefined || stepMs === undefined) throw new NotationError(`expected durations: ${from}, ${step}`);
  return { start, stepMs };
};

const addExpectation = (found: Expectations, kind: string, text: ExpectedText): void => {
  if (kind === 'ordered') found.isOrdered = true;
  else if (kind === 'no_warn') found.forbidden.add('warn');
  else if (kind === 'no_info') found.forbidden.add('info');
  else if (kind === 'fail') found.failure = [...(found.failure ?? []), text];
  else if (kind === 'warn') found.warn = [...(found.warn ?? []), text];
  else found.info = [...(found.info ?? []), text];
};

const anyText: ExpectedText = { shown: 'any text', accepts: () => true };

const textMatcher = (form: string | undefined, given: string): ExpectedText => {
  const text = given.trim();
  if (form === undefined) return anyText;
  if (form === 'msg' || form === 'message') return { shown: text, accepts: (actual) => actual === text };
  const regex = searching(text);
  return { shown: `/${text}/`, accepts: regex.matches };
};

/** The expressions of matchers match whole values; these may match anywhere. */
const searching = (text: string): CompiledRegex => compileRegex(`(?s:.*)(?:${text})(?s:.*)`);
