/** The queries of a panel as fields: an expression and the text of its legend each. */
import { dashboardLimits as limits, type PanelQuery } from '../../../dashboards/dashboard.ts';
import { h } from '../../parts/elements.ts';
import { QueryBox } from '../../parts/queries/query-box.ts';

interface QueryFieldsOptions {
  readonly signal: AbortSignal;
  /** Called while something is typed. */
  readonly onChange: () => void;
  /** Called when Enter was pressed in a query. */
  readonly onSubmit: () => void;
}

interface Row {
  readonly element: HTMLElement;
  readonly box: QueryBox;
  readonly legend: HTMLInputElement;
  readonly end: AbortController;
}

export class QueryFields {
  readonly element: HTMLElement;
  private readonly options: QueryFieldsOptions;
  private readonly list = h('div', { class: 'stack tight' });
  private readonly more: HTMLButtonElement;
  private rows: Row[] = [];

  constructor(queries: readonly PanelQuery[], options: QueryFieldsOptions) {
    this.options = options;
    this.more = h(
      'button',
      {
        type: 'button',
        onclick: () => {
          this.add({ expr: '', legend: '' }).box.focus();
        },
      },
      'Add a query',
    );
    this.element = h('div', { class: 'stack tight' }, this.list, h('div', { class: 'row' }, this.more));
    for (const query of queries.length === 0 ? [{ expr: '', legend: '' }] : queries) this.add(query);
    options.signal.addEventListener('abort', () => {
      for (const { end } of this.rows) end.abort();
    });
  }

  get queries(): readonly PanelQuery[] {
    return this.rows.map(({ box, legend }) => ({ expr: box.value, legend: legend.value }));
  }

  private add({ expr, legend }: PanelQuery): Row {
    const { onChange, onSubmit } = this.options;
    const end = new AbortController();
    const number = this.rows.length + 1;
    const box = new QueryBox({ value: expr, label: `Query ${number}`, signal: end.signal, onSubmit });
    const name = h('input', {
      type: 'text',
      class: 'legend-field',
      value: legend,
      maxlength: limits.textLength,
      placeholder: 'Legend, such as {{instance}}',
      'aria-label': `Legend of query ${number}`,
    });
    const remove = h(
      'button',
      { type: 'button', 'aria-label': `Remove query ${number}`, onclick: () => this.remove(row) },
      '×',
    );
    box.element.addEventListener('keydown', (event) => {
      // Enter shows the query. It does not end the dialog.
      if (event.key === 'Enter') event.preventDefault();
    });
    // The editor is in a tree of its own, whose keys are seen from here.
    const element = h(
      'div',
      { class: 'query-fields', onkeyup: onChange, oninput: onChange },
      box.element,
      name,
      remove,
    );
    const row: Row = { element, box, legend: name, end };
    this.rows.push(row);
    this.list.append(element);
    this.more.disabled = this.rows.length >= limits.queries;
    return row;
  }

  private remove(row: Row): void {
    row.end.abort();
    row.element.remove();
    this.rows = this.rows.filter((one) => one !== row);
    if (this.rows.length === 0) this.add({ expr: '', legend: '' });
    this.more.disabled = false;
    this.options.onChange();
    this.more.focus();
  }
}
