/** One series that is followed: its state live, its last transitions, its samples, chunks and events. */

import { Chart } from '../../parts/chart/chart.ts';
import { h, setText } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { activeIds } from '../../parts/statechart/active-states.ts';
import type { ChartLayout } from '../../parts/statechart/chart-layout.ts';
import { Statechart } from '../../parts/statechart/statechart.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { ask, isAbort } from '../../server/ask-server.ts';
import { repeat } from '../../server/repeat.ts';
import type { Labels, PageEvent, SelectedFrame } from '../../server/server-answers.ts';
import { addressOfView } from './actors-address.ts';
import { drawChunks } from './chunk-axis.ts';
import { historyTable } from './series-history.ts';
import { SeriesMoves } from './series-moves.ts';

const repeatMs = 2000;
const chartBuckets = 500;
/** One series changes seldom, so its transitions are lit longer than those of all series. */
const litMs = 3000;

/** The class of the badge of a state. */
const badgeKinds: Readonly<Record<string, string>> = { inMemory: 'good', persisting: 'warn', quarantined: 'bad' };

export class FollowedSeries {
  readonly elements: readonly HTMLElement[];
  private readonly labels: Labels;
  private readonly name: string;
  private readonly signal: AbortSignal;
  private readonly stateBadge = h('span', { class: 'badge', role: 'status' });
  private readonly fingerprint = h('span', { class: 'mono soft' });
  /** Leads to what is left of a quarantined one. */
  private readonly rest = h('p', { hidden: true });
  private readonly statechart: Statechart;
  private readonly moves = new SeriesMoves();
  private readonly chart: Chart;
  private readonly samples: HTMLElement;
  private readonly chunks = h('div');
  private readonly history = h('div');
  private state = '';
  /** The newest event that is shown. */
  private newest = '';

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
        'Followed series',
        [this.stateBadge, this.fingerprint, h('span', { class: 'grow' }), link],
        h('p', { class: 'mono name' }, this.name),
        this.rest,
        h(
          'div',
          { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Its statechart' },
          this.statechart.element,
        ),
        h('h3', {}, 'Last transitions'),
        this.moves.element,
      ),
      panel('Samples', [], this.samples),
      panel('Chunks', [], this.chunks),
      panel('History', [], this.history),
    ];
    repeat(() => this.load(), repeatMs, signal);
  }

  /** Shows its state and its transitions, and lights the new ones. */
  showFrame({ state, moves }: SelectedFrame, now: number): void {
    for (const { key } of this.moves.add(moves)) this.statechart.flash(key, now, litMs);
    // What became of a series that is absent is in its history.
    if (state !== 'absent' || this.state === '') this.showState(state);
  }

  fade(now: number): void {
    this.statechart.fade(now);
  }

  private showState(state: string): void {
    if (state === this.state) return;
    this.state = state;
    setText(this.stateBadge, state);
    this.stateBadge.className = `badge ${badgeKinds[state] ?? ''}`;
    this.statechart.showActive(activeIds('series', state));
    this.showRest();
  }

  private showRest(): void {
    const fingerprint = this.fingerprint.textContent ?? '';
    this.rest.hidden = this.state !== 'quarantined' || fingerprint === '';
    const href = addressOfView({ quarantined: fingerprint });
    this.rest.replaceChildren('Its file is damaged. ', h('a', { href }, 'Why, and what can still be read of it'));
  }

  /** Only when there is something new, so that links keep the focus. */
  private showHistory(events: readonly PageEvent[]): void {
    const newest = `${events.length} ${events.at(-1)?.['position']}`;
    if (newest === this.newest) return;
    this.newest = newest;
    this.history.replaceChildren(historyTable(events));
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
      this.showRest();
      // The selector of a series may match others, which have more labels.
      const own = range.series.filter((one) => formatLabels(one.labels) === name);
      if (own.length > 0) {
        if (!this.samples.contains(this.chart.element)) this.samples.replaceChildren(this.chart.element);
        this.chart.draw(own, undefined);
      } else this.samples.replaceChildren(h('p', { class: 'empty' }, 'No readable samples.'));
      this.chunks.replaceChildren(drawChunks(detail.chunks));
      this.showHistory(detail.history);
    } catch (error) {
      if (!isAbort(error) && !signal.aborted) this.chunks.replaceChildren(failure(error));
    }
  }
}
