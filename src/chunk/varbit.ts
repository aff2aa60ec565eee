/**
 * Adds samples to a varbit chunk in its slot. The layout is in varbit-layout.ts, the rules are in
 * docs/formats/chunks.md. This is the simple way, with every field in place after every sample. varbit-head.ts is the
 * fast way for open heads and produces the same bytes.
 *
 * The footer's fields are written before the payload's bits, because the last sample of a chunk may overwrite the
 * footer.
 */
import { readInt32BE, writeInt32BE } from '../model/int64.ts';
import { readBits, readUint16BE, readUint24BE, writeBits, writeUint16BE, writeUint24BE } from './bytes.ts';
import { toDouble } from './float-bits.ts';
import { highOfDifference, secondsText } from './int64-halves.ts';
import { ADDED, corruptChunk, OVERFLOW, TRANSCODE } from './outcome.ts';
import {
  CHUNK_BITS,
  CLOSED,
  COUNTER_BITS,
  COUNTER_LIMIT,
  COUNTER_OFFSET,
  chooseEncoding,
  DELTA_LIMIT,
  DIRECT,
  DOUBLE_DELTA_LIMIT,
  ENCODING_MASK,
  FIRST_DELTA,
  FIRST_TIME,
  FIRST_VALUE,
  FLAGS,
  FOOTER_BIT,
  HALF_FULL_BIT,
  INTEGER,
  isIntegerStep,
  isSameValue,
  LAST_DELTA,
  LAST_TIME,
  LAST_VALUE,
  LAST_VALUE_DELTA,
  leadingOf,
  NEXT,
  ONE_SAMPLE,
  PAYLOAD,
  PAYLOAD_BIT,
  significantOf,
  WINDOW_LEADING,
  WINDOW_SIGNIFICANT,
  worstCaseBits,
  XOR,
  ZERO,
} from './varbit-layout.ts';

/** Makes the zeroed slot an empty chunk that will not use a value encoding below `initialEncoding`. */
export const beginVarbit = (block: Uint8Array, offset: number, initialEncoding: number): void => {
  block[offset + FLAGS] = initialEncoding;
};

/** Adds a sample and returns an outcome. Throws and changes nothing if its time is before the newest sample's. */
export const addToVarbit = (
  block: Uint8Array,
  offset: number,
  timeHigh: number,
  timeLow: number,
  high: number,
  low: number,
  lossless: boolean,
): number => {
  if ((block[offset + FLAGS] & CLOSED) !== 0) return OVERFLOW;
  const next = readUint16BE(block, offset + NEXT);
  if (next === 0) return addFirst(block, offset, timeHigh, timeLow, high, low);
  if (next > FOOTER_BIT) return closeWith(block, offset, timeHigh, timeLow, high, low);
  if (next !== ONE_SAMPLE) checkOpen(block, offset, next);
  const delta = deltaFromLast(block, offset, timeHigh, timeLow);
  const isTooLong = lossless ? delta >= DELTA_LIMIT : delta > DELTA_LIMIT;
  if (next === ONE_SAMPLE) {
    if (isTooLong) return closeWith(block, offset, timeHigh, timeLow, high, low);
    writeUint24BE(block, offset + FIRST_DELTA, delta);
    writeUint24BE(block, offset + LAST_DELTA, delta);
    writeUint16BE(block, offset + NEXT, PAYLOAD_BIT);
    writeLast(block, offset, timeHigh, timeLow, high, low);
    return ADDED;
  }
  if (next === PAYLOAD_BIT) beginPayload(block, offset, high, low, lossless);
  return addLater(block, offset, delta, isTooLong, timeHigh, timeLow, high, low, lossless);
};

/**
 * Throws if the payload end or the repeat counter's position in the chunk is impossible, so that nothing is
 * overwritten.
 */
const checkOpen = (block: Uint8Array, offset: number, next: number): void => {
  if (next < PAYLOAD_BIT) throw corruptChunk(`varbit chunk goes on at bit ${next}, before its payload`);
  const counter = readUint16BE(block, offset + COUNTER_OFFSET);
  if (counter !== 0 && (counter <= PAYLOAD_BIT || counter + COUNTER_BITS > next)) {
    throw corruptChunk(`varbit chunk counts repeats at bit ${counter}, outside of its payload`);
  }
};

const addFirst = (
  block: Uint8Array,
  offset: number,
  timeHigh: number,
  timeLow: number,
  high: number,
  low: number,
): number => {
  writeInt32BE(block, offset + FIRST_TIME, timeHigh);
  writeInt32BE(block, offset + FIRST_TIME + 4, timeLow);
  writeInt32BE(block, offset + FIRST_VALUE, high);
  writeInt32BE(block, offset + FIRST_VALUE + 4, low);
  writeUint16BE(block, offset + NEXT, ONE_SAMPLE);
  writeLast(block, offset, timeHigh, timeLow, high, low);
  return ADDED;
};

/** Adds the third or a later sample; the value encoding is chosen by now. */
const addLater = (
  block: Uint8Array,
  offset: number,
  delta: number,
  isTooLong: boolean,
  timeHigh: number,
  timeLow: number,
  high: number,
  low: number,
  lossless: boolean,
): number => {
  const next = readUint16BE(block, offset + NEXT);
  const encoding = block[offset + FLAGS] & ENCODING_MASK;
  const lastHigh = readInt32BE(block, offset + LAST_VALUE);
  const lastLow = readInt32BE(block, offset + LAST_VALUE + 4);
  if (isTooLong || next + worstCaseBits(encoding) > CHUNK_BITS) {
    return closeWith(block, offset, timeHigh, timeLow, high, low);
  }
  if (encoding <= INTEGER) {
    const isInteger = isIntegerStep(lastHigh, lastLow, high, low, lossless);
    const fits = encoding === INTEGER ? isInteger : isSameValue(lastHigh, lastLow, high, low, lossless);
    if (!fits) {
      if (next > HALF_FULL_BIT) return OVERFLOW;
      return TRANSCODE | (encoding === ZERO && isInteger ? INTEGER : XOR);
    }
  }
  const doubleDelta = delta - readUint24BE(block, offset + LAST_DELTA);
  if (doubleDelta < -DOUBLE_DELTA_LIMIT || doubleDelta >= DOUBLE_DELTA_LIMIT) {
    return closeWith(block, offset, timeHigh, timeLow, high, low);
  }
  writeUint24BE(block, offset + LAST_DELTA, delta);
  let end = writeTime(block, offset, next, doubleDelta);
  if (encoding === INTEGER) end = writeInteger(block, offset, end, toDouble(high, low) - toDouble(lastHigh, lastLow));
  else if (encoding === XOR) end = writeXor(block, offset, end, lastHigh ^ high, lastLow ^ low);
  else if (encoding === DIRECT) end = writeDirect(block, offset, end, high, low);
  writeUint16BE(block, offset + NEXT, end);
  writeLast(block, offset, timeHigh, timeLow, high, low);
  return ADDED;
};

/** The sample closes the chunk. It is stored only in "last", and no sample can follow it. */
const closeWith = (
  block: Uint8Array,
  offset: number,
  timeHigh: number,
  timeLow: number,
  high: number,
  low: number,
): number => {
  writeLast(block, offset, timeHigh, timeLow, high, low);
  block[offset + FLAGS] |= CLOSED;
  return ADDED;
};

/** The third sample decides how values are stored, so the second sample's value is written only now, without a time. */
const beginPayload = (block: Uint8Array, offset: number, high: number, low: number, lossless: boolean): void => {
  const initial = block[offset + FLAGS] & ENCODING_MASK;
  const firstHigh = readInt32BE(block, offset + FIRST_VALUE);
  const firstLow = readInt32BE(block, offset + FIRST_VALUE + 4);
  const secondHigh = readInt32BE(block, offset + LAST_VALUE);
  const secondLow = readInt32BE(block, offset + LAST_VALUE + 4);
  const encoding = chooseEncoding(initial, firstHigh, firstLow, secondHigh, secondLow, high, low, lossless);
  let end = PAYLOAD_BIT;
  if (encoding === INTEGER) {
    const step = toDouble(secondHigh, secondLow) - toDouble(firstHigh, firstLow);
    writeInt32BE(block, offset + PAYLOAD, step);
    writeInt32BE(block, offset + LAST_VALUE_DELTA, step);
    end += 32;
  } else if (encoding === XOR) {
    end = writeXor(block, offset, end, firstHigh ^ secondHigh, firstLow ^ secondLow);
  } else if (encoding === DIRECT) {
    end = writeDirect(block, offset, end, secondHigh, secondLow);
  }
  block[offset + FLAGS] = (block[offset + FLAGS] & ~ENCODING_MASK) | encoding;
  writeUint16BE(block, offset + NEXT, end);
};

/** Milliseconds since the newest sample. If they exceed 32 bits, some number above the limit. */
const deltaFromLast = (block: Uint8Array, offset: number, timeHigh: number, timeLow: number): number => {
  const lastLow = readInt32BE(block, offset + LAST_TIME + 4);
  const low = (timeLow - lastLow) | 0;
  const high = highOfDifference(timeHigh, readInt32BE(block, offset + LAST_TIME), timeLow, lastLow);
  if (high < 0) {
    const name = readUint16BE(block, offset + NEXT) === ONE_SAMPLE ? 'first Δt' : 'Δt';
    throw corruptChunk(`${name} is less than zero: ${secondsText(high, low)}`);
  }
  return high === 0 ? low >>> 0 : Number.MAX_SAFE_INTEGER;
};

const writeLast = (
  block: Uint8Array,
  offset: number,
  timeHigh: number,
  timeLow: number,
  high: number,
  low: number,
): void => {
  writeInt32BE(block, offset + LAST_TIME, timeHigh);
  writeInt32BE(block, offset + LAST_TIME + 4, timeLow);
  writeInt32BE(block, offset + LAST_VALUE, high);
  writeInt32BE(block, offset + LAST_VALUE + 4, low);
};

/** Writes a difference of Δt at bit `next` and returns its end. A run of equal Δt is counted in one field. */
const writeTime = (block: Uint8Array, offset: number, next: number, doubleDelta: number): number => {
  if (doubleDelta === 0) return countRepeat(block, offset, next);
  writeUint16BE(block, offset + COUNTER_OFFSET, 0);
  if (doubleDelta >= -32 && doubleDelta < 32) {
    writeBits(block, offset, next, 8, 0x80 | (doubleDelta & 0x3f));
    return next + 8;
  }
  if (doubleDelta >= -65536 && doubleDelta < 65536) {
    writeBits(block, offset, next, 20, 0xc0000 | (doubleDelta & 0x1ffff));
    return next + 20;
  }
  writeBits(block, offset, next, 26, 0x3800000 | (doubleDelta & 0x7fffff));
  return next + 26;
};

const countRepeat = (block: Uint8Array, offset: number, next: number): number => {
  const counter = readUint16BE(block, offset + COUNTER_OFFSET);
  if (counter !== 0) {
    const repeats = readBits(block, offset, counter, COUNTER_BITS) + 1;
    if (repeats < COUNTER_LIMIT) {
      writeBits(block, offset, counter, COUNTER_BITS, repeats);
      return next;
    }
  }
  if (next + 8 <= FOOTER_BIT) writeUint16BE(block, offset + COUNTER_OFFSET, next + 1);
  writeBits(block, offset, next, 8, 0);
  return next + 8;
};

const writeInteger = (block: Uint8Array, offset: number, next: number, delta: number): number => {
  const doubleDelta = delta - readInt32BE(block, offset + LAST_VALUE_DELTA);
  writeInt32BE(block, offset + LAST_VALUE_DELTA, delta);
  if (doubleDelta === 0) {
    writeBits(block, offset, next, 1, 0);
    return next + 1;
  }
  if (doubleDelta >= -32 && doubleDelta < 32) {
    writeBits(block, offset, next, 8, 0x80 | (doubleDelta & 0x3f));
    return next + 8;
  }
  if (doubleDelta >= -4096 && doubleDelta < 4096) {
    writeBits(block, offset, next, 16, 0xc000 | (doubleDelta & 0x1fff));
    return next + 16;
  }
  if (doubleDelta >= -524288 && doubleDelta < 524288) {
    writeBits(block, offset, next, 24, 0xe00000 | (doubleDelta & 0xfffff));
    return next + 24;
  }
  writeBits(block, offset, next, 5, doubleDelta < 0 ? 0x1f : 0x1e);
  writeBits(block, offset, next + 5, 32, doubleDelta | 0);
  return next + 37;
};

/** Writes the bits in which two values differ. Uses the previous difference's window where that wastes few bits. */
const writeXor = (block: Uint8Array, offset: number, next: number, high: number, low: number): number => {
  if ((high | low) === 0) {
    writeBits(block, offset, next, 1, 0);
    return next + 1;
  }
  const leading = leadingOf(high, low);
  const significant = significantOf(high, low);
  const windowLeading = block[offset + WINDOW_LEADING];
  const windowSignificant = block[offset + WINDOW_SIGNIFICANT];
  if (
    leading >= windowLeading &&
    leading + significant <= windowLeading + windowSignificant &&
    windowSignificant - significant < 10
  ) {
    writeBits(block, offset, next, 2, 2);
    return writeWindow(block, offset, next + 2, windowLeading, windowSignificant, high, low);
  }
  block[offset + WINDOW_LEADING] = leading;
  block[offset + WINDOW_SIGNIFICANT] = significant;
  writeBits(block, offset, next, 13, (3 << 11) | (leading << 6) | (significant - 1));
  return writeWindow(block, offset, next + 13, leading, significant, high, low);
};

/** Writes `significant` bits of a 64-bit number, after skipping its first `leading` bits. */
const writeWindow = (
  block: Uint8Array,
  offset: number,
  next: number,
  leading: number,
  significant: number,
  high: number,
  low: number,
): number => {
  const inHigh = Math.min(significant, 32 - leading);
  const inLow = significant - inHigh;
  writeBits(block, offset, next, inHigh, high >>> (32 - leading - inHigh));
  writeBits(block, offset, next + inHigh, inLow, low >>> (32 - inLow));
  return next + significant;
};

const writeDirect = (block: Uint8Array, offset: number, next: number, high: number, low: number): number => {
  writeBits(block, offset, next, 32, high);
  writeBits(block, offset, next + 32, 32, low);
  return next + 64;
};
