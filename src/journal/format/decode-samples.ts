/**
 * Reads the payload of a samples record; samples-codec.ts has its layout. Decoding always ends, for any bytes: it
 * returns a batch or throws {@link MalformedBytes}, and it allocates no more than the largest batch needs.
 */
import { HIGH_WORD, LOW_WORD } from '../../model/byte-order.ts';
import { readInt32BE } from '../../model/int64.ts';
import { MalformedBytes } from '../../model/malformed-bytes.ts';
import {
  BATCH_SAMPLES_MAX,
  INTEGER_FOUR,
  type SampleBatch,
  THOUSANDTHS_FOUR,
  THOUSANDTHS_THREE,
  THOUSANDTHS_TWO,
  TIME_BYTE,
  TIME_DIRECT,
  TIME_FOUR,
  TIME_TWO,
  UPPER_BYTES,
} from './samples-codec.ts';
import type { ReferenceTable } from './segment-references.ts';

/** The columns that batches are decoded into. They are reused for each batch. */
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
 * Reads a batch's definitions into `table` and returns the offset after them. A reader that skips a record needs only
 * these. `referencesMax` is how many references the file can define at most: a damaged number cannot grow the table
 * beyond that.
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

/** Reads a whole batch. Throws {@link MalformedBytes}; the content of `out` is then undefined. */
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
  // A sample takes 16 bytes at most, and the total is checked at the end, so bytes read beyond the record are not used.
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

/** Writes the fingerprint of each sample. A sample whose reference is not defined is left out and counted. */
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

/** Where {@link readVarint} reads. A variable of the module: returning it too would allocate an object per number. */
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
