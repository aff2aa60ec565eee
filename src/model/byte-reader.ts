/**
 * Reads the formats' primitives from bytes (docs/formats/codable.md). It never reads beyond the given end. If bytes are
 * missing, it throws {@link OutOfBytes}; a reader of slices then fetches more bytes. If bytes are wrong, it throws
 * {@link MalformedBytes}. It allocates memory for a length only after checking that so many bytes are there.
 */
import { fromHalves, readInt32BE } from './int64.ts';
import type { LabelPairs } from './labels.ts';
import { MalformedBytes, OutOfBytes } from './malformed-bytes.ts';
import { sortedPairs } from './sorted-pairs.ts';
import { isSameAscii, type TextTable } from './text-table.ts';

const VARINT_BITS_MAX = 70;
/** How many texts of a metric are kept, so that the next metric can be compared with them. */
const RECENT_TEXTS_MAX = 128;

export class ByteReader {
  /** Offset of the next byte. */
  position = 0;
  private bytes: Uint8Array;
  private end: number;
  private readonly texts: TextTable;
  /** Halves of the last integer that was read. */
  private high = 0;
  private low = 0;
  /** The texts of the last metric that was read, followed by leftover texts of longer metrics before it. */
  private readonly recent: string[] = [];

  constructor(texts: TextTable, bytes: Uint8Array = new Uint8Array(0)) {
    this.texts = texts;
    this.bytes = bytes;
    this.end = bytes.length;
  }

  /** Continues with other bytes: `start` to `end` of a buffer. */
  reset(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.end - this.position;
  }

  byte(): number {
    if (this.position >= this.end) throw new OutOfBytes();
    return this.bytes[this.position++];
  }

  /** A view of the next bytes. */
  raw(byteCount: number): Uint8Array {
    const start = this.skip(byteCount);
    return this.bytes.subarray(start, start + byteCount);
  }

  /** Skips bytes and returns the offset of the first. */
  skip(byteCount: number): number {
    if (byteCount > this.end - this.position) throw new OutOfBytes();
    const start = this.position;
    this.position = start + byteCount;
    return start;
  }

  /** Four bytes, big endian, as a signed int32: one half of a fingerprint. */
  int32BE(): number {
    return readInt32BE(this.bytes, this.skip(4));
  }

  /** 8 bytes, big endian, signed; exact up to 2^53. */
  int64BE(): number {
    const high = this.int32BE();
    return fromHalves(high, this.int32BE());
  }

  /** A zigzag base-128 integer as a number: exact up to 2^53, rounded beyond. */
  svarint(): number {
    this.varint();
    const half = (this.high >>> 0) * 2147483648 + (this.low >>> 1);
    return (this.low & 1) === 0 ? half : -half - 1;
  }

  /** A zigzag base-128 integer, all 64 bits. */
  svarintBig(): bigint {
    this.varint();
    if (this.high === 0 && this.low === 1) return -1n;
    const zigzag = (BigInt(this.high >>> 0) << 32n) | BigInt(this.low >>> 0);
    return (zigzag >> 1n) ^ -(zigzag & 1n);
  }

  /** A plain base-128 integer as a number: exact up to 2^53, rounded beyond. */
  uvarint(): number {
    this.varint();
    return (this.high >>> 0) * 4294967296 + (this.low >>> 0);
  }

  /** A count: zigzag, not negative. `what` names it in the error. */
  count(what: string): number {
    const value = this.svarint();
    if (value < 0) throw new MalformedBytes(`${what} is negative: ${value}`);
    return value;
  }

  /** UTF-8 text, preceded by its length in bytes (zigzag). */
  string(): string {
    const byteCount = this.count('string length');
    const start = this.skip(byteCount);
    return this.texts.read(this.bytes, start, start + byteCount);
  }

  /** Names and values in the stored order. */
  unsortedMetric(): string[] {
    const count = this.count('number of labels');
    // A label takes two bytes or more.
    if (count * 2 > this.remaining) throw new OutOfBytes();
    const { recent } = this;
    for (let i = 0; i < count * 2; i++) {
      const guess = i < recent.length ? recent[i] : '';
      const text = this.stringLike(guess);
      recent[i] = text === guess || i % 2 === 1 ? text : asPropertyName(text);
    }
    // A slice has no spare capacity. Spare capacity would occupy memory for as long as the series exists.
    const texts = recent.slice(0, count * 2);
    if (recent.length > RECENT_TEXTS_MAX) recent.length = RECENT_TEXTS_MAX;
    return texts;
  }

  /** A metric in the store's form: sorted by name, without labels that have an empty value. */
  metric(): LabelPairs {
    return sortedPairs(this.unsortedMetric());
  }

  /** {@link string}, but faster if the text equals `guess`: successive metrics share most of their texts. */
  private stringLike(guess: string): string {
    const byteCount = this.count('string length');
    const start = this.skip(byteCount);
    if (isSameAscii(guess, this.bytes, start, start + byteCount)) return guess;
    return this.texts.read(this.bytes, start, start + byteCount);
  }

  private varint(): void {
    const { bytes, end } = this;
    let position = this.position;
    if (position < end && bytes[position] < 0x80) {
      this.low = bytes[position];
      this.high = 0;
      this.position = position + 1;
      return;
    }
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < VARINT_BITS_MAX; shift += 7) {
      if (position >= end) throw new OutOfBytes();
      const byte = bytes[position++];
      const group = byte & 0x7f;
      if (shift < 28) low |= group << shift;
      else if (shift === 28) {
        low |= group << 28;
        high = group >>> 4;
      } else high |= group << (shift - 32);
      if (byte < 0x80) {
        if (shift === 63 && byte > 1) break;
        this.position = position;
        this.high = high;
        this.low = low;
        return;
      }
    }
    throw new MalformedBytes('base-128 integer exceeds 64 bits');
  }
}

/**
 * The same text as the string object that the engine uses for property names. Building label objects from other string
 * objects takes three times as long, because the engine looks up every name each time.
 */
const asPropertyName = (text: string): string => Object.keys({ [text]: 0 })[0];
