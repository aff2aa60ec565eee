/**
 * The label objects that queries hand out, by row: a query that finds a series again hands out the same object, which is
 * frozen. A look-up of a hundred thousand series would otherwise make as many objects, and the engine would copy them
 * while they survive its collections, which holds the event loop for longer than everything else in a look-up.
 *
 * Objects that no query has used for one to two minutes are released, and all of them when memory is short.
 */
import { type LabelPairs, type Labels, toLabels } from '../model/labels.ts';
import { NO_ROW, type Row, type SeriesTable } from './table.ts';

/** How often a part releases the objects that were not used since the last time. */
const UNUSED_MS = 60_000;

/**
 * Objects are held in parts of up to so many rows, so that nothing of a million places is ever copied. V8 gives a large
 * part memory of its own, which its collections don't copy either.
 */
const PART_SHIFT = 15;
const PART_ROWS = 1 << PART_SHIFT;
const PART_MASK = PART_ROWS - 1;

/** An object without its labels, the place for each label, and the place of a row in a part, in the memory of V8. */
const OBJECT_BYTES = 24;
const LABEL_BYTES = 8;
const PLACE_BYTES = 9;

/** The objects of some successive rows. It may end before its last rows. */
interface Part {
  objects: (Labels | undefined)[];
  /** 1 for a row whose object was used since the part was swept. */
  used: Uint8Array;
  /** In milliseconds of a monotonic clock. */
  sweptAt: number;
}

export class LabelObjects {
  private readonly table: SeriesTable;
  private readonly bytesMax: number;
  private readonly parts: (Part | undefined)[] = [];
  private byteCount = 0;
  /** As of the last {@link releaseUnused}. */
  private now = 0;

  /** `bytesMax` 0 keeps nothing. */
  constructor(table: SeriesTable, bytesMax: number) {
    this.table = table;
    this.bytesMax = bytesMax;
    table.onLabelsGone = (row, pairs) => this.forget(row, pairs);
  }

  /** Bytes of everything that is kept, at most `bytesMax`. */
  get bytes(): number {
    return this.byteCount;
  }

  /** The label set as a frozen object. `row` is where the series was found, or NO_ROW for an archived one. */
  of(row: Row, pairs: LabelPairs): Labels {
    // The row may belong to another series by now.
    if (row === NO_ROW || this.table.labels[row] !== pairs) return toLabels(pairs);
    const part = this.parts[row >> PART_SHIFT];
    const place = row & PART_MASK;
    if (part === undefined || place >= part.used.length) return this.keep(row, pairs);
    const known = part.objects[place];
    if (known === undefined) return this.keep(row, pairs);
    part.used[place] = 1;
    return known;
  }

  /**
   * Releases what was not used for a minute or two, of one part at each call. `now` is in milliseconds of a monotonic
   * clock.
   */
  releaseUnused(now: number): void {
    this.now = now;
    const index = this.parts.findIndex((part) => part !== undefined && now - part.sweptAt >= UNUSED_MS);
    if (index >= 0) this.sweep(index);
  }

  clear(): void {
    this.parts.length = 0;
    this.byteCount = 0;
  }

  private keep(row: Row, pairs: LabelPairs): Labels {
    const labels = toLabels(pairs);
    const index = row >> PART_SHIFT;
    const place = row & PART_MASK;
    const bytes = bytesOf(pairs);
    const part = this.parts[index];
    const growth = part !== undefined && place < part.used.length ? 0 : this.lengthOf(index) - lengthOf(part);
    if (this.byteCount + bytes + growth * PLACE_BYTES > this.bytesMax) return labels;
    const { objects, used } = growth === 0 ? (part as Part) : this.lengthen(index);
    objects[place] = labels;
    used[place] = 1;
    this.byteCount += bytes;
    return labels;
  }

  /** Places for each row that the table has by now, and for twice as many as before if the part grows. */
  private lengthOf(index: number): number {
    const rows = this.table.size - index * PART_ROWS;
    return Math.min(Math.max(rows, 2 * lengthOf(this.parts[index])), PART_ROWS);
  }

  private lengthen(index: number): Part {
    const before = this.parts[index];
    const length = this.lengthOf(index);
    const places = new Array<undefined>(length - lengthOf(before)).fill(undefined);
    const used = new Uint8Array(length);
    used.set(before?.used ?? []);
    const part = { objects: (before?.objects ?? []).concat(places), used, sweptAt: before?.sweptAt ?? this.now };
    this.parts[index] = part;
    this.byteCount += PLACE_BYTES * places.length;
    return part;
  }

  private sweep(index: number): void {
    const { objects, used } = this.parts[index] as Part;
    let kept = 0;
    for (let place = 0; place < used.length; place++) {
      if (objects[place] === undefined) continue;
      if (used[place] === 1) kept++;
      else this.forget(index * PART_ROWS + place, this.table.labels[index * PART_ROWS + place] as LabelPairs);
    }
    used.fill(0);
    (this.parts[index] as Part).sweptAt = this.now;
    if (kept > 0) return;
    this.parts[index] = undefined;
    this.byteCount -= PLACE_BYTES * used.length;
  }

  private forget(row: Row, pairs: LabelPairs): void {
    const part = this.parts[row >> PART_SHIFT];
    const place = row & PART_MASK;
    if (part?.objects[place] === undefined) return;
    part.objects[place] = undefined;
    this.byteCount -= bytesOf(pairs);
  }
}

const lengthOf = (part: Part | undefined): number => (part === undefined ? 0 : part.used.length);

const bytesOf = (pairs: LabelPairs): number => OBJECT_BYTES + LABEL_BYTES * (pairs.length >> 1);
