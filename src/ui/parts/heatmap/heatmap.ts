/** A heatmap of a histogram over time: times from left to right, buckets from bottom to top. */

import type { TimeRange } from '../chart/chart.ts';
import { darkQuery, styleVariable } from '../chart/chart-colors.ts';
import { h, setText } from '../elements.ts';
import { stepFor } from '../text/duration-text.ts';
import { formatNumber } from '../text/number-text.ts';
import { formatTime } from '../text/time-text.ts';
import type { HeatmapCells } from './heatmap-cells.ts';

/** Pixels around the cells. */
const around = { left: 70, right: 10, top: 8, bottom: 26 };

export class Heatmap {
  readonly element: HTMLElement;
  readonly canvas = h('canvas', { role: 'img' });
  private readonly tip = h('p', { class: 'small mono', role: 'status' });
  private cells: HeatmapCells | undefined;
  private range: TimeRange = [0, 1];
  private stepMs = 1;
  private readonly height: number;

  /** `height`: pixels. */
  constructor(signal: AbortSignal, height = 340) {
    this.height = height;
    this.element = h('div', { class: 'heatmap' }, this.canvas, this.tip);
    this.canvas.addEventListener('mousemove', (event) => this.showCell(event.offsetX, event.offsetY));
    this.canvas.addEventListener('mouseleave', () => setText(this.tip, ''));
    const resize = new ResizeObserver(() => this.paint());
    resize.observe(this.element);
    const repaint = (): void => this.paint();
    darkQuery.addEventListener('change', repaint);
    signal.addEventListener('abort', () => {
      resize.disconnect();
      darkQuery.removeEventListener('change', repaint);
    });
  }

  draw(cells: HeatmapCells, range: TimeRange, stepMs: number): void {
    this.cells = cells;
    this.range = range;
    this.stepMs = stepMs;
    const { bounds, times, highest } = cells;
    const when =
      times.length === 0 ? '' : ` from ${formatTime(times[0])} through ${formatTime(times[times.length - 1])}`;
    const label = `Heatmap of ${bounds.length} buckets up to ${bounds.at(-1)}${when}; most in a cell: ${formatNumber(highest)}.`;
    this.canvas.setAttribute('aria-label', label);
    this.paint();
  }

  private get size(): { readonly width: number; readonly cellHeight: number } {
    const width = Math.max(200, this.element.clientWidth);
    return {
      width,
      cellHeight: (this.height - around.top - around.bottom) / Math.max(1, this.cells?.bounds.length ?? 1),
    };
  }

  private leftOf(time: number, width: number): number {
    const [from, through] = this.range;
    return around.left + ((time - from) / (through - from)) * (width - around.left - around.right);
  }

  private paint(): void {
    const { cells, canvas } = this;
    if (cells === undefined) return;
    const { width, cellHeight } = this.size;
    const scale = devicePixelRatio;
    canvas.width = width * scale;
    canvas.height = this.height * scale;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${this.height}px`;
    const context = canvas.getContext('2d');
    if (context === null) return;
    context.scale(scale, scale);
    context.font = '11px system-ui, sans-serif';
    this.paintCells(context, cells, width, cellHeight);
    this.paintAxes(context, cells, width, cellHeight);
  }

  /** The more in a cell, the more of the accent colour. The root shows few beside many. */
  private paintCells(context: CanvasRenderingContext2D, cells: HeatmapCells, width: number, cellHeight: number): void {
    const { times, counts, highest } = cells;
    context.fillStyle = styleVariable('--accent');
    for (const [n, row] of counts.entries()) {
      const top = this.height - around.bottom - (n + 1) * cellHeight;
      for (const [i, count] of row.entries()) {
        if (count === 0) continue;
        context.globalAlpha = 0.12 + 0.88 * Math.sqrt(count / highest);
        // Whole pixels: neighbours neither overlap nor have a seam between them.
        const left = Math.round(Math.max(around.left, this.leftOf(times[i] - this.stepMs, width)));
        const right = Math.max(left + 1, Math.round(this.leftOf(times[i], width)));
        context.fillRect(left, top, right - left, Math.max(1, cellHeight - 1));
      }
    }
    context.globalAlpha = 1;
  }

  private paintAxes(context: CanvasRenderingContext2D, cells: HeatmapCells, width: number, cellHeight: number): void {
    context.fillStyle = styleVariable('--soft');
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    const every = Math.ceil(14 / cellHeight);
    for (const [n, bound] of cells.bounds.entries())
      if (n % every === 0)
        context.fillText(bound, around.left - 8, this.height - around.bottom - (n + 0.5) * cellHeight);
    context.textAlign = 'center';
    const [from, through] = this.range;
    const step = stepFor(through - from, Math.max(2, Math.floor((width - around.left) / 110)));
    for (let time = Math.ceil(from / step) * step; time <= through; time += step) {
      // A text that the edge would cut is left out.
      if (this.leftOf(time, width) > width - 28) continue;
      const text = formatTime(time);
      context.fillText(
        through - from > 86_400_000 ? text.slice(5, 16) : text.slice(11, 19),
        this.leftOf(time, width),
        this.height - 10,
      );
    }
  }

  private showCell(x: number, y: number): void {
    const { cells } = this;
    if (cells === undefined) return;
    const { width, cellHeight } = this.size;
    const n = Math.floor((this.height - around.bottom - y) / cellHeight);
    const [from, through] = this.range;
    const time = from + ((x - around.left) / (width - around.left - around.right)) * (through - from);
    const i = cells.times.findIndex((one) => one >= time);
    if (i < 0 || n < 0 || n >= cells.bounds.length) {
      setText(this.tip, '');
      return;
    }
    const below = n === 0 ? '' : `above ${cells.bounds[n - 1]} `;
    const text = `${formatTime(cells.times[i])}  ${below}up to ${cells.bounds[n]}: ${formatNumber(cells.counts[n][i])}`;
    setText(this.tip, text);
  }
}
