/** The tables of the Storage page: what is quarantined, and the durable subscriptions. */
import { h } from '../../parts/elements.ts';
import { exploreAddress } from '../../parts/explore-address.ts';
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
    h('td', { class: 'mono' }, h('a', { href: `./actors?quarantined=${fingerprint}`, title: fingerprint }, name)),
    h('td', { class: 'wrap small' }, reason),
    h('td', { class: 'mono' }, file ?? '–'),
  );
};

/** `count`: how many there are; of many, only the newest are in the list. */
export const quarantineTable = (list: readonly QuarantinedFile[], count: number): HTMLElement => {
  if (count === 0) return h('p', { class: 'empty' }, 'Nothing is quarantined.');
  const head = h('tr', {}, ...['Since', 'Series', 'Reason', 'File'].map((text) => h('th', {}, text)));
  const left = count - list.length;
  return h(
    'div',
    {},
    h(
      'div',
      { class: 'scroll events', tabindex: '0', role: 'region', 'aria-label': 'Quarantined series' },
      h('table', {}, h('thead', {}, head), h('tbody', {}, ...list.map(quarantineRow))),
    ),
    left > 0 &&
      h('p', {}, `and ${formatCount(left)} more: `, h('a', { href: './actors?state=quarantined' }, 'all of them')),
  );
};

const subscriptionRow = ({ name, position, lagBytes }: DurableSubscription): HTMLElement => {
  const selector = `tidemark_subscription_lag_bytes${formatLabels({ name })}`;
  return h(
    'tr',
    {},
    h('td', { class: 'clip', title: name }, name),
    h('td', { class: 'number mono' }, h('a', { href: `./replay?position=${position}` }, formatCount(position))),
    h('td', { class: 'number' }, h('a', { href: exploreAddress([selector], '15m') }, formatBytes(lagBytes))),
  );
};

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
