/**
 * Finds rows by a hash: open addressing with linear probing, in 256 parts by the upper bits of the hash. Each part
 * grows by itself, because growing one table of a million rows would hold the event loop for a tenth of a second.
 */
import { NO_ROW, type Row } from './row.ts';

const PART_BITS = 8;
const PARTS = 1 << PART_BITS;
const PART_SHIFT = 32 - PART_BITS;
const FIRST_LENGTH = 16;

export class RowIndex {
  private readonly hashOf: (row: Row) => number;
  /** The length of each is a power of two, and at most half of it is in use. */
  private readonly parts: Int32Array[] = Array.from({ length: PARTS }, () => placesOf(FIRST_LENGTH));
  private readonly counts = new Int32Array(PARTS);
  private placeCount = PARTS * FIRST_LENGTH;

  /** `hashOf` gives the hash with which a row was inserted. */
  constructor(hashOf: (row: Row) => number) {
    this.hashOf = hashOf;
  }

  get bytes(): number {
    return this.placeCount * Int32Array.BYTES_PER_ELEMENT;
  }

  /**
   * The places in which rows with this hash are. The search begins at `hash & (length - 1)`, goes on at the next place,
   * at the end at the first one, and ends at NO_ROW.
   */
  placesFor(hash: number): Int32Array {
    return this.parts[hash >>> PART_SHIFT];
  }

  insert(row: Row, hash: number): void {
    const part = hash >>> PART_SHIFT;
    if (++this.counts[part] * 2 > this.parts[part].length) this.resize(part, this.parts[part].length * 2);
    insertInto(this.parts[part], row, hash);
  }

  /**
   * A following entry moves into the hole if its home is at or before the hole, so there are no marks of what was
   * erased.
   */
  erase(row: Row, hash: number): void {
    const part = hash >>> PART_SHIFT;
    const places = this.parts[part];
    this.counts[part]--;
    const mask = places.length - 1;
    let hole = hash & mask;
    while (places[hole] !== row) hole = (hole + 1) & mask;
    for (let place = (hole + 1) & mask; places[place] !== NO_ROW; place = (place + 1) & mask) {
      const home = this.hashOf(places[place]) & mask;
      if (((place - home) & mask) >= ((place - hole) & mask)) {
        places[hole] = places[place];
        hole = place;
      }
    }
    places[hole] = NO_ROW;
  }

  /** Makes room for this many rows in total, as far as they spread evenly. */
  reserve(rowCount: number): void {
    let length = FIRST_LENGTH;
    while (length * PARTS < rowCount * 2) length *= 2;
    for (let part = 0; part < PARTS; part++) if (length > this.parts[part].length) this.resize(part, length);
  }

  private resize(part: number, length: number): void {
    const before = this.parts[part];
    const places = placesOf(length);
    for (const row of before) if (row !== NO_ROW) insertInto(places, row, this.hashOf(row));
    this.parts[part] = places;
    this.placeCount += length - before.length;
  }
}

const placesOf = (length: number): Int32Array => new Int32Array(length).fill(NO_ROW);

const insertInto = (places: Int32Array, row: Row, hash: number): void => {
  const mask = places.length - 1;
  let place = hash & mask;
  while (places[place] !== NO_ROW) place = (place + 1) & mask;
  places[place] = row;
};
