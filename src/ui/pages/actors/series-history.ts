/** The events of one series as a table. */
import { h } from '../../parts/elements.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import type { PageEvent } from '../../server/server-answers.ts';

/** What the other columns, or the page, show already. */
const shownElsewhere = new Set(['type', 'time', 'fingerprint', 'fingerprints', 'labels', 'position']);

/** The fields of an event that only its type has. */
const detailsOf = (event: PageEvent): string =>
  Object.entries(event)
    .filter(([name, value]) => value !== undefined && !shownElsewhere.has(name))
    .map(([name, value]) => `${name} ${/time$/i.test(name) ? formatTime(Number(value)) : value}`)
    .join(', ');

const rowOf = (event: PageEvent): HTMLElement =>
  h(
    'tr',
    {},
    h('td', { class: 'mono' }, formatTime(event.time)),
    h('td', {}, event.type),
    h('td', { class: 'soft small' }, detailsOf(event)),
  );

/** Newest first. */
export const historyTable = (events: readonly PageEvent[]): HTMLElement => {
  if (events.length === 0) return h('p', { class: 'empty' }, 'The journal has no events of this series.');
  const head = h('tr', {}, ...['Time', 'Event', 'Details'].map((text) => h('th', {}, text)));
  return h(
    'div',
    { class: 'scroll events', tabindex: '0' },
    h('table', {}, h('thead', {}, head), h('tbody', {}, ...events.toReversed().map(rowOf))),
  );
};
