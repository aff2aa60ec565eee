/** The queries of a view, a row each: its letter, its field, what is known of its metric, what went wrong. */
import { h, setText } from '../../parts/elements.ts';
import { QueryBox } from '../../parts/queries/query-box.ts';

interface QueryRow {
  readonly element: HTMLElement;
  readonly box: QueryBox;
  readonly note: HTMLElement;
  readonly end: AbortController;
}

interface QueryRowsOptions {
  readonly signal: AbortSignal;
  readonly queries: readonly string[];
  /** Called with all queries when one was submitted, or removed. */
  readonly onChange: (queries: readonly string[]) => void;
}

/** The letter by which legends name a query. */
export const letterOf = (i: number): string => String.fromCharCode(65 + (i % 26));

export class QueryRows {
  readonly element = h('div', { class: 'queries' });
  private readonly options: QueryRowsOptions;
  private rows: QueryRow[] = [];
  /** The row that was focused last: picked metrics and built queries go there. */
  private current = 0;

  constructor(options: QueryRowsOptions) {
    this.options = options;
    options.signal.addEventListener('abort', () => this.clear());
    this.show(options.queries);
  }

  get values(): readonly string[] {
    return this.rows.map(({ box }) => box.value);
  }

  /** Whether all rows are empty and none of them has the focus. */
  get isUntouched(): boolean {
    return this.values.every((query) => query === '') && !this.element.contains(document.activeElement);
  }

  /** Shows these queries. Rows that stay keep their fields. */
  show(queries: readonly string[]): void {
    while (this.rows.length > queries.length) this.drop(this.rows.length - 1);
    for (const [i, query] of queries.entries())
      if (i < this.rows.length) this.rows[i].box.value = query;
      else this.add(query);
    this.element.classList.toggle('several', this.rows.length > 1);
  }

  /** Puts a query into the row that was focused last, and submits it. */
  use(query: string): void {
    this.rows[Math.min(this.current, this.rows.length - 1)].box.value = query;
    this.options.onChange(this.values);
  }

  /** An empty row, which is focused. */
  addRow(): void {
    this.show([...this.values, '']);
    this.rows[this.rows.length - 1].box.focus();
  }

  focus(): void {
    this.rows[0].box.focus();
  }

  /** What is known of a query, or what is wrong with it. */
  showNote(i: number, text: string, kind: 'soft' | 'failure' | 'warn'): void {
    const { note } = this.rows[i];
    setText(note, text);
    note.className = `note small ${kind}`;
    if (kind === 'failure') note.setAttribute('role', 'alert');
    else note.removeAttribute('role');
  }

  private add(query: string): void {
    const end = new AbortController();
    const number = this.rows.length;
    const box = new QueryBox({
      value: query,
      label: number === 0 ? 'Query' : `Query ${letterOf(number)}`,
      signal: end.signal,
      onSubmit: () => this.options.onChange(this.values),
    });
    const note = h('p', { class: 'note small soft' });
    const remove = h(
      'button',
      {
        type: 'button',
        class: 'remove',
        'aria-label': `Remove query ${letterOf(number)}`,
        onclick: () => this.remove(row),
      },
      '×',
    );
    const element = h(
      'div',
      { class: 'query-row', onfocusin: () => (this.current = this.rows.indexOf(row)) },
      h('span', { class: 'letter mono', 'aria-hidden': 'true' }, letterOf(number)),
      box.element,
      remove,
      note,
    );
    const row: QueryRow = { element, box, note, end };
    this.rows.push(row);
    this.element.append(element);
  }

  private remove(row: QueryRow): void {
    const rest = this.values.filter((_, i) => this.rows[i] !== row);
    this.show(rest.length === 0 ? [''] : rest);
    this.options.onChange(this.values);
  }

  private drop(i: number): void {
    const [row] = this.rows.splice(i, 1);
    row.end.abort();
    row.element.remove();
  }

  private clear(): void {
    for (const { end } of this.rows) end.abort();
  }
}
