/** The statecharts of a series and of the store at the event that is shown. */
import type { ReplayMoment } from '../../../timeline/replay-answers.ts';
import { h, setText } from '../../parts/elements.ts';
import { panel } from '../../parts/panel.ts';
import type { Statechart } from '../../parts/statechart/statechart.ts';

/** Arrows of more series than this are not looked for. */
const LIT_MAX = 100;

export class ReplayedCharts {
  readonly element: HTMLElement;
  private readonly series: Statechart;
  private readonly store: Statechart;
  private readonly storeText = h('span', { class: 'soft small' });
  private readonly note = h('span', { class: 'soft small' }, 'the number of series in each state after this event');

  constructor(series: Statechart, store: Statechart) {
    this.series = series;
    this.store = store;
    this.element = h(
      'div',
      { class: 'stack' },
      panel('States of series', [this.note], scrolling('Statechart of series', series.element)),
      panel('State of the store', [this.storeText], scrolling('Statechart of the store', store.element)),
    );
  }

  show({ changes, after }: ReplayMoment): void {
    const { counts, store } = after;
    this.series.showCounts(Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined)));
    const moved = changes.slice(0, LIT_MAX).filter(({ before, after: to }) => before !== to);
    this.series.lightBetween(moved.map(({ before, after: to }) => [`series.${before}`, `series.${to}`] as const));
    this.series.showActive([...new Set(moved.map(({ after: to }) => `series.${to}`))]);
    this.store.showActive(store.phase === undefined ? [] : [`store.${store.phase}`]);
    const known = Object.entries({ pressure: store.pressure, health: store.health });
    setText(
      this.storeText,
      known
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => `${name}: ${value}`)
        .join(', '),
    );
  }

  clear(): void {
    this.series.showActive([]);
    this.series.lightBetween([]);
    this.store.showActive([]);
    setText(this.storeText, '');
  }
}

/** On a phone, a statechart is wider than the window. */
const scrolling = (name: string, chart: SVGElement): HTMLElement =>
  h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': name }, chart);
