/** The legend below a chart: one row per series with its colour, name and values. */
import { h, setText } from './dom.js';
import { distinguish, formatLabels } from './format.js';

/**
 * @typedef {import('./chart.js').Series} Series
 * @typedef {object} LegendOptions
 * @property {(value: number) => string} format formats the values
 * @property {(i: number) => string} colorOf
 * @property {(i: number) => void} onToggle called to hide or show a series
 * @property {boolean} short only the value under the cursor and the last one
 * @property {((labels: Record<string, string>[]) => string[])} [namesOf] default: the labels in which the series differ
 */

/** The newest, lowest and highest of the values that can be drawn. */
const summarize = (/** @type {(number | null)[]} */ values) => {
  let last;
  let lowest;
  let highest;
  for (const value of values) {
    if (value === null || value === undefined) continue;
    last = value;
    if (lowest === undefined || value < lowest) lowest = value;
    if (highest === undefined || value > highest) highest = value;
  }
  return [last, lowest, highest];
};

export const createLegend = (
  /** @type {LegendOptions} */ { format, colorOf, onToggle, short, namesOf = distinguish },
) => {
  const columns = short ? ['Cursor', 'Last'] : ['Cursor', 'Last', 'Lowest', 'Highest'];
  const body = h('tbody');
  const head = h('tr', {}, h('th', {}, 'Series'), ...columns.map((text) => h('th', { class: 'number' }, text)));
  /** @type {HTMLElement[][]} */
  let cells = [];

  const text = (/** @type {number | null | undefined} */ value) =>
    value === null || value === undefined ? '–' : format(value);

  const row = (/** @type {Record<string, string>} */ labels, /** @type {number} */ i, shown = true, name = '') => {
    const swatch = h('span', { class: 'swatch' });
    swatch.style.setProperty('--swatch', colorOf(i));
    const title = `${formatLabels(labels)}\nClick to hide or show.`;
    const button = h(
      'button',
      { type: 'button', class: 'toggle mono', title, 'aria-pressed': String(shown), onclick: () => onToggle(i) },
      swatch,
      name,
    );
    return h('tr', { class: shown ? '' : 'off' }, h('td', {}, button), ...cells[i]);
  };

  return {
    element: h('div', { class: 'legend scroll' }, h('table', {}, h('thead', {}, head), body)),

    showSeries(/** @type {Series[]} */ list, /** @type {boolean[]} */ shown) {
      const names = namesOf(list.map(({ labels }) => labels));
      cells = list.map(() => columns.map(() => h('td', { class: 'number' }, '–')));
      body.replaceChildren(...list.map(({ labels }, i) => row(labels, i, shown[i], names[i])));
    },

    showValues(/** @type {Series[]} */ list) {
      for (const [i, { values }] of list.entries())
        for (const [column, value] of summarize(values)
          .slice(0, columns.length - 1)
          .entries())
          setText(cells[i][column + 1], text(value));
    },

    showCursor(/** @type {(number | null | undefined)[]} */ values) {
      for (const [i, value] of values.entries()) setText(cells[i][0], text(value));
    },
  };
};
