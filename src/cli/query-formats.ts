/** The result of a PromQL expression as text: a table for people, the JSON of Prometheus' API, CSV. */

import { resultPieces } from '../http/prometheus/result-json.ts';
import type { Labels, QueryResult } from '../index.ts';
import { formatLabels } from '../text/label-text.ts';
import { formatApiValue } from '../text/values.ts';
import { blockChart } from './block-chart.ts';
import { formatTable } from './columns.ts';

export const queryFormats = ['table', 'json', 'csv'] as const;

export type QueryFormat = (typeof queryFormats)[number];

interface Layout {
  /** Columns of the terminal. */
  readonly columns: number;
  /** The range of the query; an instant query begins and ends at its time. */
  readonly from: number;
  readonly through: number;
  /** Steps of the range; 1 for an instant query. */
  readonly steps: number;
}

type Series = QueryResult['series'][number];

/** The text of a result, in pieces of about one series or less. */
export function* formatResult(result: QueryResult, format: QueryFormat, layout: Layout): Generator<string> {
  if (format === 'json') {
    for (const piece of resultPieces(result, { at: layout.through }))
      yield typeof piece === 'string' ? piece : Buffer.from(piece).toString('latin1');
    yield '\n';
  } else if (format === 'csv') yield* csvPieces(result);
  else if (result.type === 'string') yield `${result.text ?? ''}\n`;
  else if (result.type === 'scalar') yield `${formatApiValue(result.series[0].values[0])}\n`;
  else if (result.type === 'vector') {
    yield formatTable(result.series.map(({ labels, values }) => [formatLabels(labels), formatApiValue(values[0])]));
  } else yield* chartLines(result.series, layout);
}

/** The least width of a chart, and the largest share of a line that labels take. */
const CHART_MIN = 8;
const LABELS_MAX_SHARE = 0.6;

const shortened = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, width - 1)}…`;

/** One line a series: labels, chart, last value. */
function* chartLines(series: readonly Series[], layout: Layout): Generator<string> {
  if (series.length === 0) return;
  const names = series.map(({ labels }) => formatLabels(labels));
  const lasts = series.map(({ values }) => formatApiValue(values[values.length - 1]));
  const labelWidth = Math.min(longest(names), Math.floor(layout.columns * LABELS_MAX_SHARE));
  const free = Math.max(CHART_MIN, layout.columns - labelWidth - longest(lasts) - 4);
  // The samples of a range selector at one time have a span of their own.
  const isInstant = layout.steps === 1;
  const { from, through } = isInstant ? spanOf(series) : layout;
  // A chart has at most one cell for each value, so that there are no gaps between them.
  const width = Math.min(free, isInstant ? longest(series.map(({ values }) => values)) : layout.steps);
  for (const [i, one] of series.entries()) {
    const label = shortened(names[i], labelWidth).padEnd(labelWidth);
    yield `${label}  ${blockChart(one, { from, through, width })}  ${lasts[i]}\n`;
  }
}

const longest = (all: readonly { readonly length: number }[]): number =>
  all.reduce((width, { length }) => Math.max(width, length), 0);

const spanOf = (series: readonly Series[]): { from: number; through: number } => ({
  from: series.reduce((time, { timestamps }) => Math.min(time, timestamps[0]), Number.POSITIVE_INFINITY),
  through: series.reduce(
    (time, { timestamps }) => Math.max(time, timestamps[timestamps.length - 1]),
    Number.NEGATIVE_INFINITY,
  ),
});

const csvField = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const csvLine = (fields: readonly string[]): string => `${fields.map(csvField).join(',')}\n`;

/** A line for each sample: the labels of all series as columns, the timestamp in milliseconds, the value. */
function* csvPieces({ type, series, text }: QueryResult): Generator<string> {
  if (type === 'string') {
    yield csvLine(['value']) + csvLine([text ?? '']);
    return;
  }
  const names = [...new Set(series.flatMap(({ labels }) => Object.keys(labels)))].sort();
  yield csvLine([...names, 'timestamp', 'value']);
  for (const one of series) {
    const labels = names.map((name) => (one.labels as Labels)[name] ?? '');
    let lines = '';
    for (let i = 0; i < one.timestamps.length; i++) {
      lines += csvLine([...labels, String(one.timestamps[i]), formatApiValue(one.values[i])]);
    }
    yield lines;
  }
}
