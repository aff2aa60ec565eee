/** A chart of several series with uPlot, and a legend that shows the values under the cursor. */

import { h } from './dom.js';
import { formatLabels, formatNumber, formatTime } from './format.js';
import { createLegend } from './legend.js';
import uPlot from './vendor/uPlot.esm.js';

/** Ten colours that are easy to tell apart, for light and for dark. */
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

/** A pause between samples is drawn as a gap if it is this many times the usual distance. */
const gapFactor = 6;

const median = (/** @type {number[]} */ numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Columns for uPlot, in seconds and values, with a gap in every pause. */
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

/** Increase per second between neighbouring samples. If a counter has decreased, it was reset to zero. */
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

/** Labels of the time axis: days for long ranges, seconds only for short ones. */
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

/**
 * The range of the value axis. It includes zero if the values are near it. If all values are zero, it goes up to one.
 */
const valueRange = (/** @type {any} */ _plot, /** @type {number | null} */ low, /** @type {number | null} */ high) => {
  if (low === null || high === null || (low === 0 && high === 0)) return [0, 1];
  const end = /** @type {const} */ ({ pad: 0.1, soft: 0, mode: 2 });
  return uPlot.rangeNum(low, high, { min: end, max: end });
};

/** The width of the value axis, for its longest text. */
const axisWidth = (/** @type {any} */ _plot, /** @type {string[] | null} */ values) =>
  Math.max(44, 16 + 6.6 * Math.max(...(values ?? ['']).map((text) => text.length)));

/**
 * @typedef {object} ChartOptions
 * @property {AbortSignal} signal the end of the page
 * @property {number} [height]
 * @property {'full' | 'short' | 'none'} [legend] default full
 * @property {(labels: Record<string, string>[]) => string[]} [namesOf] the names of the series in the legend
 * @property {(from: number, through: number) => void} [onZoom] a range in milliseconds was dragged
 * @property {(value: number) => string} [format] formats the values
 */

export const createChart = (
  /** @type {ChartOptions} */ { signal, height = 320, legend = 'full', namesOf, onZoom, format = formatNumber },
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
  /** A range is being dragged. Drawing now would move the chart under the pointer, so it is deferred until the end. */
  let dragging = false;
  /** @type {[Series[], [number, number] | undefined] | undefined} */
  let late;

  const table = createLegend({
    format,
    colorOf,
    short: legend === 'short',
    ...(namesOf === undefined ? {} : { namesOf }),
    onToggle: (i) => {
      shown[i] = !shown[i];
      plot?.setSeries(i + 1, { show: shown[i] });
      table.showSeries(list, shown);
      table.showValues(list);
    },
  });
  if (legend !== 'none') element.append(table.element);

  /** The value of each series at the cursor, or its last value before the cursor. */
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
        y: { range: valueRange },
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
        setCursor: [() => table.showCursor(valuesAtCursor())],
        setSelect: [
          (/** @type {any} */ u) => {
            if (u.select.width < 4) return;
            const from = u.posToVal(u.select.left, 'x') * 1000;
            const through = u.posToVal(u.select.left + u.select.width, 'x') * 1000;
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            late = undefined;
            onZoom?.(Math.round(from), Math.round(through));
          },
        ],
      },
    };
    plot = new uPlot(/** @type {any} */ (options), /** @type {any} */ (dataOf(list)), canvas);
  };

  canvas.addEventListener('mousedown', (/** @type {MouseEvent} */ { button }) => {
    if (button !== 0 || dragging) return;
    dragging = onZoom !== undefined;
    const release = () => {
      removeEventListener('mouseup', release);
      removeEventListener('blur', release);
      dragging = false;
      const next = late;
      late = undefined;
      if (next !== undefined && !signal.aborted) draw(...next);
    };
    addEventListener('mouseup', release);
    // If the button is released outside the page, no mouseup arrives.
    addEventListener('blur', release);
  });

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

  /** Draws series over a range in milliseconds. */
  const draw = (/** @type {Series[]} */ next, /** @type {[number, number] | undefined} */ nextRange) => {
    if (dragging) {
      late = [next, nextRange];
      return;
    }
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
  };

  return { element, draw };
};
