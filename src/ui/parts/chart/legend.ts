/** The legend below a chart: one row per series with its colour, name and values. */
import type { DrawnSeries, Labels } from '../../server/server-answers.ts';
import { h, setText } from '../elements.ts';
import { distinguish, formatLabels } from '../text/series-names.ts';
import { colorOf } from './chart-colors.ts';

interface LegendOptions {
  /** Formats the values. */
  readonly format: (value: number) => string;
  /** Called to hide or show a series. */
  readonly onToggle: (i: number) => void;
  /** Only the value under the cursor and the last one. */
  readonly short: boolean;
  /** The names of the series. Default: the labels in which they differ. */
  readonly namesOf?: ((list: readonly Labels[]) => readonly string[]) | undefined;
}

/** The newest, lowest and highest of the values that can be drawn. */
const summarize = (values: readonly (number | null)[]): (number | undefined)[] => {
  let last: number | undefined;
  let lowest: number | undefined;
  let highest: number | undefined;
  for (const value of values) {
    if (value === null) continue;
    last = value;
    if (lowest === undefined || value < lowest) lowest = value;
    if (highest === undefined || value > highest) highest = value;
  }
  return [last, lowest, highest];
};

export class Legend {
  readonly element: HTMLElement;
  private readonly options: LegendOptions;
  private readonly columns: readonly string[];
  private readonly body = h('tbody');
  /** The cells with values, by series. */
  private cells: readonly (readonly HTMLElement[])[] = [];

  constructor(options: LegendOptions) {
    this.options = options;
    this.columns = options.short ? ['Cursor', 'Last'] : ['Cursor', 'Last', 'Lowest', 'Highest'];
    const titles = this.columns.map((text) => h('th', { class: 'number' }, text));
    const head = h('tr', {}, h('th', {}, 'Series'), ...titles);
    this.element = h('div', { class: 'legend scroll' }, h('table', {}, h('thead', {}, head), this.body));
  }

  showSeries(list: readonly DrawnSeries[], shown: readonly boolean[]): void {
    const names = (this.options.namesOf ?? distinguish)(list.map(({ labels }) => labels));
    this.cells = list.map(() => this.columns.map(() => h('td', { class: 'number' }, '–')));
    this.body.replaceChildren(...list.map(({ labels }, i) => this.row(labels, i, shown[i], names[i])));
  }

  showValues(list: readonly DrawnSeries[]): void {
    for (const [i, { values }] of list.entries())
      for (const [column, value] of summarize(values)
        .slice(0, this.columns.length - 1)
        .entries())
        setText(this.cells[i][column + 1], this.text(value));
  }

  showCursor(values: readonly (number | null | undefined)[]): void {
    for (const [i, value] of values.entries()) setText(this.cells[i][0], this.text(value));
  }

  private text(value: number | null | undefined): string {
    return value === null || value === undefined ? '–' : this.options.format(value);
  }

  private row(labels: Labels, i: number, shown: boolean, name: string): HTMLElement {
    const swatch = h('span', { class: 'swatch' });
    swatch.style.setProperty('--swatch', colorOf(i));
    const button = h(
      'button',
      {
        type: 'button',
        class: 'toggle mono',
        title: `${formatLabels(labels)}\nClick to hide or show.`,
        'aria-pressed': String(shown),
        onclick: () => this.options.onToggle(i),
      },
      swatch,
      name,
    );
    return h('tr', { class: shown ? '' : 'off' }, h('td', {}, button), ...this.cells[i]);
  }
}
