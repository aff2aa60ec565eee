/** A chart of several series with uPlot, and a legend that shows the values under the cursor. */
import uPlot from 'uplot';
import type { DrawnSeries, Labels } from '../../server/server-answers.ts';
import { h, setText } from '../elements.ts';
import { formatNumber } from '../text/number-text.ts';
import { formatLabels } from '../text/series-names.ts';
import { chartAxes, valueRange } from './chart-axes.ts';
import { colorOf, darkQuery } from './chart-colors.ts';
import { columnsOf } from './chart-columns.ts';
import { Legend } from './legend.ts';

/** A range of time in milliseconds, both ends included. */
export type TimeRange = readonly [from: number, through: number];

export interface ChartOptions {
  /** The end of the page. */
  readonly signal: AbortSignal;
  /** Pixels. Default 320. */
  readonly height?: number;
  /** Default `'full'`. */
  readonly legend?: 'full' | 'short' | 'none';
  /** The names of the series in the legend. Default: the labels in which they differ. */
  readonly namesOf?: (list: readonly Labels[]) => readonly string[];
  /** Called when a range in milliseconds was dragged. */
  readonly onZoom?: (from: number, through: number) => void;
  /** Formats the values. */
  readonly format?: (value: number) => string;
}

/** The dots of samples are drawn if fewer than this are shown. */
const dotsMax = 40;
/** The value under the cursor is searched for this many columns back. */
const columnsBack = 50;

export class Chart {
  readonly element: HTMLElement;
  private readonly options: ChartOptions;
  private readonly height: number;
  private readonly format: (value: number) => string;
  private readonly canvas = h('div', { class: 'chart' });
  private readonly legend: Legend;
  private list: readonly DrawnSeries[] = [];
  private shown: boolean[] = [];
  private plot: uPlot | undefined;
  private range: TimeRange | undefined;
  private threshold: number | undefined;
  private readonly thresholdText = h('span');
  private readonly thresholdLine = h('div', { class: 'threshold' }, this.thresholdText);
  /** The names of the drawn series: if they change, the chart is built again. */
  private key = '';
  /** A range is being dragged. Drawing now would move the chart under the pointer, so it is deferred until the end. */
  private dragging = false;
  private deferred: (() => void) | undefined;

  constructor(options: ChartOptions) {
    this.options = options;
    this.height = options.height ?? 320;
    this.format = options.format ?? formatNumber;
    this.legend = new Legend({
      format: this.format,
      short: options.legend === 'short',
      namesOf: options.namesOf,
      onToggle: (i) => this.toggle(i),
    });
    this.element = h('div', {}, this.canvas, options.legend !== 'none' && this.legend.element);
    this.canvas.addEventListener('mousedown', ({ button }) => {
      if (button === 0 && !this.dragging) this.startDragging();
    });
    this.followPage(options.signal);
  }

  /** Draws series over a range; without one, from the first sample to the last. */
  draw(list: readonly DrawnSeries[], range: TimeRange | undefined): void {
    if (this.dragging) {
      this.deferred = () => this.draw(list, range);
      return;
    }
    const key = list.map(({ labels }) => formatLabels(labels)).join('\n');
    this.list = list;
    this.range = range;
    if (key !== this.key || this.plot === undefined) {
      this.key = key;
      this.shown = list.map(() => true);
      this.build();
      this.legend.showSeries(list, this.shown);
    } else this.plot.setData(columnsOf(list));
    this.legend.showValues(list);
  }

  /** Draws a horizontal line at a value; none for `undefined`. The next call of {@link draw} shows it. */
  setThreshold(value: number | undefined): void {
    this.threshold = value;
    setText(this.thresholdText, value === undefined ? '' : this.format(value));
  }

  private placeThreshold(plot: uPlot): void {
    const { threshold, thresholdLine } = this;
    if (threshold === undefined) thresholdLine.remove();
    else {
      thresholdLine.style.top = `${plot.valToPos(threshold, 'y')}px`;
      if (thresholdLine.parentElement !== plot.over) plot.over.append(thresholdLine);
    }
  }

  private toggle(i: number): void {
    this.shown[i] = !this.shown[i];
    this.plot?.setSeries(i + 1, { show: this.shown[i] });
    this.showLegend();
  }

  private showLegend(): void {
    this.legend.showSeries(this.list, this.shown);
    this.legend.showValues(this.list);
  }

  /** The value of each series at the cursor, or its last value before the cursor. */
  private valuesAtCursor({ cursor: { idx }, data }: uPlot): (number | null | undefined)[] {
    if (idx === null || idx === undefined) return this.list.map(() => undefined);
    return this.list.map((_, i) => {
      const column = data[i + 1];
      for (let at = idx; at >= 0 && at > idx - columnsBack; at--) if (column[at] !== undefined) return column[at];
      return undefined;
    });
  }

  private build(): void {
    this.plot?.destroy();
    const options: uPlot.Options = {
      width: Math.max(200, this.canvas.clientWidth),
      height: this.height,
      legend: { show: false },
      cursor: { drag: { x: this.options.onZoom !== undefined, y: false, setScale: false }, points: { size: 7 } },
      scales: {
        x: {
          time: true,
          range: (_plot, min, max) =>
            this.range === undefined ? [min, max] : [this.range[0] / 1000, this.range[1] / 1000],
        },
        y: { range: (_plot, low, high) => valueRange(low, high, this.threshold) },
      },
      axes: chartAxes(this.format),
      series: [{}, ...this.list.map((_, i) => this.line(i))],
      hooks: {
        draw: [(plot) => this.placeThreshold(plot)],
        setCursor: [(plot) => this.legend.showCursor(this.valuesAtCursor(plot))],
        setSelect: [(plot) => this.zoom(plot)],
      },
    };
    this.plot = new uPlot(options, columnsOf(this.list), this.canvas);
  }

  private line(i: number): uPlot.Series {
    return {
      label: String(i),
      stroke: colorOf(i),
      width: 1.5,
      show: this.shown[i],
      points: {
        show: ({ width }, _series, from, to) => to - from < dotsMax && width > 300,
        size: 5,
        fill: colorOf(i),
      },
    };
  }

  private zoom(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 4) return;
    const from = plot.posToVal(left, 'x') * 1000;
    const through = plot.posToVal(left + width, 'x') * 1000;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.deferred = undefined;
    this.options.onZoom?.(Math.round(from), Math.round(through));
  }

  private startDragging(): void {
    this.dragging = this.options.onZoom !== undefined;
    const release = (): void => {
      removeEventListener('mouseup', release);
      removeEventListener('blur', release);
      this.dragging = false;
      const draw = this.deferred;
      this.deferred = undefined;
      if (!this.options.signal.aborted) draw?.();
    };
    addEventListener('mouseup', release);
    // If the button is released outside the page, no mouseup arrives.
    addEventListener('blur', release);
  }

  /** Follows the size and the colours of the page until it ends. */
  private followPage(signal: AbortSignal): void {
    const resize = new ResizeObserver(() => {
      const width = this.canvas.clientWidth;
      if (width > 0) this.plot?.setSize({ width, height: this.height });
    });
    resize.observe(this.canvas);
    const recolor = (): void => {
      if (this.plot !== undefined) this.build();
      this.showLegend();
    };
    darkQuery.addEventListener('change', recolor);
    signal.addEventListener('abort', () => {
      resize.disconnect();
      darkQuery.removeEventListener('change', recolor);
      this.plot?.destroy();
    });
  }
}
