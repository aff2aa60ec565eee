/** The list of metrics, with a filter. */
import { h, setText } from '../../parts/elements.ts';
import { oneTabStop } from '../../parts/one-tab-stop.ts';
import type { KnownMetrics } from '../../parts/queries/known-metrics.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { ask, isAbort } from '../../server/ask-server.ts';

const shownMax = 1000;

/** A name that may be broken into lines after its underscores. */
const breakable = (name: string): (string | HTMLElement)[] =>
  name.split(/(?<=_)/).flatMap((part, i) => (i === 0 ? [part] : [h('wbr'), part]));

export class MetricList {
  readonly element: HTMLElement;
  private readonly signal: AbortSignal;
  private readonly known: KnownMetrics;
  private readonly onPick: (name: string) => void;
  private readonly list = h('ul', { class: 'list' });
  private readonly count = h('span', { class: 'soft small' });
  private readonly filter = h('input', {
    type: 'search',
    placeholder: 'Filter metrics',
    'aria-label': 'Filter metrics',
    oninput: () => this.show(),
  });
  /** `undefined` until the server has answered. */
  private names: readonly string[] | undefined;
  /** Why the names could not be read. */
  private problem = '';
  private current: readonly string[] = [];
  /** What the list shows: it is made again only if that changes. */
  private shown = '';

  constructor(signal: AbortSignal, known: KnownMetrics, onPick: (name: string) => void) {
    this.signal = signal;
    this.known = known;
    this.onPick = onPick;
    this.element = h(
      'aside',
      { class: 'panel', 'aria-label': 'Metrics' },
      h('header', {}, h('h2', {}, 'Metrics'), this.count),
      this.filter,
      this.list,
    );
    oneTabStop(this.list, 'button');
  }

  /** Loads the names of all metrics; returns those that were loaded last if the server does not answer. */
  async load(): Promise<readonly string[]> {
    try {
      this.names = await ask('/api/v1/label/__name__/values', {}, this.signal);
      this.problem = '';
    } catch (error) {
      if (!isAbort(error)) this.problem = error instanceof Error ? error.message : String(error);
    }
    this.show();
    return this.names ?? [];
  }

  /** Marks the metrics that are drawn. */
  mark(names: readonly string[]): void {
    this.current = names;
    this.show();
  }

  private show(): void {
    const { names = [] } = this;
    const wanted = this.filter.value.trim().toLowerCase();
    const found = names.filter((name) => name.toLowerCase().includes(wanted));
    setText(this.count, this.names === undefined ? '' : formatCount(found.length));
    const shown = JSON.stringify([found, this.current, this.names === undefined, this.problem]);
    if (shown === this.shown) return;
    this.shown = shown;
    this.list.replaceChildren(
      ...found.slice(0, shownMax).map((name) => h('li', {}, this.button(name))),
      ...(found.length === 0 ? [h('li', { class: 'empty' }, this.emptyText())] : []),
    );
  }

  private emptyText(): string {
    if (this.names === undefined) return this.problem === '' ? 'Reading…' : this.problem;
    return this.names.length === 0 ? 'Nothing is recorded yet.' : 'No metric name contains this text.';
  }

  private button(name: string): HTMLElement {
    const isCurrent = String(this.current.includes(name));
    const help = this.known.sentenceOf(name);
    return h(
      'button',
      {
        type: 'button',
        title: help === '' ? name : `${name}\n${help}`,
        'aria-current': isCurrent,
        onclick: () => this.onPick(name),
      },
      ...breakable(name),
    );
  }
}
