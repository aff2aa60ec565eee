/** The variables above the panels: a select each, or a list of check boxes where several values can be chosen. */
import { allValues } from '../../../dashboards/dashboard.ts';
import { h } from '../../parts/elements.ts';
import type { OfferedVariable } from './variable-values.ts';

type OnChoose = (name: string, values: readonly string[]) => void;

const textOf = (value: string): string => (value === allValues ? 'All' : value);

/** All that can be chosen: also a chosen value that is not offered now. */
const choicesOf = ({ variable: { all }, values, chosen }: OfferedVariable): string[] => [
  ...new Set([...(all ? [allValues] : []), ...values, ...chosen]),
];

const single = (offered: OfferedVariable, name: string, onChoose: OnChoose): HTMLElement => {
  const select = h(
    'select',
    { 'aria-label': name, onchange: () => onChoose(offered.variable.name, [select.value]) },
    ...choicesOf(offered).map((value) =>
      h('option', { value, selected: offered.chosen.includes(value) }, textOf(value)),
    ),
  );
  return select;
};

/** `isOpen`: the list stays open while values are chosen. */
const several = (offered: OfferedVariable, name: string, isOpen: boolean, onChoose: OnChoose): HTMLElement => {
  const shown = offered.chosen.map(textOf).join(', ') || 'none';
  const boxes = choicesOf(offered).map((value) => {
    const box = h('input', {
      type: 'checkbox',
      class: 'box',
      value,
      checked: offered.chosen.includes(value),
      onchange: () => choose(value, box.checked),
    });
    return h('label', { class: 'check' }, box, textOf(value));
  });
  const choose = (value: string, isChosen: boolean): void => {
    const others = offered.chosen.filter((one) => one !== value && one !== allValues);
    // Without any value it is all of them, or the first one.
    if (!isChosen) onChoose(offered.variable.name, others);
    else onChoose(offered.variable.name, value === allValues ? [allValues] : [...others, value]);
  };
  const menu: HTMLDetailsElement = h(
    'details',
    {
      class: 'menu',
      open: isOpen,
      onkeydown: (event) => {
        if (!(event instanceof KeyboardEvent) || event.key !== 'Escape') return;
        menu.open = false;
        menu.querySelector('summary')?.focus();
      },
    },
    h('summary', { 'aria-label': `${name}: ${shown}` }, h('span', { class: 'chosen' }, shown)),
    h('div', { class: 'popover checks', role: 'group', 'aria-label': name }, ...boxes),
  );
  return menu;
};

export class VariableSelects {
  readonly element = h('div', { class: 'row variables', role: 'group', 'aria-label': 'Variables', hidden: true });
  private readonly onChoose: OnChoose;

  constructor(onChoose: OnChoose) {
    this.onChoose = onChoose;
  }

  show(offered: readonly OfferedVariable[]): void {
    const open = this.element.querySelector<HTMLElement>('details[open]')?.dataset['variable'];
    const focused = document.activeElement;
    const at = focused instanceof HTMLElement ? this.placeOf(focused) : undefined;
    this.element.hidden = offered.length === 0;
    this.element.replaceChildren(
      ...offered.map((one) => {
        const { name, label, multi } = one.variable;
        const shown = label || name;
        const field = multi ? several(one, shown, name === open, this.onChoose) : single(one, shown, this.onChoose);
        field.dataset['variable'] = name;
        const trouble = one.error !== undefined && h('span', { class: 'failure small', role: 'alert' }, one.error);
        const note = one.note !== '' && h('span', { class: 'small warn-text' }, one.note);
        return h('div', { class: 'row variable' }, h('span', { class: 'soft small' }, shown), field, trouble, note);
      }),
    );
    if (at !== undefined) this.focus(at);
  }

  /** Where the focus is: the variable, and the value if it is on a box. */
  private placeOf(focused: HTMLElement): readonly [name: string, value: string | undefined] | undefined {
    const field = focused.closest<HTMLElement>('[data-variable]');
    if (field === null || !this.element.contains(field)) return undefined;
    return [field.dataset['variable'] ?? '', focused instanceof HTMLInputElement ? focused.value : undefined];
  }

  private focus([name, value]: readonly [name: string, value: string | undefined]): void {
    const field = [...this.element.querySelectorAll<HTMLElement>('[data-variable]')].find(
      (one) => one.dataset['variable'] === name,
    );
    const box = [...(field?.querySelectorAll('input') ?? [])].find((one) => one.value === value);
    (box ?? field?.querySelector('summary') ?? field)?.focus();
  }
}
