/** Reads what the queries of a view ask for. */

import { askWithNotes } from '../../server/ask-server.ts';
import type { DrawnSeries, Labels, PromResult } from '../../server/server-answers.ts';
import type { TimeRange } from '../chart/chart.ts';

/** More lines than this are not readable in one chart. */
const seriesMax = 50;

/** `raw`: the samples as they were appended. `range`: an expression at every step. `instant`: at the end of the range. */
export type Reading =
  | { readonly kind: 'raw'; readonly text: string; readonly perSecond: boolean }
  | { readonly kind: 'range'; readonly text: string; readonly stepMs: number; readonly name?: string }
  | { readonly kind: 'instant'; readonly text: string };

/** What a reading brought. */
export interface Result {
  readonly series: readonly DrawnSeries[];
  /** The number of series there are, also those that are left out. */
  readonly total: number;
  /** Warnings and notes of the server. */
  readonly notes: readonly string[];
}

const specialTexts = new Set(['NaN', '+Inf', '-Inf', '-0']);

/** Points of one series, with a hole where a step has no value. */
const drawnOf = (labels: Labels, points: readonly (readonly [number, string])[], stepMs: number): DrawnSeries => {
  const timestamps: number[] = [];
  const values: (number | null)[] = [];
  const holes: number[] = [];
  const specials: Record<number, string> = {};
  for (const [seconds, text] of points) {
    const time = Math.round(seconds * 1000);
    if (timestamps.length > 0 && time - timestamps[timestamps.length - 1] > 1.5 * stepMs) holes.push(time);
    if (specialTexts.has(text)) specials[timestamps.length] = text;
    const value = Number(text);
    timestamps.push(time);
    values.push(Number.isFinite(value) ? value : null);
  }
  return { labels, timestamps, values, holes, specials };
};

const lastValue = ({ values }: DrawnSeries): number =>
  values.findLast((value) => value !== null) ?? Number.NEGATIVE_INFINITY;

/** The series with the highest last values, in the order they came in. */
const highest = (series: readonly DrawnSeries[], count: number): readonly DrawnSeries[] => {
  if (series.length <= count) return series;
  const chosen = new Set(series.toSorted((a, b) => lastValue(b) - lastValue(a)).slice(0, count));
  return series.filter((one) => chosen.has(one));
};

const seriesOf = (result: PromResult, stepMs: number): DrawnSeries[] => {
  switch (result.resultType) {
    case 'matrix':
      return result.result.map(({ metric, values }) => drawnOf(metric, values, stepMs));
    case 'vector':
      return result.result.map(({ metric, value }) => drawnOf(metric, [value], stepMs));
    case 'scalar':
      return [drawnOf({}, [result.result], stepMs)];
    case 'string':
      return [drawnOf({ string: result.result[1] }, [[result.result[0], 'NaN']], stepMs)];
  }
};

const withName = (one: DrawnSeries, name: string): DrawnSeries => ({
  ...one,
  labels: { ...one.labels, quantile: name },
});

/** Reads one reading. Rejects with the server's message. */
export const read = async (
  reading: Reading,
  [from, through]: TimeRange,
  columns: number,
  signal: AbortSignal,
): Promise<Result> => {
  if (reading.kind === 'raw') {
    const params = { match: reading.text, start: from / 1000, end: through / 1000, buckets: columns };
    const { data, notes } = await askWithNotes('/ui/range', params, signal);
    return { ...data, notes };
  }
  if (reading.kind === 'instant') {
    const { data, notes } = await askWithNotes('/api/v1/query', { query: reading.text, time: through / 1000 }, signal);
    const series = seriesOf(data, 0);
    return { series, total: series.length, notes };
  }
  const { data, notes } = await askWithNotes('/api/v1/query_range', rangeParams(reading, [from, through]), signal);
  const all = seriesOf(data, reading.stepMs);
  const named = reading.name === undefined ? all : all.map((one) => withName(one, reading.name ?? ''));
  return { series: highest(named, seriesMax), total: all.length, notes };
};

/** The parameters of a range query. Points are at multiples of the step, so that they stay where they are. */
export const rangeParams = (
  { text, stepMs }: Extract<Reading, { kind: 'range' }>,
  [from, through]: TimeRange,
): { readonly query: string; readonly start: number; readonly end: number; readonly step: number } => ({
  query: text,
  start: (Math.ceil(from / stepMs) * stepMs) / 1000,
  end: Math.max(Math.ceil(from / stepMs) * stepMs, Math.floor(through / stepMs) * stepMs) / 1000,
  step: stepMs / 1000,
});
