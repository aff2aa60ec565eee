/** The part of the Actors page that shows one series: its state, samples, chunks and events. */

import { Chart } from '../../parts/chart/chart.ts';
import { h, setText } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { activeIds } from '../../parts/statechart/active-states.ts';
import type { ChartLayout } from '../../parts/statechart/chart-layout.ts';
import { Statechart } from '../../parts/statechart/statechart.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { ask, isAbort } from '../../server/ask-server.ts';
import { repeat } from '../../server/repeat.ts';
import type { Labels } from '../../server/server-answers.ts';
import { drawChunks } from './chunk-axis.ts';
import { historyTable } from './series-history.ts';

const repeatMs = 2000;
const chartBuckets = 500;

/** The class of the badge of a state. */
const badgeKinds: Readonly<Record<string, string>> = { inMemory: 'good', persisting: 'warn', quarantined: 'bad' };

class ShownSeries {
  readonly elements: readonly HTMLElement[];
  private readonly labels: Labels;
  private readonly name: string;
  private readonly signal: AbortSignal;
  private readonly stateBadge = h('span', { class: 'badge', role: 'status' });
  private readonly fingerprint = h('span', { class: 'mono soft' });
  private readonly statechart: Statechart;
  private readonly chart: Chart;
  private readonly samples: HTMLElement;
  private readonly chunks = h('div');
  private readonly history = h('div');
  private state = '';

  constructor(labels: Labels, layout: ChartLayout, signal: AbortSignal) {
    this.labels = labels;
    this.name = formatLabels(labels);
    this.signal = signal;
    this.statechart = new Statechart(layout, `State of ${this.name}`);
    this.chart = new Chart({ signal, height: 200, legend: 'none' });
    this.samples = h('div', {}, this.chart.element);
    const link = h('a', { href: `./explore?match=${encodeURIComponent(this.name)}` }, 'Open in Explore');
    this.elements = [
      panel(
        'Series',
        [this.stateBadge, this.fingerprint, h('span', { class: 'grow' }), link],
        h('p', { class: 'mono', title: this.name }, this.name),
        this.statechart.element,
      ),
      panel('Samples', [], this.samples),
      panel('Chunks', [], this.chunks),
      panel('History', [], this.history),
    ];
    repeat(() => this.load(), repeatMs, signal);
  }

  showState(state: string): void {
    if (state === this.state) return;
    if (this.state !== '') this.statechart.lightBetween([[`series.${this.state}`, `series.${state}`]]);
    this.state = state;
    setText(this.stateBadge, state);
    this.stateBadge.className = `badge ${badgeKinds[state] ?? ''}`;
    this.statechart.showActive(activeIds('series', state));
  }

  private async load(): Promise<void> {
    const { labels, name, signal } = this;
    try {
      const [detail, range] = await Promise.all([
        ask('/ui/series', { labels: JSON.stringify(labels) }, signal),
        ask('/ui/range', { match: name, buckets: chartBuckets }, signal),
      ]);
      setText(this.fingerprint, detail.fingerprint);
      this.showState(detail.state);
      // The selector of a series may match others, which have more labels.
      const own = range.series.filter((one) => formatLabels(one.labels) === name);
      if (own.length > 0) this.chart.draw(own, undefined);
      else this.samples.replaceChildren(h('p', { class: 'empty' }, 'No readable samples.'));
      this.chunks.replaceChildren(drawChunks(detail.chunks));
      this.history.replaceChildren(historyTable(detail.history));
    } catch (error) {
      if (!isAbort(error) && !signal.aborted) this.chunks.replaceChildren(failure(error));
    }
  }
}

export class SeriesPanels {
  readonly element = h(
    'div',
    { class: 'detail' },
    h('p', { class: 'empty panel' }, 'Pick a series to see its state, its samples, its chunks and its events.'),
  );
  private readonly layout: ChartLayout;
  private showing: AbortController | undefined;
  private shown: ShownSeries | undefined;

  constructor(layout: ChartLayout, signal: AbortSignal) {
    this.layout = layout;
    signal.addEventListener('abort', () => this.showing?.abort());
  }

  /** Shows a series in place of the one before. */
  show(labels: Labels): void {
    this.showing?.abort();
    this.showing = new AbortController();
    this.shown = new ShownSeries(labels, this.layout, this.showing.signal);
    this.element.replaceChildren(...this.shown.elements);
  }

  /** Shows the state of the shown series. */
  showState(state: string): void {
    this.shown?.showState(state);
  }
}
