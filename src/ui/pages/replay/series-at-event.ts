/** One series as of the event that is shown: its state, its events around, and its samples and chunks up to then. */
import type { EventPlace, ReplayedSeries } from '../../../timeline/replay-answers.ts';
import { Chart } from '../../parts/chart/chart.ts';
import { h, setText } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import { ask, isAbort } from '../../server/ask-server.ts';
import type { DrawnSeries, Labels } from '../../server/server-answers.ts';

const HOUR_MS = 3_600_000;
const BUCKETS = 300;

interface SeriesActions {
  readonly onPlace: (place: EventPlace) => void;
  /** Shows only events of the series. */
  readonly onFilter: (fingerprint: string) => void;
}

export class SeriesPanel {
  readonly element: HTMLElement;
  private readonly signal: AbortSignal;
  private readonly actions: SeriesActions;
  private readonly state = h('span', { class: 'badge', role: 'status' });
  private readonly name = h('p', { class: 'mono wrap' });
  private readonly facts = h('dl', { class: 'facts' });
  private readonly samples = h('div');
  private readonly links = h('div', { class: 'row' });
  private readonly previous: HTMLButtonElement;
  private readonly next: HTMLButtonElement;
  private readonly only: HTMLButtonElement;
  private readonly chart: Chart;
  private shown: ReplayedSeries | undefined;
  private drawing: AbortController | undefined;

  constructor(signal: AbortSignal, actions: SeriesActions) {
    this.signal = signal;
    this.actions = actions;
    this.chart = new Chart({ signal, height: 170, legend: 'none' });
    this.previous = h('button', { type: 'button', onclick: () => this.go('previous') }, 'Previous event');
    this.next = h('button', { type: 'button', onclick: () => this.go('next') }, 'Next event');
    this.only = h(
      'button',
      { type: 'button', onclick: () => this.shown && this.actions.onFilter(this.shown.fingerprint) },
      'Only its events',
    );
    this.element = panel(
      'Series at this event',
      [this.state],
      this.name,
      h('div', { class: 'row' }, this.previous, this.next, this.only),
      this.facts,
      this.samples,
      this.links,
    );
    this.element.classList.add('series-at');
    this.element.hidden = true;
    signal.addEventListener('abort', () => this.drawing?.abort());
  }

  hide(): void {
    this.drawing?.abort();
    this.element.hidden = true;
    this.shown = undefined;
  }

  /** `hasStore`: the samples are in this store, because the events are of its journal. */
  show(series: ReplayedSeries, time: number, hasStore: boolean): void {
    this.shown = series;
    this.element.hidden = false;
    const { fingerprint, labels, state, eventsUntil, eventsInAll, chunksInFile, chunksSaidAt, headClosedAt } = series;
    setText(this.state, state);
    setText(this.name, labels === undefined ? fingerprint : formatLabels(labels));
    this.previous.disabled = series.previous === undefined;
    this.next.disabled = series.next === undefined;
    const facts: (readonly [string, string] | false)[] = [
      ['fingerprint', fingerprint],
      labels === undefined && ['labels', 'in no event that is left'],
      ['events', `${formatCount(eventsUntil)} of ${formatCount(eventsInAll)} up to here`],
      [
        'chunks in file',
        chunksInFile === undefined
          ? 'said by no event up to here'
          : `${formatCount(chunksInFile)}, as of ${formatTime(chunksSaidAt)}`,
      ],
      headClosedAt !== undefined && ['head chunk', `closed at ${formatTime(headClosedAt)}`],
    ];
    this.facts.replaceChildren(
      ...facts
        .filter((fact) => fact !== false)
        .flatMap(([name, text]) => [h('dt', {}, name), h('dd', { title: text }, text)]),
    );
    this.drawing?.abort();
    this.drawing = new AbortController();
    if (labels === undefined || !hasStore) {
      this.samples.replaceChildren();
      this.links.replaceChildren();
      return;
    }
    const selector = formatLabels(labels);
    this.links.replaceChildren(
      h('a', { href: exploreAddress(selector, time) }, 'Explore at this time'),
      h('a', { href: `./actors?series=${encodeURIComponent(JSON.stringify(labels))}` }, 'Actors'),
    );
    void this.drawSamples(labels, time, this.drawing.signal);
  }

  /** Draws the last hour with samples up to a time. */
  private async drawSamples(labels: Labels, time: number, signal: AbortSignal): Promise<void> {
    const name = formatLabels(labels);
    /** The samples from a time on. The selector of a series may match others, which have more labels. */
    const samplesFrom = async (start: number): Promise<DrawnSeries | undefined> => {
      const params = { match: name, start: start / 1000, end: time / 1000, buckets: BUCKETS };
      const { series } = await ask('/ui/range', params, signal);
      return series.find((one) => formatLabels(one.labels) === name);
    };
    try {
      const { from } = await ask('/ui/extent', { match: name }, signal);
      const all = from === undefined || from > time ? undefined : await samplesFrom(from);
      const last = all?.timestamps.at(-1);
      if (from === undefined || all === undefined || last === undefined) {
        const text = 'The store has no sample of this series up to this time.';
        this.samples.replaceChildren(h('p', { class: 'empty' }, text));
        return;
      }
      const drawn = last - HOUR_MS <= from ? all : await samplesFrom(last - HOUR_MS);
      if (signal.aborted) return;
      const text = `Samples up to this event: the first at ${formatTime(from)}, the last at ${formatTime(last)}.`;
      this.samples.replaceChildren(h('p', { class: 'small soft' }, text), this.chart.element);
      this.chart.draw([drawn ?? all], [Math.max(from, last - HOUR_MS), Math.max(last, from + 1)]);
    } catch (error) {
      if (!isAbort(error) && !signal.aborted && !this.signal.aborted) this.samples.replaceChildren(failure(error));
    }
  }

  private go(where: 'previous' | 'next'): void {
    const place = this.shown?.[where];
    if (place !== undefined) this.actions.onPlace(place);
  }
}

/** Explore, half an hour around a time. */
const exploreAddress = (selector: string, time: number): string =>
  `./explore?${new URLSearchParams({
    match: selector,
    start: String(Math.round(time - HOUR_MS / 2)),
    end: String(Math.round(time + HOUR_MS / 2)),
    live: '0',
  })}`;
