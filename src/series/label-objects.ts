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
/** The length of a part that has no object beyond it. */
const PART_ROWS_MIN = 64;
/** An object without its labels. */
const OBJECT_BYTES = 24;

/** Label objects by row. */
class Parts {
  bytes = 0;
  private readonly parts: (Labels | undefined)[][] = [];

  get(row: Row): Labels | undefined {
    const part = this.parts[row >> PART_SHIFT];
    const place = row & PART_MASK;
    return part !== undefined && place < part.length ? part[place] : undefined;
  }

  set(row: Row, labels: Labels, pairs: LabelPairs): void {
    const part = this.parts[row >> PART_SHIFT];
    const place = row & PART_MASK;
    if (part !== undefined && place < part.length) part[place] = labels;
    else this.lengthen(row >> PART_SHIFT, place)[place] = labels;
    this.bytes += bytesOf(pairs);
  }

  remove(row: Row, pairs: LabelPairs): void {
    if (this.get(row) === undefined) return;
    this.parts[row >> PART_SHIFT][row & PART_MASK] = undefined;
    this.bytes -= bytesOf(pairs);
  }

  /** A part with room for a place. Parts of a small table are short. */
  private lengthen(index: number, place: number): (Labels | undefined)[] {
    const before = this.parts[index] ?? [];
    const length = Math.max(PART_ROWS_MIN, 2 ** Math.ceil(Math.log2(place + 1)));
    const part = new Array<Labels | undefined>(length).fill(undefined);
    for (let i = 0; i < before.length; i++) part[i] = before[i];
    this.parts[index] = part;
    this.bytes += 8 * (length - before.length);
    return part;
  }
}

export class LabelObjects {
  private readonly table: SeriesTable;
  private readonly bytesMax: number;
  /** What was used since the last change of generations, and in the generation before. No row is in both. */
  private recent = new Parts();
  private earlier = new Parts();
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
    return this.recent.bytes + this.earlier.bytes;
  }

  /** The label set as a frozen object. `row` is where the series was found, or NO_ROW for an archived one. */
  of(row: Row, pairs: LabelPairs): Labels {
    // The row may belong to another series by now.
    if (row === NO_ROW || this.table.labels[row] !== pairs) return toLabels(pairs);
    const known = this.recent.get(row);
    if (known !== undefined) return known;
    const before = this.earlier.get(row);
    if (before === undefined && this.bytes >= this.bytesMax) return toLabels(pairs);
    if (before !== undefined) this.earlier.remove(row, pairs);
    const labels = before ?? toLabels(pairs);
    this.recent.set(row, labels, pairs);
    return labels;
  }

  /** `now` is in milliseconds of a monotonic clock. */
  releaseUnused(now: number): void {
    if (now - this.changedAt < UNUSED_MS) return;
    this.changedAt = now;
    this.earlier = this.recent;
    this.recent = new Parts();
  }

  clear(): void {
    this.recent = new Parts();
    this.earlier = new Parts();
  }

  private forget(row: Row, pairs: LabelPairs): void {
    this.recent.remove(row, pairs);
    this.earlier.remove(row, pairs);
  }
}

const bytesOf = (pairs: LabelPairs): number => OBJECT_BYTES + 4 * pairs.length;
