/**
 * Writes the XOR chunks of Prometheus 2 and 3, as remote read streams them. Gorilla's paper describes the idea.
 *
 *   2 bytes   number of samples, high byte first
 *   varint    the first time, zigzag          64 bits   the first value
 *   uvarint   from the first time to the second           value bits
 *   then for each sample: time bits, value bits
 *
 * The time bits say how much the step differs from the step before (`d`), in two's complement:
 *
 *   0                    d = 0
 *   10    and 14 bits    -8191 <= d <= 8192
 *   110   and 17 bits    -65535 <= d <= 65536
 *   1110  and 20 bits    -524287 <= d <= 524288
 *   1111  and 64 bits    any other
 *
 * The value bits are of the exclusive or with the value before (`x`):
 *
 *   0                    x = 0
 *   10    and the bits of x in the window of the last sample that had one
 *   11    5 bits: zeros before the window, at most 31; 6 bits: its width, 0 for 64; then the bits of x in it
 *
 * Values are read from memory as two words of 32 bits, never as numbers, so every NaN keeps its bits.
 */
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';

/** Samples of a chunk. Prometheus' own chunks have as many. */
export const CHUNK_SAMPLES_MAX = 120;

/**
 * Bytes that 120 samples can take: 2 for the number of samples, at most 10 + 8 for the first sample and 10 + 10 for the
 * second, and 4 + 64 + 2 + 5 + 6 + 64 bits for each of the others.
 */
export const CHUNK_BYTES_MAX = 2 + 18 + 20 + Math.ceil((118 * 145) / 8);

/** A chunk ends before a sample this far from its first one, so that all differences of times are exact. */
const SPAN_MS_MAX = 2 ** 51;

const TWO_32 = 2 ** 32;

/** No sample of the chunk has had a window yet. */
const NO_WINDOW = -1;

export class XorChunkWriter {
  private readonly bytes = Buffer.alloc(CHUNK_BYTES_MAX);
  private byteCount = 0;
  /** Bits that are free in the last byte. */
  private free = 0;
  /** Zeros before and after the window of the last value that had one. */
  private leading = NO_WINDOW;
  private trailing = 0;

  /** The last chunk, until the next one is written. */
  get chunk(): Buffer {
    return this.bytes.subarray(0, this.byteCount);
  }

  /**
   * Writes a chunk of the samples from index `start` on, and returns the index of the first sample that is not in it.
   * Times are integers within 53 bits, oldest first. `words` are the values' memory: two words each.
   */
  write(timestamps: Float64Array, words: Int32Array, start: number): number {
    const first = timestamps[start];
    this.byteCount = 2;
    this.free = 0;
    this.leading = NO_WINDOW;
    this.varint(first);
    let high = words[2 * start + HIGH_WORD];
    let low = words[2 * start + LOW_WORD];
    this.bits(high, 32);
    this.bits(low, 32);
    const endMax = Math.min(start + CHUNK_SAMPLES_MAX, timestamps.length);
    let at = start + 1;
    let time = first;
    let step = 0;
    for (; at < endMax; at++) {
      const next = timestamps[at];
      if (next - first > SPAN_MS_MAX) break;
      const nextStep = next - time;
      if (at === start + 1) this.uvarint(nextStep);
      else this.timeBits(nextStep - step);
      step = nextStep;
      time = next;
      const nextHigh = words[2 * at + HIGH_WORD];
      const nextLow = words[2 * at + LOW_WORD];
      this.valueBits(high ^ nextHigh, low ^ nextLow);
      high = nextHigh;
      low = nextLow;
    }
    this.bytes.writeUInt16BE(at - start, 0);
    return at;
  }

  private timeBits(change: number): void {
    if (change === 0) this.bits(0, 1);
    else if (change >= -8191 && change <= 8192) {
      this.bits(0b10, 2);
      this.bits(change, 14);
    } else if (change >= -65_535 && change <= 65_536) {
      this.bits(0b110, 3);
      this.bits(change, 17);
    } else if (change >= -524_287 && change <= 524_288) {
      this.bits(0b1110, 4);
      this.bits(change, 20);
    } else {
      this.bits(0b1111, 4);
      this.bits(Math.floor(change / TWO_32), 32);
      this.bits(change, 32);
    }
  }

  private valueBits(high: number, low: number): void {
    if ((high | low) === 0) {
      this.bits(0, 1);
      return;
    }
    const leading = Math.min(31, high === 0 ? 32 : Math.clz32(high));
    const trailing = low === 0 ? 32 + trailingZeros(high) : trailingZeros(low);
    if (this.leading === NO_WINDOW || leading < this.leading || trailing < this.trailing) {
      this.leading = leading;
      this.trailing = trailing;
      this.bits(0b11, 2);
      this.bits(leading, 5);
      this.bits(64 - leading - trailing, 6);
    } else this.bits(0b10, 2);
    this.window(high, low);
  }

  /** The bits of a word pair that are within the window. */
  private window(high: number, low: number): void {
    const { leading, trailing } = this;
    if (trailing >= 32) {
      this.bits(high >>> (trailing - 32), 64 - leading - trailing);
      return;
    }
    this.bits(high, 32 - leading);
    this.bits(low >>> trailing, 32 - trailing);
  }

  /** The last `count` bits of a number, the highest first; 1 to 32 bits. */
  private bits(value: number, count: number): void {
    const { bytes } = this;
    let left = count;
    while (left > 0) {
      if (this.free === 0) {
        bytes[this.byteCount++] = 0;
        this.free = 8;
      }
      const taken = Math.min(left, this.free);
      const part = (value >>> (left - taken)) & ((1 << taken) - 1);
      bytes[this.byteCount - 1] |= part << (this.free - taken);
      this.free -= taken;
      left -= taken;
    }
  }

  private varint(value: number): void {
    // Zigzag: the sign becomes the lowest bit. Twice a number of 53 bits would not be exact, so it is never formed.
    const sign = value < 0 ? 1 : 0;
    const magnitude = sign === 1 ? -value - 1 : value;
    const rest = Math.floor(magnitude / 64);
    this.bytes[this.byteCount++] = (magnitude % 64) * 2 + sign + (rest > 0 ? 0x80 : 0);
    if (rest > 0) this.uvarint(rest);
  }

  /** Seven bits a byte. Only at the chunk's beginning, where all bytes are full. */
  private uvarint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.byteCount++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.byteCount++] = rest;
  }
}

/** Zero bits after the last one of a word that is not zero. */
const trailingZeros = (word: number): number => 31 - Math.clz32(word & -word);
