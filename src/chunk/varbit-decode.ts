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
  const encoding = block[offset + FLAGS] & ENCODING_MASK;
  let { timestamps, values, words, count } = into;
  // Samples that begin at or before this bit are completely in the loaded words.
  let loadedUntil = loadPayload(block, offset, PAYLOAD_WORD, (end + 31 + MARGIN_BITS) >> 5) - MARGIN_BITS;
  let position = PAYLOAD_BIT;
  let delta = readUint24BE(block, offset + FIRST_DELTA);
  let time = firstTime;
  let high = readInt32BE(block, offset + FIRST_VALUE);
  let low = readInt32BE(block, offset + FIRST_VALUE + 4);
  let value = toDouble(high, low);
  let step = 0;
  // The second sample has no time field: its Δt is the header's first Δt, so it is read as one repeat.
  let repeats = 1;
  let isSecond = true;
  let leading = 0;
  let significant = 1;
  while (isSecond || position < end || (position === end && repeats > 0)) {
    if (position > loadedUntil) {
      loadPayload(block, offset, (loadedUntil + MARGIN_BITS) >> 5, CHUNK_WORDS);
      loadedUntil = CHUNK_BITS;
    }
    if (repeats > 0) {
      repeats--;
    } else {
      const field = bitsAt(position);
      if (field >= 0) {
        repeats = field >>> 24;
        position += 8;
      } else if (field << 1 >= 0) {
        delta += (field << 2) >> 26;
        position += 8;
      } else if (field << 2 >= 0) {
        delta += (field << 3) >> 15;
        position += 20;
      } else {
        delta += (field << 3) >> 9;
        position += 26;
      }
    }
    if (mendsSteps && (delta === 0 || delta === LONGEST_STEP)) {
      // The writer stored 2^24 as 0 in 24 bits and computed the next difference from that 0.
      time += LONGEST_STEP;
      delta = 0;
    } else {
      time += delta;
    }

    if (encoding === INTEGER) {
      const field = bitsAt(position);
      if (isSecond) {
        step = field;
        position += 32;
      } else if (field >= 0) {
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
      value += step;
    } else if (encoding === XOR) {
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
    } else if (encoding === DIRECT) {
      high = bitsAt(position);
      low = bitsAt(position + 32);
      position += 64;
    }
    isSecond = false;

    if (position > CHUNK_BITS) {
      into.count = count;
      throw corruptChunk('attempted access outside of chunk boundaries');
    }
    if (time > through) {
      into.count = count;
      return false;
    }
    if (time < from) continue;
    if (count === timestamps.length) {
      into.count = count;
      into.reserve(1);
      ({ timestamps, values, words } = into);
    }
    timestamps[count] = time;
    if (encoding === INTEGER) {
      values[count] = value;
    } else {
      words[2 * count + HIGH_WORD] = high;
      words[2 * count + LOW_WORD] = low;
    }
    count++;
  }
  into.count = count;
  return position === end;
};

/** The 32 bits from `position` on. */
const bitsAt = (position: number): number => {
  const word = position >> 5;
  const shift = position & 31;
  return (payload[word] << shift) | ((payload[word + 1] >>> 1) >>> (31 - shift));
};

/** Loads words from `from` up to but not including `through`, and returns the bit at which they end. */
const loadPayload = (block: Uint8Array, offset: number, from: number, through: number): number => {
  const end = Math.min(through, CHUNK_WORDS);
  for (let word = from; word < end; word++) payload[word] = readInt32BE(block, offset + 4 * word);
  return end << 5;
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
