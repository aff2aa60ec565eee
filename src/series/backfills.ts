/**
 * Columns of backfilled samples that are on their way to a series file. The journal does not have them: they are
 * promised only when the file has them.
 *
 * While a file call runs, the series' last time is already that of the columns. So a sample that is appended meanwhile
 * and is older waits as a late one, and the file stays older than everything in memory.
 */
import type { Slot } from '../chunk/slab.ts';
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import type { SortedSamples } from './sorted-samples.ts';
import { LAST_HIGH, LAST_LOW, ROW_SHIFT, type Row, type SeriesTable, VALUE_KNOWN } from './table.ts';

/** The newest sample of a series before its last time was raised. */
interface Newest {
  readonly time: number;
  readonly isKnown: boolean;
  readonly high: number;
  readonly low: number;
}

/** What became of the columns. */
export type BackfillOutcome =
  | {
      /** Samples for whose time the series has another value. */
      readonly refused: number;
      /** Whether the file and its name are durable. */
      readonly isSynced: boolean;
    }
  | { readonly error: unknown };

export class Backfill {
  readonly columns: SortedSamples;
  /** The chunks of memory that are written with the columns. */
  slots: readonly Slot[] = [];
  /** Samples that were refused before the file was looked at, because a late sample had their time. */
  refused = 0;
  /** No late samples are merged in the same call. */
  isAlone = true;
  /** Set when the file call has ended; `undefined` if no call took the columns. */
  outcome: BackfillOutcome | undefined;
  private newestBefore: Newest | undefined;

  constructor(columns: SortedSamples) {
    this.columns = columns;
  }

  /** The series' last time becomes that of the columns if they are newer. It is a bound until the file has them. */
  raiseLastTime(table: SeriesTable, row: Row): void {
    const time = table.lastTime(row);
    if (this.columns.lastTime <= time) return;
    const base = row << ROW_SHIFT;
    const isKnown = (table.flags(row) & VALUE_KNOWN) !== 0;
    this.newestBefore = { time, isKnown, high: table.ints[base + LAST_HIGH], low: table.ints[base + LAST_LOW] };
    table.adoptLastTime(row, this.columns.lastTime);
  }

  /** The file has the columns. If their newest sample is the series' newest one, its value is known. */
  noteNewest(table: SeriesTable, row: Row): void {
    if (!this.isBound(table, row)) return;
    const { words, count } = this.columns;
    table.setLastValue(row, words[2 * count - 2 + HIGH_WORD], words[2 * count - 2 + LOW_WORD]);
  }

  /** The file does not have the columns. `lateTime` is the time of the newest late sample. */
  lowerLastTime(table: SeriesTable, row: Row, lateTime: number): void {
    const before = this.newestBefore;
    if (before === undefined || !this.isBound(table, row)) return;
    table.adoptLastTime(row, Math.max(before.time, lateTime));
    if (before.isKnown && before.time >= lateTime) table.setLastValue(row, before.high, before.low);
  }

  /** Whether the series has no sample yet that is newer than the columns. */
  private isBound(table: SeriesTable, row: Row): boolean {
    return (
      this.newestBefore !== undefined &&
      table.lastTime(row) === this.columns.lastTime &&
      (table.flags(row) & VALUE_KNOWN) === 0
    );
  }
}

export class Backfills {
  private readonly series = new Map<Row, Backfill>();

  has(row: Row): boolean {
    return this.series.size > 0 && this.series.has(row);
  }

  of(row: Row): Backfill | undefined {
    return this.series.size === 0 ? undefined : this.series.get(row);
  }

  /** Hands columns to the next file call of the series, which has none waiting. They must not be empty. */
  add(row: Row, columns: SortedSamples): Backfill {
    const backfill = new Backfill(columns);
    this.series.set(row, backfill);
    return backfill;
  }

  remove(row: Row): void {
    this.series.delete(row);
  }
}
