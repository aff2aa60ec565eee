/** What has happened to the alerts of a rule, from the journal's events, newest first. */
import { h } from '../../parts/elements.ts';
import { formatSeconds } from '../../parts/text/number-text.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import type { PageEvent } from '../../server/server-answers.ts';
import { labelsText } from './active-alerts.ts';
import { formatValue } from './rule-values.ts';

/** How long a stretch of time was that ended with the event. */
const durationOf = ({ time, activeAt }: PageEvent): string =>
  typeof activeAt === 'number' ? formatSeconds((time - activeAt) / 1000) : '';

const reasons: Readonly<Record<string, string>> = {
  ruleRemoved: 'the rule is gone',
  limitExceeded: 'more alerts than the limit of the group',
  outage: 'the rules were not evaluated for too long',
};

/** What an event tells beside its alert. */
const detailOf = (event: PageEvent): string => {
  const reason = reasons[String(event['reason'])] ?? '';
  if (event.type === 'alertPending') return event['restored'] === true ? 'restored after a restart' : '';
  if (event.type === 'alertFired') return event['activeAt'] === event.time ? '' : `held for ${durationOf(event)}`;
  return [`was ${event['was']}`, `after ${durationOf(event)}`, reason].filter((text) => text !== '').join(', ');
};

const rowOf = (event: PageEvent): HTMLElement =>
  h(
    'tr',
    {},
    h('td', { class: 'mono' }, formatTime(event.time)),
    h('td', {}, event.type),
    h('td', { class: 'mono small' }, labelsText(event.labels ?? {})),
    h('td', { class: 'number' }, formatValue(Number(event['value']))),
    h('td', { class: 'soft small' }, detailOf(event)),
  );

export const alertHistoryTable = (events: readonly PageEvent[]): HTMLElement => {
  if (events.length === 0) return h('p', { class: 'empty' }, 'Nothing has happened to an alert of this rule.');
  const head = h('tr', {}, ...['Time', 'Event', 'Alert', 'Value', 'Details'].map((text) => h('th', {}, text)));
  return h(
    'div',
    { class: 'scroll events', tabindex: '0', role: 'region', 'aria-label': 'History of the alerts' },
    h('table', {}, h('thead', {}, head), h('tbody', {}, ...events.toReversed().map(rowOf))),
  );
};
