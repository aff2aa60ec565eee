/** Explore: ask for anything the store has, draw it, follow it live. */

import { h } from '../../parts/elements.ts';
import { stepsBack, writeAddress } from '../../parts/page-history.ts';
import { KnownMetrics } from '../../parts/queries/known-metrics.ts';
import { metricOf } from '../../parts/queries/query-text.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { showUtc } from '../../parts/text/time-text.ts';
import { TimeControls } from '../../parts/time/time-controls.ts';
import { isLive, shownRange } from '../../parts/time/time-view.ts';
import type { Mount } from '../page-mount.ts';
import { addressOfView, type ExploreView, readView } from './explore-view.ts';
import { LookControls } from './look-controls.ts';
import { MetricList } from './metric-list.ts';
import { QueryBuilder } from './query-builder.ts';
import { historyMenu, rememberQuery } from './query-history.ts';
import { QueryRows } from './query-rows.ts';
import { ResultPanel } from './result-panel.ts';
import { extentOfSelectors } from './sample-extent.ts';
import { ShownResults } from './shown-results.ts';
import { StoreEvents } from './store-events.ts';

/** Drawn first, if they are recorded. */
const firstMetrics = ['node_load1', 'process_cpu_seconds_total', 'nodejs_heap_size_used_bytes'];
const namesMs = 10_000;
const eventsMs = 5000;

/** After this time it is said that results are being read. */
const slowMs = 400;

class ExplorePage {
  readonly element: HTMLElement;
  private readonly signal: AbortSignal;
  private readonly known = new KnownMetrics();
  private readonly events = new StoreEvents();
  private readonly rows: QueryRows;
  private readonly metrics: MetricList;
  private readonly time: TimeControls;
  private readonly look: LookControls;
  private readonly output: ResultPanel;
  private view = readView();
  /** The range before the page has chosen another one, where the samples of the queries are. */
  private beforeCorrection: Pick<ExploreView, 'fixed' | 'live'> | undefined;
  private results: ShownResults;
  private hasResults = false;
  /** Ends what the view has begun. */
  private drawing: AbortController | undefined;

  constructor(signal: AbortSignal) {
    const { view } = this;
    showUtc(view.utc);
    this.signal = signal;
    this.results = new ShownResults({ ...view, queries: [] }, 1);
    this.output = new ResultPanel(view, this.results, {
      signal,
      known: this.known,
      events: this.events,
      onRange: (from, through) => this.change({ fixed: [from, through], live: false }),
    });
    this.rows = new QueryRows({ signal, queries: view.queries, onChange: (queries) => this.ask(queries) });
    this.metrics = new MetricList(signal, this.known, (name) => this.rows.use(formatLabels({ __name__: name })));
    this.time = new TimeControls(view, (changes) => this.change(changes));
    this.look = new LookControls((changes) => this.change(changes));
    signal.addEventListener('abort', () => this.drawing?.abort());
    this.element = this.build();
    this.showControls();
    this.listenForSlash();
  }

  /** Draws the view of the address, or the first metric if it names none. */
  async start(): Promise<void> {
    const isGiven = this.view.queries.some((query) => query !== '');
    const loaded = this.metrics.load();
    void this.known.load(this.signal).then(() => this.renderAgain());
    const names = isGiven ? [] : await loaded;
    if (this.signal.aborted) return;
    // What somebody typed before the names came is not overwritten, nor is a query put under the cursor.
    if (names.length > 0 && this.rows.isUntouched) {
      const first = firstMetrics.find((name) => names.includes(name)) ?? names[0];
      this.view = { ...this.view, queries: [formatLabels({ __name__: first })] };
      this.rows.show(this.view.queries);
      this.showControls();
    }
    await this.draw();
    const timer = setInterval(() => {
      if (!document.hidden) void this.metrics.load();
    }, namesMs);
    this.signal.addEventListener('abort', () => clearInterval(timer));
  }

  private build(): HTMLElement {
    const draw = h('button', { type: 'button', class: 'main', onclick: () => this.ask(this.rows.values) }, 'Draw');
    const add = h('button', { type: 'button', onclick: () => this.rows.addRow() }, 'Add a query');
    const builder = new QueryBuilder(this.signal, (query) => this.rows.use(query));
    return h(
      'div',
      { class: 'explore' },
      h('h1', { class: 'hidden' }, 'Explore'),
      this.metrics.element,
      h(
        'div',
        { class: 'explore-main' },
        this.rows.element,
        h(
          'div',
          { class: 'row' },
          draw,
          add,
          historyMenu((query) => this.rows.use(query)),
          builder.element,
        ),
        this.time.element,
        this.look.element,
        this.output.element,
      ),
    );
  }

  /** `/` goes to the field of the query, unless something is being typed. */
  private listenForSlash(): void {
    const onKey = (event: KeyboardEvent): void => {
      const target = event.composedPath()[0];
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
      if (target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select')))
        return;
      event.preventDefault();
      this.rows.focus();
    };
    document.addEventListener('keydown', onKey);
    this.signal.addEventListener('abort', () => document.removeEventListener('keydown', onKey));
  }

  /** Draws these queries. What is drawn per second is decided by their names again. */
  private ask(queries: readonly string[]): void {
    for (const query of queries) rememberQuery(query);
    this.change({ queries, rate: undefined });
  }

  /** `isCorrection`: the page changes the view by itself, so that going back does not lead to the view before. */
  private change(changes: Partial<ExploreView>, isCorrection = false): void {
    const namesRange = 'range' in changes || 'fixed' in changes;
    // A range that the page has chosen for a query says nothing about another one.
    const before = 'queries' in changes ? this.beforeCorrection : undefined;
    if (namesRange || before !== undefined) this.beforeCorrection = undefined;
    const isRangeGiven = this.view.isRangeGiven || (namesRange && !isCorrection);
    this.view = { ...this.view, ...before, ...changes, isRangeGiven };
    showUtc(this.view.utc);
    // What is typed and not drawn yet stays in the fields.
    if ('queries' in changes) this.rows.show(this.view.queries);
    // Going back in the browser leads to the range and the queries before.
    writeAddress(addressOfView(this.view), (namesRange || 'queries' in changes) && !isCorrection);
    this.showControls();
    const onlyLooks = Object.keys(changes).every((name) => ['log', 'patterns', 'utc'].includes(name));
    if (onlyLooks) this.renderAgain();
    else void this.draw();
  }

  private showControls(): void {
    const { view } = this;
    this.time.show(view, stepsBack() > 0);
    this.look.show(view);
  }

  private async draw(): Promise<void> {
    this.drawing?.abort();
    const mine = new AbortController();
    this.drawing = mine;
    const { view } = this;
    this.metrics.mark(view.queries.map(metricOf));
    this.results = new ShownResults(view, this.output.columns);
    const slow = setTimeout(() => this.output.showWaiting(), slowMs);
    mine.signal.addEventListener('abort', () => clearTimeout(slow));
    this.hasResults = false;
    void this.events.load(shownRange(view), mine.signal).then(() => this.renderAgain());
    await this.results.load(mine.signal);
    clearTimeout(slow);
    if (mine.signal.aborted) return;
    if (!view.isRangeGiven && this.isEmpty && (await this.openWhereSamplesAre(mine.signal))) return;
    if (mine.signal.aborted) return;
    this.hasResults = true;
    this.render();
    if (isLive(view)) this.follow(mine.signal);
  }

  private follow(signal: AbortSignal): void {
    let isQueued = false;
    // Several queries often have something new at the same time.
    this.results.follow(signal, () => {
      if (isQueued) return;
      isQueued = true;
      requestAnimationFrame(() => {
        isQueued = false;
        if (!signal.aborted) this.render();
      });
    });
    const timer = setInterval(() => {
      if (!document.hidden) void this.events.load(shownRange(this.view), signal);
    }, eventsMs);
    signal.addEventListener('abort', () => clearInterval(timer));
  }

  private get isEmpty(): boolean {
    return this.results.parts.every(({ list, error }) => list.length === 0 && error === undefined);
  }

  /** Shows old samples where they are, if the address names no range. */
  private async openWhereSamplesAre(signal: AbortSignal): Promise<boolean> {
    const extent = await extentOfSelectors(this.view.queries, signal);
    if (extent === undefined || signal.aborted) return false;
    const { fixed, live } = this.view;
    this.change({ fixed: extent, live: false }, true);
    this.beforeCorrection = { fixed, live };
    return true;
  }

  /** Shows what became known besides the results. Before there are results, nothing is said about them. */
  private renderAgain(): void {
    if (this.hasResults && !this.signal.aborted) this.render();
  }

  private render(): void {
    this.showNotes();
    this.output.show(this.view, this.results);
  }

  /** Below each query: what is known of its metric, or what went wrong. */
  private showNotes(): void {
    for (const [i, query] of this.view.queries.entries()) {
      const error = this.results.parts.find((part) => part.query === i && part.error !== undefined)?.error;
      if (error === undefined) this.rows.showNote(i, this.known.sentenceOf(metricOf(query)), 'soft');
      else this.rows.showNote(i, error.message, 'failure');
    }
  }
}

export const mount: Mount = async (element, { signal }) => {
  const page = new ExplorePage(signal);
  element.append(page.element);
  await page.start();
};
