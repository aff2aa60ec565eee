/** Reads LevelDB's variable-length numbers and length-prefixed bytes. Throws a `RangeError` past the end. */
export class VarintReader {
  private readonly bytes: Uint8Array;
  private at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  /** Reads a number. Numbers above 2^53 are inexact, but no sound database has them. */
  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      if (this.at >= this.bytes.length || factor > 2 ** 63) throw new RangeError('a number goes past the end');
      const byte = this.bytes[this.at++];
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  prefixed(): Uint8Array {
    return this.take(this.varint());
  }

  take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) throw new RangeError('bytes go past the end');
    const part = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return part;
  }
}
