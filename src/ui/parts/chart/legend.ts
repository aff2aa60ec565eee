/**
 * The legend below a chart: one row per series with its colour, name and values. The full one can be searched and sorted,
 * and says which labels all series have in common.
 */
import type { DrawnSeries, Labels } from '../../server/server-answers.ts';
import { h, setText } from '../elements.ts';
import { oneTabStop } from '../one-tab-stop.ts';
import { exactValue, placeAtTime } from '../text/exact-values.ts';
import { commonLabels, distinguish, formatLabels } from '../text/series-names.ts';
import { lineSwatch } from './line-swatch.ts';

interface LegendOptions {
  /** Formats the values. */
  readonly format: (value: number) => string;
  /** Called with which series are shown from now on. */
  readonly onShow: (shown: readonly boolean[]) => void;
  /** Only the value under the cursor and the last one. */
  readonly short: boolean;
  /** The names of the series. Default: the labels in which they differ. */
  readonly namesOf?: ((list: readonly Labels[]) => readonly string[]) | undefined;
}

/** A search is offered from this many series on. */
const searchedMin = 8;

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
  private readonly common = h('p', { class: 'soft small mono common' });
  private readonly search = h('input', {
    type: 'search',
    placeholder: 'Search series',
    'aria-label': 'Search series',
    oninput: () => this.order(),
  });
  private list: readonly DrawnSeries[] = [];
  private shown: readonly boolean[] = [];
  private names: readonly string[] = [];
  private rows: readonly HTMLElement[] = [];
  private titles: readonly HTMLElement[] = [];
  /** The cells with values, by series. */
  private cells: readonly (readonly HTMLElement[])[] = [];
  /** The numbers by which the columns are sorted, by series. */
  private figures: readonly (readonly (number | undefined)[])[] = [];
  /** The column that is sorted by, highest first; `undefined` for the order of the series. */
  private sortedBy: number | undefined;
  private hasPatterns = false;

  constructor(options: LegendOptions) {
    this.options = options;
    this.columns = options.short ? ['Cursor', 'Last'] : ['Cursor', 'Last', 'Lowest', 'Highest'];
    const titles = this.columns.map((text, i) => this.title(text, i));
    this.titles = titles;
    const head = h('tr', {}, h('th', { scope: 'col' }, 'Series'), ...titles);
    const table = h('table', {}, h('thead', {}, head), this.body);
    this.element = h(
      'div',
      { class: 'legend' },
      !options.short && h('div', { class: 'row' }, this.common, this.search),
      h('div', { class: 'scroll' }, table),
    );
    this.search.hidden = true;
    oneTabStop(this.body, 'button.toggle');
  }

  /** The short name of a series, with what all have in common if it has no other. */
  nameOf(i: number): string {
    return this.names[i] ?? '';
  }

  /** `patterns`: each line has a pattern besides its colour. */
  showSeries(list: readonly DrawnSeries[], shown: readonly boolean[], patterns = false): void {
    this.hasPatterns = patterns;
    const labels = list.map((one) => one.labels);
    this.list = list;
    this.shown = shown;
    this.names = (this.options.namesOf ?? distinguish)(labels);
    const common = list.length > 1 ? commonLabels(labels) : {};
    setText(this.common, Object.keys(common).length === 0 ? '' : `All: ${formatLabels(common)}`);
    this.search.hidden = list.length < searchedMin;
    if (this.search.hidden) this.search.value = '';
    this.cells = list.map(() => this.columns.map(() => h('td', { class: 'number' }, '–')));
    this.rows = list.map((one, i) => this.row(one.labels, i));
    this.order();
  }

  /** Shows which series are hidden. */
  showShown(shown: readonly boolean[]): void {
    this.shown = shown;
    for (const [i, row] of this.rows.entries()) {
      row.className = shown[i] ? '' : 'off';
      row.querySelector('button')?.setAttribute('aria-pressed', String(shown[i]));
    }
  }

  showValues(list: readonly DrawnSeries[]): void {
    this.list = list;
    this.figures = list.map(({ values }) => summarize(values));
    for (const [i, figures] of this.figures.entries())
      for (const [column, value] of figures.slice(0, this.columns.length - 1).entries())
        setText(this.cells[i][column + 1], this.text(value));
    for (const [i, one] of list.entries()) {
      const special = one.specials?.[one.timestamps.length - 1];
      if (special !== undefined) setText(this.cells[i][1], special);
    }
    if (this.sortedBy !== undefined) this.order();
  }

  /** Shows the value of each series at a time in milliseconds, or its last value before it. */
  showCursor(list: readonly DrawnSeries[], time: number | undefined): void {
    for (const [i, one] of list.entries()) {
      const place = time === undefined ? -1 : placeAtTime(one, time + 0.5);
      const value = place < 0 ? undefined : one.values[place];
      const special = place < 0 || typeof value === 'number' ? undefined : exactValue(one, place);
      setText(this.cells[i][0], special ?? this.text(value));
    }
  }

  private text(value: number | null | undefined): string {
    return value === null || value === undefined ? '–' : this.options.format(value);
  }

  private title(text: string, column: number): HTMLElement {
    if (this.options.short || column === 0) return h('th', { class: 'number', scope: 'col' }, text);
    const sort = (): void => {
      this.sortedBy = this.sortedBy === column ? undefined : column;
      for (const [i, title] of this.titles.entries())
        if (i === this.sortedBy) title.setAttribute('aria-sort', 'descending');
        else title.removeAttribute('aria-sort');
      this.order();
    };
    const button = h('button', { type: 'button', class: 'plain', title: 'Sort by this value', onclick: sort }, text);
    return h('th', { class: 'number', scope: 'col' }, button);
  }

  /** The rows that contain the searched text, in their order. */
  private order(): void {
    const wanted = this.search.value.trim().toLowerCase();
    const places = this.rows
      .map((_, i) => i)
      .filter((i) => wanted === '' || formatLabels(this.list[i].labels).toLowerCase().includes(wanted));
    const by = this.sortedBy;
    const figure = (i: number): number => this.figures[i]?.[(by ?? 1) - 1] ?? Number.NEGATIVE_INFINITY;
    if (by !== undefined) places.sort((a, b) => figure(b) - figure(a));
    const rows = places.map((i) => this.rows[i]);
    const isSame = rows.length === this.body.children.length && rows.every((row, i) => this.body.children[i] === row);
    if (!isSame) this.body.replaceChildren(...rows);
  }

  private toggle(i: number): void {
    this.options.onShow(this.shown.map((show, other) => (other === i ? !show : show)));
  }

  /** Shows one series alone; if it is alone already, all of them. */
  private isolate(i: number): void {
    const isAlone = this.shown.every((show, other) => show === (other === i));
    this.options.onShow(this.shown.map((_, other) => isAlone || other === i));
  }

  private row(labels: Labels, i: number): HTMLElement {
    const swatch = lineSwatch(i, this.hasPatterns);
    const shown = this.shown[i];
    const button = h(
      'button',
      {
        type: 'button',
        class: 'toggle mono',
        title: `${formatLabels(labels)}\nClick to hide or show; double click, or Shift and Enter, to show it alone.`,
        'aria-pressed': String(shown),
      },
      swatch,
      this.names[i],
    );
    button.addEventListener('click', (event) => {
      if (event.shiftKey || event.detail === 2) this.isolateAgain(i, event);
      else this.toggle(i);
    });
    return h('tr', { class: shown ? '' : 'off' }, h('td', {}, button), ...this.cells[i]);
  }

  /** The first click of a double click has hidden the series. */
  private isolateAgain(i: number, { detail }: MouseEvent): void {
    if (detail === 2) this.shown = this.shown.map((show, other) => (other === i ? !show : show));
    this.isolate(i);
  }
}
