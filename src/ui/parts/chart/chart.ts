/** A chart of several series with uPlot, a legend that shows the values under the cursor, and what lies beside the cursor. */
import uPlot from 'uplot';
import type { DrawnSeries, Labels } from '../../server/server-answers.ts';
import { h, setText } from '../elements.ts';
import { exactValue, placeAtTime } from '../text/exact-values.ts';
import { formatNumber } from '../text/number-text.ts';
import { formatLabels } from '../text/series-names.ts';
import { formatTime, zonedDate } from '../text/time-text.ts';
import { chartAxes, logRange, valueRange } from './chart-axes.ts';
import { colorOf, darkQuery, patternOf } from './chart-colors.ts';
import { columnsOf, lonePlaces } from './chart-columns.ts';
import { type ChartMark, ChartMarks } from './chart-marks.ts';
import { chartSummary } from './chart-summary.ts';
import { ChartTooltip } from './chart-tooltip.ts';
import { Legend } from './legend.ts';
import { stackedColumns } from './stacked-columns.ts';

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

/** How the series are drawn. */
export interface ChartLook {
  /** Each series stands on the one before it. */
  readonly stacked?: boolean;
  /** The axis of values is logarithmic; values that are not above zero are left out. */
  readonly log?: boolean;
  /** Each line has a pattern besides its colour. */
  readonly patterns?: boolean;
  /** In place of `format` of the chart's options. */
  readonly format?: (value: number) => string;
  /** Events on the axis of time. */
  readonly marks?: readonly ChartMark[];
}

/** The dots of samples are drawn if fewer than this are shown. */
const dotsMax = 40;
/** The summary for assistive technology is written again after this time. */
const summaryMs = 5000;
/** The value under the cursor is searched for this many columns back. */
const columnsBack = 50;

export class Chart {
  readonly element: HTMLElement;
  private readonly options: ChartOptions;
  private readonly height: number;
  private readonly canvas = h('div', { class: 'chart' });
  private readonly tooltip = new ChartTooltip();
  private readonly marks = new ChartMarks();
  private readonly legend: Legend;
  private list: readonly DrawnSeries[] = [];
  private look: ChartLook = {};
  private shown: boolean[] = [];
  private plot: uPlot | undefined;
  private range: TimeRange | undefined;
  private threshold: number | undefined;
  private readonly thresholdText = h('span');
  private readonly thresholdLine = h('div', { class: 'threshold' }, this.thresholdText);
  /** The names of the drawn series and how they are drawn: if they change, the chart is built again. */
  private key = '';
  /** A range is being dragged. Drawing now would move the chart under the pointer, so it is deferred until the end. */
  private dragging = false;
  private deferred: (() => void) | undefined;
  /** When the summary for assistive technology was written, by `performance.now()`. */
  private summarizedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ChartOptions) {
    this.options = options;
    this.height = options.height ?? 320;
    this.legend = new Legend({
      format: (value) => this.format(value),
      short: options.legend === 'short',
      namesOf: options.namesOf,
      onShow: (shown) => this.showOnly(shown),
    });
    this.element = h('div', {}, this.canvas, options.legend !== 'none' && this.legend.element);
    this.canvas.addEventListener('mouseleave', () => this.tooltip.show(undefined, 0, 0));
    this.canvas.addEventListener('mousedown', ({ button }) => {
      if (button === 0 && !this.dragging) this.startDragging();
    });
    this.followPage(options.signal);
  }

  /** The canvas of the drawing; `undefined` if nothing is drawn. */
  get drawing(): HTMLCanvasElement | undefined {
    return this.plot?.ctx.canvas;
  }

  /** Whether the series with this number is not hidden. */
  isShown(i: number): boolean {
    return this.shown[i] ?? false;
  }

  private format(value: number): string {
    return (this.look.format ?? this.options.format ?? formatNumber)(value);
  }

  /** Draws series over a range; without one, from the first sample to the last. */
  draw(list: readonly DrawnSeries[], range: TimeRange | undefined, look: ChartLook = {}): void {
    if (this.dragging) {
      this.deferred = () => this.draw(list, range, look);
      return;
    }
    const names = list.map(({ labels }) => formatLabels(labels)).join('\n');
    const key = [look.stacked, look.log, look.patterns, look.format?.(1234.5), names].join('\n');
    const isSame = key === this.key && this.plot !== undefined;
    if (!this.key.endsWith(names) || this.shown.length !== list.length) this.shown = list.map(() => true);
    this.list = list;
    this.look = look;
    this.range = range;
    this.key = key;
    this.marks.use(look.marks ?? []);
    if (isSame) this.plot?.setData(this.columns());
    else {
      this.build();
      this.legend.showSeries(list, this.shown, look.patterns);
    }
    this.legend.showValues(list);
    this.summarize(isSame);
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

  /** Writes what is drawn as text, now and then. */
  private summarize(isSame: boolean): void {
    const now = performance.now();
    if (isSame && now - this.summarizedAt < summaryMs) return;
    this.summarizedAt = now;
    this.drawing?.setAttribute(
      'aria-label',
      chartSummary(this.list, (value) => this.format(value)),
    );
  }

  private columns(): uPlot.AlignedData {
    const columns = columnsOf(this.list);
    return this.look.stacked === true ? stackedColumns(columns, this.shown) : columns;
  }

  private showOnly(shown: readonly boolean[]): void {
    this.shown = [...shown];
    this.plot?.batch((plot: uPlot) => {
      for (const [i, show] of shown.entries()) plot.setSeries(i + 1, { show });
    });
    if (this.look.stacked === true) this.plot?.setData(this.columns());
    this.legend.showShown(this.shown);
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

  /** Shows the time under the cursor and the value of the series whose line is nearest. */
  private showTooltip(plot: uPlot, values: readonly (number | null | undefined)[]): void {
    const { idx, left = -1, top = 0 } = plot.cursor;
    let nearest = -1;
    let distance = Number.POSITIVE_INFINITY;
    for (const [i, value] of values.entries()) {
      if (value === null || value === undefined || !this.shown[i]) continue;
      const away = Math.abs(plot.valToPos(value, 'y') - top);
      if (away >= distance) continue;
      nearest = i;
      distance = away;
    }
    if (idx === null || idx === undefined || left < 0 || nearest < 0) {
      this.tooltip.show(undefined, 0, 0);
      return;
    }
    const series = this.list[nearest];
    const place = placeAtTime(series, plot.data[0][idx] * 1000 + 0.5);
    const time = formatTime(series.timestamps[place]);
    const exact = exactValue(series, place);
    const value = series.values[place];
    const shown = value === null || value === undefined ? exact : this.format(value);
    const name = this.legend.nameOf(nearest);
    this.tooltip.show({ time, series: nearest, name, value: shown, exact: shown === exact ? '' : exact }, left, top);
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
        y:
          this.look.log === true
            ? { distr: 3, range: (_plot, low, high) => logRange(low, high) }
            : { range: (_plot, low, high) => valueRange(low, high, this.threshold) },
      },
      tzDate: (seconds) => zonedDate(seconds * 1000),
      axes: chartAxes((value) => this.format(value)),
      series: [{}, ...this.list.map((_, i) => this.line(i))],
      // Of two neighbours in a stack, the upper one is filled down to the lower one.
      ...(this.look.stacked === true
        ? { bands: this.list.slice(1).map((_, i) => ({ series: [i + 2, i + 1] as [number, number] })) }
        : {}),
      hooks: {
        setCursor: [
          (plot) => {
            const values = this.valuesAtCursor(plot);
            this.legend.showCursor(
              this.list,
              plot.cursor.idx == null ? undefined : plot.data[0][plot.cursor.idx] * 1000,
            );
            this.showTooltip(plot, values);
          },
        ],
        setSelect: [(plot) => this.zoom(plot)],
        draw: [(plot) => this.marks.place(plot), (plot) => this.placeThreshold(plot)],
      },
    };
    this.plot = new uPlot(options, this.columns(), this.canvas);
    this.plot.ctx.canvas.setAttribute('role', 'img');
    this.plot.over.append(this.marks.element, this.tooltip.element);
  }

  private line(i: number): uPlot.Series {
    return {
      label: String(i),
      stroke: colorOf(i),
      width: 1.5,
      dash: patternOf(i, this.look.patterns === true),
      ...(this.look.stacked === true ? { fill: `${colorOf(i)}40` } : {}),
      show: this.shown[i],
      points: {
        show: ({ width }, _series, from, to) => to - from < dotsMax && width > 300,
        filter: ({ data }, series, isShown) => (isShown ? null : lonePlaces(this.list[series - 1], data[series])),
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
      if (this.plot === undefined) return;
      this.build();
      this.summarize(false);
      this.legend.showSeries(this.list, this.shown, this.look.patterns);
      this.legend.showValues(this.list);
    };
    darkQuery.addEventListener('change', recolor);
    signal.addEventListener('abort', () => {
      resize.disconnect();
      darkQuery.removeEventListener('change', recolor);
      this.plot?.destroy();
    });
  }
}
