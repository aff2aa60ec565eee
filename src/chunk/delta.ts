/**
 * Encoding 0, delta: every sample is stored as its distance from the chunk's first sample. All numbers are little
 * endian.
 *
 *   0   1  tb: bytes of a time: 1, 2, 4 or 8        11  8  base value, float64
 *   1   1  vb: bytes of a value: 0, 1, 2, 4 or 8    19  2  used length, this header included
 *   2   1  1 when values are integer distances      21  …  samples: tb bytes of time, vb bytes of value
 *   3   8  base time, int64
 *
 * The first sample is stored as a payload entry as well. docs/formats/chunks.md has the rules in full.
 */
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { readInt32LE, readInt64LE, readUint16LE, readUnsignedLE, writeHalvesLE, writeUint16LE } from './bytes.ts';
import type { SampleColumns } from './chunk.ts';
import { toDouble } from './float-bits.ts';
import { highOfDifference, highOfSum, secondsText, unsignedByteCount } from './int64-halves.ts';
import { ADDED, corruptChunk, OVERFLOW, TRANSCODE } from './outcome.ts';
import {
  endOfRange,
  firstInRange,
  headerProblem,
  parametersFor,
  parametersOf,
  readValue,
  valueProblem,
  writeTime,
  writeValue,
} from './residuals.ts';
import { CHUNK_BYTES } from './slab.ts';

const TIME_BYTES = 0;
const VALUE_BYTES = 1;
const IS_INTEGER = 2;
const BASE_TIME = 3;
const BASE_VALUE = 11;
const USED = 19;
const HEADER_BYTES = 21;

/** Makes the zeroed slot an empty chunk with these parameters (residuals.ts). */
export const beginDelta = (block: Uint8Array, offset: number, parameters: number): void => {
  block[offset + TIME_BYTES] = parameters >> 8;
  block[offset + VALUE_BYTES] = (parameters >> 4) & 0xf;
  block[offset + IS_INTEGER] = parameters & 1;
  writeUint16LE(block, offset + USED, HEADER_BYTES);
};

/** Adds a sample and returns an outcome. Throws and changes nothing if its time is before the chunk's first. */
export const addToDelta = (
  block: Uint8Array,
  offset: number,
  timeHigh: number,
  timeLow: number,
  high: number,
  low: number,
  lossless: boolean,
): number => {
  const timeBytes = block[offset + TIME_BYTES];
  const valueBytes = block[offset + VALUE_BYTES];
  const isInteger = block[offset + IS_INTEGER] === 1;
  const problem = valueProblem(valueBytes, isInteger);
  if (problem !== undefined) throw corruptChunk(problem);
  if (deltaCount(block, offset) <= 0) {
    writeHalvesLE(block, offset + BASE_TIME, timeHigh, timeLow);
    writeHalvesLE(block, offset + BASE_VALUE, high, low);
    writeUint16LE(block, offset + USED, HEADER_BYTES);
  }
  const used = readUint16LE(block, offset + USED);
  if (CHUNK_BYTES - used < timeBytes + valueBytes) return OVERFLOW;

  const baseLow = readInt32LE(block, offset + BASE_TIME);
  const distanceLow = (timeLow - baseLow) | 0;
  const distanceHigh = highOfDifference(timeHigh, readInt32LE(block, offset + BASE_TIME + 4), timeLow, baseLow);
  if (distanceHigh < 0) throw corruptChunk(`time delta is less than zero: ${secondsText(distanceHigh, distanceLow)}`);

  const value = toDouble(high, low);
  const base = readBaseValue(block, offset);
  const timeBytesNeeded = unsignedByteCount(distanceHigh, distanceLow);
  const wanted = parametersFor(timeBytes, valueBytes, isInteger, timeBytesNeeded, value, base, lossless);
  if (wanted !== parametersOf(timeBytes, valueBytes, isInteger)) {
    return used * 2 < CHUNK_BYTES ? TRANSCODE | wanted : OVERFLOW;
  }
  writeTime(block, offset + used, timeBytes, timeHigh, timeLow, distanceLow);
  writeValue(block, offset + used + timeBytes, valueBytes, isInteger, high, low, value - base);
  writeUint16LE(block, offset + USED, used + timeBytes + valueBytes);
  return ADDED;
};

/** How many samples the chunk holds, computed from its used length. */
export const deltaCount = (block: Uint8Array, offset: number): number =>
  Math.floor((deltaUsed(block, offset) - HEADER_BYTES) / sampleBytes(block, offset));

export const deltaUsed = (block: Uint8Array, offset: number): number => readUint16LE(block, offset + USED);

/** Why the original would refuse to load the chunk, or `undefined`. */
export const deltaProblem = (block: Uint8Array, offset: number): string | undefined =>
  headerProblem(
    'delta',
    deltaUsed(block, offset),
    HEADER_BYTES,
    block[offset + TIME_BYTES],
    block[offset + VALUE_BYTES],
  );

/** Time of the first sample. */
export const deltaFirstTime = (block: Uint8Array, offset: number): number => readInt64LE(block, offset + BASE_TIME);

/** Time of sample `index` as a double. */
export const deltaTimeAt = (block: Uint8Array, offset: number, index: number): number => {
  const timeBytes = block[offset + TIME_BYTES];
  const at = sampleAt(block, offset, index);
  if (timeBytes === 8) return readInt64LE(block, at);
  return readInt64LE(block, offset + BASE_TIME) + readUnsignedLE(block, at, timeBytes);
};

/** Adds the samples with `from <= time <= through` to the columns. Doubles must be able to add the times exactly. */
export const decodeDelta = (
  block: Uint8Array,
  offset: number,
  from: number,
  through: number,
  into: SampleColumns,
): void => {
  const count = Math.max(0, deltaCount(block, offset));
  const problem = valueProblem(block[offset + VALUE_BYTES], block[offset + IS_INTEGER] === 1);
  if (count > 0 && problem !== undefined) throw corruptChunk(problem);
  into.reserve(count);
  decodeTimes(block, offset, count, into);
  const at = into.count;
  const start = firstInRange(into.timestamps, at, count, from);
  const end = Math.max(start, endOfRange(into.timestamps, at, count, through));
  if (start > 0) into.timestamps.copyWithin(at, at + start, at + end);
  decodeValues(block, offset, start, end, into);
  into.count += end - start;
};

/** Exact time of sample `index`, as two words in the machine's order. */
export const writeDeltaTime = (
  block: Uint8Array,
  offset: number,
  index: number,
  timeWords: Int32Array,
  to: number,
): void => {
  const timeBytes = block[offset + TIME_BYTES];
  const at = sampleAt(block, offset, index);
  if (timeBytes === 8) {
    timeWords[to + LOW_WORD] = readInt32LE(block, at);
    timeWords[to + HIGH_WORD] = readInt32LE(block, at + 4);
    return;
  }
  const baseLow = readInt32LE(block, offset + BASE_TIME);
  const low = (baseLow + readUnsignedLE(block, at, timeBytes)) | 0;
  timeWords[to + LOW_WORD] = low;
  timeWords[to + HIGH_WORD] = highOfSum(readInt32LE(block, offset + BASE_TIME + 4), 0, baseLow, low);
};

const decodeTimes = (block: Uint8Array, offset: number, count: number, into: SampleColumns): void => {
  const { timestamps } = into;
  const timeBytes = block[offset + TIME_BYTES];
  const step = sampleBytes(block, offset);
  const base = deltaFirstTime(block, offset);
  const end = into.count + count;
  let at = offset + HEADER_BYTES;
  for (let to = into.count; to < end; to++) {
    timestamps[to] = timeBytes === 8 ? readInt64LE(block, at) : base + readUnsignedLE(block, at, timeBytes);
    at += step;
  }
};

const decodeValues = (block: Uint8Array, offset: number, start: number, end: number, into: SampleColumns): void => {
  const { words } = into;
  const timeBytes = block[offset + TIME_BYTES];
  const valueBytes = block[offset + VALUE_BYTES];
  const isInteger = block[offset + IS_INTEGER] === 1;
  const step = timeBytes + valueBytes;
  const baseLow = readInt32LE(block, offset + BASE_VALUE);
  const baseHigh = readInt32LE(block, offset + BASE_VALUE + 4);
  const base = toDouble(baseHigh, baseLow);
  let at = sampleAt(block, offset, start) + timeBytes;
  for (let to = into.count; to < into.count + end - start; to++) {
    if (valueBytes === 0) {
      words[2 * to + LOW_WORD] = baseLow;
      words[2 * to + HIGH_WORD] = baseHigh;
    } else {
      readValue(block, at, valueBytes, isInteger, base, into, to);
    }
    at += step;
  }
};

const sampleBytes = (block: Uint8Array, offset: number): number =>
  block[offset + TIME_BYTES] + block[offset + VALUE_BYTES];

const sampleAt = (block: Uint8Array, offset: number, index: number): number =>
  offset + HEADER_BYTES + index * sampleBytes(block, offset);

const readBaseValue = (block: Uint8Array, offset: number): number =>
  toDouble(readInt32LE(block, offset + BASE_VALUE + 4), readInt32LE(block, offset + BASE_VALUE));
