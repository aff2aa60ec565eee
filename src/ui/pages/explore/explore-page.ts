/** Explore: pick a metric, draw any selector, follow it live. */

import { Chart } from '../../parts/chart/chart.ts';
import { perSecond } from '../../parts/chart/per-second.ts';
import { segments, toggle } from '../../parts/controls.ts';
import { h, setText } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { SelectorField } from '../../parts/selector-field/selector-field.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatClock } from '../../parts/text/time-text.ts';
import { ask, isAbort } from '../../server/ask-server.ts';
import { listen } from '../../server/live-stream.ts';
import type { DrawnSeries } from '../../server/server-answers.ts';
import type { Mount } from '../page-mount.ts';
import { type ExploreView, isCounter, isLive, ranges, readView, shownRange, writeView } from './explore-view.ts';
import { appendSamples, trimSamples, withNewer } from './live-samples.ts';
import { MetricList } from './metric-list.ts';
import { sampleTable } from './sample-table.ts';

/** Drawn first, if they are recorded. */
const firstMetrics = ['node_load1', 'process_cpu_seconds_total', 'nodejs_heap_size_used_bytes'];
const redrawMs = 250;
const namesMs = 10_000;

class ExplorePage {
  readonly element: HTMLElement;
  private readonly signal: AbortSignal;
  private readonly status = h('span', { class: 'soft small', role: 'status' });
  private readonly output = h('div');
  private readonly chart: Chart;
  private readonly field: SelectorField;
  private readonly metrics: MetricList;
  private readonly rangeButtons;
  private readonly viewButtons;
  private readonly liveButton;
  private readonly rateButton;
  private view = readView();
  /** The series that are drawn. */
  private list: readonly DrawnSeries[] = [];
  /** Ends what the view has begun. */
  private drawing: AbortController | undefined;

  constructor(signal: AbortSignal) {
    const { view } = this;
    this.signal = signal;
    this.chart = new Chart({
      signal,
      height: 340,
      onZoom: (from, through) => this.change({ fixed: [from, through], live: false }),
    });
    this.field = new SelectorField({ value: view.match, signal, onSubmit: (match) => this.pick(match) });
    this.metrics = new MetricList(signal, (name) => {
      this.field.value = name;
      this.pick(name);
    });
    this.rangeButtons = segments(
      'Time range',
      ranges.map(([name, text]) => [name, text]),
      view.fixed === undefined ? view.range : '',
      (range) => this.change({ range, fixed: undefined, live: true }),
    );
    this.viewButtons = segments(
      'View',
      [
        ['chart', 'Chart'],
        ['table', 'Table'],
      ],
      view.table ? 'table' : 'chart',
      (name) => this.change({ table: name === 'table' }),
    );
    this.liveButton = toggle(
      'Live',
      isLive(view),
      (live) => this.change({ live, fixed: undefined }),
      'Follow samples as they are appended',
    );
    this.rateButton = toggle(
      'Per second',
      view.rate,
      (rate) => this.change({ rate }),
      'Draw the increase per second, for counters',
    );
    signal.addEventListener('abort', () => this.drawing?.abort());
    this.element = this.build();
  }

  /** Draws the view of the address, or the first metric if it names none. */
  async start(): Promise<void> {
    const names = await this.metrics.load().catch((): readonly string[] => []);
    if (this.view.match === '') {
      const first = firstMetrics.find((name) => names.includes(name)) ?? names[0] ?? '';
      this.view = { ...this.view, match: first, rate: isCounter(first) };
      this.rateButton.setAttribute('aria-pressed', String(this.view.rate));
      this.field.value = first;
    }
    await this.draw();
    const timer = setInterval(() => {
      if (!document.hidden) this.metrics.load().catch(() => {});
    }, namesMs);
    this.signal.addEventListener('abort', () => clearInterval(timer));
  }

  private build(): HTMLElement {
    const drawButton = h('button', { type: 'button', onclick: () => this.pick(this.field.value) }, 'Draw');
    return h(
      'div',
      { class: 'explore' },
      this.metrics.element,
      h(
        'div',
        {},
        h('div', { class: 'query' }, this.field.element, drawButton),
        h(
          'div',
          { class: 'query' },
          this.rangeButtons.element,
          this.liveButton,
          this.rateButton,
          this.viewButtons.element,
        ),
        panel('Samples', [this.status], this.output),
      ),
    );
  }

  private pick(match: string): void {
    this.change({ match, rate: isCounter(match) });
  }

  private change(changes: Partial<ExploreView>): void {
    this.view = { ...this.view, ...changes };
    const { view } = this;
    this.rangeButtons.show(view.fixed === undefined ? view.range : '');
    this.viewButtons.show(view.table ? 'table' : 'chart');
    this.liveButton.setAttribute('aria-pressed', String(isLive(view)));
    this.rateButton.setAttribute('aria-pressed', String(view.rate));
    writeView(view);
    const onlyLooks = Object.keys(changes).every((name) => name === 'rate' || name === 'table');
    if (onlyLooks) this.render();
    else void this.draw();
  }

  private render(): void {
    const { view, list, output, chart } = this;
    if (list.length === 0) {
      const text =
        view.match === ''
          ? 'Pick a metric, or type a selector.'
          : 'No series matches this selector in this time range.';
      output.replaceChildren(h('p', { class: 'empty' }, text));
      return;
    }
    const shown = view.rate ? list.map(perSecond) : list;
    if (view.table) output.replaceChildren(sampleTable(shown));
    else {
      if (output.firstChild !== chart.element) output.replaceChildren(chart.element);
      chart.draw(shown, shownRange(view));
    }
  }

  private showStatus(total: number): void {
    const { list } = this;
    const of = total > list.length ? `${formatCount(list.length)} of ` : '';
    const newest = Math.max(...list.map(({ timestamps }) => timestamps.at(-1) ?? 0));
    const text = `${of}${formatCount(total)} series, newest sample ${formatClock(newest)}`;
    setText(this.status, list.length === 0 ? '' : text);
  }

  /** Reads and draws the range of the view; resolves with the number of series that match. */
  private async load(signal: AbortSignal): Promise<number> {
    const { view } = this;
    const [from, through] = shownRange(view);
    const params = {
      match: view.match,
      start: from / 1000,
      end: through / 1000,
      buckets: Math.max(100, Math.round(this.output.clientWidth || 900)),
    };
    const { series, total } = await ask('/ui/range', params, signal);
    this.list = withNewer(series, this.list);
    this.render();
    this.showStatus(total);
    return total;
  }

  /** Appends the samples of the live stream. If a series is new, or if samples were left out, loads the range again. */
  private follow(signal: AbortSignal, found: number): void {
    let total = found;
    let dirty = false;
    let reload = false;
    listen(
      '/ui/tail',
      { match: this.view.match },
      {
        signal,
        on: {
          samples: ({ series, leftOut }) => {
            const unknown = appendSamples(this.list, series);
            // More series than can be drawn: the unknown ones may be among those that are left out.
            reload ||= leftOut > 0 || (unknown > 0 && this.list.length === total);
            dirty = true;
          },
        },
        // On connecting, the range is read again for samples appended before the stream began or while it was broken.
        onState: (connected) => {
          reload ||= connected;
        },
      },
    );
    const redraw = async (): Promise<void> => {
      trimSamples(this.list, shownRange(this.view)[0]);
      if (document.hidden) return;
      if (reload) {
        reload = false;
        total = await this.load(signal).catch(() => total);
        return;
      }
      if (dirty || !this.view.table) this.render();
      if (dirty) this.showStatus(total);
      dirty = false;
    };
    const timer = setInterval(() => void redraw(), redrawMs);
    signal.addEventListener('abort', () => clearInterval(timer));
  }

  private async draw(): Promise<void> {
    this.drawing?.abort();
    const mine = new AbortController();
    this.drawing = mine;
    this.metrics.mark(this.view.match);
    this.list = [];
    if (this.view.match === '') return this.render();
    try {
      const total = await this.load(mine.signal);
      if (isLive(this.view) && !mine.signal.aborted) this.follow(mine.signal, total);
    } catch (error) {
      if (isAbort(error) || mine.signal.aborted) return;
      setText(this.status, '');
      this.output.replaceChildren(failure(error));
    }
  }
}

export const mount: Mount = async (element, { signal }) => {
  const page = new ExplorePage(signal);
  element.append(page.element);
  await page.start();
};
