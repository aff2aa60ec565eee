/**
 * The list of events. Only the rows that are in view are in the document, so it may have millions. It is one stop of the
 * Tab key; arrows, Page Up, Page Down, Home and End choose another event.
 */
import type { ReplayRow } from '../../../timeline/replay-answers.ts';
import { h } from '../../parts/elements.ts';
import { formatCount } from '../../parts/text/number-text.ts';
import { formatClock, formatTime } from '../../parts/text/time-text.ts';
import { kindOf, subjectOf } from './event-text.ts';
import { PAGE_ROWS, RowCache } from './row-cache.ts';

const ROW_PX = 26;
/** Browsers do not draw elements that are much taller. Of more rows, the scroll bar moves by more than one row a pixel. */
const HEIGHT_MAX_PX = 8_000_000;
/** Rows beyond the edges that are drawn, too. */
const MARGIN_ROWS = 4;

type LoadRows = (from: number, count: number) => Promise<readonly ReplayRow[]>;

export class EventList {
  readonly element: HTMLElement;
  private readonly onPick: (row: number) => void;
  private readonly onFailure: (error: unknown) => void;
  private readonly space = h('div', { class: 'event-space' });
  private readonly window = h('div', { class: 'event-window', role: 'presentation' });
  private cache: RowCache;
  private count = 0;
  private current = 0;
  private frame: number | undefined;

  constructor(onPick: (row: number) => void, onFailure: (error: unknown) => void) {
    this.onPick = onPick;
    this.onFailure = onFailure;
    this.cache = new RowCache(() => Promise.resolve([]));
    this.space.append(this.window);
    this.space.setAttribute('role', 'presentation');
    this.element = h(
      'div',
      {
        class: 'event-list',
        role: 'listbox',
        tabindex: '0',
        'aria-label': 'Events',
        onscroll: () => this.drawSoon(),
        onkeydown: (event) => this.onKey(event as KeyboardEvent),
      },
      this.space,
    );
    new ResizeObserver(() => this.drawSoon()).observe(this.element);
  }

  /** Shows another list. */
  start(count: number, load: LoadRows): void {
    this.cache = new RowCache(load);
    this.count = count;
    this.drawSoon();
  }

  /** Rows were added at the end. */
  grow(count: number): void {
    this.cache.grow(this.count);
    this.count = count;
    this.drawSoon();
  }

  row(row: number): Promise<ReplayRow | undefined> {
    return this.cache.row(row);
  }

  peek(row: number): ReplayRow | undefined {
    return this.cache.peek(row);
  }

  /** Marks a row as the current one, and scrolls it into view. */
  choose(row: number): void {
    this.current = row;
    this.resize();
    const first = this.firstInView();
    const rows = this.rowsInView();
    if (row < first || row > first + rows - 1) this.scrollTo(row - Math.floor(rows / 2));
    this.draw();
  }

  private get total(): number {
    return this.count * ROW_PX;
  }

  private rowsInView(): number {
    return Math.max(1, Math.floor(this.element.clientHeight / ROW_PX));
  }

  private resize(): void {
    this.space.style.height = `${Math.min(this.total, HEIGHT_MAX_PX)}px`;
  }

  /** The first row that is wholly in view. */
  private firstInView(): number {
    const { scrollTop, clientHeight } = this.element;
    if (this.total <= HEIGHT_MAX_PX) return Math.ceil(scrollTop / ROW_PX);
    return Math.round((scrollTop / (HEIGHT_MAX_PX - clientHeight)) * (this.count - this.rowsInView()));
  }

  private scrollTo(row: number): void {
    const { clientHeight } = this.element;
    const last = Math.max(1, this.count - this.rowsInView());
    const top = Math.max(0, Math.min(row, last));
    this.element.scrollTop = this.total <= HEIGHT_MAX_PX ? top * ROW_PX : (top / last) * (HEIGHT_MAX_PX - clientHeight);
  }

  private drawSoon(): void {
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
    this.frame = undefined;
    this.resize();
    const isScaled = this.total > HEIGHT_MAX_PX;
    const first = Math.max(0, this.firstInView() - (isScaled ? 0 : MARGIN_ROWS));
    const end = Math.min(this.count, first + this.rowsInView() + 2 * MARGIN_ROWS);
    const rows = Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
    const top = isScaled ? Math.min(this.element.scrollTop, HEIGHT_MAX_PX - rows.length * ROW_PX) : first * ROW_PX;
    this.window.style.transform = `translateY(${top}px)`;
    this.window.replaceChildren(...rows.map((row) => this.drawRow(row)));
    const active = this.window.querySelector('[aria-selected="true"]');
    if (active === null) this.element.removeAttribute('aria-activedescendant');
    else this.element.setAttribute('aria-activedescendant', active.id);
    if (end > first) this.loadMissing(first, end - 1);
  }

  private drawRow(row: number): HTMLElement {
    const loaded = this.cache.peek(row);
    const cells = loaded === undefined ? [h('span', { class: 'soft' }, '…')] : cellsOf(loaded);
    return h(
      'div',
      {
        class: `event-row ${loaded === undefined ? '' : kindOf(loaded.event.type)}`,
        id: `event-${row}`,
        role: 'option',
        'aria-selected': String(row === this.current),
        'aria-posinset': row + 1,
        'aria-setsize': this.count,
        onclick: () => this.onPick(row),
      },
      ...cells,
    );
  }

  private loadMissing(first: number, last: number): void {
    const { cache } = this;
    const [from, to] = [Math.floor(first / PAGE_ROWS), Math.floor(last / PAGE_ROWS)];
    for (let page = from; page <= to; page++) {
      if (cache.peek(Math.min(last, page * PAGE_ROWS)) !== undefined) continue;
      cache.page(page).then(
        () => cache === this.cache && this.drawSoon(),
        (error: unknown) => cache === this.cache && this.onFailure(error),
      );
    }
  }

  private onKey(event: KeyboardEvent): void {
    const { current, count } = this;
    const page = this.rowsInView();
    const target = {
      ArrowDown: current + 1,
      ArrowUp: current - 1,
      PageDown: current + page,
      PageUp: current - page,
      Home: 0,
      End: count - 1,
    }[event.key];
    if (target === undefined || count === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.onPick(Math.max(0, Math.min(count - 1, target)));
  }
}

const cellsOf = (row: ReplayRow): HTMLElement[] => {
  const { number, event } = row;
  const subject = subjectOf(row);
  return [
    h('span', { class: 'mono soft' }, formatCount(number + 1)),
    h('span', { class: 'mono', title: formatTime(event.time) }, formatClock(event.time)),
    h('span', { class: 'small', title: event.type }, event.type),
    h('span', { class: 'mono', title: subject }, subject),
  ];
};
