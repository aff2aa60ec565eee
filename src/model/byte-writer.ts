/**
 * A growing buffer for the formats' primitives: zigzag and plain base-128 integers, length-prefixed strings, metrics,
 * big-endian halves (docs/formats/codable.md). The buffer grows as needed, so writes never fail for lack of space.
 */
import { highHalf, lowHalf, writeInt32BE } from './int64.ts';
import type { LabelPairs } from './labels.ts';
import { encodeText, hasEscapedBytes } from './utf8.ts';

/** The longest base-128 form of 64 bits. */
const VARINT_BYTES_MAX = 10;

export class ByteWriter {
  private bytes: Buffer;
  private end = 0;

  constructor(capacity = 256) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.end;
  }

  /** The written bytes, as a view that the next write may change. */
  view(): Buffer {
    return this.bytes.subarray(0, this.end);
  }

  /** The written bytes, as a copy. */
  copy(): Buffer {
    return Buffer.from(this.view());
  }

  /** Discards the written bytes and keeps the memory. */
  clear(): void {
    this.end = 0;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.end++] = value;
  }

  /** Raw bytes, without a length before them. */
  raw(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.end);
    this.end += source.length;
  }

  /** `byteCount` zero bytes; returns the buffer's offset of the first, for {@link target}. */
  gap(byteCount: number): number {
    this.reserve(byteCount);
    const start = this.end;
    this.bytes.fill(0, start, start + byteCount);
    this.end = start + byteCount;
    return start;
  }

  /** The same as {@link gap}, but the bytes are not zeroed: for a caller that fills all of them. */
  room(byteCount: number): number {
    this.reserve(byteCount);
    const start = this.end;
    this.end = start + byteCount;
    return start;
  }

  /** The buffer itself, to fill a {@link gap} or {@link room}; valid until the next write. */
  get target(): Uint8Array {
    return this.bytes;
  }

  /** Four bytes, big endian. */
  int32BE(value: number): void {
    this.reserve(4);
    writeInt32BE(this.bytes, this.end, value);
    this.end += 4;
  }

  /** A fingerprint, or another 64-bit number in halves: 8 bytes, big endian. */
  halvesBE(high: number, low: number): void {
    this.int32BE(high);
    this.int32BE(low);
  }

  /** An integer, zigzag base-128. A number beyond the int64 range is written as the nearest end of the range. */
  svarint(value: number): void {
    if (value >= -0x40000000 && value < 0x40000000) {
      this.smallUvarint(((value << 1) ^ (value >> 31)) >>> 0);
      return;
    }
    this.zigzag(highHalf(value), lowHalf(value));
  }

  /** An int64 beyond 2^53, such as nanoseconds, zigzag base-128. */
  svarintBig(value: bigint): void {
    if (value === -1n) {
      this.byte(1);
      return;
    }
    const bits = BigInt.asUintN(64, value);
    this.zigzag(Number(bits >> 32n), Number(bits & 0xffffffffn));
  }

  /** A count or length, plain base-128; 0 to 2^53. */
  uvarint(value: number): void {
    if (value < 0x80000000) this.smallUvarint(value);
    else this.uvarintHalves(Math.floor(value / 4294967296), value | 0);
  }

  /** Text as UTF-8, preceded by its length in bytes (zigzag). */
  string(text: string): void {
    const length = text.length;
    if (length < 64 && this.shortAscii(text, length)) return;
    if (hasEscapedBytes(text)) {
      const bytes = encodeText(text);
      this.svarint(bytes.length);
      this.raw(bytes);
      return;
    }
    const byteCount = Buffer.byteLength(text);
    this.svarint(byteCount);
    this.reserve(byteCount);
    this.bytes.write(text, this.end);
    this.end += byteCount;
  }

  /** Label count (zigzag), then names and values in the order given. */
  metric(pairs: LabelPairs): void {
    this.svarint(pairs.length >> 1);
    for (let i = 0; i < pairs.length; i++) this.string(pairs[i]);
  }

  /** Writes a short ASCII string, as most are: its length takes one byte. Undone at the first non-ASCII character. */
  private shortAscii(text: string, length: number): boolean {
    this.reserve(length + 1);
    const { bytes, end } = this;
    bytes[end] = length << 1;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      bytes[end + 1 + i] = code;
    }
    this.end = end + 1 + length;
    return true;
  }

  private smallUvarint(value: number): void {
    this.reserve(VARINT_BYTES_MAX);
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.end++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.end++] = rest;
  }

  private zigzag(high: number, low: number): void {
    const sign = high >> 31;
    this.uvarintHalves(((high << 1) | (low >>> 31)) ^ sign, (low << 1) ^ sign);
  }

  private uvarintHalves(high: number, low: number): void {
    this.reserve(VARINT_BYTES_MAX);
    let upper = high >>> 0;
    let lower = low >>> 0;
    while (upper !== 0 || lower >= 0x80) {
      this.bytes[this.end++] = (lower & 0x7f) | 0x80;
      lower = ((lower >>> 7) | (upper << 25)) >>> 0;
      upper >>>= 7;
    }
    this.bytes[this.end++] = lower;
  }

  private reserve(more: number): void {
    const needed = this.end + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.end);
    this.bytes = grown;
  }
}
