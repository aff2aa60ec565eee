/** The tables of the Storage page: what is quarantined, and the durable subscriptions. */
import { h } from '../../parts/elements.ts';
import { formatBytes, formatCount } from '../../parts/text/number-text.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import type { DurableSubscription, QuarantinedFile } from '../../server/server-answers.ts';

const quarantineRow = ({ time, labels, fingerprint, reason, file }: QuarantinedFile): HTMLElement => {
  const name = labels === undefined ? fingerprint : formatLabels(labels);
  return h(
    'tr',
    {},
    h('td', { class: 'mono' }, formatTime(time)),
    h('td', { class: 'mono', title: fingerprint }, name),
    h('td', { class: 'wrap small' }, reason),
    h('td', { class: 'mono' }, file ?? '–'),
  );
};

export const quarantineTable = (list: readonly QuarantinedFile[]): HTMLElement => {
  if (list.length === 0) return h('p', { class: 'empty' }, 'Nothing is quarantined.');
  const head = h('tr', {}, ...['Since', 'Series', 'Reason', 'File'].map((text) => h('th', {}, text)));
  return h(
    'div',
    { class: 'scroll events', tabindex: '0' },
    h('table', {}, h('thead', {}, head), h('tbody', {}, ...list.map(quarantineRow))),
  );
};

const subscriptionRow = ({ name, position, lagBytes }: DurableSubscription): HTMLElement =>
  h(
    'tr',
    {},
    h('td', { class: 'clip', title: name }, name),
    h('td', { class: 'number mono' }, formatCount(position)),
    h('td', { class: 'number' }, formatBytes(lagBytes)),
  );

export const subscriptionTable = (list: readonly DurableSubscription[]): HTMLElement => {
  if (list.length === 0) return h('p', { class: 'empty' }, 'No durable subscriptions.');
  const head = h(
    'tr',
    {},
    h('th', {}, 'Name'),
    h('th', { class: 'number' }, 'Position'),
    h('th', { class: 'number' }, 'Behind'),
  );
  return h('table', {}, h('thead', {}, head), h('tbody', {}, ...list.map(subscriptionRow)));
};
