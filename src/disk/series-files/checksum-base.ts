/**
 * The base block of a checksum file: the chunk checksums of all series of a directory, sorted by fingerprint, so that one
 * series is found without decoding the others (docs/formats/checksums.md). Its payload:
 *
 *     4        number of series N, little endian
 *     7 × N    fingerprints without their first byte, sorted
 *     N        how many checksums each series has, unsigned LEB128
 *     4 × …    the checksums, little endian, series after series
 */
import { BASE, BLOCK_HEADER_BYTES, KEY_BYTES, readSums, type Sums, sealBlock } from './checksum-block.ts';

const KEYS_START = BLOCK_HEADER_BYTES + 4;

export class ChecksumBase {
  /** The whole block, its header included. */
  readonly block: Buffer;
  /** Where each series' checksums end, counted in checksums; the decoded counts. */
  private readonly ends: Uint32Array;
  private readonly sumsStart: number;

  /** Throws a `RangeError` when the block is no base. */
  constructor(block: Buffer) {
    this.block = block;
    const count = block.readUInt32LE(BLOCK_HEADER_BYTES);
    let at = KEYS_START + KEY_BYTES * count;
    if (at + count > block.length) throw new RangeError('more series than the block has room for');
    this.ends = new Uint32Array(count);
    let end = 0;
    for (let i = 0; i < count; i++) {
      for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
        byte = block.readUInt8(at++);
        end += (byte & 0x7f) * 2 ** shift;
      }
      this.ends[i] = end;
    }
    if (at + 4 * end !== block.length) throw new RangeError('the checksums do not fill the block');
    this.sumsStart = at;
  }

  /** Memory. */
  get bytes(): number {
    return this.block.length + this.ends.byteLength;
  }

  /** The checksums of a series, or `undefined` when it has none. */
  find(key: string): Sums | undefined {
    const wantedHigh = Number.parseInt(key.slice(0, 6), 16);
    const wantedLow = Number.parseInt(key.slice(6), 16);
    let begin = 0;
    let end = this.ends.length;
    while (begin < end) {
      const middle = (begin + end) >>> 1;
      const at = KEYS_START + KEY_BYTES * middle;
      const order = this.block.readUIntBE(at, 3) - wantedHigh || this.block.readUInt32BE(at + 3) - wantedLow;
      if (order === 0) return this.sumsAt(middle);
      if (order < 0) begin = middle + 1;
      else end = middle;
    }
    return undefined;
  }

  /** Calls `visit` with all series, in the order of their keys. */
  each(visit: (key: string, sums: Sums) => void): void {
    for (let i = 0; i < this.ends.length; i++) {
      const at = KEYS_START + KEY_BYTES * i;
      visit(this.block.toString('hex', at, at + KEY_BYTES), this.sumsAt(i));
    }
  }

  private sumsAt(index: number): Sums {
    const begin = index === 0 ? 0 : this.ends[index - 1];
    return readSums(this.block, this.sumsStart + 4 * begin, this.ends[index] - begin);
  }
}

/** The base block of series that are sorted by their keys. */
export const encodeBase = (bucket: number, series: readonly (readonly [key: string, sums: Sums])[]): Buffer => {
  let countBytes = 0;
  let sumCount = 0;
  for (const [, { length }] of series) {
    sumCount += length;
    countBytes += length < 0x80 ? 1 : Math.ceil((32 - Math.clz32(length)) / 7);
  }
  const countsStart = KEYS_START + KEY_BYTES * series.length;
  const block = Buffer.alloc(countsStart + countBytes + 4 * sumCount);
  block.writeUInt32LE(series.length, BLOCK_HEADER_BYTES);
  let keyAt = KEYS_START;
  let countAt = countsStart;
  let sumAt = countsStart + countBytes;
  for (const [key, sums] of series) {
    keyAt += block.write(key, keyAt, 'hex');
    let rest = sums.length;
    for (; rest >= 0x80; rest >>>= 7) block[countAt++] = (rest & 0x7f) | 0x80;
    block[countAt++] = rest;
    for (const sum of sums) sumAt = block.writeUInt32LE(sum, sumAt);
  }
  return sealBlock(block, BASE, bucket);
};
