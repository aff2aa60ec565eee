/** The states of a statechart with their numbers, as a table: what the drawing says to those who see it. */
import { h, setText } from '../elements.ts';
import { formatCount } from '../text/number-text.ts';
import type { ChartLayout } from './chart-layout.ts';

export class StateTable {
  readonly element: HTMLDetailsElement;
  private readonly cells: readonly {
    readonly id: string;
    readonly name: string;
    readonly now: HTMLElement;
    readonly entered: HTMLElement;
  }[];

  /** `nowTitle` heads the column of the numbers of now. */
  constructor({ id: machine, states }: ChartLayout, nowTitle: string) {
    this.cells = states.map(({ id, name }) => ({
      id,
      name,
      now: h('td', { class: 'number' }, '–'),
      entered: h('td', { class: 'number' }, '–'),
    }));
    const head = h(
      'tr',
      {},
      h('th', {}, 'State'),
      h('th', { class: 'number' }, nowTitle),
      h('th', { class: 'number' }, 'Entered since the opening'),
    );
    const rows = this.cells.map(({ id, now, entered }) =>
      h('tr', {}, h('th', { scope: 'row' }, id.slice(id.indexOf('.') + 1)), now, entered),
    );
    this.element = h(
      'details',
      { class: 'state-table small' },
      h('summary', {}, 'As a table'),
      h(
        'div',
        { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `States of ${machine}` },
        h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows)),
      ),
    );
  }

  /** Numbers by the id or the name of the state. */
  show(counts: Readonly<Record<string, number | string>>, totals: Readonly<Record<string, number>>): void {
    for (const { id, name, now, entered } of this.cells) {
      const count = counts[id] ?? counts[name] ?? '–';
      setText(now, typeof count === 'number' ? formatCount(count) : count);
      setText(entered, formatCount(totals[id] ?? 0));
    }
  }
}
