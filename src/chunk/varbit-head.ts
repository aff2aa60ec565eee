/**
 * The fast way to add samples to an open varbit chunk. varbit.ts reads and writes the slot for every sample. Here that
 * state is in registers in the series' own row. An append loads one cache line. Every few samples it stores some words
 * to the slot, which it hardly ever reads. With 100,000 series, memory access is most of the cost of an append.
 *
 * While a head is in registers, the slot's header and footer are out of date. {@link storeHead} updates them, to the
 * same bytes that varbit.ts would have written. {@link loadHead} reads them into registers. A sample that the fast way
 * can't add is refused and nothing changes: the caller stores the head, appends to the slot, and loads the head. The
 * fast way never loses bits (`lossless` in append.ts).
 */
import { highHalf, lowHalf, readInt32BE, writeInt32BE } from '../model/int64.ts';
import { readBits, readUint16BE, readUint24BE, writeBits, writeUint16BE, writeUint24BE } from './bytes.ts';
import { toDouble } from './float-bits.ts';
import {
  COUNTER,
  clearPending,
  DELTA,
  flipCounter,
  flush,
  groupOf,
  HEADER_TAIL_BIT,
  IN_SMALL_SLOT,
  NONE,
  pendingAt,
  put,
  STATE,
  TWO_SAMPLES,
  VALUE_STATE,
  writeCounter,
} from './head-registers.ts';
import { CHUNK_BYTES } from './slab.ts';
import { copyHead, SMALL_ENTRY_BIT, SMALL_FOOTER_BIT, SMALL_GAP_BYTES } from './small-head.ts';
import {
  CHUNK_BITS,
  COUNTER_BITS,
  COUNTER_LIMIT,
  COUNTER_OFFSET,
  chooseEncoding,
  DELTA_LIMIT,
  DIRECT,
  DOUBLE_DELTA_LIMIT,
  ENCODING_MASK,
  FIRST_VALUE,
  FLAGS,
  FOOTER_BIT,
  INTEGER,
  isIntegerStep,
  LAST_DELTA,
  LAST_TIME,
  LAST_VALUE,
  LAST_VALUE_DELTA,
  leadingOf,
  NEXT,
  ONE_SAMPLE,
  PAYLOAD_BIT,
  significantOf,
  worstCaseBits,
  XOR,
  ZERO,
} from './varbit-layout.ts';

export { HEAD_REGISTERS } from './head-registers.ts';

/** A sample of any size fits if the payload ends at or before this bit. */
const ROOMY_BIT = 8000;

/**
 * Adds a sample to the head whose registers are at `rows[at]` and whose slot is at `offset` of the block. `lastTime`
 * (milliseconds) and the halves of the last value are those of the newest sample. Returns false and changes nothing if
 * the sample must go the slow way.
 */
export const appendToHead = (
  rows: Int32Array,
  at: number,
  block: Uint8Array,
  offset: number,
  lastTime: number,
  lastHigh: number,
  lastLow: number,
  timestamp: number,
  high: number,
  low: number,
): boolean => {
  const delta = timestamp - lastTime;
  if (!(delta >= 0 && delta < DELTA_LIMIT)) return false;
  const state = rows[at + STATE];
  const next = state & 0xffff;
  const encoding = (state >> 16) & ENCODING_MASK;
  if (next < PAYLOAD_BIT)
    return appendEarly(rows, at, block, offset, lastTime, lastHigh, lastLow, timestamp, high, low);
  if (next > ROOMY_BIT && next + worstCaseBits(encoding) > CHUNK_BITS) return false;

  const doubleDelta = delta - rows[at + DELTA];
  const counter = rows[at + COUNTER];
  let newCounter = 0;
  let bits = 0;
  let count = 0;
  if (doubleDelta === 0) {
    if (counter !== 0 && (counter & 0xff) < COUNTER_LIMIT - 1) {
      newCounter = counter + 1;
    } else {
      newCounter = (next + 1) << 8;
      count = 8;
    }
  } else if (doubleDelta >= -32 && doubleDelta < 32) {
    bits = 0x80 | (doubleDelta & 0x3f);
    count = 8;
  } else if (doubleDelta >= -65536 && doubleDelta < 65536) {
    bits = 0xc0000 | (doubleDelta & 0x1ffff);
    count = 20;
  } else if (doubleDelta >= -DOUBLE_DELTA_LIMIT && doubleDelta < DOUBLE_DELTA_LIMIT) {
    bits = 0x3800000 | (doubleDelta & 0x7fffff);
    count = 26;
  } else {
    return false;
  }

  // Up to three fields: the time together with the value's prefix if they fit, then up to 64 bits of the value.
  let prefix = 0;
  let prefixCount = 0;
  let upper = 0;
  let upperCount = 0;
  let lower = 0;
  let lowerCount = 0;
  let valueState = rows[at + VALUE_STATE];
  if (encoding === ZERO) {
    if (high !== lastHigh || low !== lastLow) return false;
  } else if (encoding === INTEGER) {
    const last = toDouble(lastHigh, lastLow);
    const value = toDouble(high, low);
    const step = (value - last) | 0;
    if (value - last !== step || !Object.is(last + step, value)) return false;
    const change = step - valueState;
    valueState = step;
    if (change === 0) {
      prefixCount = 1;
    } else if (change >= -32 && change < 32) {
      prefix = 0x80 | (change & 0x3f);
      prefixCount = 8;
    } else if (change >= -4096 && change < 4096) {
      prefix = 0xc000 | (change & 0x1fff);
      prefixCount = 16;
    } else if (change >= -524288 && change < 524288) {
      prefix = 0xe00000 | (change & 0xfffff);
      prefixCount = 24;
    } else {
      prefix = change < 0 ? 0x1f : 0x1e;
      prefixCount = 5;
      lower = change | 0;
      lowerCount = 32;
    }
  } else if (encoding === XOR) {
    const xorHigh = lastHigh ^ high;
    const xorLow = lastLow ^ low;
    if ((xorHigh | xorLow) === 0) {
      prefixCount = 1;
    } else {
      const leading = leadingOf(xorHigh, xorLow);
      const significant = significantOf(xorHigh, xorLow);
      let windowLeading = valueState >>> 24;
      let windowSignificant = (valueState >>> 16) & 0xff;
      if (
        leading >= windowLeading &&
        leading + significant <= windowLeading + windowSignificant &&
        windowSignificant - significant < 10
      ) {
        prefix = 2;
        prefixCount = 2;
      } else {
        windowLeading = leading;
        windowSignificant = significant;
        valueState = (leading << 24) | (significant << 16) | (valueState & 0xffff);
        prefix = 0x1800 | (leading << 6) | (significant - 1);
        prefixCount = 13;
      }
      const trailing = 64 - windowLeading - windowSignificant;
      if (trailing < 0) return false;
      if (windowSignificant > 32) {
        upper = xorHigh >>> trailing;
        upperCount = windowSignificant - 32;
        lowerCount = 32;
      } else {
        lowerCount = windowSignificant;
      }
      if (trailing >= 32) lower = xorHigh >>> (trailing - 32);
      else lower = (xorLow >>> trailing) | ((xorHigh << 1) << (31 - trailing));
    }
  } else {
    upper = high;
    upperCount = 32;
    lower = low;
    lowerCount = 32;
  }

  const limit = (state & IN_SMALL_SLOT) === 0 ? FOOTER_BIT : SMALL_FOOTER_BIT;
  if (next + count + prefixCount + upperCount + lowerCount > limit) return false;
  rows[at + DELTA] = delta;
  rows[at + VALUE_STATE] = valueState;
  if (newCounter !== counter) {
    rows[at + COUNTER] = newCounter;
    // A run has ended, so its length is known.
    if ((counter & 0xff) !== 0 && newCounter >> 8 !== counter >> 8)
      writeCounter(rows, at, block, offset, next, counter);
  }
  if (count + prefixCount <= 32) {
    prefix |= bits << prefixCount;
    prefixCount += count;
  } else {
    put(rows, at, block, offset, bits, count);
  }
  if (prefixCount !== 0) put(rows, at, block, offset, prefix, prefixCount);
  if (upperCount !== 0) put(rows, at, block, offset, upper, upperCount);
  if (lowerCount !== 0) put(rows, at, block, offset, lower, lowerCount);
  return true;
};

/** Writes the registers to the slot, so that the slot's bytes are the chunk. The registers stay valid. */
export const storeHead = (
  rows: Int32Array,
  at: number,
  block: Uint8Array,
  offset: number,
  lastTime: number,
  lastHigh: number,
  lastLow: number,
): void => {
  if (rows[at + STATE] === NONE) return;
  const footer = (rows[at + STATE] & IN_SMALL_SLOT) === 0 ? offset : offset - SMALL_GAP_BYTES;
  const symbol = rows[at + STATE] & 0xffff;
  const next = symbol === TWO_SAMPLES ? PAYLOAD_BIT : symbol;
  const counter = rows[at + COUNTER];
  if (next !== ONE_SAMPLE) flush(rows, at, block, offset, groupOf(next), next);
  if (counter !== 0) writeBits(block, offset, counter >> 8, COUNTER_BITS, counter & 0xff);
  writeInt32BE(block, offset + LAST_TIME, highHalf(lastTime));
  writeInt32BE(block, offset + LAST_TIME + 4, lowHalf(lastTime));
  writeInt32BE(block, offset + LAST_VALUE, lastHigh);
  writeInt32BE(block, offset + LAST_VALUE + 4, lastLow);
  writeUint16BE(block, offset + NEXT, next);
  writeUint16BE(block, footer + COUNTER_OFFSET, counter >> 8);
  writeUint24BE(block, footer + LAST_DELTA, rows[at + DELTA]);
  writeInt32BE(block, footer + LAST_VALUE_DELTA, rows[at + VALUE_STATE]);
};

/**
 * Reads the state of the chunk in a slot of `size` bytes into the registers. False if only the slow way may be able to
 * add to the chunk. The registers then refuse all samples, and storeHead does nothing.
 */
export const loadHead = (rows: Int32Array, at: number, block: Uint8Array, offset: number, size: number): boolean => {
  const footer = offset + size - CHUNK_BYTES;
  const next = readUint16BE(block, offset + NEXT);
  const encoding = block[offset + FLAGS];
  const counterBit = readUint16BE(block, footer + COUNTER_OFFSET);
  const hasCounter = counterBit !== 0;
  rows[at + STATE] = NONE;
  if (encoding > ENCODING_MASK || next === 0 || next > FOOTER_BIT) return false;
  if (next > ONE_SAMPLE && next < PAYLOAD_BIT) return false;
  if (hasCounter && (counterBit <= PAYLOAD_BIT || counterBit + COUNTER_BITS > next)) return false;
  const symbol = next === PAYLOAD_BIT ? TWO_SAMPLES : next;
  rows[at + STATE] = symbol | (encoding << 16) | (size === CHUNK_BYTES ? 0 : IN_SMALL_SLOT);
  rows[at + DELTA] = readUint24BE(block, footer + LAST_DELTA);
  rows[at + VALUE_STATE] = readInt32BE(block, footer + LAST_VALUE_DELTA);
  rows[at + COUNTER] = hasCounter ? (counterBit << 8) | readBits(block, offset, counterBit, COUNTER_BITS) : 0;
  clearPending(rows, at);
  if (next === ONE_SAMPLE) return true;
  for (let bit = groupOf(next); bit < next; bit += 32) {
    if (bit < HEADER_TAIL_BIT) continue;
    const word = readInt32BE(block, offset + (bit >> 3));
    rows[pendingAt(at, bit)] = next - bit < 32 ? word & ~(-1 >>> (next - bit)) : word;
  }
  if (hasCounter) flipCounter(rows, at, next, rows[at + COUNTER]);
  return true;
};

/** Whether the head in the registers, which is in a full slot, would fit a small slot for some time. */
export const fitsSmallSlot = (rows: Int32Array, at: number): boolean => (rows[at + STATE] & 0xffff) < SMALL_ENTRY_BIT;

/**
 * Moves the head to an empty slot of the other size. A head in a full slot must have been loaded just before. The
 * registers are not written to the new slot here; storeHead does that.
 */
export const moveHead = (
  rows: Int32Array,
  at: number,
  from: Uint8Array,
  fromOffset: number,
  to: Uint8Array,
  toOffset: number,
): void => {
  copyHead(from, fromOffset, to, toOffset);
  rows[at + STATE] ^= IN_SMALL_SLOT;
};

/**
 * The second sample is not in the payload yet; the third decides how values are stored, including the second's value.
 */
const appendEarly = (
  rows: Int32Array,
  at: number,
  block: Uint8Array,
  offset: number,
  lastTime: number,
  lastHigh: number,
  lastLow: number,
  timestamp: number,
  high: number,
  low: number,
): boolean => {
  const delta = timestamp - lastTime;
  if ((rows[at + STATE] & 0xffff) === ONE_SAMPLE) {
    rows[at + STATE] += TWO_SAMPLES - ONE_SAMPLE;
    rows[at + DELTA] = delta;
    rows[pendingAt(at, HEADER_TAIL_BIT)] = (delta << 8) | ((rows[at + STATE] >> 16) & ENCODING_MASK);
    return true;
  }
  const doubleDelta = delta - rows[at + DELTA];
  if (doubleDelta < -DOUBLE_DELTA_LIMIT || doubleDelta >= DOUBLE_DELTA_LIMIT) return false;
  const initial = (rows[at + STATE] >> 16) & ENCODING_MASK;
  const firstHigh = readInt32BE(block, offset + FIRST_VALUE);
  const firstLow = readInt32BE(block, offset + FIRST_VALUE + 4);
  const encoding = chooseEncoding(initial, firstHigh, firstLow, lastHigh, lastLow, high, low, true);
  if (encoding === INTEGER && !isIntegerStep(lastHigh, lastLow, high, low, true)) return false;

  rows[at + STATE] = PAYLOAD_BIT | (encoding << 16) | (rows[at + STATE] & IN_SMALL_SLOT);
  const headerTail = pendingAt(at, HEADER_TAIL_BIT);
  rows[headerTail] = (rows[headerTail] & ~ENCODING_MASK) | encoding;
  if (encoding === INTEGER) {
    const step = toDouble(lastHigh, lastLow) - toDouble(firstHigh, firstLow);
    rows[at + VALUE_STATE] = step;
    put(rows, at, block, offset, step, 32);
  } else if (encoding === XOR) {
    putFirstXor(rows, at, block, offset, firstHigh ^ lastHigh, firstLow ^ lastLow);
  } else if (encoding === DIRECT) {
    put(rows, at, block, offset, lastHigh, 32);
    put(rows, at, block, offset, lastLow, 32);
  }
  return appendToHead(rows, at, block, offset, lastTime, lastHigh, lastLow, timestamp, high, low);
};

/** The first difference of a chunk always has a window of its own. */
const putFirstXor = (
  rows: Int32Array,
  at: number,
  block: Uint8Array,
  offset: number,
  high: number,
  low: number,
): void => {
  if ((high | low) === 0) {
    put(rows, at, block, offset, 0, 1);
    return;
  }
  const leading = leadingOf(high, low);
  const significant = significantOf(high, low);
  const inHigh = Math.min(significant, 32 - leading);
  const inLow = significant - inHigh;
  rows[at + VALUE_STATE] = (leading << 24) | (significant << 16) | (rows[at + VALUE_STATE] & 0xffff);
  put(rows, at, block, offset, 0x1800 | (leading << 6) | (significant - 1), 13);
  put(rows, at, block, offset, high >>> (32 - leading - inHigh), inHigh);
  if (inLow > 0) put(rows, at, block, offset, low >>> (32 - inLow), inLow);
};
