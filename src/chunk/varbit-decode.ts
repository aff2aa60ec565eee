/**
 * Reads varbit chunks (varbit-layout.ts has the bytes). The payload is first loaded as 32-bit words. Any field can then
 * be read as the top bits of one number made of two neighbouring words. A field that ends beyond the chunk reads zeros
 * there, and the sample it belongs to is refused.
 *
 * The loop terminates on any input: every group of samples takes at least a bit, and a bit stands for at most 16
 * samples.
 */
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { fromHalves, readInt32BE } from '../model/int64.ts';
import { readUint16BE, readUint24BE } from './bytes.ts';
import type { SampleColumns } from './chunk.ts';
import { toDouble } from './float-bits.ts';
import { corruptChunk } from './outcome.ts';
import {
  CHUNK_BITS,
  CLOSED,
  DIRECT,
  ENCODING_MASK,
  FIRST_DELTA,
  FIRST_TIME,
  FIRST_VALUE,
  FLAGS,
  INTEGER,
  LAST_TIME,
  LAST_VALUE,
  NEXT,
  ONE_SAMPLE,
  PAYLOAD_BIT,
  XOR,
} from './varbit-layout.ts';

const PAYLOAD_WORD = PAYLOAD_BIT >> 5;
const CHUNK_WORDS = CHUNK_BITS >> 5;
/** The payload's words, followed by words of zeros for fields that end beyond the chunk. */
const payload = new Int32Array(CHUNK_WORDS + 6);
/** More bits than a sample can take, including the look-ahead of its fields. */
const MARGIN_BITS = 192;
const TWO_POW_32 = 4294967296;
/**
 * The only interval, in milliseconds, that the original stores wrongly: as 0. Shorter intervals fit the field, and a
 * longer one closes the chunk. No two samples of a series have the same time, so a stored 0 can only be this interval.
 */
const LONGEST_STEP = 2 ** 24;

/** Time of the first sample; 0 in an empty chunk. */
export const varbitFirstTime = (block: Uint8Array, offset: number): number => readTime(block, offset + FIRST_TIME);

const EARLIEST = -(2 ** 63);

/** Time of the newest sample of an open or closed chunk; -2^63 for an empty chunk. */
export const varbitLastTime = (block: Uint8Array, offset: number): number =>
  readUint16BE(block, offset + NEXT) === 0 ? EARLIEST : readTime(block, offset + LAST_TIME);

export const isVarbitClosed = (block: Uint8Array, offset: number): boolean => (block[offset + FLAGS] & CLOSED) !== 0;

/**
 * Adds the samples with `from <= time <= through` to the columns. A time is `firstTime` plus the differences; a caller
 * that needs exact times passes 0 and adds the first time itself. If the newest sample is only in the header, in
 * "last", its time is `lastTime`. Returns whether such a sample was added. `mendsSteps`: read an interval of 0 as 2^24
 * ms.
 */
export const decodeVarbit = (
  block: Uint8Array,
  offset: number,
  firstTime: number,
  lastTime: number,
  from: number,
  through: number,
  into: SampleColumns,
  mendsSteps: boolean,
): boolean => {
  const end = readUint16BE(block, offset + NEXT);
  const isClosed = isVarbitClosed(block, offset);
  if (end >= ONE_SAMPLE) {
    if (firstTime > through) return false;
    if (firstTime >= from) pushSample(into, firstTime, block, offset + FIRST_VALUE);
  }
  if (end > ONE_SAMPLE && (end !== PAYLOAD_BIT || isClosed)) {
    if (!decodePayload(block, offset, end, firstTime, from, through, into, mendsSteps)) return false;
  }
  if (!isClosed && end !== PAYLOAD_BIT) return false;
  if (lastTime < from || lastTime > through) return false;
  pushSample(into, lastTime, block, offset + LAST_VALUE);
  return true;
};

/**
 * Adds the payload's samples, from the second sample on. False if a sample was after `through`, or if the payload of a
 * damaged chunk goes beyond its end: the original stops there without an error and without reading "last".
 *
 * Each value encoding has a loop of its own, because a loop for all of them decides for each sample what is the same in
 * the whole chunk. The loops share their outline: an interval is read and holds for a run of samples, each of which has
 * a value. The second sample has no time field: its interval is the header's, so it is a run of one.
 */
const decodePayload = (
  block: Uint8Array,
  offset: number,
  end: number,
  firstTime: number,
  from: number,
  through: number,
  into: SampleColumns,
  mendsSteps: boolean,
): boolean => {
  // A damaged chunk can go beyond its end by less than two samples; without end bits it still has a second sample.
  loadPayload(block, offset, (Math.max(end, PAYLOAD_BIT) + 31 + 2 * MARGIN_BITS) >> 5);
  const encoding = block[offset + FLAGS] & ENCODING_MASK;
  if (encoding === INTEGER) return decodeIntegers(block, offset, end, firstTime, from, through, into, mendsSteps);
  if (encoding === XOR) return decodeXors(block, offset, end, firstTime, from, through, into, mendsSteps);
  return decodeWholeValues(block, offset, end, firstTime, from, through, into, mendsSteps, encoding === DIRECT);
};

/** Values as differences of differences. */
const decodeIntegers = (
  block: Uint8Array,
  offset: number,
  end: number,
  firstTime: number,
  from: number,
  through: number,
  into: SampleColumns,
  mendsSteps: boolean,
): boolean => {
  let { timestamps, values, count } = into;
  let delta = readUint24BE(block, offset + FIRST_DELTA);
  let time = firstTime;
  let value = toDouble(readInt32BE(block, offset + FIRST_VALUE), readInt32BE(block, offset + FIRST_VALUE + 4));
  // The second value has its difference in 32 bits.
  let step = bitsAt(PAYLOAD_BIT);
  let position = PAYLOAD_BIT + 32;
  let run = 1;
  let isSecond = true;
  do {
    if (!isSecond) {
      const field = bitsAt(position);
      position += intervalBits(field);
      delta += intervalChange(field);
      run = intervalRun(field);
    }
    const interval = intervalOf(delta, mendsSteps);
    if (mendsSteps && interval === LONGEST_STEP) delta = 0;
    if (count + run > timestamps.length) {
      into.count = count;
      into.reserve(run);
      ({ timestamps, values } = into);
    }
    do {
      time += interval;
      if (isSecond) {
        isSecond = false;
      } else {
        const field = bitsAt(position);
        if (field >= 0) {
          position += 1;
        } else if (field << 1 >= 0) {
          step += (field << 2) >> 26;
          position += 8;
        } else if (field << 2 >= 0) {
          step += (field << 3) >> 19;
          position += 16;
        } else if (field << 3 >= 0) {
          step += (field << 4) >> 12;
          position += 24;
        } else {
          step += (bitsAt(position + 5) >>> 0) - ((field << 4) >>> 31) * TWO_POW_32;
          position += 37;
        }
      }
      value += step;
      if (position > CHUNK_BITS) throw beyondChunk(into, count);
      if (time > through) {
        into.count = count;
        return false;
      }
      if (time >= from) {
        timestamps[count] = time;
        values[count++] = value;
      }
    } while (--run > 0 && position <= end);
  } while (position < end);
  into.count = count;
  return position === end;
};

/** Values as the bits in which each differs from the one before. */
const decodeXors = (
  block: Uint8Array,
  offset: number,
  end: number,
  firstTime: number,
  from: number,
  through: number,
  into: SampleColumns,
  mendsSteps: boolean,
): boolean => {
  let { timestamps, words, count } = into;
  let delta = readUint24BE(block, offset + FIRST_DELTA);
  let time = firstTime;
  let high = readInt32BE(block, offset + FIRST_VALUE);
  let low = readInt32BE(block, offset + FIRST_VALUE + 4);
  let position = PAYLOAD_BIT;
  let leading = 0;
  let significant = 1;
  let run = 1;
  let isSecond = true;
  do {
    if (!isSecond) {
      const field = bitsAt(position);
      position += intervalBits(field);
      delta += intervalChange(field);
      run = intervalRun(field);
    }
    isSecond = false;
    const interval = intervalOf(delta, mendsSteps);
    if (mendsSteps && interval === LONGEST_STEP) delta = 0;
    if (count + run > timestamps.length) {
      into.count = count;
      into.reserve(run);
      ({ timestamps, words } = into);
    }
    do {
      time += interval;
      const field = bitsAt(position);
      if (field >= 0) {
        position += 1;
      } else {
        if (field << 1 >= 0) {
          position += 2;
        } else {
          leading = (field >>> 25) & 0x1f;
          significant = ((field >>> 19) & 0x3f) + 1;
          position += 13;
        }
        const trailing = 64 - leading - significant;
        // A window wider than the number has no bits to apply: the original shifts them all out.
        if (trailing >= 0) {
          // Reading `leading` bits early aligns the window with the value; the mask removes the bits around it.
          const start = position - leading;
          high ^= bitsAt(start) & (-1 >>> leading) & (trailing < 32 ? -1 : -1 << (trailing - 32));
          if (trailing < 32) low ^= bitsAt(start + 32) & (-1 << trailing);
        }
        position += significant;
      }
      if (position > CHUNK_BITS) throw beyondChunk(into, count);
      if (time > through) {
        into.count = count;
        return false;
      }
      if (time >= from) {
        timestamps[count] = time;
        words[2 * count + HIGH_WORD] = high;
        words[2 * count + LOW_WORD] = low;
        count++;
      }
    } while (--run > 0 && position <= end);
  } while (position < end);
  into.count = count;
  return position === end;
};

/** Values in full, or all equal to the first, which takes no bits. */
const decodeWholeValues = (
  block: Uint8Array,
  offset: number,
  end: number,
  firstTime: number,
  from: number,
  through: number,
  into: SampleColumns,
  mendsSteps: boolean,
  isDirect: boolean,
): boolean => {
  let { timestamps, words, count } = into;
  let delta = readUint24BE(block, offset + FIRST_DELTA);
  let time = firstTime;
  let high = readInt32BE(block, offset + FIRST_VALUE);
  let low = readInt32BE(block, offset + FIRST_VALUE + 4);
  let position = PAYLOAD_BIT;
  let run = 1;
  let isSecond = true;
  do {
    if (!isSecond) {
      const field = bitsAt(position);
      position += intervalBits(field);
      delta += intervalChange(field);
      run = intervalRun(field);
    }
    isSecond = false;
    const interval = intervalOf(delta, mendsSteps);
    if (mendsSteps && interval === LONGEST_STEP) delta = 0;
    if (count + run > timestamps.length) {
      into.count = count;
      into.reserve(run);
      ({ timestamps, words } = into);
    }
    do {
      time += interval;
      if (isDirect) {
        high = bitsAt(position);
        low = bitsAt(position + 32);
        position += 64;
      }
      if (position > CHUNK_BITS) throw beyondChunk(into, count);
      if (time > through) {
        into.count = count;
        return false;
      }
      if (time >= from) {
        timestamps[count] = time;
        words[2 * count + HIGH_WORD] = high;
        words[2 * count + LOW_WORD] = low;
        count++;
      }
    } while (--run > 0 && position <= end);
  } while (position < end);
  into.count = count;
  return position === end;
};

/** Bits of the time field that these bits begin with. */
const intervalBits = (field: number): number => (field >= 0 || field << 1 >= 0 ? 8 : field << 2 >= 0 ? 20 : 26);

/** By how much the time field changes the interval. */
const intervalChange = (field: number): number => {
  if (field >= 0) return 0;
  if (field << 1 >= 0) return (field << 2) >> 26;
  return field << 2 >= 0 ? (field << 3) >> 15 : (field << 3) >> 9;
};

/** The number of samples that have the interval. A counter of repeats does not count the first of them. */
const intervalRun = (field: number): number => (field >= 0 ? (field >>> 24) + 1 : 1);

/** The interval in milliseconds. The writer stored 2^24 as 0 in 24 bits and computed the next difference from that 0. */
const intervalOf = (delta: number, mendsSteps: boolean): number =>
  mendsSteps && (delta === 0 || delta === LONGEST_STEP) ? LONGEST_STEP : delta;

const beyondChunk = (into: SampleColumns, count: number): Error => {
  into.count = count;
  return corruptChunk('attempted access outside of chunk boundaries');
};

/** The 32 bits from `position` on. */
const bitsAt = (position: number): number => {
  const word = position >> 5;
  const shift = position & 31;
  return (payload[word] << shift) | ((payload[word + 1] >>> 1) >>> (31 - shift));
};

/** Loads the payload's words up to but not including `through`. */
const loadPayload = (block: Uint8Array, offset: number, through: number): void => {
  const end = Math.min(through, CHUNK_WORDS);
  for (let word = PAYLOAD_WORD; word < end; word++) payload[word] = readInt32BE(block, offset + 4 * word);
};

const pushSample = (into: SampleColumns, time: number, block: Uint8Array, at: number): void => {
  into.reserve(1);
  const { count } = into;
  into.timestamps[count] = time;
  into.words[2 * count + HIGH_WORD] = readInt32BE(block, at);
  into.words[2 * count + LOW_WORD] = readInt32BE(block, at + 4);
  into.count = count + 1;
};

const readTime = (block: Uint8Array, at: number): number =>
  fromHalves(readInt32BE(block, at), readInt32BE(block, at + 4));
