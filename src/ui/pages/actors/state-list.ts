/** The series in one state of the series statechart: a page of them at a time, each to be picked. */
import { h, setText } from '../../parts/elements.ts';
import { failure } from '../../parts/panel.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import { ask, isAbort } from '../../server/ask-server.ts';
import type { ListedSeries } from '../../server/server-answers.ts';
import { type PickableSeries, SeriesNamesList } from './series-names-list.ts';

const pageSize = 100;

/** Why there is nothing to list in these states. */
const gone = {
  purging: 'Series that are being deleted have no samples any more; the state ends when the file is gone.',
  purged: 'Nothing is left of these series: they were deleted, or all their samples were past retention.',
} as const;

const isGone = (state: string): state is keyof typeof gone => Object.hasOwn(gone, state);

/** What the list says when no series is in a state. */
const emptyTexts: Readonly<Record<string, string>> = {
  persisting: 'No series is being written to its file at this moment; most calls take milliseconds.',
  quarantined: 'Nothing is quarantined.',
};

const pickable = ({ labels, fingerprint, time, reason }: ListedSeries): PickableSeries => ({
  labels,
  fingerprint,
  ...(reason === undefined ? {} : { note: `${formatTime(time)}  ${reason}` }),
});

interface StateListOptions {
  readonly signal: AbortSignal;
  readonly onPick: (series: PickableSeries, state: string) => void;
  readonly onClose: () => void;
}

export class StateList {
  readonly element: HTMLElement;
  private readonly signal: AbortSignal;
  private readonly title = h('h3', { tabindex: '-1' });
  private readonly count = h('span', { class: 'soft small', role: 'status' });
  private readonly body = h('div');
  private readonly list: SeriesNamesList;
  private readonly more: HTMLButtonElement;
  private readonly refresh: HTMLButtonElement;
  private loading: AbortController | undefined;
  private series: readonly ListedSeries[] = [];
  private next: number | undefined;
  private state = '';

  constructor({ signal, onPick, onClose }: StateListOptions) {
    this.signal = signal;
    this.list = new SeriesNamesList('Series in this state', (series) => onPick(series, this.state));
    this.more = h('button', { type: 'button', hidden: true, onclick: () => void this.load(this.next) }, 'Show more');
    this.refresh = h('button', { type: 'button', onclick: () => void this.load(undefined) }, 'Read again');
    const close = h('button', { type: 'button', onclick: onClose }, 'Close');
    this.element = h(
      'section',
      { class: 'state-list', 'aria-label': 'Series in a state', hidden: true },
      h('header', { class: 'row' }, this.title, this.count, h('span', { class: 'grow' }), this.refresh, close),
      this.body,
      this.more,
    );
    signal.addEventListener('abort', () => this.loading?.abort());
  }

  /** Lists the series of a state by its name, and goes there if `focus`; hides the list without one. */
  async show(state: string | undefined, focus: boolean): Promise<void> {
    this.loading?.abort();
    this.element.hidden = state === undefined;
    if (state === undefined) return;
    this.state = state;
    setText(this.title, state);
    setText(this.count, '');
    this.refresh.hidden = isGone(state);
    this.more.hidden = true;
    if (isGone(state)) {
      const replay = h('a', { href: './replay' }, 'Replay');
      this.body.replaceChildren(h('p', {}, gone[state], ' ', replay, ' has their events.'));
    } else await this.load(undefined);
    if (focus) this.title.focus();
  }

  private async load(from: number | undefined): Promise<void> {
    this.loading?.abort();
    const loading = new AbortController();
    this.loading = loading;
    try {
      const { state } = this;
      const page = await ask('/ui/states', { state, from, limit: pageSize }, loading.signal);
      this.series = from === undefined ? page.series : [...this.series, ...page.series];
      this.next = page.next;
      this.list.show(this.series.map(pickable), emptyTexts[state] ?? 'No series is in this state.');
      this.body.replaceChildren(this.list.element);
      // The number of all is not of the same moment as the list.
      const all = Math.max(page.total, this.series.length);
      const shown = formatCount(this.series.length);
      setText(this.count, page.next === undefined ? `${shown} series` : `${shown} of ${formatCount(all)} series`);
      this.more.hidden = page.next === undefined;
    } catch (error) {
      if (!isAbort(error) && !this.signal.aborted) this.body.replaceChildren(failure(error));
    }
  }
}
