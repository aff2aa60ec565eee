/**
 * The payload of a samples record: one batch in columns, a few bytes a sample (docs/formats/journal.md, "Samples").
 *
 *     8        wall time of the batch, milliseconds, float64 little endian
 *     8        timestamp of the first sample, float64 little endian
 *     varint   sample count n, 1 to 65,536
 *     varint   first reference that this batch defines
 *     varint   number of definitions d
 *     8 d      their fingerprints, big endian
 *     …        references: runs, each a varint of zigzag(first - expected) * 2 + (longer than one), then for longer
 *              ones a varint of length - 2; `expected` is one more than the last reference, 0 at the start
 *     n        control bytes: low nibble the form of the value, high nibble the form of the time
 *     …        the bytes of each sample, in the length that its forms need: first those of the time, then of the value
 *
 * Forms of the time. z is the zigzag of the difference to the time of the sample before:
 *
 *     0 to 11  the form is z itself, no bytes
 *     12       z - 12 in one byte
 *     13       z in two bytes
 *     14       z in four bytes
 *     15       the time as float64
 *
 * Forms of the value:
 *
 *     0        +0, no bytes
 *     1, 2, 3  an unsigned whole number in 1, 2, 3 bytes
 *     4        a signed whole number in four bytes
 *     5, 6, 7  signed thousandths in 2, 3, 4 bytes
 *     8 to 15  the upper 1 to 8 bytes of the float64; its other bytes are zero
 *
 * The encoder uses a form only when decoding gives back the exact bits, so NaN payloads and -0 survive.
 */
import { HIGH_WORD, LOW_WORD } from '../../model/byte-order.ts';
import { writeInt32BE } from '../../model/int64.ts';
import type { SegmentReferences } from './segment-references.ts';

export const BATCH_SAMPLES_MAX = 65_536;

/** The largest payload that `count` samples with `definitions` definitions can have, in bytes. */
export const samplesBytesMax = (count: number, definitions: number): number => 48 + 8 * definitions + 22 * count;

/** Samples as columns; the first `count` places are in use. */
export interface SampleBatch {
  count: number;
  /** References of the segment. */
  readonly references: Int32Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  /** The memory of `values` as 32-bit words in the machine's order. */
  readonly words: Int32Array;
}

export const TIME_DIRECT = 12;
export const TIME_BYTE = 12 << 4;
export const TIME_TWO = 13 << 4;
export const TIME_FOUR = 14 << 4;
const TIME_WHOLE = 15 << 4;

export const INTEGER_FOUR = 4;
export const THOUSANDTHS_TWO = 5;
export const THOUSANDTHS_THREE = 6;
export const THOUSANDTHS_FOUR = 7;
export const UPPER_BYTES = 7;
/** Beyond this, thousandths don't fit four bytes. */
const THOUSANDTHS_LIMIT = 2_147_483;

/** Writes a batch at `start` and returns where it ends. The batch defines the references from `firstDefined` on. */
export const encodeSamples = (
  batch: SampleBatch,
  time: number,
  defined: SegmentReferences,
  firstDefined: number,
  target: Buffer,
  start: number,
): number => {
  target.writeDoubleLE(time, start);
  target.writeDoubleLE(batch.timestamps[0], start + 8);
  let offset = writeVarint(target, start + 16, batch.count);
  offset = writeVarint(target, offset, firstDefined);
  offset = writeVarint(target, offset, defined.count - firstDefined);
  for (let reference = firstDefined; reference < defined.count; reference++) {
    writeInt32BE(target, offset, defined.highs[reference]);
    writeInt32BE(target, offset + 4, defined.lows[reference]);
    offset += 8;
  }
  offset = encodeReferences(batch, target, offset);
  return encodeTimesAndValues(batch, target, offset);
};

const encodeReferences = (batch: SampleBatch, target: Uint8Array, start: number): number => {
  const { references, count } = batch;
  let offset = start;
  let expected = 0;
  let index = 0;
  while (index < count) {
    const first = references[index];
    const runStart = index++;
    let next = first + 1;
    while (index < count && references[index] === next) {
      index++;
      next++;
    }
    const difference = first - expected;
    const zigzag = ((difference << 1) ^ (difference >> 31)) >>> 0;
    const length = index - runStart;
    if (length === 1) {
      offset = writeVarint(target, offset, zigzag * 2);
    } else {
      offset = writeVarint(target, offset, zigzag * 2 + 1);
      offset = writeVarint(target, offset, length - 2);
    }
    expected = next;
  }
  return offset;
};

const encodeTimesAndValues = (batch: SampleBatch, target: Buffer, start: number): number => {
  const { count, timestamps, values, words } = batch;
  let offset = start + count;
  let previous = timestamps[0];
  for (let index = 0; index < count; index++) {
    let control: number;
    const timestamp = timestamps[index];
    const difference = timestamp - previous;
    const whole = difference | 0;
    if (whole === difference && previous + whole === timestamp) {
      const zigzag = ((whole << 1) ^ (whole >> 31)) >>> 0;
      if (zigzag < TIME_DIRECT) {
        control = zigzag << 4;
      } else if (zigzag < 256 + TIME_DIRECT) {
        control = TIME_BYTE;
        target[offset++] = zigzag - TIME_DIRECT;
      } else if (zigzag < 65536) {
        control = TIME_TWO;
        target[offset] = zigzag;
        target[offset + 1] = zigzag >>> 8;
        offset += 2;
      } else {
        control = TIME_FOUR;
        writeInt32BE(target, offset, zigzag);
        offset += 4;
      }
    } else {
      control = TIME_WHOLE;
      target.writeDoubleLE(timestamp, offset);
      offset += 8;
    }
    previous = timestamp;

    const value = values[index];
    const high = words[2 * index + HIGH_WORD];
    const low = words[2 * index + LOW_WORD];
    const integer = value | 0;
    if (integer === value && integer > 0 && integer < 0x1000000) {
      target[offset++] = integer;
      if (integer < 0x100) {
        control |= 1;
      } else {
        target[offset++] = integer >>> 8;
        if (integer < 0x10000) {
          control |= 2;
        } else {
          target[offset++] = integer >>> 16;
          control |= 3;
        }
      }
    } else if (low === 0) {
      if (high !== 0) {
        // The lower half of the number is zero, so its upper 1 to 4 bytes are enough.
        const bytes = (high & 0xffff) === 0 ? ((high & 0xff0000) === 0 ? 1 : 2) : (high & 0xff) === 0 ? 3 : 4;
        control |= UPPER_BYTES + bytes;
        target[offset] = high >>> 24;
        target[offset + 1] = high >>> 16;
        target[offset + 2] = high >>> 8;
        target[offset + 3] = high;
        offset += bytes;
      }
    } else if (integer === value) {
      control |= INTEGER_FOUR;
      writeInt32BE(target, offset, integer);
      offset += 4;
    } else {
      const thousandths = value < THOUSANDTHS_LIMIT && value > -THOUSANDTHS_LIMIT ? Math.round(value * 1000) : 0;
      if (thousandths !== 0 && thousandths / 1000 === value) {
        const small = thousandths | 0;
        target[offset] = small;
        target[offset + 1] = small >> 8;
        if ((small << 16) >> 16 === small) {
          control |= THOUSANDTHS_TWO;
          offset += 2;
        } else {
          target[offset + 2] = small >> 16;
          if ((small << 8) >> 8 === small) {
            control |= THOUSANDTHS_THREE;
            offset += 3;
          } else {
            target[offset + 3] = small >> 24;
            control |= THOUSANDTHS_FOUR;
            offset += 4;
          }
        }
      } else {
        const bytes = (low & 0xffff) === 0 ? ((low & 0xff0000) === 0 ? 5 : 6) : (low & 0xff) === 0 ? 7 : 8;
        control |= UPPER_BYTES + bytes;
        writeInt32BE(target, offset, high);
        writeInt32BE(target, offset + 4, low);
        offset += bytes;
      }
    }
    target[start + index] = control;
  }
  return offset;
};

/** A plain base-128 integer below 2^35. */
const writeVarint = (target: Uint8Array, start: number, value: number): number => {
  let offset = start;
  let rest = value;
  while (rest >= 0x80) {
    target[offset++] = rest | 0x80;
    rest = Math.floor(rest / 128);
  }
  target[offset++] = rest;
  return offset;
};
