/**
 * A series and its values in a test file: `up{job="node"} 1 2+1x3 _ stale`. The first value belongs to the first time,
 * and each further value to the time one interval later.
 *
 * ```
 * 7  -1.5  NaN  +Inf    one value
 * stale                 a stale marker
 * _  _x3                no value, no value three times
 * 7x3                   7 7 7 7
 * 7+2x3  7-2x3          7 9 11 13, 7 5 3 1
 * {{count:4 sum:2}}     a native histogram; it takes its place, and nothing more is known of it
 * ```
 */
import { type LabelPairs, METRIC_NAME } from '../../model/labels.ts';
import { UnquoteError, unquote } from '../../model/unquote.ts';

/** The values of a line. Those of a place where `kinds` is not `FLOAT` mean nothing. */
export interface ValueColumn {
  readonly values: Float64Array;
  readonly kinds: Uint8Array;
}

export const GAP = 0;
export const FLOAT = 1;
export const NATIVE_HISTOGRAM = 2;

export interface SeriesLine extends ValueColumn {
  readonly labels: LabelPairs;
  /** The line gives the times at which the series' counters started, not values. */
  readonly isStartTimestamps: boolean;
}

/** An error in a line of a test file; the reader adds the line's number. */
export class NotationError extends Error {
  override readonly name = 'NotationError';
}

/** Places that one line may have, so that `1x999999999` does not take all memory. */
const LENGTH_MAX = 1_000_000;

export const parseSeriesLine = (line: string): SeriesLine => {
  const { labels, end } = readLabels(line);
  const isStartTimestamps = line.startsWith('@st', end);
  const rest = line.slice(isStartTimestamps ? end + 3 : end);
  if (isStartTimestamps) return { labels, isStartTimestamps, values: new Float64Array(0), kinds: new Uint8Array(0) };
  return { labels, isStartTimestamps, ...parseValues(rest) };
};

const plainName = /[a-zA-Z_:][\w:]*/y;
const labelName = /\s*([a-zA-Z_]\w*)/y;
const literal = /\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)/y;
const equals = /\s*=/y;
const comma = /\s*,/y;
const close = /\s*\}/y;

/** The labels that a line begins with, and where they end. */
const readLabels = (line: string): { labels: LabelPairs; end: number } => {
  const found = new Map<string, string>();
  let offset = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = offset;
    const match = pattern.exec(line);
    if (match === null) return undefined;
    offset = pattern.lastIndex;
    return match[1] ?? match[0];
  };
  const name = take(plainName);
  if (name !== undefined) found.set(METRIC_NAME, name);
  if (line[offset] === '{') {
    offset++;
    while (take(close) === undefined) {
      readLabel(take, found, line);
      if (take(comma) === undefined && line.slice(offset).trimStart()[0] !== '}') throw invalidLabels(line);
    }
  } else if (name === undefined) throw invalidLabels(line);
  const labels = [...found.keys()]
    .filter((label) => found.get(label) !== '')
    .sort()
    .flatMap((label) => [label, found.get(label) as string]);
  return { labels, end: offset };
};

/** `name="value"`, `"name"="value"`, or the metric's name alone as `"name"`. */
const readLabel = (take: (pattern: RegExp) => string | undefined, found: Map<string, string>, line: string): void => {
  const quotedName = take(literal);
  const name = quotedName === undefined ? take(labelName) : unquoted(quotedName);
  if (name === undefined) throw invalidLabels(line);
  if (take(equals) === undefined) {
    if (quotedName === undefined || found.has(METRIC_NAME)) throw invalidLabels(line);
    found.set(METRIC_NAME, name);
    return;
  }
  const value = take(literal);
  if (value === undefined) throw invalidLabels(line);
  found.set(name, unquoted(value));
};

const unquoted = (text: string): string => {
  try {
    return unquote(text);
  } catch (error) {
    if (error instanceof UnquoteError) throw new NotationError(error.message);
    throw error;
  }
};

const invalidLabels = (line: string): NotationError =>
  new NotationError(`expected a series such as up{job="node"}: ${line}`);

const number = '(?:\\d+(?:\\.\\d*)?(?:e[+-]?\\d+)?|\\.\\d+(?:e[+-]?\\d+)?|inf(?:inity)?|nan)';
const item = new RegExp(`^([+-]?${number}|stale)(?:([+-]${number}))?(?:x(\\d+))?$`, 'i');
const gaps = /^_(?:x(\d+))?$/;
const native = /^\{\{.*?\}\}(?:[+-]\{\{.*?\}\})?(?:x(\d+))?$/;
/** Values are separated by spaces, but a native histogram may have spaces inside. */
const token = /(?:\{\{.*?\}\}|\S)+/g;

export const parseValues = (text: string): ValueColumn => {
  const values: number[] = [];
  const kinds: number[] = [];
  const add = (kind: number, count: number, first = 0, step = 0): void => {
    let value = first;
    for (let i = 0; i < count; i++) {
      if (kinds.length >= LENGTH_MAX) throw new NotationError(`a line may have ${LENGTH_MAX} values`);
      kinds.push(kind);
      values.push(value);
      value += step;
    }
  };
  for (const [part] of text.matchAll(token)) {
    const gap = gaps.exec(part);
    const histogram = native.exec(part);
    const float = item.exec(part);
    if (gap !== null) add(GAP, Number(gap[1] ?? 1));
    else if (histogram !== null) add(NATIVE_HISTOGRAM, 1 + Number(histogram[1] ?? 0));
    else if (float === null) throw new NotationError(`expected a value such as 1, 1+2x3, _ or stale: ${part}`);
    else if (float[1].toLowerCase() === 'stale') add(STALE, 1 + Number(float[3] ?? 0));
    else if (float[2] === undefined) add(FLOAT, 1 + Number(float[3] ?? 0), parseNumber(float[1]));
    else add(FLOAT, 1 + Number(float[3] ?? 0), parseNumber(float[1]), parseNumber(float[2]));
  }
  return columnOf(values, kinds);
};

const columnOf = (values: readonly number[], kinds: readonly number[]): ValueColumn => {
  const column = Float64Array.from(values);
  const bits = new BigUint64Array(column.buffer);
  kinds.forEach((kind, index) => {
    if (kind === STALE) bits[index] = STALE_BITS;
  });
  return { values: column, kinds: Uint8Array.from(kinds, (kind) => (kind === STALE ? FLOAT : kind)) };
};

const STALE_BITS = 0x7ff0000000000002n;
/** Only while a line is read: the value is a stale marker, which no number may hold. */
const STALE = 3;

const parseNumber = (text: string): number => {
  const lower = text.toLowerCase();
  if (lower.endsWith('nan')) return Number.NaN;
  if (lower.includes('inf')) return lower.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
};

/** A line with one number only: the expected scalar. */
export const parseLoneNumber = (line: string): Float64Array | undefined => {
  const match = new RegExp(`^[+-]?${number}$`, 'i').exec(line);
  if (match !== null) return Float64Array.of(parseNumber(line));
  return /^[+-]?0x[0-9a-f]+$/i.test(line) ? Float64Array.of(signedHex(line)) : undefined;
};

const signedHex = (text: string): number =>
  text.startsWith('-') ? -Number(text.slice(1)) : Number(text.replace('+', ''));
