/**
 * The registers of an open varbit head: int32s in the series' row. They include payload bits that are not in the slot
 * yet.
 *
 *   0  next bit | value encoding << 16 | whether the slot is a small one << 20
 *   1  last Δt
 *   2  last Δv, or the xor window, as in the footer
 *   3  repeat counter: its bit << 8 | its value; 0 for none
 *   4… payload words that are not in the slot yet: the group of words that contains bit `next`, with zeros after it.
 *      The bits of a running repeat counter are zeros too; its value is written when the run ends
 */
import { writeInt32BE } from '../model/int64.ts';
import { writeBits } from './bytes.ts';
import { COUNTER_BITS } from './varbit-layout.ts';

/**
 * Payload words that the row buffers: 512 bits, a cache line of the slot. A larger buffer would touch the slot less
 * often. Touching the slot is the largest cost of an append when there are many series.
 */
const PENDING_WORDS = 16;
const PENDING_BITS = PENDING_WORDS * 32;

/** How many int32s of a row belong to this module. */
export const HEAD_REGISTERS = 4 + PENDING_WORDS;

export const STATE = 0;
export const DELTA = 1;
export const VALUE_STATE = 2;
export const COUNTER = 3;
const PENDING = 4;
/** The payload begins in the middle of a word. That word begins with the header's last bytes: first Δt, flags, next. */
export const HEADER_TAIL_BIT = 256;
/** The head is in a small slot (small-head.ts). */
export const IN_SMALL_SLOT = 1 << 20;
/**
 * `next` in the registers of a head with two samples. On disk it is 304; in registers 304 means a payload has begun.
 */
export const TWO_SAMPLES = 2;
/** State of registers that hold no head. No sample fits after this bit, so every append is refused. */
export const NONE = 0xffff;

/** Adds the low `count` (1 to 32) bits; the rest of `bits` must be 0. Stores the group of words if it is now full. */
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

/** Stores the words of a group from bit `from` to bit `through`. Header bytes before HEADER_TAIL_BIT are left alone. */
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

/** The first bit of the group of words that contains bit `next`. */
export const groupOf = (next: number): number => next & ~(PENDING_BITS - 1);

/** Index in `rows` of the pending word that contains a bit. */
export const pendingAt = (at: number, bit: number): number => at + PENDING + ((bit >> 5) & (PENDING_WORDS - 1));

/** Writes a repeat counter's value into the payload: one part of it may be in the slot, the rest is still pending. */
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

/**
 * XORs the pending part of a repeat counter's value into the pending words. This sets the value, or clears it again.
 */
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
