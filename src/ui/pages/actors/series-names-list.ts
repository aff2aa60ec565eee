/** A list of series to pick one: what they have in common once, and each by the labels in which it differs. */
import { h } from '../../parts/elements.ts';
import { oneTabStop } from '../../parts/one-tab-stop.ts';
import { commonLabels, distinguish, formatLabels } from '../../parts/text/series-names.ts';
import type { Labels } from '../../server/server-answers.ts';

/** A series of the list: `labels` are unknown of some that are in quarantine. */
export interface PickableSeries {
  readonly labels?: Labels | undefined;
  readonly fingerprint?: string;
  /** More about it, below its name. */
  readonly note?: string;
}

export class SeriesNamesList {
  readonly element: HTMLElement;
  private readonly onPick: (series: PickableSeries) => void;
  private readonly common = h('p', { class: 'in-common small soft', hidden: true });
  private readonly list: HTMLElement;
  private marked: string | undefined;

  constructor(label: string, onPick: (series: PickableSeries) => void) {
    this.onPick = onPick;
    this.list = h('ul', { class: 'list names', 'aria-label': label });
    this.element = h('div', {}, this.common, this.list);
    oneTabStop(this.list, 'button');
  }

  /** `empty` is shown in place of no series. */
  show(series: readonly PickableSeries[], empty: string | HTMLElement): void {
    const named = series.flatMap(({ labels }) => (labels === undefined ? [] : [labels]));
    const shared = named.length > 1 ? commonLabels(named) : {};
    const hasCommon = Object.keys(shared).length > 0;
    this.common.hidden = !hasCommon;
    this.common.replaceChildren('In common: ', h('span', { class: 'mono' }, hasCommon ? formatLabels(shared) : ''));
    const short = distinguish(named);
    let at = 0;
    const nameOf = ({ labels, fingerprint = '' }: PickableSeries): string =>
      labels === undefined ? fingerprint : short[at++];
    this.list.replaceChildren(
      ...series.map((one) => h('li', {}, this.button(one, nameOf(one)))),
      ...(series.length === 0 ? [h('li', { class: 'empty' }, empty)] : []),
    );
    this.mark(this.marked);
  }

  /** Marks the series whose name or fingerprint this is. */
  mark(name: string | undefined): void {
    this.marked = name;
    for (const button of this.list.querySelectorAll('button'))
      button.setAttribute('aria-current', String(name !== undefined && button.dataset['name'] === name));
  }

  private button(series: PickableSeries, text: string): HTMLElement {
    const { labels, fingerprint = '', note } = series;
    const name = labels === undefined ? fingerprint : formatLabels(labels);
    return h(
      'button',
      { type: 'button', title: name, 'data-name': name, onclick: () => this.onPick(series) },
      h('span', { class: 'mono' }, text),
      note && h('span', { class: 'soft small about' }, note),
    );
  }
}
