/** Samples as a table. */

import { h } from '../../parts/elements.ts';
import { formatNumber } from '../../parts/text/number-text.ts';
import { distinguish, formatLabels } from '../../parts/text/series-names.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import type { DrawnSeries } from '../../server/server-answers.ts';

const rowsMax = 200;
const columnsMax = 8;

type Value = number | null | undefined;

/** The newest samples of each series by time; one place in a row for each series. */
const rowsOf = (list: readonly DrawnSeries[]): [time: number, row: readonly Value[]][] => {
  const byTime = new Map<number, Value[]>();
  for (const [i, { timestamps, values }] of list.entries())
    for (let at = Math.max(0, timestamps.length - rowsMax); at < timestamps.length; at++) {
      const row = byTime.get(timestamps[at]) ?? [];
      row[i] = values[at];
      byTime.set(timestamps[at], row);
    }
  return [...byTime].sort(([a], [b]) => b - a).slice(0, rowsMax);
};

/** The newest samples side by side, newest first. */
export const sampleTable = (list: readonly DrawnSeries[]): HTMLElement => {
  const columns = list.slice(0, columnsMax);
  const names = distinguish(columns.map(({ labels }) => labels));
  const titles = names.map((name, i) =>
    h('th', { class: 'number clip mono', title: formatLabels(columns[i].labels) }, name),
  );
  const rows = rowsOf(columns).map(([time, row]) =>
    h(
      'tr',
      {},
      h('td', { class: 'mono' }, formatTime(time)),
      ...columns.map((_, i) => h('td', { class: 'number' }, formatNumber(row[i]))),
    ),
  );
  return h(
    'div',
    { class: 'scroll', tabindex: '0' },
    h('table', {}, h('thead', {}, h('tr', {}, h('th', {}, 'Time'), ...titles)), h('tbody', {}, ...rows)),
    list.length > columnsMax && h('p', { class: 'soft small' }, `The first ${columnsMax} of ${list.length} series.`),
  );
};
