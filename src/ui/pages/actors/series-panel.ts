/** The statechart of all series: how many are in each state, and the list of those in a state that is picked. */
import { segments } from '../../parts/controls.ts';
import { h } from '../../parts/elements.ts';
import { panel } from '../../parts/panel.ts';
import type { ChartLayout, DeepLayout } from '../../parts/statechart/chart-layout.ts';
import { StateTable } from '../../parts/statechart/state-table.ts';
import { Statechart } from '../../parts/statechart/statechart.ts';
import type { ActorsFrame } from '../../server/server-answers.ts';
import type { StateList } from './state-list.ts';

interface SeriesPanelOptions {
  readonly layouts: DeepLayout;
  readonly full: boolean;
  readonly list: StateList;
  /** Elements beside the heading. */
  readonly beside: readonly HTMLElement[];
  /** Called with the name of a state that was picked. */
  readonly onPickState: (name: string) => void;
  readonly onDepth: (full: boolean) => void;
}

/** `inMemory` for `series.inMemory`, `archived` for `series.archived.resting`. */
const topStateOf = (id: string): string => id.split('.')[1];

/** What the lines and numbers of the chart mean. */
const key = (): HTMLElement =>
  h(
    'p',
    { class: 'key' },
    h('span', {}, 'Large: series in the state now. ×: how often it was entered since the opening.'),
    h('span', {}, h('span', { class: 'line-key done' }), 'a call succeeded'),
    h('span', {}, h('span', { class: 'line-key failed' }), 'a call failed'),
    h('span', {}, h('span', { class: 'line-key' }), 'any other event'),
    h('span', {}, 'Pick a state to list its series.'),
  );

export class SeriesPanel {
  readonly element: HTMLElement;
  private readonly options: SeriesPanelOptions;
  private readonly box = h('div', {
    class: 'scroll',
    tabindex: '0',
    role: 'region',
    'aria-label': 'Chart of the series',
  });
  private readonly tableBox = h('div');
  private chart: Statechart;
  private table: StateTable;
  private picked: string | undefined;
  private frame: ActorsFrame | undefined;

  constructor(options: SeriesPanelOptions) {
    this.options = options;
    const { full, list, beside, onDepth } = options;
    [this.chart, this.table] = this.draw(full);
    const depth = segments(
      'Detail',
      [
        ['overview', 'Overview'],
        ['full', 'Every state'],
      ],
      full ? 'full' : 'overview',
      (name) => {
        [this.chart, this.table] = this.draw(name === 'full');
        onDepth(name === 'full');
        if (this.frame !== undefined) this.showFrame(this.frame);
        this.showPicked(this.picked);
      },
    );
    this.element = panel(
      'Series',
      [...beside, h('span', { class: 'grow' }), depth.element],
      this.box,
      key(),
      this.tableBox,
      list.element,
    );
  }

  showFrame(frame: ActorsFrame): void {
    this.frame = frame;
    this.chart.showCounts(frame.series);
    this.chart.showTotals(frame.totals);
    this.table.show(frame.series, frame.totals);
  }

  /** Marks the state with this name. */
  showPicked(name: string | undefined): void {
    this.picked = name;
    this.chart.showPicked(name === undefined ? undefined : `series.${name}`);
  }

  showTransitions(totals: ActorsFrame['transitions'], now: number): void {
    this.chart.showTransitions(totals, now);
  }

  private draw(full: boolean): [Statechart, StateTable] {
    const { layouts, onPickState } = this.options;
    const layout: ChartLayout = full ? layouts.full : layouts.overview;
    const chart = new Statechart(layout, 'Statechart of a series, with the number of series in each state', {
      onPick: (id) => onPickState(topStateOf(id)),
    });
    const table = new StateTable(layout, 'Series now');
    this.box.replaceChildren(chart.element);
    this.tableBox.replaceChildren(table.element);
    return [chart, table];
  }
}
