/** Compares an answer with what a test file expects, as Prometheus' own test runner does. */
import { compareLabelPairs, type LabelPairs } from '../../model/labels.ts';
import { metricText } from '../../model/metric-text.ts';
import { isStaleAt } from '../../model/staleness.ts';
import { FLOAT, type SeriesLine } from './series-line.ts';
import type { AnnotationKind, Expected, ExpectedText } from './test-file.ts';

/** A query's answer, as the engine gives it. */
export interface Answer {
  readonly type: 'vector' | 'matrix' | 'scalar' | 'string';
  readonly series: readonly AnsweredSeries[];
  readonly text?: string | undefined;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

export interface AnsweredSeries {
  readonly labels: LabelPairs;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** What is wrong with an answer. */
export interface Difference {
  readonly expected: string;
  readonly got: string;
}

const EPSILON = 1e-6;
/** Below this sum, doubles lose digits, so that a relative difference says nothing. */
const SMALLEST_NORMAL = 2 ** -1022;

/** Whether two values are equal but for rounding. Zero equals only zero, a stale marker only a stale marker. */
export const isAlmostEqual = (a: Float64Array, i: number, b: Float64Array, j: number): boolean => {
  if (isStaleAt(a, i) || isStaleAt(b, j)) return isStaleAt(a, i) && isStaleAt(b, j);
  const [x, y] = [a[i], b[j]];
  if (x === y || (Number.isNaN(x) && Number.isNaN(y))) return true;
  const sum = Math.abs(x) + Math.abs(y);
  const difference = Math.abs(x - y);
  if (x === 0 || y === 0 || sum < SMALLEST_NORMAL) return difference < EPSILON * SMALLEST_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < EPSILON;
};

/** The first difference between an answer's values and the expected ones; `undefined` if there is none. */
export const compareValues = (answer: Answer, expected: Expected): Difference | undefined => {
  if (expected.text !== undefined) return compareText(answer, expected.text);
  if (answer.type === 'string') return { expected: 'series', got: `the string ${JSON.stringify(answer.text)}` };
  if ((answer.type === 'scalar') !== (expected.scalar !== undefined)) {
    return { expected: expected.scalar === undefined ? 'series' : 'a scalar', got: `a ${answer.type}` };
  }
  if (expected.scalar !== undefined) return compareScalar(answer, expected.scalar);
  return answer.type === 'matrix' ? compareMatrix(answer, expected) : compareVector(answer, expected);
};

const compareText = (answer: Answer, text: string): Difference | undefined => {
  if (answer.type === 'string' && answer.text === text) return undefined;
  const got = answer.type === 'string' ? JSON.stringify(answer.text) : `a ${answer.type}`;
  return { expected: JSON.stringify(text), got };
};

const compareScalar = ({ series }: Answer, scalar: Float64Array): Difference | undefined => {
  const values = series[0]?.values ?? new Float64Array(0);
  if (values.length === 1 && isAlmostEqual(values, 0, scalar, 0)) return undefined;
  return { expected: `the scalar ${scalar[0]}`, got: [...values].join(' ') };
};

const compareVector = ({ series }: Answer, { rows, isOrdered }: Expected): Difference | undefined => {
  const unseen = byLabels(rows);
  for (const [index, { labels, values }] of series.entries()) {
    const key = metricText(labels);
    const row = unseen.get(key);
    if (row === undefined) return unexpected(labels, values, rows);
    unseen.delete(key);
    if (isOrdered && row !== rows[index]) {
      return { expected: `${metricText(rows[index].labels)} at place ${index + 1}`, got: key };
    }
    if (values.length !== 1 || !isAlmostEqual(values, 0, row.values, 0)) {
      return { expected: rowText(row), got: `${key} ${[...values].join(' ')}` };
    }
  }
  return missing(unseen, series);
};

const compareMatrix = ({ series }: Answer, { rows, times, isOrdered }: Expected): Difference | undefined => {
  if (isOrdered) return { expected: 'a vector, which can be ordered', got: 'a matrix' };
  if (times === undefined) return { expected: 'a vector', got: 'a matrix' };
  const disorder = firstDisorder(series);
  if (disorder !== undefined) return disorder;
  const unseen = byLabels(rows);
  for (const answered of series) {
    const key = metricText(answered.labels);
    const row = unseen.get(key);
    if (row === undefined) return unexpected(answered.labels, answered.values, rows);
    unseen.delete(key);
    if (!isRow(answered, row, times)) return { expected: rowText(row), got: samplesText(answered) };
  }
  return missing(unseen, series);
};

/** Whether a series has exactly the row's values, each at its time. */
const isRow = (
  { timestamps, values }: AnsweredSeries,
  row: SeriesLine,
  { start, stepMs }: NonNullable<Expected['times']>,
): boolean => {
  let next = 0;
  for (let i = 0; i < row.values.length; i++) {
    if (row.kinds[i] !== FLOAT) continue;
    if (timestamps[next] !== start + i * stepMs || !isAlmostEqual(values, next, row.values, i)) return false;
    next++;
  }
  return next === timestamps.length && next === values.length;
};

/** Series of a matrix are sorted by labels. */
export const firstDisorder = (series: readonly AnsweredSeries[]): Difference | undefined => {
  for (let i = 1; i < series.length; i++) {
    const [previous, next] = [series[i - 1].labels, series[i].labels];
    if (compareLabelPairs(previous, next) < 0) continue;
    return { expected: 'series sorted by labels', got: `${metricText(next)} after ${metricText(previous)}` };
  }
  return undefined;
};

const byLabels = (rows: readonly SeriesLine[]): Map<string, SeriesLine> =>
  new Map(rows.map((row) => [metricText(row.labels), row]));

const unexpected = (labels: LabelPairs, values: Float64Array, rows: readonly SeriesLine[]): Difference => ({
  expected: rows.length === 0 ? 'an empty result' : rows.map(({ labels }) => metricText(labels)).join(', '),
  got: `${metricText(labels)} ${[...values].join(' ')}`,
});

const missing = (
  unseen: ReadonlyMap<string, SeriesLine>,
  series: readonly AnsweredSeries[],
): Difference | undefined => {
  for (const row of unseen.values()) {
    const got = series.map(({ labels }) => metricText(labels)).join(', ');
    return { expected: rowText(row), got: got === '' ? 'an empty result' : got };
  }
  return undefined;
};

const rowText = (row: SeriesLine): string =>
  `${metricText(row.labels)} ${[...row.values].map((value, i) => (row.kinds[i] === FLOAT ? value : '_')).join(' ')}`;

const samplesText = ({ labels, timestamps, values }: AnsweredSeries): string =>
  `${metricText(labels)} ${[...values].map((value, i) => `${value}@${timestamps[i] / 1000}s`).join(' ')}`;

/** The first difference between an answer's annotations and the declared ones. */
export const compareAnnotations = (answer: Answer, expected: Expected): Difference | undefined =>
  compareAnnotation('warn', answer.warnings, expected) ?? compareAnnotation('info', answer.infos, expected);

const compareAnnotation = (
  kind: AnnotationKind,
  actual: readonly string[],
  { annotations, forbidden }: Expected,
): Difference | undefined => {
  if (forbidden.has(kind) && actual.length > 0) return { expected: `no ${kind}`, got: actual.join('; ') };
  const declared = annotations[kind];
  return declared === undefined ? undefined : compareTexts(kind, actual, declared);
};

const compareTexts = (
  kind: AnnotationKind,
  actual: readonly string[],
  declared: readonly ExpectedText[],
): Difference | undefined => {
  const isComplete = declared.every(({ accepts }) => actual.some(accepts));
  const isExplained = actual.every((text) => declared.some(({ accepts }) => accepts(text)));
  if (isComplete && isExplained) return undefined;
  const got = actual.length === 0 ? `no ${kind}` : actual.join('; ');
  return { expected: `${kind}: ${declared.map(({ shown }) => shown).join('; ')}`, got };
};
