/** Finds series by a selector, and lists them to pick one. */

import { h, setText } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { SelectorField } from '../../parts/selector-field/selector-field.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { ask, isAbort } from '../../server/ask-server.ts';
import type { Labels } from '../../server/server-answers.ts';

const listedMax = 200;

export class SeriesPicker {
  readonly element: HTMLElement;
  private readonly signal: AbortSignal;
  private readonly onPick: (labels: Labels) => void;
  private readonly list = h('ul', { class: 'list' });
  private readonly found = h('span', { class: 'soft small' });
  private readonly field: SelectorField;

  constructor(value: string, signal: AbortSignal, onPick: (labels: Labels) => void) {
    this.signal = signal;
    this.onPick = onPick;
    this.field = new SelectorField({ value, signal, onSubmit: (match) => this.search(match), label: 'Which series' });
    this.element = panel('Pick a series', [this.found], h('div', { class: 'row' }, this.field.element), this.list);
  }

  /** The selector in the field. */
  get selector(): string {
    return this.field.value;
  }

  /** Lists the series of the selector in the field; of the first metric if it is empty. */
  async start(): Promise<void> {
    if (this.field.value === '')
      this.field.value = (await ask('/api/v1/label/__name__/values', {}, this.signal))[0] ?? '';
    await this.search(this.field.value);
  }

  /** Marks a series in the list. */
  mark(labels: Labels): void {
    const name = formatLabels(labels);
    for (const button of this.list.querySelectorAll('button'))
      button.setAttribute('aria-current', String(button.title === name));
  }

  private async search(match: string): Promise<void> {
    if (match === '') return;
    try {
      const series = await ask('/api/v1/series', { 'match[]': match, limit: listedMax }, this.signal);
      const isCut = series.length >= listedMax;
      setText(this.found, isCut ? `the first ${listedMax} series` : `${formatCount(series.length)} series`);
      this.list.replaceChildren(
        ...series.map((labels) => h('li', {}, this.button(labels))),
        ...(series.length === 0 ? [h('li', { class: 'empty' }, 'No series matches.')] : []),
      );
    } catch (error) {
      if (!isAbort(error)) this.list.replaceChildren(h('li', {}, failure(error)));
    }
  }

  private button(labels: Labels): HTMLElement {
    const name = formatLabels(labels);
    return h('button', { type: 'button', class: 'mono', title: name, onclick: () => this.onPick(labels) }, name);
  }
}
