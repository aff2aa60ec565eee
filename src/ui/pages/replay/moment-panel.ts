/** One event in detail: its fields, and the states of its series and of the store before and after it. */
import type { EventPlace, ReplayMoment } from '../../../timeline/replay-answers.ts';
import { h } from '../../parts/elements.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import { fieldOf, fieldsOf } from './event-text.ts';

/** Series of an event that are shown at first, and after "Show more". */
export const changesFirst = 10;
const changesMore = 1000;

/** Names of the states as the statechart has them. */
const countNames = ['inMemory', 'persisting', 'archived', 'quarantined', 'purged'] as const;

interface MomentActions {
  readonly onSeries: (fingerprint: string) => void;
  /** Shows more series of the event. */
  readonly onMore: (most: number) => void;
}

const rowsOf = (entries: readonly (readonly [string, string | HTMLElement])[]): HTMLElement[] =>
  entries.flatMap(([name, value]) => [h('dt', {}, name), h('dd', { class: 'mono wrap' }, value)]);

/** `before → after`, or one text if they are equal. */
const changeText = (before: string, after: string): string => (before === after ? after : `${before} → ${after}`);

const countText = (count: number | undefined): string => (count === undefined ? 'not known' : formatCount(count));

const stateTable = ({ changes, series }: ReplayMoment, { onSeries, onMore }: MomentActions): HTMLElement => {
  const head = h('tr', {}, ...['Series', 'Before', 'After'].map((text) => h('th', { scope: 'col' }, text)));
  const rows = changes.map(({ fingerprint, labels, before, after }) =>
    h(
      'tr',
      {},
      h(
        'td',
        {},
        h(
          'button',
          { type: 'button', class: 'link mono series-name', title: fingerprint, onclick: () => onSeries(fingerprint) },
          labels === undefined ? fingerprint : formatLabels(labels),
        ),
      ),
      h('td', {}, before),
      h('td', {}, after),
    ),
  );
  const left = series - changes.length;
  const next = Math.min(left, changesMore);
  const more =
    left > 0
      ? h(
          'button',
          { type: 'button', onclick: () => onMore(changes.length + next) },
          `Show ${formatCount(next)} more of ${formatCount(series)} series`,
        )
      : undefined;
  return h(
    'div',
    { class: 'stack tight' },
    h(
      'div',
      { class: 'scroll changes', tabindex: '0', role: 'region', 'aria-label': 'Series of the event' },
      h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows)),
    ),
    more,
  );
};

const countTable = ({ before, after }: ReplayMoment): HTMLElement =>
  h(
    'dl',
    { class: 'facts counts' },
    ...rowsOf(
      countNames
        .filter((name) => (before.counts[name] ?? after.counts[name]) !== 0 || after.counts[name] !== 0)
        .map((name) => [name, changeText(countText(before.counts[name]), countText(after.counts[name]))]),
    ),
    ...rowsOf(
      (['phase', 'pressure', 'health'] as const)
        .map((name) => [name, changeText(before.store[name] ?? 'not known', after.store[name] ?? 'not known')] as const)
        .filter(([, text]) => text !== 'not known'),
    ),
  );

/** The content of the panel. */
export const momentContent = (moment: ReplayMoment, actions: MomentActions): HTMLElement => {
  const { event, number, position } = moment;
  const { labels } = event;
  const facts: [string, string | HTMLElement][] = [
    ['event', `${event.type}, ${formatCount(number + 1)}`],
    ['time', formatTime(event.time)],
    ['position', String(position)],
  ];
  if (labels !== undefined) facts.push(['labels', formatLabels(labels)]);
  if (event['removed'] === true)
    return h(
      'div',
      { class: 'stack tight' },
      h('dl', { class: 'facts' }, ...rowsOf(facts)),
      h('p', { class: 'soft' }, 'The journal has removed this event since this page has read it.'),
    );
  facts.push(...fieldsOf(event).map(([name, value]) => [name, fieldOf(event, name, value)] as [string, string]));
  return h(
    'div',
    { class: 'stack tight' },
    h('dl', { class: 'facts' }, ...rowsOf(facts)),
    moment.series > 0 && stateTable(moment, actions),
    h('h3', { class: 'soft small' }, 'Series in each state, and the store'),
    countTable(moment),
  );
};

export const isSamePlace = (a: EventPlace | undefined, b: EventPlace | undefined): boolean =>
  a?.position === b?.position && a?.place === b?.place;
