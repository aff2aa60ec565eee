/**
 * Reads the wire format of Protocol Buffers: fields of four wire types, in any order, with unknown ones among them.
 * https://protobuf.dev/programming-guides/encoding/
 *
 * A reader moves over one array of bytes and makes no objects: a nested message is read in place, by narrowing the
 * reader to it. Every length is checked against the message that contains it, so that no input reads beyond its end.
 *
 *   const outer = reader.enter();          // the field's length, then its content
 *   while (reader.next()) switch (reader.field) { … default: reader.skip(); }
 *   reader.leave(outer);
 */
import { isUtf8 } from 'node:buffer';
import { WireError } from './wire-error.ts';

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
export const FIXED32 = 5;

const TWO_32 = 0x1_0000_0000;
/** Bytes of a varint of 64 bits. */
const VARINT_BYTES_MAX = 10;

export class ProtobufReader {
  /** Number of the field that `next` found. */
  field = 0;
  /** Wire type of the field that `next` found. */
  wireType = 0;
  /** The two halves of the last number of 64 bits. */
  high = 0;
  low = 0;
  private readonly bytes: Buffer;
  private readonly view: DataView;
  private position: number;
  private end: number;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = 0;
    this.end = bytes.byteLength;
  }

  /** Moves to the next field of the message; false at the message's end. Throws `WireError`. */
  next(): boolean {
    if (this.position >= this.end) return false;
    const tag = this.uint32();
    this.field = tag >>> 3;
    this.wireType = tag & 7;
    if (this.field === 0) throw this.error('field number 0');
    return true;
  }

  /** Skips the value of the current field. Throws `WireError`. */
  skip(): void {
    switch (this.wireType) {
      case VARINT:
        this.readVarint();
        return;
      case FIXED64:
        this.advance(8);
        return;
      case LENGTH_DELIMITED:
        this.advance(this.uint32());
        return;
      case FIXED32:
        this.advance(4);
        return;
      default:
        throw this.error(`wire type ${this.wireType}`);
    }
  }

  /** Narrows the reader to the message or packed field that begins here. Give the result to `leave`. */
  enter(): number {
    this.expect(LENGTH_DELIMITED);
    const length = this.uint32();
    if (length > this.end - this.position) throw this.error('a length beyond the end of its message');
    const outer = this.end;
    this.end = this.position + length;
    return outer;
  }

  /** Widens the reader to the message around, after the nested one. */
  leave(outer: number): void {
    this.position = this.end;
    this.end = outer;
  }

  /** Whether the message or packed field has been read to its end. */
  get isAtEnd(): boolean {
    return this.position >= this.end;
  }

  /** Bytes between here and the end of the message or packed field. */
  get remaining(): number {
    return this.end - this.position;
  }

  /** Where the reader stands, in bytes. */
  get offset(): number {
    return this.position;
  }

  /** Goes back to an offset of the same message, to read it once more. */
  rewind(offset: number): void {
    this.position = offset;
  }

  /** The current field, a varint, as an unsigned number of 32 bits. */
  readUint32(): number {
    this.expect(VARINT);
    return this.uint32();
  }

  /**
   * The current field, a varint of 64 bits in two's complement, as a number. Exact up to 2^53; `high` and `low` hold all
   * bits.
   */
  readInt64(): number {
    this.expect(VARINT);
    this.readVarint();
    return (this.high | 0) * TWO_32 + (this.low >>> 0);
  }

  /** The current field, eight bytes, as an unsigned or signed number; see `readInt64`. */
  readFixed64(signed = false): number {
    this.readBits();
    return (signed ? this.high | 0 : this.high >>> 0) * TWO_32 + (this.low >>> 0);
  }

  /** The current field, eight bytes, into `high` and `low`: every NaN keeps its bits. */
  readBits(): void {
    this.expect(FIXED64);
    const at = this.position;
    this.advance(8);
    this.low = this.view.getInt32(at, true);
    this.high = this.view.getInt32(at + 4, true);
  }

  /** The current field as a double. */
  readDouble(): number {
    this.expect(FIXED64);
    const at = this.position;
    this.advance(8);
    return this.view.getFloat64(at, true);
  }

  /** A double of a packed field, which `enter` has entered. */
  nextDouble(): number {
    const at = this.position;
    this.advance(8);
    return this.view.getFloat64(at, true);
  }

  /** A number of 64 bits of a packed field, unsigned. */
  nextFixed64(): number {
    const at = this.position;
    this.advance(8);
    return this.view.getUint32(at + 4, true) * TWO_32 + this.view.getUint32(at, true);
  }

  /** A varint of a packed field, unsigned, 32 bits. */
  nextUint32(): number {
    return this.uint32();
  }

  /** A varint of a packed field, unsigned, 64 bits. */
  nextUint64(): number {
    this.readVarint();
    return (this.high >>> 0) * TWO_32 + (this.low >>> 0);
  }

  /** The current field as text. Throws `WireError` if it is not UTF-8. */
  readString(): string {
    const bytes = this.readBytes();
    if (!isUtf8(bytes)) throw this.error('text that is not UTF-8');
    return bytes.toString('utf8');
  }

  /** The current field's bytes, without a copy. */
  readBytes(): Buffer {
    this.expect(LENGTH_DELIMITED);
    const length = this.uint32();
    const at = this.position;
    this.advance(length);
    return this.bytes.subarray(at, at + length);
  }

  /** An error that names this place. */
  error(what: string): WireError {
    return new WireError(`the protobuf message has ${what} at byte ${this.position}`);
  }

  private expect(wireType: number): void {
    if (this.wireType !== wireType) throw this.error(`field ${this.field} with wire type ${this.wireType}`);
  }

  private advance(length: number): void {
    if (length > this.end - this.position) throw this.error('a length beyond the end of its message');
    this.position += length;
  }

  /** A varint whose bits above the 32nd are ignored, as other readers do for fields of 32 bits. */
  private uint32(): number {
    const first = this.position < this.end ? this.bytes[this.position] : 0x80;
    if (first < 0x80) {
      this.position += 1;
      return first;
    }
    this.readVarint();
    return this.low >>> 0;
  }

  private readVarint(): void {
    let low = 0;
    let high = 0;
    const { bytes, end } = this;
    let at = this.position;
    for (let count = 0; count < VARINT_BYTES_MAX; count++) {
      if (at >= end) throw this.error('a number that ends with its message');
      const byte = bytes[at];
      at += 1;
      const shift = 7 * count;
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else if (shift === 28) {
        low |= (byte & 0x0f) << 28;
        high = (byte & 0x7f) >> 4;
      } else high |= (byte & 0x7f) << (shift - 32);
      if (byte < 0x80) {
        this.position = at;
        this.low = low;
        this.high = high;
        return;
      }
    }
    throw this.error('a number longer than ten bytes');
  }
}
