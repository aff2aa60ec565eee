/**
 * The set of values of one label name, in the form in which the index stores it: each value's length and UTF-8 bytes,
 * one after the other. A hash table has the offsets of the values. A label with a million values costs their bytes and
 * 8 bytes each for the table. Adding a value neither decodes nor copies the others. The table of a large set is in
 * parts, each of which grows by itself: growing a table of a million values would hold the event loop for 40 ms.
 *
 * A removed value stays in place until the set is encoded. It is marked by the sign bit of its length, which is never
 * set in a length.
 */
import { MalformedBytes, OutOfBytes } from '../model/malformed-bytes.ts';
import type { TextTable } from '../model/text-table.ts';
import { encodeText, hasEscapedBytes } from '../model/utf8.ts';

const FREE = 0;
const REMOVED = -1;
const LENGTH_BYTES_MAX = 5;
/** Bytes before the values in which the count is written when the set is encoded. */
const COUNT_ROOM = LENGTH_BYTES_MAX;
const SIGN_BIT = 1;
/** From this number of values on, the table has many parts. */
const PARTED_FROM = 1 << 15;
const PART_BITS = 8;
const FIRST_PLACES = 16;
/** Sets larger than this are not converted to one text. No cache keeps such large sets. */
const CUT_BYTES_MAX = 1 << 26;

export class ValueSet {
  private body: Buffer;
  /** The values are in the body from here on. Before them is at least {@link COUNT_ROOM}. */
  private start = COUNT_ROOM;
  /** Where the values end. */
  private end = COUNT_ROOM;
  private valueCount = 0;
  private removedCount = 0;
  /**
   * The table, in one part or in many: the upper bits of a value's hash say in which part it is. A place has the offset
   * of a value + 1, or FREE, or REMOVED. The length of a part is a power of two, and at most three quarters are in use.
   */
  private parts: Int32Array[] = [new Int32Array(FIRST_PLACES)];
  /** For each part, the number of places in use. */
  private used: number[] = [0];
  private placeBytes = FIRST_PLACES * Int32Array.BYTES_PER_ELEMENT;
  /** Range of the text that was read last. */
  private textStart = 0;
  private textEnd = 0;

  constructor(capacity = 256) {
    this.body = Buffer.allocUnsafe(COUNT_ROOM + capacity);
  }

  /** Decodes a set: count, then strings in any order. Throws `MalformedBytes` or `OutOfBytes`. */
  static decode(bytes: Uint8Array): ValueSet {
    const set = new ValueSet(bytes.length);
    set.body.set(bytes, COUNT_ROOM);
    set.end = COUNT_ROOM + bytes.length;
    const count = set.readLength(COUNT_ROOM);
    set.start = set.textStart;
    if (count > set.end - set.start) throw new OutOfBytes();
    set.setUpParts(count);
    let offset = set.start;
    for (let i = 0; i < count; i++) {
      set.readText(offset);
      const next = set.textEnd;
      if (!set.insert(offset)) set.markRemoved(offset);
      offset = next;
    }
    set.end = offset;
    return set;
  }

  /** Number of values in the set. */
  get size(): number {
    return this.valueCount;
  }

  /** Approximate memory of the set. */
  get byteCount(): number {
    return this.body.length + this.placeBytes + 200;
  }

  has(value: string): boolean {
    return this.find(this.write(value)) >= 0;
  }

  /** Adds a value; returns whether it was not in the set before. */
  add(value: string): boolean {
    const start = this.end;
    const end = this.write(value);
    if (this.find(end) >= 0) return false;
    this.end = end;
    this.insert(start);
    return true;
  }

  /** Removes a value; returns whether it was in the set. */
  delete(value: string): boolean {
    const end = this.write(value);
    const place = this.find(end);
    if (place < 0) return false;
    const places = this.parts[this.partOf(hashOf(this.body, this.end, end))];
    this.markRemoved(places[place] - 1);
    places[place] = REMOVED;
    this.valueCount--;
    return true;
  }

  /** The values, in no particular order. */
  values(texts: TextTable): string[] {
    const values: string[] = [];
    for (const places of this.parts) {
      for (const place of places) {
        if (place <= FREE) continue;
        this.readText(place - 1);
        values.push(texts.read(this.body, this.textStart, this.textEnd));
      }
    }
    return values;
  }

  /**
   * The values that pass a test, in no particular order. Most values don't pass, and their texts are needed only for
   * the test. So these texts are cut from one text of all values, which takes a fifth of the time of creating texts
   * that stay.
   */
  valuesThat(passes: (value: string) => boolean, texts: TextTable): string[] {
    const passed: string[] = [];
    const all = this.end <= CUT_BYTES_MAX ? this.body.toString('latin1', 0, this.end) : '';
    for (const places of this.parts) {
      for (const place of places) {
        if (place <= FREE) continue;
        this.readText(place - 1);
        const { textStart, textEnd } = this;
        const isCut = textEnd <= all.length && isAscii(this.body, textStart, textEnd);
        if (!passes(isCut ? all.slice(textStart, textEnd) : texts.read(this.body, textStart, textEnd))) continue;
        passed.push(texts.read(this.body, textStart, textEnd));
      }
    }
    return passed;
  }

  /**
   * The encoding of the set: a view of its memory, valid until the set is changed. Copying a set of a million values would
   * hold the event loop for milliseconds.
   */
  encode(): Buffer {
    if (this.removedCount > 0) this.compact();
    const count = Buffer.allocUnsafe(LENGTH_BYTES_MAX);
    const from = this.start - writeLength(count, 0, this.valueCount);
    this.body.set(count.subarray(0, this.start - from), from);
    return this.body.subarray(from, this.end);
  }

  private markRemoved(offset: number): void {
    this.body[offset] |= SIGN_BIT;
    this.removedCount++;
  }

  /** Moves the remaining values to a new body. */
  private compact(): void {
    const { body, parts } = this;
    this.body = Buffer.allocUnsafe(this.end);
    this.start = COUNT_ROOM;
    this.end = COUNT_ROOM;
    const count = this.valueCount;
    this.valueCount = 0;
    this.removedCount = 0;
    this.setUpParts(count);
    for (const places of parts) {
      for (const place of places) {
        if (place <= FREE) continue;
        const start = this.end;
        this.end += copyEntry(body, place - 1, this.body, start);
        this.insert(start);
      }
    }
  }

  /**
   * Writes a value after the end of the body; returns the offset after it. The value belongs to the set only if `end`
   * is then moved to that offset.
   */
  private write(value: string): number {
    const most = LENGTH_BYTES_MAX + value.length * 3;
    if (this.end + most > this.body.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.end + most, this.body.length * 2));
      this.body.copy(grown, 0, 0, this.end);
      this.body = grown;
    }
    const { body, end } = this;
    const length = value.length;
    if (length < 64) {
      let i = 0;
      for (; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code >= 0x80) break;
        body[end + 1 + i] = code;
      }
      if (i === length) {
        body[end] = length * 2;
        return end + 1 + length;
      }
    }
    if (hasEscapedBytes(value)) {
      const bytes = encodeText(value);
      const at = writeLength(body, end, bytes.length);
      body.set(bytes, at);
      return at + bytes.length;
    }
    const start = writeLength(body, end, Buffer.byteLength(value));
    return start + body.write(value, start);
  }

  /**
   * The place, in its part, of the value that was written after the body and ends at `end`; -1 when it is not in the
   * set.
   */
  private find(end: number): number {
    const { body } = this;
    const start = this.end;
    const hash = hashOf(body, start, end);
    const places = this.parts[this.partOf(hash)];
    const mask = places.length - 1;
    let place = hash & mask;
    for (;;) {
      const at = places[place];
      if (at === FREE) return -1;
      if (at !== REMOVED && isSame(body, at - 1, start, end)) return place;
      place = (place + 1) & mask;
    }
  }

  /** Enters the value at an offset of the body in the table; false when the set has it already. */
  private insert(offset: number): boolean {
    this.readText(offset);
    const { body, textEnd } = this;
    const hash = hashOf(body, offset, textEnd);
    const part = this.partWithRoom(hash);
    const places = this.parts[part];
    const mask = places.length - 1;
    let place = hash & mask;
    while (places[place] !== FREE) {
      if (places[place] !== REMOVED && isSame(body, places[place] - 1, offset, textEnd)) return false;
      place = (place + 1) & mask;
    }
    places[place] = offset + 1;
    this.used[part]++;
    this.valueCount++;
    return true;
  }

  private partOf(hash: number): number {
    return this.parts.length === 1 ? 0 : hash >>> (32 - PART_BITS);
  }

  /** The part for a hash, with room for one more value. */
  private partWithRoom(hash: number): number {
    const part = this.partOf(hash);
    if ((this.used[part] + 1) * 4 <= this.parts[part].length * 3) return part;
    if (this.parts.length === 1 && this.valueCount >= PARTED_FROM) {
      const [places] = this.parts;
      this.setUpParts(this.valueCount + 1);
      this.enterAll(places);
      return this.partOf(hash);
    }
    this.growPart(part);
    return part;
  }

  /** Makes an empty table that has room for a number of values and about half as many more. */
  private setUpParts(count: number): void {
    const partCount = count < PARTED_FROM ? 1 : 1 << PART_BITS;
    const length = lengthFor(count / partCount);
    this.parts = Array.from({ length: partCount }, () => new Int32Array(length));
    this.used = new Array<number>(partCount).fill(0);
    this.placeBytes = partCount * length * Int32Array.BYTES_PER_ELEMENT;
  }

  private growPart(part: number): void {
    const places = this.parts[part];
    let count = 1;
    for (const at of places) if (at > FREE) count++;
    const grown = new Int32Array(lengthFor(count));
    this.placeBytes += grown.byteLength - places.byteLength;
    this.parts[part] = grown;
    this.used[part] = 0;
    this.enterAll(places);
  }

  /** Enters values that are not in the table. */
  private enterAll(offsets: Int32Array): void {
    for (const at of offsets) {
      if (at <= FREE) continue;
      this.readText(at - 1);
      const hash = hashOf(this.body, at - 1, this.textEnd);
      const part = this.partWithRoom(hash);
      const places = this.parts[part];
      let place = hash & (places.length - 1);
      while (places[place] !== FREE) place = (place + 1) & (places.length - 1);
      places[place] = at;
      this.used[part]++;
    }
  }

  /** Sets `textStart` and `textEnd` to the value at an offset. */
  private readText(offset: number): void {
    const length = this.readLength(offset);
    this.textEnd = this.textStart + length;
    if (this.textEnd > this.end) throw new OutOfBytes();
  }

  /** Reads a length or count; sets `textStart` to the offset after it. */
  private readLength(offset: number): number {
    let value = 0;
    let scale = 1;
    for (let i = offset; i < offset + 8; i++) {
      if (i >= this.end) throw new OutOfBytes();
      const byte = this.body[i];
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) {
        if (value % 2 !== 0) throw new MalformedBytes('length or number of label values is negative');
        if (byte === 0 && i > offset)
          throw new MalformedBytes('length or number of label values is not in its shortest form');
        this.textStart = i + 1;
        return value / 2;
      }
    }
    throw new MalformedBytes('length or number of label values is too large');
  }
}

/** Number of places for so many values and half as many more. */
const lengthFor = (count: number): number => {
  let length = FIRST_PLACES;
  while (length * 3 < count * 6) length *= 2;
  return length;
};

/** Writes a length, zigzag base-128; returns the offset after it. */
const writeLength = (bytes: Buffer, offset: number, length: number): number => {
  let end = offset;
  let rest = length * 2;
  while (rest >= 0x80) {
    bytes[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[end++] = rest;
  return end;
};

/** Copies the length and bytes of one value; returns the number of bytes copied. */
const copyEntry = (from: Buffer, offset: number, to: Buffer, target: number): number => {
  let length = 0;
  let shift = 0;
  let start = offset;
  for (;;) {
    const byte = from[start++];
    length |= (byte & 0x7f) << shift;
    shift += 7;
    if (byte < 0x80) break;
  }
  const end = start + length / 2;
  return from.copy(to, target, offset, end);
};

const isAscii = (bytes: Buffer, start: number, end: number): boolean => {
  for (let i = start; i < end; i++) if (bytes[i] >= 0x80) return false;
  return true;
};

/** FNV-1a over a value with its length. */
const hashOf = (bytes: Buffer, start: number, end: number): number => {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash ^ (hash >>> 15);
};

/**
 * Whether the value at an offset equals the one from `start` to before `end`. The lengths are compared first, so that
 * both values end at the same place.
 */
const isSame = (bytes: Buffer, offset: number, start: number, end: number): boolean => {
  for (let i = start, j = offset; i < end; i++, j++) {
    if (bytes[i] !== bytes[j]) return false;
  }
  return true;
};
