/**
 * Writes the wire format of Protocol Buffers into one growing buffer. Fields with their default value are written too;
 * the caller leaves them out if the format says so. The same calls give the same bytes.
 *
 *   writer.begin(1); writer.string(1, 'job'); writer.string(2, 'x'); writer.end();
 */
import { FIXED64, LENGTH_DELIMITED, VARINT } from './protobuf-reader.ts';

const TWO_32 = 0x1_0000_0000;
const INITIAL_BYTES = 1024;

export class ProtobufWriter {
  private bytes: Buffer;
  private view: DataView;
  private position = 0;
  /** Where the content of each nested message that is open begins. */
  private readonly open: number[] = [];

  constructor(initialBytes = INITIAL_BYTES) {
    this.bytes = Buffer.allocUnsafe(initialBytes);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }

  /** Number of bytes written. */
  get length(): number {
    return this.position;
  }

  /** What was written. The buffer belongs to the writer until `reset`. */
  finish(): Buffer {
    return this.bytes.subarray(0, this.position);
  }

  /** Empties the writer and keeps its memory. */
  reset(): void {
    this.position = 0;
    this.open.length = 0;
  }

  /** Takes back everything after a length that `length` had. No nested message may have begun since. */
  truncate(length: number): void {
    this.position = length;
  }

  /** Begins a nested message, or a packed field. */
  begin(field: number): void {
    this.tag(field, LENGTH_DELIMITED);
    // The length is known at the end. Most are below 128 and need this one byte.
    this.reserve(1);
    this.position += 1;
    this.open.push(this.position);
  }

  /** Ends the nested message that began last. */
  end(): void {
    const start = this.open.pop() as number;
    const length = this.position - start;
    const extra = varintBytes(length) - 1;
    if (extra > 0) {
      this.reserve(extra);
      this.bytes.copyWithin(start + extra, start, this.position);
    }
    this.position = start - 1;
    this.varint(length);
    this.position += length;
  }

  /** An unsigned number of up to 53 bits. */
  uint(field: number, value: number): void {
    this.tag(field, VARINT);
    this.varint(value);
  }

  /** A signed number of 64 bits, in two's complement; exact within 53 bits. */
  int64(field: number, value: number): void {
    this.tag(field, VARINT);
    if (value >= 0) this.varint(value);
    else this.negative(value);
  }

  double(field: number, value: number): void {
    this.tag(field, FIXED64);
    this.reserve(8);
    this.view.setFloat64(this.position, value, true);
    this.position += 8;
  }

  /** A double, given by the halves of its bits: every NaN keeps its bits. */
  doubleBits(field: number, high: number, low: number): void {
    this.tag(field, FIXED64);
    this.reserve(8);
    this.view.setInt32(this.position, low, true);
    this.view.setInt32(this.position + 4, high, true);
    this.position += 8;
  }

  string(field: number, text: string): void {
    this.tag(field, LENGTH_DELIMITED);
    const length = Buffer.byteLength(text);
    this.varint(length);
    this.reserve(length);
    this.position += this.bytes.write(text, this.position, length, 'utf8');
  }

  blob(field: number, content: Uint8Array): void {
    this.tag(field, LENGTH_DELIMITED);
    this.varint(content.length);
    this.reserve(content.length);
    this.bytes.set(content, this.position);
    this.position += content.length;
  }

  /** A number of a packed field, without a tag. */
  packed(value: number): void {
    this.varint(value);
  }

  /** Bytes as they are, without a tag: fields that were written before. */
  raw(content: Uint8Array): void {
    this.reserve(content.length);
    this.bytes.set(content, this.position);
    this.position += content.length;
  }

  private tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  private varint(value: number): void {
    this.reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.position++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.position++] = rest;
  }

  private negative(value: number): void {
    this.reserve(10);
    let high = Math.floor(value / TWO_32) >>> 0;
    let low = (value - Math.floor(value / TWO_32) * TWO_32) >>> 0;
    for (let count = 0; count < 9; count++) {
      this.bytes[this.position++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.bytes[this.position++] = low & 0x7f;
  }

  private reserve(count: number): void {
    const needed = this.position + count;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.bytes.length));
    this.bytes.copy(larger, 0, 0, this.position);
    this.bytes = larger;
    this.view = new DataView(larger.buffer, larger.byteOffset, larger.byteLength);
  }
}

/** Bytes of a number that is not negative, as a varint. */
export const varintBytes = (value: number): number => {
  let count = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) count += 1;
  return count;
};
