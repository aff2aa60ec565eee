/** The store's statechart: its phases, and the regions of the running store below. */
import type { StateValue } from '../../server/server-answers.ts';
import { h } from '../elements.ts';
import { activeIds } from './active-states.ts';
import type { StoreLayout } from './chart-layout.ts';
import { Statechart } from './statechart.ts';

export class StoreStatechart {
  readonly element: HTMLElement;
  private readonly charts: readonly Statechart[];

  constructor(layout: StoreLayout) {
    const overview = new Statechart(layout.overview, 'Statechart of the store');
    const regions = layout.regions.map((region) => ({
      name: region.id.split('.').at(-1) ?? region.id,
      chart: new Statechart(region, `Region ${region.id}`),
    }));
    this.charts = [overview, ...regions.map(({ chart }) => chart)];
    this.element = h(
      'div',
      { class: 'stack' },
      overview.element,
      h(
        'div',
        { class: 'regions' },
        ...regions.map(({ name, chart }) => h('div', {}, h('h3', { class: 'soft small' }, name), chart.element)),
      ),
    );
  }

  showValue(value: StateValue): void {
    const ids = activeIds('store', value);
    for (const chart of this.charts) chart.showActive(ids);
  }

  showTransitions(totals: Readonly<Record<string, number>>, now: number): void {
    for (const chart of this.charts) chart.showTransitions(totals, now);
  }
}
