/** Which events are shown: by series, by type, by time. */
import type { ReplaySummary } from '../../../timeline/replay-answers.ts';
import type { AskedFilter } from '../../../timeline/replay-book.ts';
import { h, setText } from '../../parts/elements.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatTime, parseTimeText } from '../../parts/text/time-text.ts';
import { isFiltered } from './replay-view.ts';

export class FilterBar {
  readonly element: HTMLElement;
  private readonly onChange: (filter: AskedFilter) => void;
  private readonly series = h('input', { type: 'search', class: 'mono', 'aria-label': 'Series', spellcheck: 'false' });
  private readonly from = timeField('From');
  private readonly through = timeField('Through');
  private readonly clear: HTMLButtonElement;
  private readonly chips = h('div', { class: 'row chips', role: 'group', 'aria-label': 'Types of events' });
  private readonly mistake = h('p', { class: 'failure', role: 'alert', hidden: true });
  private filter: AskedFilter = { match: '', types: [] };

  constructor(onChange: (filter: AskedFilter) => void) {
    this.onChange = onChange;
    this.clear = h('button', { type: 'button', onclick: () => this.onChange({ match: '', types: [] }) }, 'All events');
    this.element = h(
      'div',
      { class: 'stack tight' },
      h(
        'form',
        {
          class: 'row replay-filter',
          onsubmit: (event) => {
            event.preventDefault();
            this.apply();
          },
        },
        h('label', { class: 'grow' }, 'Series', this.series),
        h('label', {}, 'From', this.from),
        h('label', {}, 'Through', this.through),
        h('button', { type: 'submit' }, 'Filter'),
        this.clear,
      ),
      this.mistake,
      this.chips,
    );
  }

  /** `isFile`: series are not found by a selector then. */
  show(filter: AskedFilter, { types, series }: ReplaySummary, isFile: boolean): void {
    const isOther = JSON.stringify(filter) !== JSON.stringify(this.filter);
    this.filter = filter;
    this.series.placeholder = isFile ? 'fingerprint, or part of the labels' : 'selector or fingerprint';
    if (isOther || this.clear.disabled) this.fill();
    this.clear.disabled = !isFiltered(filter);
    const found = series === undefined ? '' : `${formatCount(series)} series in the events`;
    this.series.title = found;
    this.showChips(types);
    this.complain('');
  }

  /** Shows what is wrong with the filter. */
  complain(text: string): void {
    this.mistake.hidden = text === '';
    setText(this.mistake, text);
  }

  /** The fields as a filter that was not applied has them. */
  fillFrom(filter: AskedFilter): void {
    this.filter = filter;
    this.fill();
  }

  private fill(): void {
    const { match, from, through } = this.filter;
    this.series.value = match;
    this.from.value = from === undefined ? '' : formatTime(from);
    this.through.value = through === undefined ? '' : formatTime(through);
  }

  private showChips(counts: Readonly<Record<string, number>>): void {
    const chosen = this.filter.types;
    const names = [...new Set([...Object.keys(counts), ...chosen])].filter(
      (name) => (counts[name] ?? 0) > 0 || chosen.includes(name),
    );
    const texts = names.map((name) => [name, `${name} ${formatCount(counts[name] ?? 0)}`] as const);
    const buttons = [...this.chips.querySelectorAll('button')];
    // The buttons stay if only numbers have changed, so that the focus stays.
    if (buttons.length === names.length && buttons.every((button, i) => button.dataset['type'] === names[i]))
      for (const [i, button] of buttons.entries()) {
        setText(button, texts[i][1]);
        button.setAttribute('aria-pressed', String(chosen.includes(names[i])));
      }
    else this.chips.replaceChildren(...texts.map(([name, text]) => this.chip(name, text)));
  }

  private chip(name: string, text: string): HTMLElement {
    return h(
      'button',
      {
        type: 'button',
        class: 'chip',
        'data-type': name,
        'aria-pressed': String(this.filter.types.includes(name)),
        onclick: () => this.toggle(name),
      },
      text,
    );
  }

  private toggle(name: string): void {
    const { types } = this.filter;
    const toggled = types.includes(name) ? types.filter((one) => one !== name) : [...types, name];
    this.onChange({ ...this.filter, types: toggled });
  }

  private apply(): void {
    const wrong = [this.from, this.through].find(({ value }) => timeOf(value) === 'wrong');
    const [from, through] = [this.from, this.through].map(({ value }) => timeOf(value));
    if (wrong !== undefined || from === 'wrong' || through === 'wrong')
      this.complain(`“${wrong?.value}” is no time: 2026-01-31 12:00, or seconds since the epoch.`);
    else if (from !== undefined && through !== undefined && through < from)
      this.complain('The range ends before it begins.');
    else this.onChange({ match: this.series.value.trim(), types: this.filter.types, from, through });
  }
}

const timeField = (label: string): HTMLInputElement =>
  h('input', { type: 'text', class: 'mono time', 'aria-label': label, placeholder: 'any time', spellcheck: 'false' });

const timeOf = (text: string): number | undefined | 'wrong' => {
  if (text.trim() === '') return undefined;
  if (/^\d+(\.\d+)?$/.test(text.trim())) return Math.round(1000 * Number(text));
  return parseTimeText(text) ?? 'wrong';
};
