/**
 * The label objects that queries hand out, by row: a query that finds a series again hands out the same object, which is
 * frozen. A look-up of a hundred thousand series would otherwise make as many objects, and the engine would copy them
 * while they survive its collections, which holds the event loop for longer than everything else in a look-up.
 *
 * Objects that no query has used for one to two minutes are released, and all of them when memory is short.
 */
import { type LabelPairs, type Labels, toLabels } from '../model/labels.ts';
import { NO_ROW, type Row, type SeriesTable } from './table.ts';

/** Objects that were not used for so long are released, at the latest after twice the time. */
const UNUSED_MS = 60_000;

/**
 * Objects are held in parts of up to so many rows, so that nothing of a million places is ever copied. V8 gives a large
 * part memory of its own, which its collections don't copy either.
 */
const PART_SHIFT = 15;
const PART_ROWS = 1 << PART_SHIFT;
const PART_MASK = PART_ROWS - 1;

/** An object without its labels, and the place for each label, in the memory of V8. */
const OBJECT_BYTES = 24;
const PLACE_BYTES = 8;

/** Label objects by row; a part may be missing, or end before its last rows. */
type Part = (Labels | undefined)[];

export class LabelObjects {
  private readonly table: SeriesTable;
  private readonly bytesMax: number;
  /** What was used since the last change of generations, and in the generation before. No row is in both. */
  private recent: Part[] = [];
  private earlier: Part[] = [];
  private recentBytes = 0;
  private earlierBytes = 0;
  /** When the generations changed, in milliseconds of a monotonic clock. */
  private changedAt = 0;

  /** `bytesMax` 0 keeps nothing. */
  constructor(table: SeriesTable, bytesMax: number) {
    this.table = table;
    this.bytesMax = bytesMax;
    table.onLabelsGone = (row, pairs) => this.forget(row, pairs);
  }

  /** Bytes of everything that is kept. */
  get bytes(): number {
    return this.recentBytes + this.earlierBytes;
  }

  /** The label set as a frozen object. `row` is where the series was found, or NO_ROW for an archived one. */
  of(row: Row, pairs: LabelPairs): Labels {
    // The row may belong to another series by now.
    if (row === NO_ROW || this.table.labels[row] !== pairs) return toLabels(pairs);
    const part = this.recent[row >> PART_SHIFT];
    const place = row & PART_MASK;
    const known = part !== undefined && place < part.length ? part[place] : undefined;
    return known ?? this.keep(row, pairs);
  }

  /** `now` is in milliseconds of a monotonic clock. */
  releaseUnused(now: number): void {
    if (now - this.changedAt < UNUSED_MS) return;
    this.changedAt = now;
    this.earlier = this.recent;
    this.earlierBytes = this.recentBytes;
    this.recent = [];
    this.recentBytes = 0;
  }

  clear(): void {
    this.recent = [];
    this.earlier = [];
    this.recentBytes = 0;
    this.earlierBytes = 0;
  }

  private keep(row: Row, pairs: LabelPairs): Labels {
    const labels = this.takeEarlier(row, pairs) ?? toLabels(pairs);
    if (this.bytes >= this.bytesMax) return labels;
    const index = row >> PART_SHIFT;
    const place = row & PART_MASK;
    const part = this.recent[index];
    if (part !== undefined && place < part.length) part[place] = labels;
    else this.lengthen(index)[place] = labels;
    this.recentBytes += bytesOf(pairs);
    return labels;
  }

  /** A part with a place for each row that the table has by now, and for as many as before if it grows. */
  private lengthen(index: number): Part {
    const before = this.recent[index] ?? [];
    const length = Math.min(Math.max(this.table.size - index * PART_ROWS, 2 * before.length), PART_ROWS);
    const part = before.concat(new Array<undefined>(length - before.length).fill(undefined));
    this.recent[index] = part;
    this.recentBytes += PLACE_BYTES * (length - before.length);
    return part;
  }

  private takeEarlier(row: Row, pairs: LabelPairs): Labels | undefined {
    const labels = this.earlier[row >> PART_SHIFT]?.[row & PART_MASK];
    if (labels === undefined) return undefined;
    this.earlier[row >> PART_SHIFT][row & PART_MASK] = undefined;
    this.earlierBytes -= bytesOf(pairs);
    return labels;
  }

  private forget(row: Row, pairs: LabelPairs): void {
    this.takeEarlier(row, pairs);
    const part = this.recent[row >> PART_SHIFT];
    if (part?.[row & PART_MASK] === undefined) return;
    part[row & PART_MASK] = undefined;
    this.recentBytes -= bytesOf(pairs);
  }
}

const bytesOf = (pairs: LabelPairs): number => OBJECT_BYTES + PLACE_BYTES * (pairs.length >> 1);
