/** A chart of several series with uPlot, and a legend that shows the values under the cursor. */

import { h, setText } from './dom.js';
import { distinguish, formatLabels, formatNumber, formatTime } from './format.js';
import uPlot from './vendor/uPlot.esm.js';

/** Ten colours that keep apart in light and in dark. */
const palettes = {
  light: ['#146c7f', '#c2410c', '#5b4bb7', '#21743c', '#b3266e', '#8f5b00', '#2563b8', '#6b7280', '#7a3b12', '#0f766e'],
  dark: ['#6cc5d8', '#ff9c5b', '#b3a6ff', '#6fce8d', '#ff8fc7', '#e7b04e', '#7db4ff', '#b6bec0', '#d9a27c', '#5eead4'],
};
const darkQuery = matchMedia('(prefers-color-scheme: dark)');

export const colorOf = (/** @type {number} */ i) => palettes[darkQuery.matches ? 'dark' : 'light'][i % 10];

const variable = (/** @type {string} */ name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * @typedef {{ labels: Record<string, string>, timestamps: number[], values: (number | null)[] }} Series
 */

/** A pause of this many usual distances between samples is drawn as a gap. */
const gapFactor = 6;

const median = (/** @type {number[]} */ numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Columns for uPlot, seconds and values, with a hole in every pause. */
const withGaps = (/** @type {Series} */ { timestamps, values }) => {
  const distances = timestamps.slice(1).map((time, i) => time - timestamps[i]);
  const longest = distances.length > 3 ? median(distances) * gapFactor : Number.POSITIVE_INFINITY;
  const seconds = [];
  const numbers = [];
  for (let i = 0; i < timestamps.length; i++) {
    if (i > 0 && timestamps[i] - timestamps[i - 1] > longest) {
      seconds.push(timestamps[i - 1] / 1000 + 0.001);
      numbers.push(null);
    }
    seconds.push(timestamps[i] / 1000);
    numbers.push(values[i]);
  }
  return [seconds, numbers];
};

/** Increase per second between neighbours; a counter that went down began at zero. */
export const perSecond = (/** @type {Series} */ { labels, timestamps, values }) => {
  const kept = timestamps.map((_, i) => i).filter((i) => i > 0 && values[i] !== null && values[i - 1] !== null);
  return {
    labels,
    timestamps: kept.map((i) => timestamps[i]),
    values: kept.map((i) => {
      const [before, after] = [/** @type {number} */ (values[i - 1]), /** @type {number} */ (values[i])];
      return (after >= before ? after - before : after) / ((timestamps[i] - timestamps[i - 1]) / 1000);
    }),
  };
};

const dataOf = (/** @type {Series[]} */ list) =>
  list.length === 0
    ? [[]]
    : uPlot.join(
        /** @type {any} */ (list.map(withGaps)),
        list.map(() => [1, 1]),
      );

const axis = (/** @type {any} */ more) => ({
  stroke: variable('--soft'),
  grid: { stroke: variable('--line'), width: 1 },
  ticks: { stroke: variable('--line'), width: 1 },
  font: '11px system-ui, sans-serif',
  ...more,
});

/** Times below the chart: days for long ranges, seconds only for short ones. */
const timeTexts = (
  /** @type {any} */ _plot,
  /** @type {number[]} */ splits,
  /** @type {any} */ _axis,
  /** @type {any} */ _space,
  /** @type {number} */ step,
) =>
  splits.map((seconds) => {
    const text = formatTime(seconds * 1000);
    if (step >= 86_400) return text.slice(0, 10);
    if (step < 1) return text.slice(11);
    const clock = text.slice(11, step < 60 ? 19 : 16);
    return clock === '00:00' ? text.slice(0, 10) : clock;
  });

/** The texts of the value axis are as wide as the longest of them. */
const axisWidth = (/** @type {any} */ _plot, /** @type {string[] | null} */ values) =>
  Math.max(44, 16 + 6.6 * Math.max(...(values ?? ['']).map((text) => text.length)));

/**
 * @typedef {object} ChartOptions
 * @property {AbortSignal} signal the end of the page
 * @property {number} [height]
 * @property {boolean} [legend] default true
 * @property {(from: number, through: number) => void} [onZoom] a range in milliseconds was dragged
 * @property {(value: number) => string} [format] of the values
 */

/** The legend's table: swatch and labels, value under the cursor, last, lowest, highest. */
const createLegend = (/** @type {(value: number) => string} */ format, /** @type {(i: number) => void} */ onToggle) => {
  const body = h('tbody');
  const element = h(
    'div',
    { class: 'legend scroll' },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', {}, 'Series'),
          ...['Cursor', 'Last', 'Lowest', 'Highest'].map((text) => h('th', { class: 'number' }, text)),
        ),
      ),
      body,
    ),
  );
  /** @type {HTMLElement[][]} */
  let cells = [];
  const text = (/** @type {number | null | undefined} */ value) =>
    value === null || value === undefined ? '–' : format(value);
  return {
    element,
    /** @param {Series[]} list @param {boolean[]} shown */
    showSeries(list, shown) {
      const names = distinguish(list.map(({ labels }) => labels));
      cells = list.map(() => Array.from({ length: 4 }, () => h('td', { class: 'number' }, '–')));
      body.replaceChildren(
        ...list.map(({ labels }, i) => {
          const swatch = h('span', { class: 'swatch' });
          swatch.style.setProperty('--swatch', colorOf(i));
          const name = h(
            'button',
            {
              type: 'button',
              class: 'toggle mono',
              title: `${formatLabels(labels)}\nClick to hide or show.`,
              'aria-pressed': String(shown[i]),
              onclick: () => onToggle(i),
            },
            swatch,
            names[i],
          );
          return h('tr', { class: shown[i] ? '' : 'off' }, h('td', {}, name), ...cells[i]);
        }),
      );
    },
    /** @param {Series[]} list */
    showValues(list) {
      list.forEach(({ values }, i) => {
        const numbers = /** @type {number[]} */ (values.filter((value) => value !== null));
        setText(cells[i][1], text(numbers.at(-1)));
        setText(cells[i][2], text(numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)));
        setText(cells[i][3], text(numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)));
      });
    },
    /** @param {(number | null | undefined)[]} values */
    showCursor(values) {
      for (const [i, value] of values.entries()) setText(cells[i][0], text(value));
    },
  };
};

export const createChart = (
  /** @type {ChartOptions} */ { signal, height = 320, legend = true, onZoom, format = formatNumber },
) => {
  const canvas = h('div', { class: 'chart' });
  const element = h('div', {}, canvas);
  /** @type {Series[]} */
  let list = [];
  /** @type {boolean[]} */
  let shown = [];
  /** @type {any} */
  let plot;
  /** @type {[number, number] | undefined} milliseconds */
  let range;
  let key = '';

  const table = createLegend(format, (i) => {
    shown[i] = !shown[i];
    plot?.setSeries(i + 1, { show: shown[i] });
    table.showSeries(list, shown);
    table.showValues(list);
  });
  if (legend) element.append(table.element);

  /** The value of each series at the cursor, or the one before it where it has none there. */
  const valuesAtCursor = () => {
    const { idx } = plot.cursor;
    if (idx === null || idx === undefined) return list.map(() => undefined);
    return list.map((_, i) => {
      const column = plot.data[i + 1];
      for (let at = idx; at >= 0 && at > idx - 50; at--) if (column[at] !== undefined) return column[at];
      return undefined;
    });
  };

  const build = () => {
    plot?.destroy();
    const options = {
      width: Math.max(200, canvas.clientWidth),
      height,
      legend: { show: false },
      cursor: { drag: { x: onZoom !== undefined, y: false, setScale: false }, points: { size: 7 } },
      scales: {
        x: {
          time: true,
          range: (/** @type {any} */ _u, /** @type {number} */ min, /** @type {number} */ max) =>
            range === undefined ? [min, max] : [range[0] / 1000, range[1] / 1000],
        },
        y: { range: { min: { pad: 0.1, soft: 0, mode: 2 }, max: { pad: 0.1, soft: 0, mode: 2 } } },
      },
      axes: [
        axis({ space: 80, values: timeTexts }),
        axis({
          size: axisWidth,
          values: (/** @type {any} */ _u, /** @type {number[]} */ splits) => splits.map(format),
        }),
      ],
      series: [
        {},
        ...list.map((_, i) => ({
          label: String(i),
          stroke: colorOf(i),
          width: 1.5,
          show: shown[i],
          points: {
            show: (
              /** @type {any} */ u,
              /** @type {number} */ _s,
              /** @type {number} */ from,
              /** @type {number} */ to,
            ) => to - from < 40 && u.width > 300,
            size: 5,
            fill: colorOf(i),
          },
        })),
      ],
      hooks: {
        setCursor: [() => legend && table.showCursor(valuesAtCursor())],
        setSelect: [
          (/** @type {any} */ u) => {
            if (u.select.width < 4) return;
            const from = u.posToVal(u.select.left, 'x') * 1000;
            const through = u.posToVal(u.select.left + u.select.width, 'x') * 1000;
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            onZoom?.(Math.round(from), Math.round(through));
          },
        ],
      },
    };
    plot = new uPlot(/** @type {any} */ (options), /** @type {any} */ (dataOf(list)), canvas);
  };

  const resize = new ResizeObserver(() => {
    if (plot !== undefined && canvas.clientWidth > 0) plot.setSize({ width: canvas.clientWidth, height });
  });
  resize.observe(canvas);
  const recolor = () => {
    if (plot !== undefined) build();
    table.showSeries(list, shown);
    table.showValues(list);
  };
  darkQuery.addEventListener('change', recolor);
  signal.addEventListener('abort', () => {
    resize.disconnect();
    darkQuery.removeEventListener('change', recolor);
    plot?.destroy();
  });

  return {
    element,
    /** Draws series over a range in milliseconds. */
    draw(/** @type {Series[]} */ next, /** @type {[number, number] | undefined} */ nextRange) {
      const nextKey = next.map(({ labels }) => formatLabels(labels)).join('\n');
      list = next;
      range = nextRange;
      if (nextKey !== key || plot === undefined) {
        key = nextKey;
        shown = next.map(() => true);
        build();
        table.showSeries(list, shown);
      } else plot.setData(/** @type {any} */ (dataOf(list)));
      table.showValues(list);
    },
  };
};
