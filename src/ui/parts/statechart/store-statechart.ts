/**
 * The store's statechart as one strip: its phase and the regions of the running store, each with its state. A region
 * opens to its chart.
 */
import type { ActorsFrame, StateValue } from '../../server/server-answers.ts';
import { h, setText } from '../elements.ts';
import { activeIds } from './active-states.ts';
import type { ChartLayout, StoreLayout } from './chart-layout.ts';
import { StateTable } from './state-table.ts';
import { Statechart } from './statechart.ts';

/** How the states of the strip look; the others are as they should be. */
const chipKinds: Readonly<Record<string, string>> = {
  opening: 'warn',
  recovering: 'warn',
  closing: 'warn',
  failing: 'bad',
  failed: 'bad',
  rushed: 'warn',
  throttled: 'bad',
  behind: 'warn',
  openedReadOnly: 'warn',
  readOnly: 'bad',
  doubted: 'warn',
};

/** The active states below a prefix, outermost first: `readOnly, probing`. */
const stateBelow = (prefix: string, ids: readonly string[]): readonly string[] => {
  const deepest = ids.filter((id) => id.startsWith(`${prefix}.`)).at(-1);
  return deepest === undefined ? [] : deepest.slice(prefix.length + 1).split('.');
};

class Region {
  readonly name: string;
  readonly element: HTMLDetailsElement;
  readonly chart: Statechart;
  private readonly prefix: string;
  private readonly chip = h('span', { class: 'badge' }, '–');
  private readonly table: StateTable;

  /** `prefix`: the id of the state whose sub-states the region shows. */
  constructor(name: string, prefix: string, layout: ChartLayout, onToggle: () => void) {
    this.name = name;
    this.prefix = prefix;
    this.chart = new Statechart(layout, `Statechart of the store: ${name}`);
    this.table = new StateTable(layout, 'Now');
    this.element = h(
      'details',
      { class: 'region', ontoggle: onToggle },
      h('summary', {}, h('span', { class: 'soft' }, name), this.chip),
      h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Chart: ${name}` }, this.chart.element),
      this.table.element,
    );
  }

  show(ids: readonly string[], totals: ActorsFrame['totals']): void {
    const states = this.prefix === 'store' ? stateBelow('store', ids).slice(0, 1) : stateBelow(this.prefix, ids);
    setText(this.chip, states.join(', ') || 'not running');
    this.chip.className = `badge ${states.map((state) => chipKinds[state]).find(Boolean) ?? (states.length > 0 ? 'good' : '')}`;
    if (!this.element.open) return;
    this.chart.showActive(ids);
    this.chart.showTotals(totals);
    this.table.show(Object.fromEntries(ids.map((id) => [id, 'active'])), totals);
  }
}

export class StoreStatechart {
  readonly element: HTMLElement;
  private readonly regions: readonly Region[];
  private ids: readonly string[] = [];
  private totals: ActorsFrame['totals'] = {};

  /** `onOpen` gets the names of the open regions when they change. */
  constructor(layout: StoreLayout, onOpen: (names: readonly string[]) => void = () => {}) {
    const toggled = (): void => {
      this.show();
      onOpen(this.regions.filter(({ element }) => element.open).map(({ name }) => name));
    };
    this.regions = [
      new Region('phase', 'store', layout.overview, toggled),
      ...layout.regions.map(
        (region) => new Region(region.id.split('.').at(-1) ?? region.id, region.id, region, toggled),
      ),
    ];
    this.element = h('div', { class: 'regions' }, ...this.regions.map(({ element }) => element));
  }

  /** Opens the regions with these names. */
  open(names: readonly string[]): void {
    for (const { name, element } of this.regions) element.open = names.includes(name);
  }

  showValue(value: StateValue, totals: ActorsFrame['totals']): void {
    this.ids = activeIds('store', value);
    this.totals = totals;
    this.show();
  }

  showTransitions(totals: Readonly<Record<string, number>>, now: number): void {
    for (const { chart } of this.regions) chart.showTransitions(totals, now);
  }

  private show(): void {
    for (const region of this.regions) region.show(this.ids, this.totals);
  }
}
