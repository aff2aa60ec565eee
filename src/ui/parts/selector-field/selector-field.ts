/** A text field for selectors that completes metric names, label names and label values. */
import { isAbort } from '../../server/ask-server.ts';
import { h } from '../elements.ts';
import { candidatesOf, ranked } from './candidates.ts';
import { type CompletionPlace, placeAt } from './completion-place.ts';

/** The text to insert after a completed text, unless it is there already. */
const endings = { metric: '', label: '="', value: '"' };

interface SelectorFieldOptions {
  readonly value: string;
  /** The end of the page. */
  readonly signal: AbortSignal;
  readonly onSubmit: (selector: string) => void;
  /** The field's name for assistive technology. Default `Selector`. */
  readonly label?: string;
}

export class SelectorField {
  readonly element: HTMLElement;
  private readonly onSubmit: (selector: string) => void;
  private readonly input: HTMLInputElement;
  private readonly list = h('ul', {
    class: 'completions',
    id: `completions-${Math.random().toString(36).slice(2)}`,
    role: 'listbox',
    hidden: true,
  });
  /** Number of the offered text that is chosen; -1 for none. */
  private chosen = -1;
  private offered: readonly string[] = [];
  /** The place that `offered` completes. It is set together with `offered`, so texts go to the right place. */
  private place: CompletionPlace | undefined;
  /** All candidates for the cursor's place, fetched once. */
  private known: { readonly key: string; readonly candidates: readonly string[] } | undefined;
  private asking: { readonly key: string; readonly abort: AbortController; choosesFirst: boolean } | undefined;

  constructor({ value, signal, onSubmit, label = 'Selector' }: SelectorFieldOptions) {
    this.onSubmit = onSubmit;
    this.input = h('input', {
      type: 'text',
      value,
      spellcheck: 'false',
      autocomplete: 'off',
      placeholder: 'metric{label="value"}',
      'aria-label': label,
      role: 'combobox',
      'aria-autocomplete': 'list',
      'aria-expanded': 'false',
      'aria-controls': this.list.id,
    });
    this.element = h('div', { class: 'completed' }, this.input, this.list);
    this.input.addEventListener('input', () => this.offer());
    this.input.addEventListener('blur', () => this.close());
    this.input.addEventListener('keydown', (event) => {
      if (this.takesKey(event.key)) event.preventDefault();
    });
    signal.addEventListener('abort', () => this.close());
  }

  get value(): string {
    return this.input.value.trim();
  }

  set value(text: string) {
    this.input.value = text;
  }

  get hasFocus(): boolean {
    return document.activeElement === this.input;
  }

  /** Does what a key stands for; returns whether it stands for something. */
  private takesKey(key: string): boolean {
    const isOpen = !this.list.hidden;
    if (key === 'ArrowDown' && !isOpen) void this.offer(true);
    else if (key === 'ArrowDown') this.choose(this.chosen + 1);
    else if (key === 'ArrowUp' && isOpen) this.choose(this.chosen < 0 ? this.offered.length - 1 : this.chosen - 1);
    else if (key === 'Escape' && isOpen) this.close();
    else if ((key === 'Enter' || key === 'Tab') && this.chosen >= 0) this.accept(this.offered[this.chosen]);
    else if (key === 'Enter') {
      this.close();
      this.onSubmit(this.value);
    } else return false;
    return true;
  }

  private hide(): void {
    this.list.hidden = true;
    this.chosen = -1;
    this.input.setAttribute('aria-expanded', 'false');
    this.input.removeAttribute('aria-activedescendant');
  }

  private close(): void {
    this.asking?.abort.abort();
    this.asking = undefined;
    this.known = undefined;
    this.hide();
  }

  private choose(next: number): void {
    this.chosen = (next + this.offered.length) % this.offered.length;
    const items = [...this.list.children];
    for (const [i, item] of items.entries()) item.setAttribute('aria-selected', String(i === this.chosen));
    items[this.chosen].scrollIntoView({ block: 'nearest' });
    this.input.setAttribute('aria-activedescendant', items[this.chosen].id);
  }

  private accept(text: string): void {
    const { input, place } = this;
    if (place === undefined) return;
    const rest = input.value.slice(input.selectionStart ?? input.value.length).replace(/^[\w:.-]*/, '');
    const ending = endings[place.kind];
    const escaped = place.kind === 'value' ? text.replace(/[\\"]/g, '\\$&') : text;
    const head = input.value.slice(0, place.start) + escaped + (rest.startsWith(ending) ? '' : ending);
    input.value = head + rest;
    input.setSelectionRange(head.length, head.length);
    this.close();
    if (place.kind === 'label') void this.offer();
  }

  private show(place: CompletionPlace, candidates: readonly string[]): void {
    const offered = ranked(candidates, place.typed);
    if (offered.length === 0) {
      this.hide();
      return;
    }
    this.place = place;
    this.offered = offered;
    this.chosen = -1;
    this.list.replaceChildren(...offered.map((text, i) => this.option(text, i)));
    this.list.hidden = false;
    this.input.setAttribute('aria-expanded', 'true');
    this.input.removeAttribute('aria-activedescendant');
  }

  private option(text: string, i: number): HTMLElement {
    const onmousedown = (event: Event): void => {
      // The field keeps the focus.
      event.preventDefault();
      this.accept(text);
    };
    const id = `${this.list.id}-${i}`;
    return h('li', { id, role: 'option', 'aria-selected': 'false', title: text, onmousedown }, text);
  }

  /** Offers candidates for the current text: at once if those of the place are loaded, otherwise after loading them. */
  private async offer(choosesFirst = false): Promise<void> {
    const place = placeAt(this.input.value, this.input.selectionStart ?? this.input.value.length);
    if (place === undefined) return this.close();
    const key = JSON.stringify([place.kind, place.metric, place.kind === 'value' ? place.label : '']);
    if (this.known?.key === key) {
      this.show(place, this.known.candidates);
      if (choosesFirst && !this.list.hidden) this.choose(0);
      return;
    }
    if (this.asking?.key === key) {
      this.asking.choosesFirst ||= choosesFirst;
      return;
    }
    this.close();
    const mine = { key, abort: new AbortController(), choosesFirst };
    this.asking = mine;
    try {
      const candidates = await candidatesOf(place, mine.abort.signal);
      if (this.asking !== mine) return;
      this.known = { key, candidates };
      this.asking = undefined;
      void this.offer(mine.choosesFirst);
    } catch (error) {
      if (!isAbort(error) && this.asking === mine) this.close();
    }
  }
}
