/** The values of one moment as a table: a column for each label, sorted by any column. */

import type { DrawnSeries } from '../server/server-answers.ts';
import { h, setText } from './elements.ts';
import { exactValue } from './text/exact-values.ts';

const rowsMax = 1000;

interface Row {
  readonly texts: readonly string[];
  readonly value: string;
  readonly number: number;
}

const compareTexts = new Intl.Collator('en', { numeric: true }).compare;

const rowElement = ({ texts, value }: Row): HTMLElement =>
  h('tr', {}, ...texts.map((text) => h('td', { class: 'mono' }, text)), h('td', { class: 'number mono' }, value));

export class InstantTable {
  readonly element: HTMLElement;
  private readonly head = h('tr');
  private readonly body = h('tbody');
  private readonly more = h('p', { class: 'soft small' });
  /** The columns: label names, then the value. */
  private names: readonly string[] = [];
  private rows: Row[] = [];
  /** The name of the column that is sorted by; empty for the order of the result. */
  private sortedBy = '';
  private isDescending = false;

  constructor() {
    const table = h('table', { class: 'instant' }, h('thead', {}, this.head), this.body);
    this.element = h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Values' },
      table,
      this.more,
    );
  }

  /** Shows the last value of each series, with all digits if there is no format. The table stays sorted as it is. */
  draw(list: readonly DrawnSeries[], format?: (value: number) => string): void {
    const labels = [...new Set(list.flatMap((one) => Object.keys(one.labels)))].sort();
    this.rows = list.map((one) => {
      const last = one.values.at(-1);
      const isShort = format !== undefined && typeof last === 'number';
      return {
        texts: labels.map((name) => one.labels[name] ?? ''),
        value: isShort ? format(last) : exactValue(one, one.values.length - 1),
        number: last ?? Number.NEGATIVE_INFINITY,
      };
    });
    const names = [...labels, 'Value'];
    if (names.join('\n') !== this.names.join('\n')) {
      this.names = names;
      this.head.replaceChildren(...names.map((name, i) => this.title(name, i)));
    }
    this.show();
  }

  private title(name: string, i: number): HTMLElement {
    const sort = (): void => {
      // Of values, the highest ones are looked for first.
      this.isDescending = name === this.sortedBy ? !this.isDescending : i === this.names.length - 1;
      this.sortedBy = name;
      this.show();
    };
    const kind = i === this.names.length - 1 ? 'number' : 'mono';
    return h('th', { scope: 'col', class: kind }, h('button', { type: 'button', class: 'plain', onclick: sort }, name));
  }

  private show(): void {
    const { rows } = this;
    const column = this.names.lastIndexOf(this.sortedBy);
    const sorted =
      column < 0
        ? rows
        : rows.toSorted((a, b) =>
            column === this.names.length - 1 ? a.number - b.number : compareTexts(a.texts[column], b.texts[column]),
          );
    if (this.isDescending) sorted.reverse();
    for (const [i, title] of [...this.head.children].entries())
      if (i === column) title.setAttribute('aria-sort', this.isDescending ? 'descending' : 'ascending');
      else title.removeAttribute('aria-sort');
    this.body.replaceChildren(...sorted.slice(0, rowsMax).map(rowElement));
    setText(this.more, rows.length > rowsMax ? `The first ${rowsMax} of ${rows.length} rows.` : '');
  }
}
