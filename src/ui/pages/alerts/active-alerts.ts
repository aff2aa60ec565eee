/** The alerts that are firing or pending, as a table. */
import { h } from '../../parts/elements.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import type { ActiveAlert, Labels } from '../../server/server-answers.ts';
import { formatValue, stateBadge } from './rule-values.ts';

/** The labels without the alert's name. */
export const labelsText = ({ alertname: _, ...labels }: Labels): string =>
  Object.keys(labels).length === 0 ? '' : formatLabels(labels);

/** The summary, or else the first annotation. */
export const summaryOf = (annotations: Labels): string =>
  annotations['summary'] ?? annotations['description'] ?? Object.values(annotations)[0] ?? '';

const rowOf = ({ labels, annotations, state, activeAt, keptSince, value }: ActiveAlert): HTMLElement =>
  h(
    'tr',
    {},
    h('td', {}, stateBadge(state), keptSince === undefined ? '' : ' kept'),
    h(
      'td',
      {},
      h('strong', {}, labels['alertname'] ?? ''),
      ' ',
      h('span', { class: 'mono small' }, labelsText(labels)),
    ),
    h('td', { class: 'number' }, formatValue(value)),
    h('td', { class: 'mono' }, formatTime(activeAt)),
    h('td', { class: 'wrap small' }, summaryOf(annotations)),
  );

/** Firing ones first. `total`: how many there are, if `alerts` has only some of them. */
export const activeAlertTable = (alerts: readonly ActiveAlert[], total: number): HTMLElement => {
  if (alerts.length === 0) return h('p', { class: 'empty' }, 'No alert is pending or firing.');
  const sorted = alerts.toSorted((a, b) => (a.state < b.state ? -1 : a.state > b.state ? 1 : b.activeAt - a.activeAt));
  const head = h(
    'tr',
    {},
    h('th', {}, 'State'),
    h('th', {}, 'Alert'),
    h('th', { class: 'number' }, 'Value'),
    h('th', {}, 'Since'),
    h('th', {}, 'Summary'),
  );
  return h(
    'div',
    { class: 'scroll events', tabindex: '0', role: 'region', 'aria-label': 'Active alerts' },
    h('table', {}, h('thead', {}, head), h('tbody', {}, ...sorted.map(rowOf))),
    total > alerts.length &&
      h('p', { class: 'soft small' }, `The first ${formatCount(alerts.length)} of ${formatCount(total)} alerts.`),
  );
};
