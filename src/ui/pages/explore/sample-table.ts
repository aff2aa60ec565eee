/** Samples as a table, with all digits. */

import { h } from '../../parts/elements.ts';
import { exactValue } from '../../parts/text/exact-values.ts';
import { distinguish, formatLabels } from '../../parts/text/series-names.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import type { DrawnSeries } from '../../server/server-answers.ts';

const rowsMax = 200;
const columnsMax = 8;

/** The newest samples of each series by time; one place in a row for each series. */
const rowsOf = (list: readonly DrawnSeries[]): [time: number, row: readonly string[]][] => {
  const byTime = new Map<number, string[]>();
  for (const [i, one] of list.entries()) {
    const { timestamps } = one;
    for (let at = Math.max(0, timestamps.length - rowsMax); at < timestamps.length; at++) {
      const row = byTime.get(timestamps[at]) ?? [];
      row[i] = exactValue(one, at);
      byTime.set(timestamps[at], row);
    }
  }
  return [...byTime].sort(([a], [b]) => b - a).slice(0, rowsMax);
};

/** The newest samples side by side, newest first. */
export const sampleTable = (list: readonly DrawnSeries[]): HTMLElement => {
  const columns = list.slice(0, columnsMax);
  const names = distinguish(columns.map(({ labels }) => labels));
  const titles = names.map((name, i) =>
    h('th', { class: 'number clip mono', scope: 'col', title: formatLabels(columns[i].labels) }, name),
  );
  const rows = rowsOf(columns).map(([time, row]) =>
    h(
      'tr',
      {},
      h('td', { class: 'mono' }, formatTime(time)),
      ...columns.map((_, i) => h('td', { class: 'number' }, row[i] ?? '–')),
    ),
  );
  return h(
    'div',
    { class: 'scroll samples', tabindex: '0', role: 'region', 'aria-label': 'Samples' },
    h('table', {}, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Time'), ...titles)), h('tbody', {}, ...rows)),
    list.length > columnsMax && h('p', { class: 'soft small' }, `The first ${columnsMax} of ${list.length} series.`),
  );
};
