/** One query asked of several evaluators, and how their answers are compared. */
import { TidemarkError } from '../../src/model/errors.ts';
import { defaultLimits, type EngineOptions } from '../../src/promql/engine/engine-options.ts';
import { type EvalResult, evaluate } from '../../src/promql/engine/evaluate.ts';
import type { SeriesSource, SourceSeries } from '../../src/promql/source.ts';
import type { Expr } from '../../src/promql/syntax/ast.ts';
import { memorySource } from '../../src/promql/testing/memory-source.ts';
import { keyOf, ObviousError, type ObviousSeries, obviousInstant, obviousRange, type World } from './obvious.ts';
import { type Piece, type Random, smaller } from './random-expressions.ts';

/** Milliseconds since the epoch. */
export interface Query {
  readonly start: number;
  readonly end: number;
  readonly stepMs: number;
  readonly isInstant: boolean;
}

/** The series of the result, or the error's text. A scalar is one series without labels. */
export type Answer = { readonly error: string } | { readonly series: readonly ObviousSeries[] };

export const randomQuery = (random: Random, { start, end }: { start: number; end: number }): Query => {
  const from = start + random.int((end - start) / 1000) * 1000 + random.int(2) * random.int(1000);
  if (random.int(2) === 0) return { start: from, end: from, stepMs: 0, isInstant: true };
  return {
    start: from,
    end: from + random.int(20) * 60_000,
    stepMs: [15_000, 60_000, 61_000, 137_000][random.int(4)],
    isInstant: false,
  };
};

export const testEngineOptions: EngineOptions = {
  lookbackMs: 300_000,
  defaultSubqueryStepMs: 60_000,
  closedRanges: false,
  delayedNameRemoval: false,
  experimental: true,
  limits: defaultLimits,
  breathe: () => new Promise((resolve) => setImmediate(resolve)),
  now: () => performance.now(),
};

export const engineAnswer = async (
  expr: Expr,
  text: string,
  query: Query,
  source: SeriesSource,
  options: EngineOptions,
): Promise<Answer> => {
  try {
    return { series: (await evaluate(source, { expr, text, ...query }, options)).series.map(seriesOf) };
  } catch (error) {
    if (error instanceof TidemarkError && error.code === 'TIDEMARK_QUERY_FAILED') return { error: error.message };
    throw error;
  }
};

const seriesOf = ({ labels, timestamps, values }: EvalResult['series'][number]): ObviousSeries => {
  const named: Record<string, string> = {};
  for (let i = 0; i < labels.length; i += 2) named[labels[i]] = labels[i + 1];
  return { labels: named, points: [...timestamps].map((time, index) => ({ time, value: values[index] })) };
};

export const obviousAnswer = (expr: Expr, query: Query, world: World): Answer => {
  try {
    if (!query.isInstant) return { series: obviousRange(expr, query, world) };
    const result = obviousInstant(expr, query.start, world);
    const samples = typeof result === 'number' ? [{ labels: {}, value: result }] : result;
    return { series: samples.map(({ labels, value }) => ({ labels, points: [{ time: query.start, value }] })) };
  } catch (error) {
    if (error instanceof ObviousError) return { error: error.message };
    throw error;
  }
};

export const columnsOf = (series: readonly ObviousSeries[]): SeriesSource => memorySource(series.map(columnsOfSeries));

const STALE_BITS = 0x7ff0000000000002n;

const columnsOfSeries = ({ labels, points }: ObviousSeries): SourceSeries => {
  const values = Float64Array.from(points, ({ value }) => value);
  const bits = new BigUint64Array(values.buffer);
  points.forEach(({ isStale }, index) => {
    if (isStale === true) bits[index] = STALE_BITS;
  });
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return { labels: pairs.flat(), timestamps: Float64Array.from(points, ({ time }) => time), values };
};

/** Doubles that differ in the last digits only, because sums were added up in another order. */
export const isNear = (a: number, b: number): boolean =>
  a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));

/** What is different; `undefined` if nothing is. Errors are not compared by their text. */
export const differenceOf = (expected: Answer, got: Answer): string | undefined => {
  if ('error' in expected) return 'error' in got ? undefined : `expected the error: ${expected.error}`;
  if ('error' in got) return `got the error: ${got.error}`;
  const found = new Map(got.series.map((series) => [keyOf(series.labels), series]));
  if (found.size !== got.series.length) return 'two series have the same labels';
  for (const { labels, points } of expected.series) {
    const key = keyOf(labels);
    const actual = found.get(key);
    if (actual === undefined) return `expected ${key}, got ${[...found.keys()].join(' ') || 'nothing'}`;
    found.delete(key);
    const index = points.findIndex(
      ({ time, value }, i) => actual.points[i]?.time !== time || !isNear(value, actual.points[i].value),
    );
    if (index >= 0 || points.length !== actual.points.length) {
      const at = Math.max(index, 0);
      return `${key}: expected ${shown(points[at])} of ${points.length}, got ${shown(actual.points[at])} of ${actual.points.length}`;
    }
  }
  return found.size === 0 ? undefined : `did not expect ${[...found.keys()].join(' ')}`;
};

const shown = (point: { time: number; value: number } | undefined): string =>
  point === undefined ? 'no sample' : `${point.value} at ${point.time}`;

/** The smallest piece that still makes a difference, and the difference. */
export const smallest = async (
  piece: Piece,
  difference: string,
  differs: (piece: Piece) => Promise<string | undefined>,
): Promise<{ piece: Piece; difference: string }> => {
  for (const one of smaller(piece)) {
    const found = await differs(one);
    if (found !== undefined) return smallest(one, found, differs);
  }
  return { piece, difference };
};
