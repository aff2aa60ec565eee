/** A form that writes PromQL, for those who don't know it: metric, filters, function over time, aggregation. */
import { h, setText } from '../../parts/elements.ts';
import { isCounter } from '../../parts/queries/query-text.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { ask } from '../../server/ask-server.ts';
import { aggregations, builtExpression, type Filter, type Parts, timeFunctions } from './built-expression.ts';

const operators = [
  ['=', 'is'],
  ['!=', 'is not'],
  ['=~', 'matches'],
  ['!~', 'does not match'],
] as const;

let listCount = 0;

const choice = (
  label: string,
  choices: readonly (readonly [string, string])[],
  onchange: () => void,
): HTMLSelectElement =>
  h('select', { 'aria-label': label, onchange }, ...choices.map(([value, text]) => h('option', { value }, text)));

interface FilterRow {
  readonly element: HTMLElement;
  readonly filter: () => Filter;
}

export class QueryBuilder {
  readonly element: HTMLDetailsElement;
  private readonly signal: AbortSignal;
  private readonly metricNames = h('datalist', { id: 'builder-metrics' });
  private readonly labelNames = h('datalist', { id: 'builder-labels' });
  private readonly metric = h('input', {
    type: 'text',
    list: 'builder-metrics',
    'aria-label': 'Metric',
    placeholder: 'metric',
    onchange: () => this.takeMetric(),
  });
  private readonly filters = h('div', { class: 'filters' });
  private readonly timeFunction = choice('Over time', timeFunctions, () => this.show());
  private readonly window = h('input', {
    type: 'text',
    value: '5m',
    size: '4',
    'aria-label': 'Window',
    oninput: () => this.show(),
  });
  private readonly aggregation = choice('Series together', aggregations, () => this.show());
  private readonly by = h('span', { class: 'row', role: 'group', 'aria-label': 'By label' });
  private readonly result = h('output', { class: 'mono' });
  private rows: FilterRow[] = [];

  constructor(signal: AbortSignal, onUse: (expression: string) => void) {
    this.signal = signal;
    const use = h('button', { type: 'button', onclick: () => onUse(this.expression) }, 'Use this query');
    const add = h('button', { type: 'button', onclick: () => this.addFilter() }, 'Add a filter');
    this.element = h(
      'details',
      { class: 'builder', ontoggle: () => void this.open() },
      h('summary', {}, 'Builder'),
      h(
        'div',
        { class: 'builder-fields' },
        h('label', {}, 'Metric ', this.metric, this.metricNames, this.labelNames),
        h('div', { class: 'row' }, this.filters, add),
        h(
          'div',
          { class: 'row' },
          h('label', {}, 'Over time ', this.timeFunction),
          h('label', {}, 'within ', this.window),
        ),
        h('div', { class: 'row' }, h('label', {}, 'Show ', this.aggregation), this.by),
        h('div', { class: 'row' }, this.result, use),
      ),
    );
  }

  private get parts(): Parts {
    return {
      metric: this.metric.value.trim(),
      filters: this.rows.map(({ filter }) => filter()),
      timeFunction: this.timeFunction.value,
      window: this.window.value.trim(),
      aggregation: this.aggregation.value,
      by: [...this.by.querySelectorAll<HTMLInputElement>('input:checked')].map(({ value }) => value),
    };
  }

  private get expression(): string {
    return builtExpression(this.parts);
  }

  private show(): void {
    setText(this.result, this.expression);
  }

  private async open(): Promise<void> {
    if (!this.element.open || this.metricNames.childElementCount > 0) return;
    const names = await ask('/api/v1/label/__name__/values', {}, this.signal).catch((): readonly string[] => []);
    this.metricNames.replaceChildren(...names.map((value) => h('option', { value })));
  }

  /** Offers the labels of the metric; of a counter, the increase per second. */
  private async takeMetric(): Promise<void> {
    const name = this.metric.value.trim();
    this.timeFunction.value = isCounter(name) ? 'rate' : '';
    if (name.endsWith('_bucket')) this.aggregation.value = 'histogram_quantile 0.95';
    this.show();
    const match = name === '' ? {} : { 'match[]': formatLabels({ __name__: name }) };
    const all = await ask('/api/v1/labels', match, this.signal).catch((): readonly string[] => []);
    const labels = all.filter((label) => label !== '__name__' && label !== 'le');
    this.labelNames.replaceChildren(...labels.map((value) => h('option', { value })));
    const box = (value: string): HTMLElement =>
      h(
        'label',
        { class: 'check' },
        h('input', { type: 'checkbox', class: 'box', value, onchange: () => this.show() }),
        value,
      );
    this.by.replaceChildren(...(labels.length === 0 ? [] : [h('span', { class: 'soft' }, 'by')]), ...labels.map(box));
    this.show();
  }

  private addFilter(): void {
    const id = `builder-values-${listCount++}`;
    const values = h('datalist', { id });
    const value = h('input', {
      type: 'text',
      list: id,
      'aria-label': 'Value',
      placeholder: 'value',
      oninput: () => this.show(),
    });
    const operator = choice('Comparison', operators, () => this.show());
    const offer = async (): Promise<void> => {
      this.show();
      const name = this.metric.value.trim();
      const match = name === '' ? {} : { 'match[]': formatLabels({ __name__: name }) };
      const path = `/api/v1/label/${encodeURIComponent(label.value.trim())}/values` as const;
      const found = await ask(path, match, this.signal).catch((): readonly string[] => []);
      values.replaceChildren(...found.map((one) => h('option', { value: one })));
    };
    const label = h('input', {
      type: 'text',
      list: 'builder-labels',
      'aria-label': 'Label',
      placeholder: 'label',
      onchange: () => void offer(),
    });
    const remove = (): void => {
      this.rows = this.rows.filter((one) => one !== row);
      element.remove();
      this.show();
    };
    const element = h(
      'div',
      { class: 'row' },
      label,
      operator,
      value,
      values,
      h('button', { type: 'button', 'aria-label': 'Remove this filter', onclick: remove }, '×'),
    );
    const row: FilterRow = {
      element,
      filter: () => ({
        label: label.value.trim(),
        operator: operators.find(([one]) => one === operator.value)?.[0] ?? '=',
        value: value.value,
      }),
    };
    this.rows.push(row);
    this.filters.append(element);
    label.focus();
  }
}
