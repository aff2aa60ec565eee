/**
 * A parser of the Prometheus text formats: 0.0.4, OpenMetrics 1.0, and the quoted UTF-8 names of Prometheus 3. It works
 * line by line, which is enough because a line feed inside a label value is always escaped.
 *
 *   http_requests_total{method="post",code="200"} 1027 1395066363000
 *   {"my.metric", "label.name"="value"} 1
 *   latency_seconds_bucket{le="0.1"} 17 1395066363.123 # {trace_id="x"} 0.05 1395066363.1
 *
 * Timestamps are integer milliseconds in 0.0.4, and seconds with a fraction in OpenMetrics. `# EOF` ends an OpenMetrics
 * text and is a comment in 0.0.4. The caller decides which of the two formats it reads. Exemplars are checked but
 * dropped, because the store can't hold them.
 */
import type { Labels } from '../model/labels.ts';
import { LineError, quoteBriefly } from './json-lines.ts';
import { parseValue } from './values.ts';

export interface ExpositionSample {
  readonly labels: Labels;
  readonly value: number;
  /** The timestamp's text; `undefined` if the line has none. */
  readonly timestampText: string | undefined;
  /** Whether the line has an exemplar; only OpenMetrics has them. */
  readonly hasExemplar: boolean;
}

export type ExpositionLine =
  | { readonly kind: 'sample'; readonly sample: ExpositionSample }
  | { readonly kind: 'metadata'; readonly keyword: 'HELP' | 'TYPE' | 'UNIT'; readonly onlyOpenMetrics: boolean }
  | { readonly kind: 'end' }
  | { readonly kind: 'empty' };

const empty: ExpositionLine = { kind: 'empty' };
const metricName = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const labelName = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const blanks = /[ \t]*/y;
const word = /[^ \t]+/y;
const timestamp = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const wholeNumber = /^[+-]?\d+$/;

/** A position in a line. Every parsing step moves it forward or throws, so no input can cause an endless loop. */
class Cursor {
  position = 0;
  readonly line: string;

  constructor(line: string) {
    this.line = line;
  }

  get atEnd(): boolean {
    return this.position >= this.line.length;
  }

  peek(): string {
    return this.line[this.position] ?? '';
  }

  /** The text that `pattern`, a sticky expression, matches at this position; '' if it does not match. */
  take(pattern: RegExp): string {
    pattern.lastIndex = this.position;
    const text = pattern.exec(this.line)?.[0] ?? '';
    this.position += text.length;
    return text;
  }

  skipBlanks(): void {
    this.take(blanks);
  }

  takeIf(character: string): boolean {
    if (this.peek() !== character) return false;
    this.position++;
    return true;
  }

  expect(character: string, where: string): void {
    if (!this.takeIf(character)) this.fail(`expected ${JSON.stringify(character)} ${where}`);
  }

  /**
   * A text in double quotes with the escapes `\\`, `\"` and `\n`. Other escapes are kept literally, as in the original.
   */
  takeQuoted(): string {
    this.expect('"', 'before a quoted text');
    let text = '';
    for (;;) {
      const stop = this.nextOf('"', '\\');
      text += this.line.slice(this.position, stop);
      this.position = stop + 1;
      if (this.line[stop] === '"') return text;
      const escaped = this.line[this.position++];
      if (escaped === undefined) this.fail('the line ends inside a quoted text');
      text += escaped === 'n' ? '\n' : escaped === '"' || escaped === '\\' ? escaped : `\\${escaped}`;
    }
  }

  private nextOf(a: string, b: string): number {
    for (let i = this.position; i < this.line.length; i++) if (this.line[i] === a || this.line[i] === b) return i;
    return this.fail('the line ends inside a quoted text');
  }

  fail(message: string, position = this.position): never {
    throw new LineError(`column ${Math.min(position, this.line.length) + 1}: ${message}`);
  }
}

const addLabel = (labels: Map<string, string>, name: string, value: string, cursor: Cursor): void => {
  if (labels.has(name)) cursor.fail(`the label ${quoteBriefly(name)} occurs twice`);
  labels.set(name, value);
};

/** Parses one element between the braces: `name="value"`, `"name"="value"`, or the quoted metric name alone. */
const takeElement = (cursor: Cursor, labels: Map<string, string>): void => {
  const quoted = cursor.peek() === '"';
  const name = quoted ? cursor.takeQuoted() : cursor.take(labelName);
  if (name === '') cursor.fail('expected a label name');
  cursor.skipBlanks();
  if (cursor.takeIf('=')) {
    cursor.skipBlanks();
    addLabel(labels, name, cursor.takeQuoted(), cursor);
  } else if (quoted) addLabel(labels, '__name__', name, cursor);
  else cursor.fail('expected "=" after the label name');
};

const takeBraces = (cursor: Cursor, labels: Map<string, string>): void => {
  cursor.expect('{', 'before the labels');
  cursor.skipBlanks();
  while (!cursor.takeIf('}')) {
    takeElement(cursor, labels);
    cursor.skipBlanks();
    if (cursor.peek() !== '}') cursor.expect(',', 'or "}" after a label');
    cursor.skipBlanks();
  }
};

const takeValue = (cursor: Cursor): number => {
  const { position } = cursor;
  const text = cursor.take(word);
  if (text === '') cursor.fail('expected a value');
  return parseValue(text) ?? cursor.fail(`${quoteBriefly(text)} is not a number`, position);
};

const takeTimestamp = (cursor: Cursor): string | undefined => {
  const { position } = cursor;
  const text = cursor.take(word);
  if (text === '') return undefined;
  if (!timestamp.test(text)) cursor.fail(`${quoteBriefly(text)} is not a timestamp`, position);
  return text;
};

/** Parses `# {trace_id="x"} 0.05 1395066363.1`, in which the timestamp is optional. */
const takeExemplar = (cursor: Cursor): boolean => {
  if (!cursor.takeIf('#')) return false;
  cursor.skipBlanks();
  takeBraces(cursor, new Map());
  cursor.skipBlanks();
  takeValue(cursor);
  cursor.skipBlanks();
  takeTimestamp(cursor);
  cursor.skipBlanks();
  return true;
};

const parseSample = (line: string): ExpositionSample => {
  const cursor: Cursor = new Cursor(line);
  cursor.skipBlanks();
  const labels = new Map<string, string>();
  const name = cursor.take(metricName);
  if (name !== '') labels.set('__name__', name);
  cursor.skipBlanks();
  if (cursor.peek() === '{') takeBraces(cursor, labels);
  if (!labels.get('__name__')) cursor.fail('expected a metric name');
  cursor.skipBlanks();
  const value = takeValue(cursor);
  cursor.skipBlanks();
  const timestampText = cursor.peek() === '#' ? undefined : takeTimestamp(cursor);
  cursor.skipBlanks();
  const hasExemplar = takeExemplar(cursor);
  if (!cursor.atEnd) cursor.fail('unexpected text after the sample');
  return { labels: Object.fromEntries(labels), value, timestampText, hasExemplar };
};

/** Metric types that 0.0.4 does not have. */
const openMetricsTypes: ReadonlySet<string> = new Set(['info', 'stateset', 'gaugehistogram']);

/**
 * Whether a metadata line must be OpenMetrics: it has a type of OpenMetrics only, or a unit with which the metric's
 * name ends. Any other `# UNIT …` may be a comment of 0.0.4.
 */
const isOnlyOpenMetrics = (keyword: string, rest: string): boolean => {
  const [name, what] = rest.trim().split(/[ \t]+/, 3);
  if (keyword === 'TYPE') return openMetricsTypes.has(what);
  return keyword === 'UNIT' && what !== undefined && name.endsWith(`_${what}`);
};

/** Parses one line. Throws a {@link LineError} with the column if the line is not valid. */
export const parseExpositionLine = (line: string): ExpositionLine => {
  const first = line.trimStart();
  if (first === '') return empty;
  if (!first.startsWith('#')) return { kind: 'sample', sample: parseSample(line) };
  if (/^#[ \t]*EOF[ \t]*$/.test(first)) return { kind: 'end' };
  const keyword = /^#[ \t]+(HELP|TYPE|UNIT)[ \t]/.exec(first)?.[1] as 'HELP' | 'TYPE' | 'UNIT' | undefined;
  if (keyword === undefined) return empty;
  const rest = first.slice(first.indexOf(keyword) + keyword.length, 2000);
  return { kind: 'metadata', keyword, onlyOpenMetrics: isOnlyOpenMetrics(keyword, rest) };
};

export type TimestampUnit = 'milliseconds' | 'seconds';

/** A timestamp's text as integer milliseconds. An OpenMetrics timestamp is rounded to the nearest millisecond. */
export const toMilliseconds = (text: string, unit: TimestampUnit): number => {
  if (unit === 'milliseconds' && !wholeNumber.test(text))
    throw new LineError(`the timestamp ${quoteBriefly(text)} is not a whole number of milliseconds`);
  const number = Number(text);
  const milliseconds = Math.round(unit === 'seconds' ? number * 1000 : number);
  if (!Number.isSafeInteger(milliseconds)) throw new LineError(`the timestamp ${quoteBriefly(text)} is out of range`);
  return milliseconds === 0 ? 0 : milliseconds;
};

/** Whole numbers from here on are milliseconds: as milliseconds this is in 1973, as seconds in the year 5138. */
const unmistakableMilliseconds = 1e11;

/**
 * The unit of a timestamp, judging by its text. A fraction or an exponent means seconds (OpenMetrics); a whole number
 * from 10^11 on means milliseconds. A smaller whole number may be either, so the result is `undefined`.
 */
export const unitShownBy = (text: string): TimestampUnit | undefined => {
  if (!wholeNumber.test(text)) return 'seconds';
  return Math.abs(Number(text)) >= unmistakableMilliseconds ? 'milliseconds' : undefined;
};
