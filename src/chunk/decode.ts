/**
 * Reads chunks of any encoding. The 1,024 bytes may be in a slot, in a record of a series file or in heads.db.
 *
 * On damage, the functions throw `TIDEMARK_CORRUPT_CHUNK`; the samples before the damage are in the columns by then.
 * Reading terminates on any input and yields at most 126,211 samples: a run of equal intervals is the densest content
 * of a chunk.
 */
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { fromHalves, highHalf, lowHalf, readInt32BE } from '../model/int64.ts';
import { readUint16BE, readUint24BE } from './bytes.ts';
import { DELTA, DOUBLE_DELTA, type Encoding, SampleColumns, VARBIT } from './chunk.ts';
import {
  decodeDelta,
  deltaCount,
  deltaFirstTime,
  deltaProblem,
  deltaTimeAt,
  deltaUsed,
  writeDeltaTime,
} from './delta.ts';
import {
  decodeDoubleDelta,
  doubleDeltaCount,
  doubleDeltaProblem,
  doubleDeltaTimeAt,
  doubleDeltaUsed,
  hasShortSteps,
  writeDoubleDeltaTime,
} from './double-delta.ts';
import { ExactColumns } from './exact-columns.ts';
import { highOfSum } from './int64-halves.ts';
import { corruptChunk } from './outcome.ts';
import { CHUNK_BYTES } from './slab.ts';
import { decodeVarbit, isVarbitClosed, varbitFirstTime, varbitLastTime } from './varbit-decode.ts';
import { FIRST_TIME, FOOTER_BIT, LAST_DELTA, LAST_TIME, LAST_VALUE, NEXT } from './varbit-layout.ts';

export const encodingNames = ['delta', 'double-delta', 'varbit'] as const;

/** The name of an encoding in options and messages. */
export type EncodingName = (typeof encodingNames)[number];

/** `delta`, `double-delta` or `varbit`; throws `TIDEMARK_CORRUPT_CHUNK` for any other number. */
export const encodingName = (encoding: number): EncodingName => {
  const name = encodingNames[encoding];
  if (name === undefined) throw corruptChunk(`unknown chunk encoding: ${encoding}`);
  return name;
};

/** The number of an encoding on disk, from its name. */
export const encodingOf = (name: EncodingName): Encoding => encodingNames.indexOf(name) as Encoding;

/** Adds all samples of the chunk at `offset` to the columns, as the original reads them. */
export const decodeChunk = (block: Uint8Array, offset: number, encoding: number, into: SampleColumns): void =>
  decodeRange(block, offset, encoding, -Infinity, Infinity, into, false);

/**
 * Adds all samples of a chunk from a store. The original stored an interval of exactly 2^24 ms as 0
 * (docs/formats/chunks.md, "Limits"). In a store no two samples of a series have the same time, so an interval of 0 is
 * read as 2^24 ms.
 */
export const decodeStored = (block: Uint8Array, offset: number, encoding: number, into: SampleColumns): void =>
  decodeRange(block, offset, encoding, -Infinity, Infinity, into, true);

/** {@link decodeStored} of the samples with `from <= time <= through` (milliseconds). It stops reading after them. */
export const decodeStoredRange = (
  block: Uint8Array,
  offset: number,
  encoding: number,
  from: number,
  through: number,
  into: SampleColumns,
): void => decodeRange(block, offset, encoding, from, through, into, true);

const decodeRange = (
  block: Uint8Array,
  offset: number,
  encoding: number,
  from: number,
  through: number,
  into: SampleColumns,
  mendsSteps: boolean,
): void => {
  validateChunk(block, offset, encoding);
  if (!fitsDoubles(block, offset, encoding)) {
    decodeWideRange(block, offset, encoding, from, through, into);
  } else if (encoding === VARBIT) {
    const firstTime = varbitFirstTime(block, offset);
    const lastTime = varbitLastTime(block, offset);
    decodeVarbit(block, offset, firstTime, lastTime, from, through, into, mendsSteps);
  } else if (encoding === DELTA) {
    decodeDelta(block, offset, from, through, into);
  } else {
    decodeDoubleDelta(block, offset, from, through, into);
  }
};

/** Adds all samples, with times over the whole range of int64. */
export const decodeChunkExactly = (block: Uint8Array, offset: number, encoding: number, into: ExactColumns): void => {
  validateChunk(block, offset, encoding);
  const { samples } = into;
  const start = samples.count;
  let isLastInHeader = false;
  try {
    if (encoding === VARBIT) isLastInHeader = decodeVarbit(block, offset, 0, 0, -Infinity, Infinity, samples, false);
    else if (encoding === DELTA) decodeDelta(block, offset, -Infinity, Infinity, samples);
    else decodeDoubleDelta(block, offset, -Infinity, Infinity, samples);
  } finally {
    into.reserve(0);
    if (encoding === VARBIT) placeVarbitTimes(block, offset, start, isLastInHeader, into);
    else placeIndexedTimes(block, offset, encoding === DELTA ? writeDeltaTime : writeDoubleDeltaTime, start, into);
    for (let i = start; i < samples.count; i++) {
      samples.timestamps[i] = fromHalves(into.timeWords[2 * i + HIGH_WORD], into.timeWords[2 * i + LOW_WORD]);
    }
  }
};

/** Throws if the original would refuse to load these bytes as a chunk. The original checks only lengths and widths. */
export const validateChunk = (block: Uint8Array, offset: number, encoding: number): void => {
  if (encoding > VARBIT) throw corruptChunk(`unknown chunk encoding: ${encoding}`, { encoding });
  if (block.length - offset < CHUNK_BYTES) throw corruptChunk('unexpected EOF', { encoding });
  if (encoding === VARBIT) return;
  const problem = encoding === DELTA ? deltaProblem(block, offset) : doubleDeltaProblem(block, offset);
  if (problem !== undefined) throw corruptChunk(problem, { encoding });
};

/** Time of the first sample in milliseconds. */
export const firstTimeOf = (block: Uint8Array, offset: number, encoding: number): number => {
  if (encoding === VARBIT) return varbitFirstTime(block, offset);
  return encoding === DELTA ? deltaFirstTime(block, offset) : doubleDeltaTimeAt(block, offset, 0);
};

/** Time of the newest sample in milliseconds; -2^63 for an empty varbit chunk. Constant time. */
export const lastTimeOf = (block: Uint8Array, offset: number, encoding: number): number => {
  if (encoding === VARBIT) return varbitLastTime(block, offset);
  if (encoding === DELTA) return deltaTimeAt(block, offset, deltaCount(block, offset) - 1);
  return doubleDeltaTimeAt(block, offset, doubleDeltaCount(block, offset) - 1);
};

/** The halves of the newest sample's value; zeros for an empty chunk. Allocates. */
export const lastValueOf = (block: Uint8Array, offset: number, encoding: number): { high: number; low: number } => {
  if (encoding === VARBIT) {
    return { high: readInt32BE(block, offset + LAST_VALUE), low: readInt32BE(block, offset + LAST_VALUE + 4) };
  }
  const columns = new SampleColumns();
  decodeChunk(block, offset, encoding, columns);
  if (columns.count === 0) return { high: 0, low: 0 };
  const word = 2 * (columns.count - 1);
  return { high: columns.words[word + HIGH_WORD], low: columns.words[word + LOW_WORD] };
};

/** How many of the 1,024 bytes are in use: the used length for encodings 0 and 1, all bytes for varbit. */
export const usedBytesOf = (block: Uint8Array, offset: number, encoding: number): number => {
  if (encoding === VARBIT) return CHUNK_BYTES;
  return Math.min(CHUNK_BYTES, encoding === DELTA ? deltaUsed(block, offset) : doubleDeltaUsed(block, offset));
};

/**
 * How full the chunk is, 0 to 1. A varbit chunk that a sample has closed is full, however few samples it has: encoding
 * them again would close it at the same sample.
 */
export const filledShareOf = (block: Uint8Array, offset: number, encoding: number): number => {
  if (encoding !== VARBIT) return usedBytesOf(block, offset, encoding) / CHUNK_BYTES;
  return isVarbitClosed(block, offset) ? 1 : Math.min(1, readUint16BE(block, offset + NEXT) / FOOTER_BIT);
};

/** Whether the chunk can take no further sample: true for a varbit chunk that a sample has closed. */
export const isClosedForGood = (block: Uint8Array, offset: number, encoding: number): boolean =>
  encoding === VARBIT && isVarbitClosed(block, offset);

/**
 * Writes the 1,024 bytes of the chunk for a series file. Beyond the used length, the original writes what its buffer
 * held before; here these bytes are zeros.
 */
export const writeForSeriesFile = (
  block: Uint8Array,
  offset: number,
  encoding: number,
  target: Uint8Array,
  targetOffset: number,
): void => {
  const used = usedBytesOf(block, offset, encoding);
  aligned.set(block.subarray(offset, offset + used));
  aligned.fill(0, used);
  target.set(aligned, targetOffset);
};

/** A copy from shared memory to an odd offset goes byte by byte. A chunk is copied to here first, which goes by words. */
const aligned = new Uint8Array(CHUNK_BYTES);

/**
 * Whether a sample that is added to this open chunk will be read back unchanged. This holds for every chunk that
 * Tidemark wrote. The original's varbit encoder can leave a head whose payload or footer disagrees with the appended
 * samples (docs/formats/chunks.md, "What Tidemark writes differently"). Such a head must be closed, so that the next
 * sample starts a new chunk. Throws `TIDEMARK_CORRUPT_CHUNK` if the chunk can't be read. Decodes the whole chunk, so
 * use it only for heads that were read from disk.
 */
export const isFaithfulHead = (block: Uint8Array, offset: number, encoding: number): boolean => {
  if (encoding !== VARBIT || isVarbitClosed(block, offset)) return true;
  const columns = new ExactColumns();
  decodeChunkExactly(block, offset, encoding, columns);
  const last = columns.count - 1;
  if (last < 1) return true;
  const { high, low } = lastValueOf(block, offset, encoding);
  const delta = columns.times[last] - columns.times[last - 1];
  return (
    fromHalves(columns.timeWords[2 * last + HIGH_WORD], columns.timeWords[2 * last + LOW_WORD]) ===
      varbitLastTime(block, offset) &&
    columns.samples.words[2 * last + HIGH_WORD] === high &&
    columns.samples.words[2 * last + LOW_WORD] === low &&
    delta === BigInt(readUint24BE(block, offset + LAST_DELTA))
  );
};

/** Whether doubles can add all times of the chunk exactly, even if its payload is damaged. */
const fitsDoubles = (block: Uint8Array, offset: number, encoding: number): boolean => {
  if (Math.abs(firstTimeOf(block, offset, encoding)) >= PLAIN_TIME_LIMIT) return false;
  return encoding !== DOUBLE_DELTA || hasShortSteps(block, offset);
};

const PLAIN_TIME_LIMIT = 2 ** 52;

/** decodeRange for times that doubles can't add: computes exact times first, then takes the nearest doubles. */
const decodeWideRange = (
  block: Uint8Array,
  offset: number,
  encoding: number,
  from: number,
  through: number,
  into: SampleColumns,
): void => {
  const columns = new ExactColumns();
  try {
    decodeChunkExactly(block, offset, encoding, columns);
  } finally {
    const { samples } = columns;
    into.reserve(samples.count);
    for (let i = 0; i < samples.count; i++) {
      const time = samples.timestamps[i];
      if (time < from || time > through) continue;
      into.timestamps[into.count] = time;
      into.words[2 * into.count] = samples.words[2 * i];
      into.words[2 * into.count + 1] = samples.words[2 * i + 1];
      into.count++;
    }
  }
};

/**
 * Adds the first time to the decoded differences. Takes the newest time from the header if that sample is only there.
 */
const placeVarbitTimes = (
  block: Uint8Array,
  offset: number,
  start: number,
  isLastInHeader: boolean,
  into: ExactColumns,
): void => {
  const { samples, timeWords } = into;
  const firstHigh = readInt32BE(block, offset + FIRST_TIME);
  const firstLow = readInt32BE(block, offset + FIRST_TIME + 4);
  for (let i = start; i < samples.count; i++) {
    const difference = samples.timestamps[i];
    const low = (firstLow + lowHalf(difference)) | 0;
    timeWords[2 * i + LOW_WORD] = low;
    timeWords[2 * i + HIGH_WORD] = highOfSum(firstHigh, highHalf(difference), firstLow, low);
  }
  if (isLastInHeader) {
    const last = 2 * (samples.count - 1);
    timeWords[last + HIGH_WORD] = readInt32BE(block, offset + LAST_TIME);
    timeWords[last + LOW_WORD] = readInt32BE(block, offset + LAST_TIME + 4);
  }
};

const placeIndexedTimes = (
  block: Uint8Array,
  offset: number,
  writeTime: typeof writeDeltaTime,
  start: number,
  into: ExactColumns,
): void => {
  for (let i = start; i < into.count; i++) writeTime(block, offset, i - start, into.timeWords, 2 * i);
};
