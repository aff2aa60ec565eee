/** The events of one series as a table. */
import { h } from '../../parts/elements.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import type { PageEvent } from '../../server/server-answers.ts';
import { addressOfView } from './actors-address.ts';

/** What the other columns, or the page, show already. */
const shownElsewhere = new Set(['type', 'time', 'fingerprint', 'fingerprints', 'labels', 'position']);

/** The fields of an event that only its type has. */
const detailsOf = (event: PageEvent): string =>
  Object.entries(event)
    .filter(([name, value]) => value !== undefined && !shownElsewhere.has(name))
    .map(([name, value]) => `${name} ${/time$/i.test(name) ? formatTime(Number(value)) : value}`)
    .join(', ');

/** Where what is left of a quarantined series is shown. */
const restOf = ({ type, fingerprint }: PageEvent): HTMLElement | undefined =>
  type === 'seriesQuarantined' && fingerprint !== undefined
    ? h('a', { href: addressOfView({ quarantined: fingerprint }) }, 'what is left')
    : undefined;

const rowOf = (event: PageEvent): HTMLElement =>
  h(
    'tr',
    {},
    h('td', { class: 'mono' }, formatTime(event.time)),
    h('td', {}, h('a', { href: `./replay?position=${event['position']}` }, event.type)),
    h('td', { class: 'soft small' }, restOf(event), ' ', detailsOf(event)),
  );

/** Newest first. */
export const historyTable = (events: readonly PageEvent[]): HTMLElement => {
  if (events.length === 0) return h('p', { class: 'empty' }, 'The journal has no events of this series.');
  const head = h('tr', {}, ...['Time', 'Event', 'Details'].map((text) => h('th', {}, text)));
  return h(
    'div',
    { class: 'scroll events', tabindex: '0', role: 'region', 'aria-label': 'Events of the series' },
    h('table', {}, h('thead', {}, head), h('tbody', {}, ...events.toReversed().map(rowOf))),
  );
};
