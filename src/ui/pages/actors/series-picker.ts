/** Finds series by a selector, and lists them to pick one. */

import { h, setText } from '../../parts/elements.ts';
import { failure, panel } from '../../parts/panel.ts';
import { SelectorField } from '../../parts/selector-field/selector-field.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatLabels } from '../../parts/text/series-names.ts';
import { ask, isAbort } from '../../server/ask-server.ts';
import type { Labels } from '../../server/server-answers.ts';
import { SeriesNamesList } from './series-names-list.ts';

const listedMax = 200;

export class SeriesPicker {
  readonly element: HTMLElement;
  private readonly signal: AbortSignal;
  private readonly list: SeriesNamesList;
  private readonly found = h('span', { class: 'soft small', role: 'status' });
  private readonly trouble = h('div');
  private readonly field: SelectorField;
  /** The search whose answer is shown, or awaited. */
  private current: AbortController | undefined;

  constructor(value: string, signal: AbortSignal, onPick: (labels: Labels) => void) {
    this.signal = signal;
    this.list = new SeriesNamesList('Series that match', ({ labels }) => labels && onPick(labels));
    this.field = new SelectorField({ value, signal, onSubmit: (match) => this.search(match), label: 'Which series' });
    this.element = panel(
      'Pick a series',
      [this.found],
      h('div', { class: 'row' }, this.field.element),
      this.trouble,
      this.list.element,
    );
    this.element.classList.add('picker');
  }

  /** The selector in the field. */
  get selector(): string {
    return this.field.value;
  }

  /** Lists the series of the selector in the field; of the first metric if it is empty. */
  async start(): Promise<void> {
    let match = this.field.value;
    try {
      if (match === '') {
        const [first = ''] = await ask('/api/v1/label/__name__/values', {}, this.signal);
        // What was typed or searched before the names came stays.
        if (this.current !== undefined) return;
        match = this.field.value || first;
        // A user in the empty field is about to type, and the name would come before the typed text.
        if (!this.field.hasFocus) this.field.value = match;
      }
    } catch (error) {
      if (!isAbort(error)) this.trouble.replaceChildren(failure(error));
      return;
    }
    if (match === '') this.list.show([], 'The store has no series yet.');
    else await this.search(match);
  }

  /** Marks a series in the list; none without labels. */
  mark(labels: Labels | undefined): void {
    this.list.mark(labels === undefined ? undefined : formatLabels(labels));
  }

  private async search(match: string): Promise<void> {
    if (match === '') return;
    // An answer that comes late must not replace that of a later search.
    this.current?.abort();
    this.current = new AbortController();
    const signal = AbortSignal.any([this.signal, this.current.signal]);
    try {
      const series = await ask('/api/v1/series', { 'match[]': match, limit: listedMax }, signal);
      const isCut = series.length >= listedMax;
      setText(this.found, isCut ? `the first ${listedMax} series` : `${formatCount(series.length)} series`);
      this.trouble.replaceChildren();
      this.list.show(
        series.map((labels) => ({ labels })),
        'No series matches.',
      );
    } catch (error) {
      if (!isAbort(error)) this.trouble.replaceChildren(failure(error));
    }
  }
}
