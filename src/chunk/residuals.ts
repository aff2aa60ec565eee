/**
 * The common part of encodings 0 and 1. Each sample is stored as its distance from a prediction: the first sample, or
 * the line through the first two. All samples of a chunk have fields of the same width. When a distance does not fit,
 * the chunk is rewritten with wider fields.
 *
 * The parameters of a chunk are one number, `tb << 8 | vb << 4 | isInteger`: bytes of a time (1, 2, 4, 8), bytes of a
 * value (0, 1, 2, 4, 8), and whether values are integer distances. With 8 bytes, times and values are absolute.
 */
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { readInt32LE, readSignedLE, writeHalvesLE, writeLE } from './bytes.ts';
import type { SampleColumns } from './chunk.ts';
import { floatBitsOf, floatFromBits, integerByteCount, isInt64 } from './float-bits.ts';
import { CHUNK_BYTES } from './slab.ts';

/** One byte for a time, none for a value, integer distances. */
export const NARROWEST = 0x101;

/** Eight value bytes are never integer distances. */
export const parametersOf = (timeBytes: number, valueBytes: number, isInteger: boolean): number =>
  (timeBytes << 8) | (valueBytes << 4) | (isInteger && valueBytes !== 8 ? 1 : 0);

/**
 * The parameters that a chunk needs to take a sample. `timeBytesNeeded` is the width that the sample's time needs. The
 * original checks whether the distance is representable. It does not check whether adding the distance back gives the
 * value. `lossless` checks that as well, last, and changes to absolute values if the sum differs.
 */
export const parametersFor = (
  timeBytes: number,
  valueBytes: number,
  isInteger: boolean,
  timeBytesNeeded: number,
  value: number,
  predicted: number,
  lossless: boolean,
): number => {
  const distance = value - predicted;
  if (isInteger && !isInt64(distance)) return parametersOf(timeBytes, 4, false);
  if (!isInteger && valueBytes === 4 && predicted + Math.fround(distance) !== value) {
    return parametersOf(timeBytes, 8, false);
  }
  const newTimeBytes = timeBytes < 8 ? Math.max(timeBytes, timeBytesNeeded) : 8;
  const newValueBytes = isInteger ? Math.max(valueBytes, integerByteCount(distance)) : valueBytes;
  const isUnchanged = newTimeBytes === timeBytes && newValueBytes === valueBytes;
  if (isUnchanged && lossless && valueBytes !== 8 && !isReproduced(value, predicted, valueBytes, isInteger)) {
    return parametersOf(timeBytes, 8, false);
  }
  return parametersOf(newTimeBytes, newValueBytes, isInteger);
};

/** Whether the decoder's sum has the value's bits. The value is never NaN here; `Object.is` tells -0 from 0. */
const isReproduced = (value: number, predicted: number, valueBytes: number, isInteger: boolean): boolean => {
  if (valueBytes === 0) return Object.is(predicted, value);
  const distance = value - predicted;
  return Object.is(predicted + (isInteger ? distance | 0 : Math.fround(distance)), value);
};

/** Writes a time. A time of 8 bytes is absolute; a shorter one is the lower bytes of the distance. */
export const writeTime = (
  block: Uint8Array,
  at: number,
  timeBytes: number,
  high: number,
  low: number,
  distanceLow: number,
): void => {
  if (timeBytes === 8) writeHalvesLE(block, at, high, low);
  else writeLE(block, at, timeBytes, distanceLow);
};

/** Writes a value. A value of 8 bytes is absolute; a shorter one is the distance. */
export const writeValue = (
  block: Uint8Array,
  at: number,
  valueBytes: number,
  isInteger: boolean,
  high: number,
  low: number,
  distance: number,
): void => {
  if (valueBytes === 8) writeHalvesLE(block, at, high, low);
  else writeLE(block, at, valueBytes, isInteger ? distance | 0 : floatBitsOf(distance));
};

/** Reads the value at `at`, of 0 to 8 bytes, into place `to` of the columns. */
export const readValue = (
  block: Uint8Array,
  at: number,
  valueBytes: number,
  isInteger: boolean,
  predicted: number,
  into: SampleColumns,
  to: number,
): void => {
  if (valueBytes === 8) {
    into.words[2 * to + LOW_WORD] = readInt32LE(block, at);
    into.words[2 * to + HIGH_WORD] = readInt32LE(block, at + 4);
  } else if (valueBytes === 0) {
    into.values[to] = predicted;
  } else if (isInteger) {
    into.values[to] = predicted + readSignedLE(block, at, valueBytes);
  } else {
    into.values[to] = predicted + floatFromBits(readInt32LE(block, at));
  }
};

/** Why the original would refuse a chunk with this used length and these widths, or `undefined`. */
export const headerProblem = (
  name: string,
  used: number,
  usedAtLeast: number,
  timeBytes: number,
  valueBytes: number,
): string | undefined => {
  if (used > CHUNK_BYTES) return `${name} chunk length exceeded during unmarshaling: ${used}`;
  if (used < usedAtLeast) return `${name} chunk length less than header size: ${used} < ${usedAtLeast}`;
  if (!isWidth(timeBytes)) return `invalid number of time bytes in ${name} chunk: ${timeBytes}`;
  if (valueBytes !== 0 && !isWidth(valueBytes)) return `invalid number of value bytes in ${name} chunk: ${valueBytes}`;
  return undefined;
};

const isWidth = (byteCount: number): boolean =>
  byteCount === 1 || byteCount === 2 || byteCount === 4 || byteCount === 8;

/**
 * Why values with these parameters can't be read, or `undefined`. The original checks this only when it reads a value.
 */
export const valueProblem = (valueBytes: number, isInteger: boolean): string | undefined => {
  if (isInteger && valueBytes === 8) return 'invalid number of bytes for integer delta: 8';
  if (!isInteger && valueBytes < 4) return `invalid number of bytes for floating point delta: ${valueBytes}`;
  return undefined;
};

/** Index of the first time at or after `from`, among `count` ascending times from place `at` on. */
export const firstInRange = (times: Float64Array, at: number, count: number, from: number): number => {
  let index = 0;
  while (index < count && times[at + index] < from) index++;
  return index;
};

/** Index after the last time at or before `through`, among `count` ascending times from place `at` on. */
export const endOfRange = (times: Float64Array, at: number, count: number, through: number): number => {
  let index = count;
  while (index > 0 && times[at + index - 1] > through) index--;
  return index;
};
