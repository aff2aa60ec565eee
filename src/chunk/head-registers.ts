/**
 * The registers of an open varbit head: int32s in the series' row, and the payload bits that wait there.
 *
 *   0  next bit | value encoding << 16 | whether the slot is a small one << 20
 *   1  last Δt
 *   2  last Δv, or the xor window, as in the footer
 *   3  repeat counter: its bit << 8 | its value; 0 for none
 *   4… payload words that are not stored yet: the group that `next` is in, with zeros after it. The bits of a counter
 *      that still counts are zeros too; its value comes in when the run ends
 */
import { writeInt32BE } from '../model/int64.ts';
import { writeBits } from './bytes.ts';
import { COUNTER_BITS } from './varbit-layout.ts';

/**
 * Payload bits that wait in the row: 512, a cache line of the slot. The more there are, the less often the slot is touched,
 * which is what costs most when there are many series.
 */
const PENDING_WORDS = 16;
const PENDING_BITS = PENDING_WORDS * 32;

/** int32s of a row that belong to this module. */
export const HEAD_REGISTERS = 4 + PENDING_WORDS;

export const STATE = 0;
export const DELTA = 1;
export const VALUE_STATE = 2;
export const COUNTER = 3;
const PENDING = 4;
/** The payload begins in the middle of a word that begins with the last bytes of the header: first Δt, flags, next. */
export const HEADER_TAIL_BIT = 256;
/** The head is in a small slot (small-head.ts). */
export const IN_SMALL_SLOT = 1 << 20;
/** `next` in registers of a head with two samples, so that 304 stands for a payload that has begun. */
export const TWO_SAMPLES = 2;
/** State of registers that hold no head: no sample can be added behind this bit. */
export const NONE = 0xffff;

/** Adds the low `count` (1 to 32) bits, above which `bits` has to be 0, and stores the group of words that they fill. */
export const put = (
  rows: Int32Array,
  at: number,
  block: Uint8Array,
  offset: number,
  bits: number,
  count: number,
): void => {
  const state = rows[at + STATE];
  const word = pendingAt(at, state);
  const left = 32 - (state & 31) - count;
  rows[at + STATE] = state + count;
  if (left > 0) {
    rows[word] |= bits << left;
    return;
  }
  rows[word] |= bits >>> -left;
  const next = (state & 0xffff) + count;
  const group = next & ~(PENDING_BITS - 1);
  if (next - group < 32) {
    flush(rows, at, block, offset, group - PENDING_BITS, group);
    clearPending(rows, at);
  }
  if (left < 0) rows[pendingAt(at, next)] = bits << (32 + left);
};

/** Stores the words of a group from bit `from` to bit `through`, but not the header before what pending words have of it. */
export const flush = (
  rows: Int32Array,
  at: number,
  block: Uint8Array,
  offset: number,
  from: number,
  through: number,
): void => {
  for (let bit = Math.max(from, HEADER_TAIL_BIT); bit < through; bit += 32) {
    writeInt32BE(block, offset + (bit >> 3), rows[pendingAt(at, bit)]);
  }
};

export const clearPending = (rows: Int32Array, at: number): void => {
  for (let word = at + PENDING; word < at + PENDING + PENDING_WORDS; word++) rows[word] = 0;
};

/** The first bit of the group of words that bit `next` is in. */
export const groupOf = (next: number): number => next & ~(PENDING_BITS - 1);

/** Where the pending word of a bit is. */
export const pendingAt = (at: number, bit: number): number => at + PENDING + ((bit >> 5) & (PENDING_WORDS - 1));

/** Brings a repeat counter's value into the payload: the part in the slot, and the part that is still pending. */
export const writeCounter = (
  rows: Int32Array,
  at: number,
  block: Uint8Array,
  offset: number,
  next: number,
  counter: number,
): void => {
  const bit = counter >> 8;
  const inSlot = Math.min(COUNTER_BITS, groupOf(next) - bit);
  if (inSlot > 0) writeBits(block, offset, bit, inSlot, (counter & 0xff) >>> (COUNTER_BITS - inSlot));
  flipCounter(rows, at, next, counter);
};

/** Exclusive or of the pending words with the part of a counter that is in them: sets the value, or clears it again. */
export const flipCounter = (rows: Int32Array, at: number, next: number, counter: number): void => {
  const value = counter & 0xff;
  const end = (counter >> 8) + COUNTER_BITS;
  const group = groupOf(next);
  if (end <= group) return;
  const inLast = end & 31;
  if (inLast === 0) {
    rows[pendingAt(at, end - 1)] ^= value;
    return;
  }
  rows[pendingAt(at, end)] ^= value << (32 - inLast);
  if (inLast < COUNTER_BITS && end - inLast > group) rows[pendingAt(at, end - inLast - 1)] ^= value >>> inLast;
};
