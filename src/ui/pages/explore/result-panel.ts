/** What the queries of a view brought: as a chart, a heatmap or a table, with a line about it and ways to take it along. */
import { Chart } from '../../parts/chart/chart.ts';
import { h, setText } from '../../parts/elements.ts';
import { Heatmap } from '../../parts/heatmap/heatmap.ts';
import { heatmapCells } from '../../parts/heatmap/heatmap-cells.ts';
import { InstantTable } from '../../parts/instant-table.ts';
import { panel } from '../../parts/panel.ts';
import type { KnownMetrics } from '../../parts/queries/known-metrics.ts';
import { measureOf } from '../../parts/queries/measure-of.ts';
import { isSelector } from '../../parts/queries/query-text.ts';
import { saveFile } from '../../parts/save-file.ts';
import { durationText } from '../../parts/text/duration-text.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { distinguish } from '../../parts/text/series-names.ts';
import { formatClock, formatTime } from '../../parts/text/time-text.ts';
import { formatOf, type Measure } from '../../parts/text/value-units.ts';
import { shownRange } from '../../parts/time/time-view.ts';
import type { Labels } from '../../server/server-answers.ts';
import { apiLink } from './api-links.ts';
import { dashboardLink } from './dashboard-link.ts';
import type { ExploreView } from './explore-view.ts';
import { csvOf, pictureOf } from './export-results.ts';
import { stepOf } from './query-readings.ts';
import { letterOf } from './query-rows.ts';
import { extentOfSelectors } from './sample-extent.ts';
import { sampleTable } from './sample-table.ts';
import type { ShownPart, ShownResults } from './shown-results.ts';
import type { StoreEvents } from './store-events.ts';

interface ResultPanelOptions {
  /** The end of the page. */
  readonly signal: AbortSignal;
  readonly known: KnownMetrics;
  readonly events: StoreEvents;
  /** Called with a range in milliseconds that is to be shown. */
  readonly onRange: (from: number, through: number) => void;
}

export class ResultPanel {
  readonly element: HTMLElement;
  private readonly options: ResultPanelOptions;
  private readonly status = h('span', { class: 'soft small', role: 'status' });
  private readonly output = h('div', { class: 'output' });
  private readonly notes = h('p', { class: 'small warn' });
  private readonly links = h('span', { class: 'row small' });
  private readonly add = h('a', { class: 'small' }, 'Add to a dashboard');
  private readonly chart: Chart;
  private readonly heatmap: Heatmap;
  private readonly table = new InstantTable();
  private view: ExploreView;
  private results: ShownResults;
  /** The results for which it was said that there are none. */
  private saidEmptyOf: ShownResults | undefined;

  constructor(view: ExploreView, results: ShownResults, options: ResultPanelOptions) {
    this.view = view;
    this.results = results;
    this.options = options;
    const { signal, onRange, events } = options;
    this.chart = new Chart({ signal, height: 340, onZoom: onRange, namesOf: (list) => this.namesOf(list) });
    this.heatmap = new Heatmap(signal);
    const csv = h('button', { type: 'button', onclick: () => this.saveCsv() }, 'CSV');
    const png = h('button', { type: 'button', onclick: () => void this.savePicture() }, 'PNG');
    this.element = panel(
      'Result',
      [this.status, h('span', { class: 'grow' }), this.add, this.links, csv, png],
      this.notes,
      this.output,
      events.element,
    );
  }

  /** The number of columns of the chart. */
  get columns(): number {
    return Math.max(100, Math.round(this.output.clientWidth || 900));
  }

  /** Says that the results are being read. */
  showWaiting(): void {
    setText(this.status, 'reading…');
  }

  /** Shows results of a view, and again when there are more of them. */
  show(view: ExploreView, results: ShownResults): void {
    const isNew = results !== this.results;
    this.view = view;
    this.results = results;
    if (isNew) this.showLinks();
    this.showNotes();
    this.showStatus();
    if (results.series.length === 0) this.showEmpty();
    else if (view.look === 'table') this.showTable();
    else if (view.look === 'samples') this.showSamples();
    else if (view.look === 'heatmap') this.showHeatmap();
    else this.showChart();
  }

  private namesOf(list: readonly Labels[]): readonly string[] {
    const names = distinguish(list);
    const queries = this.results.queriesOfSeries;
    const several = new Set(queries).size > 1;
    return names.map((name, i) => {
      // A result without labels is named by its query.
      const shown = name === '{}' ? this.view.queries[queries[i]] : name;
      return several ? `${letterOf(queries[i])} ${shown}` : shown;
    });
  }

  private showTable(): void {
    const { output, table, results } = this;
    table.draw(results.series);
    if (output.firstChild !== table.element) output.replaceChildren(table.element);
  }

  private showSamples(): void {
    const { output } = this;
    const top = output.querySelector('.samples')?.scrollTop ?? 0;
    output.replaceChildren(sampleTable(this.results.series));
    output.querySelector('.samples')?.scrollTo({ top });
  }

  private showChart(): void {
    const { view, output, chart, results } = this;
    if (output.firstChild !== chart.element) output.replaceChildren(chart.element);
    chart.draw(results.series, shownRange(view), {
      stacked: view.look === 'stacked',
      log: view.log,
      patterns: view.patterns,
      format: formatOf(this.measure),
      marks: this.options.events.marks,
    });
  }

  /** What all queries measure; nothing known if they differ. */
  private get measure(): Measure {
    const measures = this.results.parts.map((part) => this.measureOfPart(part));
    const [first] = measures;
    const isSame = measures.every(({ unit, perSecond }) => unit === first.unit && perSecond === first.perSecond);
    return isSame && first !== undefined ? first : { unit: 'other', perSecond: false };
  }

  private measureOfPart({ reading }: ShownPart): Measure {
    const measure = measureOf(reading.text, (name) => this.options.known.of(name)?.unit);
    return reading.kind === 'raw' ? { ...measure, perSecond: reading.perSecond } : measure;
  }

  private showHeatmap(): void {
    const { output, heatmap, results, view } = this;
    const cells = heatmapCells(results.series);
    if (cells === undefined) {
      const text =
        'A heatmap needs a histogram: series with the label le, such as those of a metric ending in _bucket.';
      output.replaceChildren(h('p', { class: 'empty' }, text));
      return;
    }
    if (output.firstChild !== heatmap.element) output.replaceChildren(heatmap.element);
    heatmap.draw(cells, shownRange(view), stepOf(view, this.columns));
  }

  private showEmpty(): void {
    const { view, output, results } = this;
    if (results.parts.some(({ error }) => error !== undefined)) {
      output.replaceChildren(h('p', { class: 'empty' }, 'There is no result; the reason is below the query.'));
      return;
    }
    const text = view.queries.every((query) => query.trim() === '')
      ? 'Pick a metric, or type a query.'
      : view.queries.every((query) => query.trim() === '' || isSelector(query))
        ? 'No series matches this selector in this time range.'
        : 'The result is empty in this time range.';
    if (this.saidEmptyOf === results && output.querySelector('.empty') !== null) return;
    this.saidEmptyOf = results;
    const where = h('span');
    output.replaceChildren(h('p', { class: 'empty' }, text, where));
    void this.offerExtent(where);
  }

  /** If there are samples at another time, says when, and leads there. */
  private async offerExtent(place: HTMLElement): Promise<void> {
    const extent = await extentOfSelectors(this.view.queries, this.options.signal);
    if (extent === undefined) return;
    const show = (): void => this.options.onRange(...extent);
    place.append(
      ` Its samples are from ${formatTime(extent[0])} through ${formatTime(extent[1])}. `,
      h('button', { type: 'button', onclick: show }, 'Show them'),
    );
  }

  private showNotes(): void {
    setText(this.notes, [...new Set(this.results.parts.flatMap(({ notes }) => notes))].join(' '));
  }

  private showStatus(): void {
    const { results, view } = this;
    const { series } = results;
    if (series.length === 0) {
      setText(this.status, '');
      return;
    }
    const total = results.parts.reduce((sum, part) => sum + part.total, 0);
    const isCut = total > series.length;
    const of = isCut ? `${formatCount(series.length)} of ` : '';
    const chosen = isCut ? ' (those with the highest last values)' : '';
    const newest = Math.max(...series.map(({ timestamps }) => timestamps.at(-1) ?? 0));
    const when = Date.now() - newest < 43_200_000 ? formatClock(newest) : formatTime(newest);
    const resolution = results.parts.some(({ reading }) => reading.kind === 'range')
      ? `, step ${durationText(stepOf(view, this.columns))}`
      : view.look === 'chart'
        ? ', samples as appended'
        : '';
    setText(this.status, `${of}${formatCount(total)} series${chosen}, newest sample ${when}${resolution}`);
  }

  private showLinks(): void {
    const { parts } = this.results;
    this.add.href = dashboardLink(this.view);
    this.links.replaceChildren(
      ...parts.map(({ query, reading }) => {
        const name = reading.kind === 'range' ? reading.name : undefined;
        const text = parts.length === 1 ? 'API' : `API ${name ?? letterOf(query)}`;
        const link = h('a', { href: apiLink(reading, shownRange(this.view)), target: '_blank', rel: 'noopener' }, text);
        // The range of a live view moves: the link is for the moment at which it is followed.
        const renew = (): void => {
          link.href = apiLink(reading, shownRange(this.view));
        };
        for (const type of ['pointerdown', 'focus']) link.addEventListener(type, renew);
        return link;
      }),
    );
  }

  private saveCsv(): void {
    saveFile('tidemark.csv', new Blob([csvOf(this.results.series)], { type: 'text/csv' }));
  }

  private async savePicture(): Promise<void> {
    const isHeatmap = this.view.look === 'heatmap';
    const drawing = isHeatmap ? this.heatmap.canvas : this.chart.drawing;
    if (drawing === undefined) return;
    const names = this.namesOf(this.results.series.map(({ labels }) => labels));
    const shown = names.map((name, i) => [i, name] as const).filter(([i]) => !isHeatmap && this.chart.isShown(i));
    const picture = await pictureOf(drawing, shown);
    if (picture !== null) saveFile('tidemark.png', picture);
  }
}
