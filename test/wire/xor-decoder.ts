/** Reads Prometheus' XOR chunks, with BigInt throughout: slow, and nothing like the writer. */

export interface DecodedSamples {
  readonly times: bigint[];
  /** IEEE bit patterns. */
  readonly bits: bigint[];
  /** Bytes after the last bit. Prometheus leaves an empty one where the last bit ends a byte. */
  readonly spare: Uint8Array;
}

const LEADING_BITS = 5;
const WIDTH_BITS = 6;
/** How many ones introduce a change of the step, and how many bits it then has. */
const stepWidths = [0, 14, 17, 20, 64];

class BitReader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  bit(): bigint {
    const byte = this.bytes[this.at >> 3];
    if (byte === undefined) throw new Error(`the chunk ends at bit ${this.at}`);
    const bit = (byte >> (7 - (this.at & 7))) & 1;
    this.at++;
    return BigInt(bit);
  }

  bits(count: number): bigint {
    let value = 0n;
    for (let i = 0; i < count; i++) value = (value << 1n) | this.bit();
    return value;
  }

  uvarint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bits(8);
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return value;
    }
  }

  /** Bytes that have been read, the last one perhaps in part. */
  get byteCount(): number {
    return Math.ceil(this.at / 8);
  }
}

/** Throws if the chunk ends too early. */
export const decodeXorChunk = (chunk: Uint8Array): DecodedSamples => {
  const reader = new BitReader(chunk);
  const count = Number(reader.bits(16));
  const times: bigint[] = [];
  const bits: bigint[] = [];
  let step = 0n;
  let window = { leading: 0, width: 0 };
  for (let i = 0; i < count; i++) {
    if (i === 0) {
      const zigzag = reader.uvarint();
      times.push((zigzag >> 1n) ^ -(zigzag & 1n));
      bits.push(reader.bits(64));
      continue;
    }
    step = i === 1 ? reader.uvarint() : step + readChange(reader);
    times.push(times[i - 1] + step);
    if (reader.bit() === 0n) {
      bits.push(bits[i - 1]);
      continue;
    }
    if (reader.bit() === 1n) {
      const leading = Number(reader.bits(LEADING_BITS));
      window = { leading, width: Number(reader.bits(WIDTH_BITS)) || 64 };
    }
    const difference = reader.bits(window.width) << BigInt(64 - window.leading - window.width);
    bits.push(bits[i - 1] ^ difference);
  }
  return { times, bits, spare: chunk.subarray(reader.byteCount) };
};

const readChange = (reader: BitReader): bigint => {
  let ones = 0;
  while (ones < 4 && reader.bit() === 1n) ones++;
  const width = stepWidths[ones];
  if (width === 0) return 0n;
  const value = reader.bits(width);
  // The upper half of the range is negative, but for its first value, which only the positive side has.
  return width === 64
    ? BigInt.asIntN(64, value)
    : value > 1n << BigInt(width - 1)
      ? value - (1n << BigInt(width))
      : value;
};
