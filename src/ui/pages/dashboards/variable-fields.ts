/** The variables of a dashboard as fields. */
import { dashboardLimits as limits, type Variable } from '../../../dashboards/dashboard.ts';
import { h } from '../../parts/elements.ts';

interface Row {
  readonly element: HTMLElement;
  readonly value: () => Variable;
}

const newVariable: Variable = {
  name: '',
  label: '',
  multi: false,
  all: false,
  chosen: [],
  kind: 'query',
  query: '',
  regex: '',
};

export class VariableFields {
  readonly element: HTMLElement;
  private readonly list = h('div', { class: 'stack tight' });
  private readonly more: HTMLButtonElement;
  private rows: Row[] = [];

  constructor(variables: readonly Variable[]) {
    this.more = h(
      'button',
      { type: 'button', onclick: () => this.add(newVariable).element.querySelector('input')?.focus() },
      'Add a variable',
    );
    this.element = h(
      'fieldset',
      { class: 'stack tight' },
      h('legend', {}, 'Variables'),
      h(
        'p',
        { class: 'soft small' },
        'Queries name a variable as $name. Its values are those of a label, label_values(up, job), or a list: a, b, c.',
      ),
      this.list,
      h('div', { class: 'row' }, this.more),
    );
    for (const variable of variables) this.add(variable);
  }

  get values(): readonly Variable[] {
    return this.rows.map(({ value }) => value());
  }

  private add(variable: Variable): Row {
    const { kind } = variable;
    const name = h('input', { type: 'text', value: variable.name, size: 12 });
    const label = h('input', { type: 'text', value: variable.label, size: 12 });
    const source = h('input', {
      type: 'text',
      class: 'mono',
      value: kind === 'query' ? variable.query : variable.values.join(', '),
      placeholder: 'label_values(up, job)',
    });
    const regex = h('input', { type: 'text', class: 'mono', value: kind === 'query' ? variable.regex : '', size: 12 });
    const multi = h('input', { type: 'checkbox', class: 'box', checked: variable.multi });
    const all = h('input', { type: 'checkbox', class: 'box', checked: variable.all });
    const value = (): Variable => {
      const base = {
        name: name.value.trim(),
        label: label.value.trim(),
        multi: multi.checked,
        all: all.checked,
        chosen: variable.chosen,
      };
      const text = source.value.trim();
      // A list that was not changed keeps values that have commas.
      if (kind === 'list' && text === variable.values.join(', ')) return { ...base, kind, values: variable.values };
      if (text.startsWith('label_values(')) return { ...base, kind: 'query', query: text, regex: regex.value };
      const values = text.split(',').map((one) => one.trim());
      return { ...base, kind: 'list', values: values.filter((one) => one !== '') };
    };
    const field = (text: string, control: HTMLElement, more = ''): HTMLElement =>
      h('label', { class: more }, text, control);
    const remove = h('button', { type: 'button', onclick: () => this.remove(row) }, 'Remove');
    const element = h(
      'div',
      { class: 'variable-fields' },
      field('Name', name),
      field('Label', label),
      field('Values', source, 'grow'),
      field('Regular expression', regex),
      h('label', { class: 'check' }, multi, 'several'),
      h('label', { class: 'check' }, all, 'all'),
      remove,
    );
    const row: Row = { element, value };
    this.rows.push(row);
    this.list.append(element);
    this.more.disabled = this.rows.length >= limits.variables;
    return row;
  }

  private remove(row: Row): void {
    row.element.remove();
    this.rows = this.rows.filter((one) => one !== row);
    this.more.disabled = false;
    this.more.focus();
  }
}
