/** The list of metrics, with a filter. */
import { h, setText } from '../../parts/elements.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { ask } from '../../server/ask-server.ts';

const shownMax = 1000;

/** A name that may be broken into lines after its underscores. */
const breakable = (name: string): (string | HTMLElement)[] =>
  name.split(/(?<=_)/).flatMap((part, i) => (i === 0 ? [part] : [h('wbr'), part]));

export class MetricList {
  readonly element: HTMLElement;
  private readonly signal: AbortSignal;
  private readonly onPick: (name: string) => void;
  private readonly list = h('ul', { class: 'list' });
  private readonly count = h('span', { class: 'soft small' });
  private readonly filter = h('input', {
    type: 'search',
    placeholder: 'Filter metrics',
    'aria-label': 'Filter metrics',
    oninput: () => this.show(),
  });
  private names: readonly string[] = [];
  private current = '';

  constructor(signal: AbortSignal, onPick: (name: string) => void) {
    this.signal = signal;
    this.onPick = onPick;
    this.element = h(
      'aside',
      { class: 'panel' },
      h('header', {}, h('h2', {}, 'Metrics'), this.count),
      this.filter,
      this.list,
    );
  }

  /** Loads the names of all metrics. */
  async load(): Promise<readonly string[]> {
    this.names = await ask('/api/v1/label/__name__/values', {}, this.signal);
    this.show();
    return this.names;
  }

  /** Marks the metric that is drawn. */
  mark(name: string): void {
    this.current = name;
    this.show();
  }

  private show(): void {
    const wanted = this.filter.value.trim().toLowerCase();
    const found = this.names.filter((name) => name.toLowerCase().includes(wanted));
    setText(this.count, formatCount(found.length));
    const empty = this.names.length === 0 ? 'Nothing is recorded yet.' : 'No metric name contains this text.';
    this.list.replaceChildren(
      ...found.slice(0, shownMax).map((name) => h('li', {}, this.button(name))),
      ...(found.length === 0 ? [h('li', { class: 'empty' }, empty)] : []),
    );
  }

  private button(name: string): HTMLElement {
    const isCurrent = String(name === this.current);
    return h(
      'button',
      { type: 'button', title: name, 'aria-current': isCurrent, onclick: () => this.onPick(name) },
      ...breakable(name),
    );
  }
}
