/**
 * The payload of a samples record: one batch in columns, a few bytes a sample (docs/formats/journal.md, "Samples").
 *
 *     8        wall time of the batch, milliseconds, float64 little endian
 *     8        timestamp of the first sample, float64 little endian
 *     varint   sample count n, 1 to 65,536
 *     varint   first reference that is defined here
 *     varint   number of definitions d
 *     8 d      their fingerprints, big endian
 *     …        references: runs, each a varint of zigzag(first - expected) * 2 + (longer than one), then for longer
 *              ones a varint of length - 2; `expected` is one more than the last reference, 0 at the start
 *     n        control bytes: low nibble the form of the value, high nibble the form of the time
 *     …        what the forms take, sample by sample: the time's bytes, then the value's
 *
 * Time, as zigzag of the difference to the sample before: 0 to 11 itself; 12: one byte, less 12; 13: two bytes; 14:
 * four; 15: the time as float64. Value: 0 is +0; 1, 2, 3 a whole number in as many bytes; 4 a signed whole number in
 * four; 5, 6, 7 thousandths, signed, in two, three, four bytes; 8 to 15 the upper 1 to 8 bytes of the float64, the rest
 * being zero. A form is chosen only when it gives back the exact bits, so NaN payloads and -0 survive.
 */
import { readInt32BE, writeInt32BE } from '../model/int64.ts';
import { MalformedBytes } from '../model/malformed-bytes.ts';
import type { ReferenceTable, SegmentReferences } from './segment-references.ts';

export const BATCH_SAMPLES_MAX = 65_536;

/** What `count` samples that define `definitions` references can take at most. */
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

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
/** Index of the high and the low word of a double, seen as two int32. */
export const HIGH_WORD = IS_LITTLE_ENDIAN ? 1 : 0;
export const LOW_WORD = IS_LITTLE_ENDIAN ? 0 : 1;

const TIME_DIRECT = 12;
const TIME_BYTE = 12 << 4;
const TIME_TWO = 13 << 4;
const TIME_FOUR = 14 << 4;
const TIME_WHOLE = 15 << 4;

const INTEGER_FOUR = 4;
const THOUSANDTHS_TWO = 5;
const THOUSANDTHS_THREE = 6;
const THOUSANDTHS_FOUR = 7;
const UPPER_BYTES = 7;
/** Beyond this, thousandths don't fit four bytes. */
const THOUSANDTHS_LIMIT = 2_147_483;

/** Writes a batch at `start`; returns where it ends. References from `firstDefined` on are defined in it. */
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
        // The upper bytes of a number whose lower half is zero: 1 to 4 of them.
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

/** Columns that batches are decoded into, again and again. */
export class DecodedSamples implements SampleBatch {
  count = 0;
  /** Wall time at which the batch was recorded. */
  time = 0;
  references = new Int32Array(0);
  timestamps = new Float64Array(0);
  values = new Float64Array(0);
  words = new Int32Array(0);
  /** Halves of the fingerprint of each sample. */
  highs = new Int32Array(0);
  lows = new Int32Array(0);
  /** Samples left out because the record that defined their reference is lost. */
  unresolved = 0;

  reserve(count: number): void {
    if (count <= this.references.length) return;
    const capacity = Math.max(count, 8192);
    this.references = new Int32Array(capacity);
    this.timestamps = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.words = new Int32Array(this.values.buffer);
    this.highs = new Int32Array(capacity);
    this.lows = new Int32Array(capacity);
  }
}

/**
 * Reads a batch's definitions into `table`: all that a reader needs of a record that it passes over. Returns the offset
 * behind them. `referencesMax` bounds the table by what the file can hold, so that no number in it makes it grow beyond.
 */
export const readDefinitions = (
  bytes: Buffer,
  start: number,
  end: number,
  table: ReferenceTable,
  referencesMax: number,
): number => {
  cursor = start + 16;
  const count = readVarint(bytes, end);
  const first = readVarint(bytes, end);
  const definitions = readVarint(bytes, end);
  if (count === 0 || count > BATCH_SAMPLES_MAX) throw new MalformedBytes(`batch of ${count} samples`);
  if (first + definitions > referencesMax) throw new MalformedBytes(`reference ${first + definitions} out of range`);
  let offset = cursor;
  if (offset + definitions * 8 > end) throw new MalformedBytes('definitions beyond the record');
  for (let index = 0; index < definitions; index++) {
    table.define(first + index, readInt32BE(bytes, offset), readInt32BE(bytes, offset + 4));
    offset += 8;
  }
  return offset;
};

/** Reads a whole batch. Throws {@link MalformedBytes}; `out` is then undefined in content. */
export const decodeSamples = (
  bytes: Buffer,
  start: number,
  end: number,
  table: ReferenceTable,
  referencesMax: number,
  out: DecodedSamples,
): void => {
  const definitionsEnd = readDefinitions(bytes, start, end, table, referencesMax);
  cursor = start + 16;
  const count = readVarint(bytes, end);
  out.reserve(count);
  out.count = count;
  out.time = bytes.readDoubleLE(start);
  const columnsStart = decodeReferences(bytes, definitionsEnd, end, referencesMax, out);
  decodeTimesAndValues(bytes, columnsStart, end, bytes.readDoubleLE(start + 8), out);
  resolveReferences(table, out);
};

const decodeReferences = (
  bytes: Buffer,
  start: number,
  end: number,
  referencesMax: number,
  out: DecodedSamples,
): number => {
  const { count, references } = out;
  cursor = start;
  let expected = 0;
  let index = 0;
  while (index < count) {
    const token = readVarint(bytes, end);
    const zigzag = Math.floor(token / 2);
    let reference = expected + ((zigzag >>> 1) ^ -(zigzag & 1));
    const length = (token & 1) === 0 ? 1 : readVarint(bytes, end) + 2;
    if (length > count - index || reference < 0 || reference + length > referencesMax)
      throw new MalformedBytes('run of references out of range');
    for (let runEnd = index + length; index < runEnd; index++) references[index] = reference++;
    expected = reference;
  }
  return cursor;
};

const decodeTimesAndValues = (bytes: Buffer, start: number, end: number, first: number, out: DecodedSamples): void => {
  const { count, timestamps, values, words } = out;
  let offset = start + count;
  // Each sample takes 16 bytes at most, and the sum is checked at the end: what is read beyond it is never used.
  if (offset > end) throw new MalformedBytes('control bytes beyond the record');
  let timestamp = first;
  for (let index = 0; index < count; index++) {
    const control = bytes[start + index];
    const timeForm = control >>> 4;
    if (timeForm < TIME_DIRECT) {
      timestamp += (timeForm >>> 1) ^ -(timeForm & 1);
    } else if (timeForm === TIME_BYTE >> 4) {
      const zigzag = bytes[offset++] + TIME_DIRECT;
      timestamp += (zigzag >>> 1) ^ -(zigzag & 1);
    } else if (timeForm === TIME_TWO >> 4) {
      const zigzag = bytes[offset] | (bytes[offset + 1] << 8);
      timestamp += (zigzag >>> 1) ^ -(zigzag & 1);
      offset += 2;
    } else if (timeForm === TIME_FOUR >> 4) {
      const zigzag = readInt32BE(bytes, offset);
      timestamp += (zigzag >>> 1) ^ -(zigzag & 1);
      offset += 4;
    } else {
      if (offset + 8 > end) throw new MalformedBytes('time beyond the record');
      timestamp = bytes.readDoubleLE(offset);
      offset += 8;
    }
    timestamps[index] = timestamp;

    const valueForm = control & 15;
    switch (valueForm) {
      case 0:
        values[index] = 0;
        break;
      case 1:
        values[index] = bytes[offset++];
        break;
      case 2:
        values[index] = bytes[offset] | (bytes[offset + 1] << 8);
        offset += 2;
        break;
      case 3:
        values[index] = bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16);
        offset += 3;
        break;
      case INTEGER_FOUR:
        values[index] = readInt32BE(bytes, offset);
        offset += 4;
        break;
      case THOUSANDTHS_TWO:
        values[index] = (((bytes[offset] | (bytes[offset + 1] << 8)) << 16) >> 16) / 1000;
        offset += 2;
        break;
      case THOUSANDTHS_THREE:
        values[index] = (((bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16)) << 8) >> 8) / 1000;
        offset += 3;
        break;
      case THOUSANDTHS_FOUR:
        values[index] =
          (bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16) | (bytes[offset + 3] << 24)) / 1000;
        offset += 4;
        break;
      default: {
        const kept = valueForm - UPPER_BYTES;
        let high = 0;
        let low = 0;
        if (kept >= 4) {
          high = readInt32BE(bytes, offset);
          for (let byte = 4; byte < kept; byte++) low |= bytes[offset + byte] << (56 - 8 * byte);
        } else {
          for (let byte = 0; byte < kept; byte++) high |= bytes[offset + byte] << (24 - 8 * byte);
        }
        words[2 * index + HIGH_WORD] = high;
        words[2 * index + LOW_WORD] = low;
        offset += kept;
      }
    }
  }
  if (offset !== end) throw new MalformedBytes(`batch ends at ${offset}, its record at ${end}`);
};

/** Puts fingerprints beside the samples; where one is not known the sample is left out and counted. */
const resolveReferences = (table: ReferenceTable, out: DecodedSamples): void => {
  const { count, references, highs, lows } = out;
  let kept = 0;
  for (let index = 0; index < count; index++) {
    const reference = references[index];
    if (!table.has(reference)) continue;
    if (kept !== index) move(out, index, kept);
    highs[kept] = table.highs[reference];
    lows[kept] = table.lows[reference];
    kept++;
  }
  out.unresolved = count - kept;
  out.count = kept;
};

const move = (out: DecodedSamples, from: number, to: number): void => {
  out.references[to] = out.references[from];
  out.timestamps[to] = out.timestamps[from];
  out.words[2 * to] = out.words[2 * from];
  out.words[2 * to + 1] = out.words[2 * from + 1];
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

/** Where {@link readVarint} reads; a variable of the module, because two results would cost an object a number. */
let cursor = 0;

const readVarint = (bytes: Uint8Array, end: number): number => {
  let value = 0;
  let scale = 1;
  for (let count = 0; count < 5; count++) {
    if (cursor >= end) throw new MalformedBytes('base-128 integer beyond the record');
    const byte = bytes[cursor++];
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
  throw new MalformedBytes('base-128 integer exceeds five bytes');
};
