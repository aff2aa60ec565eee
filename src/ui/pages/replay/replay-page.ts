/**
 * Replay: the lifecycle events of the journal, or of a file, with the statecharts at each. It opens at the end and
 * follows new events there. Only what is in view is loaded.
 */
import type { AskedEvent, EventPlace, ReplayMoment, ReplaySummary } from '../../../timeline/replay-answers.ts';
import type { AskedFilter, AskedStops } from '../../../timeline/replay-book.ts';
import { h, setText } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { Statechart } from '../../parts/statechart/statechart.ts';
import { loadLayout } from '../../parts/statechart/statechart-layout.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import { isAbort, LockedError, UnreachableError } from '../../server/ask-server.ts';
import { repeat } from '../../server/repeat.ts';
import type { Mount } from '../page-mount.ts';
import { EventList } from './event-list.ts';
import { subjectOf } from './event-text.ts';
import { FileSource } from './file-source.ts';
import { FilterBar } from './filter-bar.ts';
import { changesFirst, isSamePlace, momentContent } from './moment-panel.ts';
import { PlayControls } from './play-controls.ts';
import { Player } from './player.ts';
import { JournalSource, type ReplaySource } from './replay-source.ts';
import { addressOfView, hasStops, type ReplayView, readView } from './replay-view.ts';
import { ReplayedCharts } from './replayed-charts.ts';
import { SeriesPanel } from './series-at-event.ts';
import { TimeAxis } from './time-axis.ts';

const LIVE_MS = 1000;

type Step = -1 | 1 | 'first' | 'last';

class ReplayPage {
  readonly element: HTMLElement;
  private readonly signal: AbortSignal;
  private readonly charts: ReplayedCharts;
  private readonly journal: JournalSource;
  private source: ReplaySource;
  private view: ReplayView;
  private summary: ReplaySummary | undefined;
  private row = 0;
  /**
   * Whether new events are shown as they come. It is set when a row is asked for; `view.at` changes only when the row is
   * loaded.
   */
  private isFollowing = false;
  /** The server did not answer. When it does again, nothing is wrong any more. */
  private isUnreachable = false;
  /** The series that was chosen among those of an event. */
  private chosenSeries: string | undefined;
  /** Aborts what is loaded for the event that was shown before. */
  private showing = new AbortController();
  /** Aborts what is loaded for the filter or the source that was shown before. */
  private listing = new AbortController();

  private readonly sourceText = h('span', { class: 'soft small', role: 'status' });
  private readonly followBadge = h('span', { class: 'badge' });
  private readonly toJournal: HTMLButtonElement;
  private readonly file: HTMLInputElement;
  private readonly trouble = h('div', { 'aria-live': 'polite' });
  private readonly problems = h('details', { class: 'small problems', hidden: true });
  private readonly where = h('p', { class: 'small mono where', role: 'status' });
  private readonly unknown = h('p', { class: 'small soft', hidden: true });
  private readonly detail = h('div', { class: 'moment' });
  private readonly empty = h('p', { class: 'empty', hidden: true });
  private readonly filterBar = new FilterBar((filter) => void this.setFilter(filter));
  private readonly list = new EventList(
    (row) => void this.pick(row),
    (error) => this.fail(error),
  );
  private readonly axis = new TimeAxis({
    onTime: (time) => void this.goToEvent({ time }),
    onRange: (from, through) => void this.setFilter({ ...this.view.filter, from, through }),
    onPlace: (place) => void this.goToEvent({ place }),
    onStep: (step) => void this.step(step),
  });
  private readonly controls = new PlayControls({
    onStep: (step) => void this.step(step),
    onPlay: () => (this.player.isPlaying ? this.player.pause() : void this.player.play()),
    onSpeed: (speed) => {
      this.view = { ...this.view, speed };
      this.player.setSpeed(speed);
      this.writeAddress();
    },
    onStops: (stops) => void this.setStops(stops),
  });
  private readonly player: Player;
  private readonly seriesPanel: SeriesPanel;

  constructor(charts: ReplayedCharts, signal: AbortSignal) {
    this.signal = signal;
    this.charts = charts;
    this.view = readView(new URLSearchParams(location.search));
    this.journal = new JournalSource((share) => this.showReading('Reading the journal', share));
    this.source = this.journal;
    this.followAsShown();
    this.seriesPanel = new SeriesPanel(signal, {
      onPlace: (place) => void this.goToEvent({ place }),
      onFilter: (fingerprint) => void this.setFilter({ ...this.view.filter, match: fingerprint }),
    });
    this.player = new Player({
      row: () => this.row,
      last: () => (this.summary?.count ?? 0) - 1,
      timeAt: async (row) => (await this.list.row(row))?.event.time,
      stopFrom: async (row) => {
        const { filter, stops } = this.view;
        return hasStops(stops) ? this.source.stop(filter, row, stops, this.signal) : undefined;
      },
      goTo: (row) => this.goToRow(row, false),
      onChange: (isPlaying, why) => this.showPlaying(isPlaying, why),
      onFailure: (error) => this.fail(error),
    });
    this.player.setSpeed(this.view.speed);
    this.toJournal = h(
      'button',
      { type: 'button', hidden: true, onclick: () => void this.open(this.journal, undefined) },
      'Back to the journal',
    );
    this.file = h('input', {
      type: 'file',
      accept: '.json,.jsonl,.ndjson,.txt',
      hidden: true,
      'aria-label': 'File of events',
      onchange: () => void this.openFile(),
    });
    this.element = this.layout();
    document.addEventListener('keydown', this.onKey);
    signal.addEventListener('abort', () => {
      this.player.pause();
      this.showing.abort();
      this.listing.abort();
      document.removeEventListener('keydown', this.onKey);
    });
  }

  async start(): Promise<void> {
    await this.load({ place: this.view.at });
    repeat(() => this.readOn(), LIVE_MS, this.signal);
  }

  private layout(): HTMLElement {
    const openButton = h('button', { type: 'button', onclick: () => this.file.click() }, 'Open a file…');
    return h(
      'div',
      { class: 'stack' },
      h('h1', { class: 'unseen' }, 'Replay'),
      panel(
        'Replay',
        [this.sourceText, this.followBadge, h('span', { class: 'grow' }), this.toJournal, openButton, this.file],
        this.trouble,
        this.problems,
        this.filterBar.element,
        this.axis.element,
        this.controls.element,
        this.where,
        this.unknown,
      ),
      h(
        'div',
        { class: 'replay' },
        panel('Events', [], this.empty, this.list.element),
        panel('This event', [], this.detail),
      ),
      this.seriesPanel.element,
      this.charts.element,
    );
  }

  /** Shows another journal or file, at an event or at the end. */
  private async open(source: ReplaySource, at: EventPlace | undefined): Promise<void> {
    this.source = source;
    this.view = { ...this.view, at, filter: { match: '', types: [] } };
    this.followAsShown();
    this.chosenSeries = undefined;
    this.toJournal.hidden = source.isJournal;
    this.summary = undefined;
    await this.load({ place: at });
  }

  private async openFile(): Promise<void> {
    const chosen = this.file.files?.[0];
    if (chosen === undefined) return;
    this.player.pause();
    try {
      const source = await FileSource.open(chosen, this.signal, (share) =>
        this.showReading(`Reading ${chosen.name}`, share),
      );
      await this.open(source, undefined);
    } catch (error) {
      this.fail(error);
      this.showSource();
    }
    this.file.value = '';
  }

  /** Loads the list of the filter, and shows the asked event. */
  private async load(asked: AskedEvent): Promise<void> {
    this.player.pause();
    this.listing.abort();
    this.listing = new AbortController();
    const { signal } = this.listing;
    const { source } = this;
    const { filter } = this.view;
    try {
      const summary = await source.summary(filter, asked, signal);
      if (signal.aborted || summary === undefined) return;
      this.trouble.replaceChildren();
      this.list.start(summary.count, (from, count) => source.rows(filter, from, count, signal));
      this.showSummary(summary);
      await this.goToRow(summary.at?.row ?? 0, asked.place === undefined && asked.time === undefined);
    } catch (error) {
      if (signal.aborted) return;
      this.fail(error);
      this.filterBar.fillFrom(filter);
    }
  }

  /** Looks for new events. At the end of the journal, they are shown. */
  private async readOn(): Promise<void> {
    const { source, summary, view } = this;
    const { signal } = this.listing;
    if (!source.isJournal) return;
    if (summary === undefined) return this.load({ place: view.at });
    try {
      const asked = view.at === undefined ? {} : { place: view.at };
      const read = await source.summary(view.filter, asked, signal, summary.end);
      if (this.isUnreachable && !signal.aborted) this.trouble.replaceChildren();
      this.isUnreachable = false;
      if (read === undefined || signal.aborted) return;
      // Old events were forgotten, or the server was restarted and has read less: rows are other ones.
      if (read.first !== summary.first || read.count < summary.count) return this.load(await this.shown());
      this.list.grow(read.count);
      this.showSummary(read);
      if (this.isFollowing) await this.goToRow(read.count - 1, true);
      else this.showWhere();
    } catch (error) {
      if (!signal.aborted && !(error instanceof LockedError)) this.fail(error);
    }
  }

  private showSummary(summary: ReplaySummary): void {
    this.summary = summary;
    const { view, source } = this;
    const isEmpty = summary.count === 0;
    this.empty.hidden = !isEmpty;
    setText(this.empty, summary.end === 0 ? 'The journal has no lifecycle events yet.' : 'No event passes the filter.');
    this.list.element.hidden = isEmpty;
    this.filterBar.show(view.filter, summary, !source.isJournal);
    this.controls.show(view.speed, view.stops, Object.keys(summary.types));
    this.axis.show(summary);
    this.unknown.hidden = summary.isWhole || summary.end === 0;
    setText(
      this.unknown,
      source.isJournal
        ? 'Older events were removed from the journal. What happened before its first event is not known; the numbers of ' +
            'series in memory and archived are those that the store said when it was opened.'
        : 'The file does not begin with a new store: what was before its first event is not known.',
    );
    this.problems.hidden = summary.problems.length === 0;
    this.problems.replaceChildren(
      h('summary', {}, `What could not be read: ${formatCount(summary.problems.length)}`),
      h('ul', {}, ...summary.problems.map((text) => h('li', {}, text))),
    );
    this.showSource();
  }

  private showSource(): void {
    const count = this.summary === undefined ? 0 : this.summary.end - this.summary.first;
    setText(this.sourceText, `${this.source.name}, ${formatCount(count)} lifecycle event${count === 1 ? '' : 's'}`);
  }

  private showReading(what: string, share: number): void {
    setText(this.sourceText, `${what}: ${Math.round(100 * share)} %`);
  }

  private async setFilter(filter: AskedFilter): Promise<void> {
    this.view = { ...this.view, filter };
    this.writeAddress();
    await this.load(await this.shown());
  }

  private async setStops(stops: AskedStops): Promise<void> {
    this.view = { ...this.view, stops };
    this.writeAddress();
    this.controls.show(this.view.speed, stops, Object.keys(this.summary?.types ?? {}));
    try {
      await this.player.findStop();
      this.trouble.replaceChildren();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Shows the event at a place or a time, or the nearest one that passes the filter. */
  private async goToEvent(asked: AskedEvent): Promise<void> {
    this.player.pause();
    const { signal } = this.listing;
    try {
      const summary = await this.source.summary(this.view.filter, asked, signal);
      if (signal.aborted || summary?.at === undefined) return;
      await this.goToRow(summary.at.row, false);
      const isOther = asked.place !== undefined && !isSamePlace(asked.place, this.view.at);
      if (isOther) setText(this.where, `That event does not pass the filter. ${this.where.textContent}`);
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    }
  }

  private async step(step: Step): Promise<void> {
    const last = (this.summary?.count ?? 0) - 1;
    const row = { first: 0, last, [-1]: this.row - 1, 1: this.row + 1 }[step];
    await this.pick(Math.max(0, Math.min(last, row)));
  }

  /** At the end, new events are followed. */
  private async pick(row: number): Promise<void> {
    this.player.pause();
    await this.goToRow(row, row === (this.summary?.count ?? 0) - 1);
  }

  private followAsShown(): void {
    this.isFollowing = this.source.isJournal && this.view.at === undefined;
  }

  /** The place that is shown. No place: the end, with new events. */
  private async shown(): Promise<AskedEvent> {
    const { view, summary } = this;
    if (this.isFollowing) return {};
    if (view.at !== undefined || summary === undefined) return { place: view.at };
    // The first event away from the end is still being loaded.
    const found = await this.list.row(this.row).catch(none);
    return { place: found === undefined ? undefined : { position: found.position, place: found.place } };
  }

  /** Shows the event of a row. `follow`: goes on with new events. */
  private async goToRow(row: number, follow: boolean): Promise<void> {
    this.showing.abort();
    this.showing = new AbortController();
    const { signal } = this.showing;
    const { source } = this;
    if (this.summary === undefined) return;
    if (this.summary.count === 0) return this.showNothing();
    const follows = follow && source.isJournal;
    this.isFollowing = follows;
    this.row = row;
    this.list.choose(row);
    this.showFollowing();
    try {
      const found = await this.list.row(row);
      if (signal.aborted) return;
      if (found === undefined) return this.keepShown();
      const { position, place, event } = found;
      this.view = { ...this.view, at: follows ? undefined : { position, place } };
      this.axis.showTime(event.time, `${formatTime(event.time)}, ${event.type} ${subjectOf(found)}`);
      this.showWhere();
      if (!this.player.isPlaying) this.writeAddress();
      await this.showMoment({ position, place }, changesFirst, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.keepShown();
      this.fail(error);
    }
  }

  /** The event that was asked for can't be shown. */
  private keepShown(): void {
    this.followAsShown();
    this.showFollowing();
  }

  private async showMoment(place: EventPlace, most: number, signal: AbortSignal): Promise<void> {
    const moment = await this.source.moment(place, most, signal);
    if (signal.aborted) return;
    this.trouble.replaceChildren();
    this.detail.replaceChildren(
      momentContent(moment, {
        onSeries: (fingerprint) => {
          this.chosenSeries = fingerprint;
          void this.showSeries(moment, signal).catch((error: unknown) => this.fail(error));
        },
        onMore: (more) => void this.showMoment(place, more, signal).catch((error: unknown) => this.fail(error)),
      }),
    );
    this.charts.show(moment);
    await this.showSeries(moment, signal);
  }

  /** Shows the chosen series, if the event is about it, or else the first one of the event. */
  private async showSeries(moment: ReplayMoment, signal: AbortSignal): Promise<void> {
    const { match } = this.view.filter;
    const own = moment.changes.map(({ fingerprint }) => fingerprint);
    const wanted = [this.chosenSeries, match].find((one) => one !== undefined && own.includes(one)) ?? own[0];
    if (wanted === undefined || this.player.isPlaying) {
      if (wanted === undefined) this.seriesPanel.hide();
      return;
    }
    const series = await this.source.series(moment, wanted, signal);
    if (!signal.aborted) this.seriesPanel.show(series, moment.event.time, this.source.isJournal);
  }

  private showNothing(): void {
    this.row = 0;
    this.detail.replaceChildren(h('p', { class: 'empty' }, 'No event is chosen.'));
    this.seriesPanel.hide();
    this.charts.clear();
    this.showWhere();
    this.writeAddress();
  }

  private showWhere(): void {
    const { row, summary } = this;
    const found = this.list.peek(row);
    const count = summary?.count ?? 0;
    const what = found === undefined ? '' : `  ${formatTime(found.event.time)}  ${found.event.type}`;
    setText(this.where, `${formatCount(count === 0 ? 0 : row + 1)} of ${formatCount(count)}${what}`);
    this.controls.showEnds({ isFirst: row === 0, isLast: row >= count - 1, isEmpty: count === 0 });
    this.showFollowing();
  }

  private showFollowing(): void {
    const following = this.isFollowing;
    setText(this.followBadge, following ? 'live' : 'not live');
    this.followBadge.className = `badge ${following ? 'good' : ''}`;
    this.followBadge.hidden = !this.source.isJournal;
    this.followBadge.title = following ? 'New events are shown as they come.' : 'Last goes on with new events.';
  }

  private showPlaying(isPlaying: boolean, why: string): void {
    this.controls.showPlaying(isPlaying);
    if (isPlaying) return;
    this.writeAddress();
    this.showWhere();
    if (why === 'breakpoint') setText(this.where, `${this.where.textContent}  stopped at a breakpoint`);
    // What is left out while playing.
    if (!this.signal.aborted && this.summary !== undefined && this.summary.count > 0)
      void this.goToRow(this.row, why === 'end').then(() => {
        if (why === 'breakpoint') setText(this.where, `${this.where.textContent}  stopped at a breakpoint`);
      });
  }

  private writeAddress(): void {
    const { view, source } = this;
    const shown = source.isJournal ? view : { ...view, at: undefined };
    if (!this.signal.aborted) history.replaceState(history.state, '', addressOfView(shown));
  }

  private fail(error: unknown): void {
    if (isAbort(error) || this.signal.aborted) return;
    this.isUnreachable = error instanceof UnreachableError;
    this.trouble.replaceChildren(failure(error));
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof Element && event.target.matches('input, textarea, select, summary, [role=option]'))
      return;
    if (event.key === 'ArrowRight') void this.step(1);
    else if (event.key === 'ArrowLeft') void this.step(-1);
    else return;
    event.preventDefault();
  };
}

const none = (): undefined => undefined;

export const mount: Mount = async (element, { signal }) => {
  const [seriesLayout, storeLayout] = await Promise.all([loadLayout('series', signal), loadLayout('store', signal)]);
  const charts = new ReplayedCharts(
    new Statechart(
      seriesLayout.overview,
      'Statechart of a series at this event, with the number of series in each state',
    ),
    new Statechart(storeLayout.overview, 'Statechart of the store at this event'),
  );
  const page = new ReplayPage(charts, signal);
  element.append(page.element);
  await page.start();
};
