/** The list of events of a replay: a window of rows around the last event that was applied. */
import { h } from '../../parts/elements.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { formatClock, formatTime } from '../../parts/text/time-text.ts';
import type { PageEvent } from '../../server/server-answers.ts';

/** How many rows are shown. */
const rowsMax = 40;

/** What an event is about: a series, several, or what else it names. */
const subjectOf = (event: PageEvent): string => {
  const { labels, fingerprint, fingerprints } = event;
  if (labels !== undefined) return formatLabels(labels);
  if (fingerprints !== undefined) return `${formatCount(fingerprints.length)} series`;
  return String(fingerprint ?? event['to'] ?? event['name'] ?? '');
};

export class EventRows {
  readonly element: HTMLElement;
  private readonly onPick: (index: number) => void;
  private readonly body = h('tbody');

  /** `onPick` gets the number of events up to and with the picked one. */
  constructor(onPick: (index: number) => void) {
    this.onPick = onPick;
    const head = h('tr', {}, ...['#', 'Time', 'Event', 'What'].map((text) => h('th', {}, text)));
    this.element = h('div', { class: 'scroll events', tabindex: '0' }, h('table', {}, h('thead', {}, head), this.body));
  }

  /** Shows the events around the last of the first `index`. */
  show(events: readonly PageEvent[], index: number): void {
    const present = index - 1;
    const first = Math.max(0, Math.min(present - rowsMax / 2, events.length - rowsMax));
    this.body.replaceChildren(
      ...events.slice(first, first + rowsMax).map((event, i) => this.row(event, first + i, first + i === present)),
    );
    this.body.querySelector('[aria-current="true"]')?.scrollIntoView({ block: 'nearest' });
  }

  private row(event: PageEvent, i: number, isPresent: boolean): HTMLElement {
    const subject = subjectOf(event);
    return h(
      'tr',
      { 'aria-current': String(isPresent), onclick: () => this.onPick(i + 1) },
      h('td', { class: 'mono soft' }, formatCount(i + 1)),
      h('td', { class: 'mono', title: formatTime(event.time) }, formatClock(event.time)),
      h('td', { class: 'small', title: event.type }, event.type),
      h('td', { class: 'mono small', title: subject }, subject),
    );
  }
}
