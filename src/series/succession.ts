/**
 * Which series is appended to after which. Programs bring their series in the same order again and again: scrapes,
 * loops over instruments, lines of an import. So the row that came after the last one is the likeliest now; comparing its
 * labels costs a third of finding them by hash, and needs nothing remembered per label object.
 *
 * A guess that is wrong costs one comparison, which mostly ends at the first label. Where guesses keep failing, only one
 * append in {@link GUESS_EVERY} guesses, to find out when there is an order again.
 */
import type { Labels } from '../model/labels.ts';
import { NO_ROW, type Row, type SeriesTable } from './table.ts';

const GUESS_EVERY = 16;
/** A right guess pays for this many wrong ones. */
const CREDIT_MAX = 8;

export class Succession {
  private readonly table: SeriesTable;
  /** Of each row: the row after it; NO_ROW when none has come after it yet. */
  private after = new Int32Array(1024).fill(NO_ROW);
  private last: Row = 0;
  private credit = CREDIT_MAX;
  private skipped = 0;

  constructor(table: SeriesTable) {
    this.table = table;
  }

  /** The row after the last one, if it has these labels; else NO_ROW. */
  guess(labels: Labels): Row {
    if (this.credit === 0 && ++this.skipped < GUESS_EVERY) return NO_ROW;
    this.skipped = 0;
    const row = this.after[this.last];
    if (row === NO_ROW) return NO_ROW;
    if (this.table.matches(row, labels)) {
      this.credit = CREDIT_MAX;
      this.last = row;
      return row;
    }
    if (this.credit > 0) this.credit--;
    return NO_ROW;
  }

  /** The guess was wrong, or there was none: this row it is. */
  learn(row: Row): void {
    if (row >= this.after.length) this.grow();
    this.after[this.last] = row;
    this.last = row;
  }

  private grow(): void {
    const larger = new Int32Array(this.table.capacity()).fill(NO_ROW);
    larger.set(this.after);
    this.after = larger;
  }
}
