/** Rows of the list of events that have been loaded, a page at a time. The pages used last are kept. */
import type { ReplayRow } from '../../../timeline/replay-answers.ts';

export const PAGE_ROWS = 100;
const PAGES_MAX = 40;

export class RowCache {
  private readonly load: (from: number, count: number) => Promise<readonly ReplayRow[]>;
  private readonly pages = new Map<number, Promise<readonly ReplayRow[]>>();
  private readonly loaded = new Map<number, readonly ReplayRow[]>();

  constructor(load: (from: number, count: number) => Promise<readonly ReplayRow[]>) {
    this.load = load;
  }

  /** A row that is loaded. */
  peek(row: number): ReplayRow | undefined {
    return this.loaded.get(Math.floor(row / PAGE_ROWS))?.[row % PAGE_ROWS];
  }

  /** A row, loaded if necessary; `undefined` if there is no such row. */
  async row(row: number): Promise<ReplayRow | undefined> {
    return (await this.page(Math.floor(row / PAGE_ROWS)))[row % PAGE_ROWS];
  }

  /** The page of a row. */
  page(page: number): Promise<readonly ReplayRow[]> {
    const rows = this.pages.get(page) ?? this.loadPage(page);
    // The page used last is at the end.
    this.pages.delete(page);
    this.pages.set(page, rows);
    const [oldest] = this.pages.keys();
    if (this.pages.size > PAGES_MAX) this.forget(oldest);
    return rows;
  }

  /** Rows were added after the first `count` ones. */
  grow(count: number): void {
    const page = Math.floor(count / PAGE_ROWS);
    for (const one of [...this.pages.keys()]) if (one >= page) this.forget(one);
  }

  private loadPage(page: number): Promise<readonly ReplayRow[]> {
    const rows = this.load(page * PAGE_ROWS, PAGE_ROWS);
    rows.then(
      (list) => this.pages.get(page) === rows && this.loaded.set(page, list),
      () => this.pages.get(page) === rows && this.forget(page),
    );
    return rows;
  }

  private forget(page: number): void {
    this.pages.delete(page);
    this.loaded.delete(page);
  }
}
