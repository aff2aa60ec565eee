/** The last transitions of the followed series, with their times. */
import { h } from '../../parts/elements.ts';
import { readKey } from '../../parts/statechart/transition-key.ts';
import { formatTime } from '../../parts/text/time-text.ts';
import type { SeriesMove } from '../../server/server-answers.ts';

const keptMax = 50;

/** The name of a state without the machine's: `quarantined.isolating`. */
const shortName = (id: string): string => id.replace(/^series\./, '');

const isLater = (a: SeriesMove, b: SeriesMove | undefined): boolean =>
  b === undefined || a.time > b.time || (a.time === b.time && a.number > b.number);

export class SeriesMoves {
  readonly element = h('div', { class: 'moves' }, h('p', { class: 'empty' }, 'None since this page follows it.'));
  private moves: readonly SeriesMove[] = [];

  /** Adds those that are later than all before, and returns them. A stream that has begun again counts from 1 again. */
  add(moves: readonly SeriesMove[]): readonly SeriesMove[] {
    const last = this.moves.at(-1);
    const added = moves.filter((move) => isLater(move, last));
    if (added.length === 0) return added;
    this.moves = [...this.moves, ...added].slice(-keptMax);
    const head = h('tr', {}, ...['Time', 'From', 'To', 'Because of'].map((text) => h('th', {}, text)));
    this.element.replaceChildren(
      h(
        'div',
        { class: 'scroll events', tabindex: '0', role: 'region', 'aria-label': 'Last transitions' },
        h('table', {}, h('thead', {}, head), h('tbody', {}, ...this.moves.toReversed().map((move) => this.row(move)))),
      ),
    );
    return added;
  }

  private row({ time, key }: SeriesMove): HTMLElement {
    const { source, target, event, outcome } = readKey(key);
    return h(
      'tr',
      {},
      h('td', { class: 'mono' }, formatTime(time)),
      h('td', {}, shortName(source)),
      h('td', {}, shortName(target)),
      h('td', { 'data-outcome': outcome }, event),
    );
  }
}
