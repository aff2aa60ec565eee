/**
 * Guesses the series of the next append from the previous one. Programs often append to their series in the same order
 * again and again: scrapes, loops over instruments, lines of an import. So the likeliest row is the one that followed
 * the last row before. Comparing its labels costs a third of a lookup by hash, and needs no state per label object.
 *
 * A wrong guess costs one comparison, which usually ends at the first label. If guesses keep failing, only one append
 * in {@link GUESS_EVERY} guesses, to notice when there is an order again.
 */
import { grown } from '../model/grown.ts';
import type { Labels } from '../model/labels.ts';
import { NO_ROW, type Row, type SeriesTable } from './table.ts';

const GUESS_EVERY = 16;
/** After a right guess, this many wrong guesses are allowed in a row. */
const CREDIT_MAX = 8;

export class Succession {
  private readonly table: SeriesTable;
  /** For each row, the row that followed it last; NO_ROW if none has followed yet. */
  private after = new Int32Array(1024).fill(NO_ROW);
  private last: Row = 0;
  private credit = CREDIT_MAX;
  private skipped = 0;

  constructor(table: SeriesTable) {
    this.table = table;
  }

  /**
   * The row that followed the last one, if it has these labels; otherwise NO_ROW. `isSame` says that the program
   * probably kept the object since it created the series.
   */
  guess(labels: Labels, isSame = false): Row {
    if (this.credit === 0 && ++this.skipped < GUESS_EVERY) return NO_ROW;
    this.skipped = 0;
    const row = this.after[this.last];
    if (row === NO_ROW) return NO_ROW;
    if (this.table.matches(row, labels, isSame)) {
      this.credit = CREDIT_MAX;
      this.last = row;
      return row;
    }
    if (this.credit > 0) this.credit--;
    return NO_ROW;
  }

  /** Records the right row, after a wrong guess or no guess. */
  learn(row: Row): void {
    if (row >= this.after.length) this.grow();
    this.after[this.last] = row;
    this.last = row;
  }

  private grow(): void {
    this.after = grown(this.after, new Int32Array(this.table.capacity()).fill(NO_ROW));
  }
}
