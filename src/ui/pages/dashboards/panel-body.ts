/** What is inside a panel: reads its queries, and draws them by its kind. */
import type { Panel, PanelHeight } from '../../../dashboards/dashboard.ts';
import { Chart } from '../../parts/chart/chart.ts';
import { h, setText } from '../../parts/elements.ts';
import { Heatmap } from '../../parts/heatmap/heatmap.ts';
import { heatmapCells } from '../../parts/heatmap/heatmap-cells.ts';
import { InstantTable } from '../../parts/instant-table.ts';
import type { KnownMetrics } from '../../parts/queries/known-metrics.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { isAbort } from '../../server/ask-server.ts';
import type { DrawnSeries, Labels } from '../../server/server-answers.ts';
import { legendNames } from './legend-text.ts';
import { panelFormat } from './panel-formats.ts';
import { type PanelContext, type ReadQuery, readPanel, stepOfPanel } from './panel-results.ts';
import { statFigures } from './stat-figures.ts';

/** Pixels of a drawing. */
const heights: Readonly<Record<PanelHeight, number>> = { small: 110, medium: 200, large: 380 };

interface PanelBodyOptions {
  /** The end of the panel. */
  readonly signal: AbortSignal;
  readonly known: KnownMetrics;
  /** Called with a range in milliseconds that is to be shown. */
  readonly onRange: (from: number, through: number) => void;
}

export class PanelBody {
  readonly element: HTMLElement;
  private readonly output = h('div', { class: 'panel-output' });
  private readonly trouble = h('div');
  private readonly notes = h('p', { class: 'small warn' });
  private readonly options: PanelBodyOptions;
  private panel: Panel;
  private chart: Chart | undefined;
  private heatmap: Heatmap | undefined;
  private readonly table = new InstantTable();
  private names: readonly string[] = [];
  /** Ends the reading that is running. */
  private reading: AbortController | undefined;

  constructor(panel: Panel, options: PanelBodyOptions) {
    this.panel = panel;
    this.options = options;
    this.output.classList.add(panel.height);
    this.element = h('div', { class: 'panel-body' }, this.trouble, this.output, this.notes);
    options.signal.addEventListener('abort', () => this.reading?.abort());
  }

  /** Pixels from left to right. */
  get width(): number {
    return Math.max(100, Math.round(this.output.clientWidth || 600));
  }

  /** Reads and draws. What is shown stays until there is something newer. */
  async show(context: PanelContext): Promise<void> {
    this.reading?.abort();
    const mine = new AbortController();
    this.reading = mine;
    this.element.setAttribute('aria-busy', 'true');
    try {
      const read = await readPanel(this.panel, context, this.width, mine.signal);
      if (!mine.signal.aborted) this.draw(read, context);
    } catch (error) {
      if (!isAbort(error) && !mine.signal.aborted) this.showTrouble([String(error)]);
    } finally {
      if (this.reading === mine) this.element.removeAttribute('aria-busy');
    }
  }

  private draw(read: readonly ReadQuery[], context: PanelContext): void {
    this.showTrouble(read.flatMap(({ error }) => (error === undefined ? [] : [error.message])));
    const total = read.reduce((sum, one) => sum + one.total, 0);
    const series = read.flatMap((one) => one.series);
    const left = total > series.length ? `${formatCount(series.length)} of ${formatCount(total)} series. ` : '';
    setText(this.notes, left + [...new Set(read.flatMap(({ notes }) => notes))].join(' '));
    this.names = legendNames(
      series.map(({ labels }) => labels),
      read.flatMap(({ legend, series: own }) => own.map(() => legend)),
      read.flatMap(({ expr, series: own }) => own.map(() => expr)),
    );
    if (series.length > 0) this.drawSeries(series, read, context);
    else if (read.every(({ error }) => error === undefined))
      this.say(read.length === 0 ? 'No query yet.' : 'No data in this time range.');
    else this.output.replaceChildren();
  }

  private drawSeries(series: readonly DrawnSeries[], read: readonly ReadQuery[], context: PanelContext): void {
    const { panel } = this;
    const expressions = read.map(({ expr }) => expr);
    const format = panelFormat(panel.unit, expressions, (name) => this.options.known.of(name)?.unit);
    switch (panel.kind) {
      case 'lines':
      case 'stacked':
        this.drawChart(series, context, format);
        return;
      case 'stat':
        this.put(
          statFigures(
            series,
            this.names,
            read.flatMap(({ course }) => course),
            format,
          ),
        );
        return;
      case 'table':
        this.drawTable(series, read, format);
        return;
      case 'heatmap':
        this.drawHeatmap(series, context);
        return;
    }
  }

  private drawChart(series: readonly DrawnSeries[], { range }: PanelContext, format: (value: number) => string): void {
    const { signal, onRange } = this.options;
    this.chart ??= new Chart({
      signal,
      height: heights[this.panel.height],
      legend: 'short',
      onZoom: onRange,
      namesOf: (list: readonly Labels[]) => list.map((_, i) => this.names[i] ?? ''),
    });
    this.put(this.chart.element);
    this.chart.draw(series, range, { stacked: this.panel.kind === 'stacked', format });
  }

  /** Of several queries, a column says which one a row is of. */
  private drawTable(
    series: readonly DrawnSeries[],
    read: readonly ReadQuery[],
    format: (value: number) => string,
  ): void {
    const isOne = read.length < 2;
    const named = read.flatMap(({ legend, expr, series: own }) =>
      own.map((one) => (isOne ? one : { ...one, labels: { ...one.labels, query: legend || expr } })),
    );
    this.put(this.table.element);
    this.table.draw(isOne ? series : named, this.panel.unit === 'none' ? undefined : format);
  }

  private drawHeatmap(series: readonly DrawnSeries[], { range }: PanelContext): void {
    const cells = heatmapCells(series);
    if (cells === undefined) {
      this.say('A heatmap needs a histogram: series with the label le.');
      return;
    }
    this.heatmap ??= new Heatmap(this.options.signal, heights[this.panel.height] + 40);
    this.put(this.heatmap.element);
    this.heatmap.draw(cells, range, stepOfPanel(range, this.width));
  }

  private put(element: HTMLElement): void {
    if (this.output.firstChild !== element) this.output.replaceChildren(element);
  }

  private say(text: string): void {
    this.output.replaceChildren(h('p', { class: 'empty' }, text));
  }

  private showTrouble(messages: readonly string[]): void {
    const texts = [...new Set(messages)];
    const isSame = texts.join('\n') === [...this.trouble.children].map((one) => one.textContent).join('\n');
    if (!isSame)
      this.trouble.replaceChildren(...texts.map((text) => h('p', { class: 'failure small', role: 'alert' }, text)));
  }
}
