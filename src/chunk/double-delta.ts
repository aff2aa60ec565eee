/**
 * Encoding 1, double-delta: every sample is stored as its distance from the straight line through the chunk's first two
 * samples. All samples of a chunk have fields of the same width. All numbers are little endian.
 *
 *   0   2  used length, this header included       13  8  base value, float64
 *   2   1  tb: bytes of a time: 1, 2, 4 or 8       21  8  ΔT, int64; with tb 8 the time of sample 1
 *   3   1  vb: bytes of a value: 0, 1, 2, 4 or 8   29  8  ΔV, float64; with vb 8 the value of sample 1
 *   4   1  1 when values are integer residuals     37  …  samples from 2 on: tb bytes of time, vb bytes of value
 *   5   8  base time, int64
 *
 * docs/formats/chunks.md has the rules in full, with the cases in which the original's encoder loses bits.
 */
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { fromHalves } from '../model/int64.ts';
import { readInt32LE, readInt64LE, readSignedLE, readUint16LE, writeHalvesLE, writeUint16LE } from './bytes.ts';
import type { SampleColumns } from './chunk.ts';
import { highWordOf, lowWordOf, toDouble } from './float-bits.ts';
import {
  highOfDifference,
  highOfProduct,
  highOfSum,
  secondsText,
  signedByteCount,
  unsignedByteCount,
} from './int64-halves.ts';
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

const USED = 0;
const TIME_BYTES = 2;
const VALUE_BYTES = 3;
const IS_INTEGER = 4;
const BASE_TIME = 5;
const BASE_VALUE = 13;
const TIME_DELTA = 21;
const VALUE_DELTA = 29;

/** Used length of a chunk with no sample, one sample and two samples. */
const EMPTY_BYTES = 5;
const ONE_SAMPLE_BYTES = 21;
const HEADER_BYTES = 37;

/** Makes the zeroed slot an empty chunk with these parameters (residuals.ts). */
export const beginDoubleDelta = (block: Uint8Array, offset: number, parameters: number): void => {
  writeUint16LE(block, offset + USED, EMPTY_BYTES);
  block[offset + TIME_BYTES] = parameters >> 8;
  block[offset + VALUE_BYTES] = (parameters >> 4) & 0xf;
  block[offset + IS_INTEGER] = parameters & 1;
};

/** Adds a sample and returns an outcome. Throws and changes nothing if the second sample is before the first. */
export const addToDoubleDelta = (
  block: Uint8Array,
  offset: number,
  timeHigh: number,
  timeLow: number,
  high: number,
  low: number,
  lossless: boolean,
): number => {
  const used = readUint16LE(block, offset + USED);
  if (used <= EMPTY_BYTES) return addFirst(block, offset, timeHigh, timeLow, high, low);
  if (used <= ONE_SAMPLE_BYTES) return addSecond(block, offset, timeHigh, timeLow, high, low, lossless);
  return addLater(block, offset, timeHigh, timeLow, high, low, lossless);
};

const addFirst = (
  block: Uint8Array,
  offset: number,
  timeHigh: number,
  timeLow: number,
  high: number,
  low: number,
): number => {
  writeHalvesLE(block, offset + BASE_TIME, timeHigh, timeLow);
  writeHalvesLE(block, offset + BASE_VALUE, high, low);
  writeUint16LE(block, offset + USED, ONE_SAMPLE_BYTES);
  return ADDED;
};

const addSecond = (
  block: Uint8Array,
  offset: number,
  timeHigh: number,
  timeLow: number,
  high: number,
  low: number,
  lossless: boolean,
): number => {
  const baseLow = readInt32LE(block, offset + BASE_TIME);
  const deltaLow = (timeLow - baseLow) | 0;
  const deltaHigh = highOfDifference(timeHigh, readInt32LE(block, offset + BASE_TIME + 4), timeLow, baseLow);
  if (deltaHigh < 0) throw corruptChunk(`base time delta is less than zero: ${secondsText(deltaHigh, deltaLow)}`);
  if (block[offset + TIME_BYTES] === 8 || unsignedByteCount(deltaHigh, deltaLow) === 8) {
    block[offset + TIME_BYTES] = 8;
    writeHalvesLE(block, offset + TIME_DELTA, timeHigh, timeLow);
  } else {
    writeHalvesLE(block, offset + TIME_DELTA, deltaHigh, deltaLow);
  }

  const value = toDouble(high, low);
  const base = readDouble(block, offset + BASE_VALUE);
  const delta = value - base;
  const sum = base + delta;
  if (block[offset + VALUE_BYTES] === 8 || sum !== value || (lossless && !Object.is(sum, value))) {
    block[offset + VALUE_BYTES] = 8;
    block[offset + IS_INTEGER] = 0;
    writeHalvesLE(block, offset + VALUE_DELTA, high, low);
  } else {
    writeHalvesLE(block, offset + VALUE_DELTA, highWordOf(delta), lowWordOf(delta));
  }
  writeUint16LE(block, offset + USED, HEADER_BYTES);
  return ADDED;
};

const addLater = (
  block: Uint8Array,
  offset: number,
  timeHigh: number,
  timeLow: number,
  high: number,
  low: number,
  lossless: boolean,
): number => {
  const used = readUint16LE(block, offset + USED);
  if (used < HEADER_BYTES) throw corruptChunk(`doubledelta chunk length ends inside its header: ${used}`);
  const timeBytes = block[offset + TIME_BYTES];
  const valueBytes = block[offset + VALUE_BYTES];
  const isInteger = block[offset + IS_INTEGER] === 1;
  const problem = valueProblem(valueBytes, isInteger);
  if (problem !== undefined) throw corruptChunk(problem);
  if (CHUNK_BYTES - used < timeBytes + valueBytes) return OVERFLOW;

  const count = doubleDeltaCount(block, offset);
  const lineLow = lineTimeLow(block, offset, count);
  const distanceLow = (timeLow - lineLow) | 0;
  const distanceHigh = highOfDifference(timeHigh, lineTimeHigh(block, offset, count), timeLow, lineLow);
  const timeBytesNeeded = signedByteCount(distanceHigh, distanceLow);
  const value = toDouble(high, low);
  const projected = readDouble(block, offset + BASE_VALUE) + count * valueDelta(block, offset);
  const wanted = parametersFor(timeBytes, valueBytes, isInteger, timeBytesNeeded, value, projected, lossless);
  if (wanted !== parametersOf(timeBytes, valueBytes, isInteger)) {
    return used * 2 < CHUNK_BYTES ? TRANSCODE | wanted : OVERFLOW;
  }
  writeTime(block, offset + used, timeBytes, timeHigh, timeLow, distanceLow);
  writeValue(block, offset + used + timeBytes, valueBytes, isInteger, high, low, value - projected);
  writeUint16LE(block, offset + USED, used + timeBytes + valueBytes);
  return ADDED;
};

/**
 * How many samples the chunk holds, computed from its used length; negative for some lengths that end in the header.
 */
export const doubleDeltaCount = (block: Uint8Array, offset: number): number => {
  const used = doubleDeltaUsed(block, offset);
  if (used <= EMPTY_BYTES) return 0;
  if (used <= ONE_SAMPLE_BYTES) return 1;
  return Math.trunc((used - HEADER_BYTES) / (block[offset + TIME_BYTES] + block[offset + VALUE_BYTES])) + 2;
};

export const doubleDeltaUsed = (block: Uint8Array, offset: number): number => readUint16LE(block, offset + USED);

/** Why the original would refuse to load the chunk, or `undefined`. */
export const doubleDeltaProblem = (block: Uint8Array, offset: number): string | undefined => {
  const used = doubleDeltaUsed(block, offset);
  return headerProblem('doubledelta', used, ONE_SAMPLE_BYTES, block[offset + TIME_BYTES], block[offset + VALUE_BYTES]);
};

/** Whether doubles can multiply and add the chunk's time steps exactly. */
export const hasShortSteps = (block: Uint8Array, offset: number): boolean =>
  block[offset + TIME_BYTES] === 8 || Math.abs(timeDelta(block, offset)) < SHORT_STEP_LIMIT;

const SHORT_STEP_LIMIT = 2 ** 42;

/** Time of sample `index` as a double. */
export const doubleDeltaTimeAt = (block: Uint8Array, offset: number, index: number): number => {
  const base = readInt64LE(block, offset + BASE_TIME);
  if (index === 0) return base;
  const timeBytes = block[offset + TIME_BYTES];
  const delta = timeDelta(block, offset);
  if (index === 1) return timeBytes === 8 ? delta : base + delta;
  const at = sampleAt(block, offset, index);
  return timeBytes === 8 ? readInt64LE(block, at) : base + index * delta + readSignedLE(block, at, timeBytes);
};

/** Adds the samples with `from <= time <= through` to the columns. Doubles must be able to add the times exactly. */
export const decodeDoubleDelta = (
  block: Uint8Array,
  offset: number,
  from: number,
  through: number,
  into: SampleColumns,
): void => {
  const count = Math.max(0, doubleDeltaCount(block, offset));
  const problem = count > 2 ? valueProblem(block[offset + VALUE_BYTES], block[offset + IS_INTEGER] === 1) : undefined;
  // The first two samples are in the header, so they can be read even if the payload can't.
  const readable = problem === undefined ? count : 2;
  into.reserve(readable);
  decodeTimes(block, offset, readable, into);
  const at = into.count;
  const start = firstInRange(into.timestamps, at, readable, from);
  const end = Math.max(start, endOfRange(into.timestamps, at, readable, through));
  if (start > 0) into.timestamps.copyWithin(at, at + start, at + end);
  decodeValues(block, offset, start, end, into);
  into.count += end - start;
  if (problem !== undefined && end === readable) throw corruptChunk(problem);
};

/** Exact time of sample `index`, as two words in the machine's order. */
export const writeDoubleDeltaTime = (
  block: Uint8Array,
  offset: number,
  index: number,
  timeWords: Int32Array,
  to: number,
): void => {
  const timeBytes = block[offset + TIME_BYTES];
  if (timeBytes === 8 && index > 0) {
    const at = index === 1 ? offset + TIME_DELTA : sampleAt(block, offset, index);
    timeWords[to + LOW_WORD] = readInt32LE(block, at);
    timeWords[to + HIGH_WORD] = readInt32LE(block, at + 4);
    return;
  }
  const lineLow = lineTimeLow(block, offset, index);
  const lineHigh = lineTimeHigh(block, offset, index);
  const distance = index < 2 ? 0 : readSignedLE(block, sampleAt(block, offset, index), timeBytes);
  const low = (lineLow + distance) | 0;
  timeWords[to + LOW_WORD] = low;
  timeWords[to + HIGH_WORD] = highOfSum(lineHigh, distance >> 31, lineLow, low);
};

const decodeTimes = (block: Uint8Array, offset: number, count: number, into: SampleColumns): void => {
  const { timestamps } = into;
  const to = into.count;
  const timeBytes = block[offset + TIME_BYTES];
  const step = timeBytes + block[offset + VALUE_BYTES];
  const base = readInt64LE(block, offset + BASE_TIME);
  const delta = timeDelta(block, offset);
  if (count > 0) timestamps[to] = base;
  if (count > 1) timestamps[to + 1] = timeBytes === 8 ? delta : base + delta;
  let at = offset + HEADER_BYTES;
  for (let i = 2; i < count; i++) {
    timestamps[to + i] =
      timeBytes === 8 ? readInt64LE(block, at) : base + i * delta + readSignedLE(block, at, timeBytes);
    at += step;
  }
};

const decodeValues = (block: Uint8Array, offset: number, start: number, end: number, into: SampleColumns): void => {
  const timeBytes = block[offset + TIME_BYTES];
  const valueBytes = block[offset + VALUE_BYTES];
  const isInteger = block[offset + IS_INTEGER] === 1;
  const step = timeBytes + valueBytes;
  const base = readDouble(block, offset + BASE_VALUE);
  const delta = valueDelta(block, offset);
  let at = sampleAt(block, offset, start) + timeBytes;
  let to = into.count;
  for (let i = start; i < end; i++) {
    if (i === 0) readValue(block, offset + BASE_VALUE, 8, false, 0, into, to);
    else if (i > 1) readValue(block, at, valueBytes, isInteger, base + i * delta, into, to);
    else if (valueBytes < 8) into.values[to] = base + delta;
    else if (isValueDeltaPresent(block, offset)) readValue(block, offset + VALUE_DELTA, 8, false, 0, into, to);
    else into.values[to] = 0;
    at += step;
    to++;
  }
};

const sampleAt = (block: Uint8Array, offset: number, index: number): number =>
  offset + HEADER_BYTES + (index - 2) * (block[offset + TIME_BYTES] + block[offset + VALUE_BYTES]);

/** The time at sample `index` on the line through the first two samples. Wraps; meaningless with tb 8. */
const lineTimeLow = (block: Uint8Array, offset: number, index: number): number =>
  (readInt32LE(block, offset + BASE_TIME) + Math.imul(timeDeltaLow(block, offset), index)) | 0;

const lineTimeHigh = (block: Uint8Array, offset: number, index: number): number =>
  highOfSum(
    readInt32LE(block, offset + BASE_TIME + 4),
    highOfProduct(timeDeltaHigh(block, offset), timeDeltaLow(block, offset), index),
    readInt32LE(block, offset + BASE_TIME),
    lineTimeLow(block, offset, index),
  );

/** ΔT and ΔV count as 0 in a chunk whose used length ends before them. */
const isTimeDeltaPresent = (block: Uint8Array, offset: number): boolean =>
  doubleDeltaUsed(block, offset) >= TIME_DELTA + 8;

const isValueDeltaPresent = (block: Uint8Array, offset: number): boolean =>
  doubleDeltaUsed(block, offset) >= VALUE_DELTA + 8;

const timeDeltaLow = (block: Uint8Array, offset: number): number =>
  isTimeDeltaPresent(block, offset) ? readInt32LE(block, offset + TIME_DELTA) : 0;

const timeDelta = (block: Uint8Array, offset: number): number =>
  fromHalves(timeDeltaHigh(block, offset), timeDeltaLow(block, offset));

const timeDeltaHigh = (block: Uint8Array, offset: number): number =>
  isTimeDeltaPresent(block, offset) ? readInt32LE(block, offset + TIME_DELTA + 4) : 0;

const valueDelta = (block: Uint8Array, offset: number): number =>
  isValueDeltaPresent(block, offset) ? readDouble(block, offset + VALUE_DELTA) : 0;

const readDouble = (block: Uint8Array, at: number): number =>
  toDouble(readInt32LE(block, at + 4), readInt32LE(block, at));
