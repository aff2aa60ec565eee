/**
 * Encoding 2, varbit: times are stored as differences of differences, values in one of four codes, in fields of varying
 * bit length. All numbers are big endian. Bit 0 is the most significant bit of byte 0.
 *
 *   bytes 0    8  first time, int64               bytes 35    1  flags: value encoding (0–3), 0x80 closed
 *         8    8  first value, float64                  36    2  next: bit offset of the next sample
 *         16   8  last time, int64                      38    …  payload, from bit 304
 *         24   8  last value, float64                   1015  2  bit offset of the zero-repeat counter, 0 for none
 *         32   3  first Δt                              1017  3  last Δt
 *                                                       1020  4  last Δv, or the xor window: leading, significant
 *
 * The footer begins at byte 1015. It is state of the encoder that only an open chunk needs, so the bits of a chunk's
 * last sample may overwrite it. `next` is 0 in an empty chunk, 1 with one sample, 304 with two samples, and the
 * payload's end from then on. The newest sample of a closed chunk is only in "last".
 */
import { isInt32, toDouble } from './float-bits.ts';

export const FIRST_TIME = 0;
export const FIRST_VALUE = 8;
export const LAST_TIME = 16;
export const LAST_VALUE = 24;
export const FIRST_DELTA = 32;
export const FLAGS = 35;
export const NEXT = 36;
export const PAYLOAD = 38;
export const COUNTER_OFFSET = 1015;
export const LAST_DELTA = 1017;
export const LAST_VALUE_DELTA = 1020;
export const WINDOW_LEADING = 1020;
export const WINDOW_SIGNIFICANT = 1021;

export const ENCODING_MASK = 3;
export const CLOSED = 0x80;

/** `next` of a chunk with one and with two samples; the latter is also where the payload begins. */
export const ONE_SAMPLE = 1;
export const PAYLOAD_BIT = 304;
/** A chunk whose payload reaches beyond this bit is complete. */
export const FOOTER_BIT = 8120;
/** A chunk whose payload reaches beyond this bit is not rewritten in another value encoding. */
export const HALF_FULL_BIT = 4096;
export const CHUNK_BITS = 8192;

/** All values equal the first. */
export const ZERO = 0;
/** Differences of differences of integers. */
export const INTEGER = 1;
/** Exclusive or with the value before. */
export const XOR = 2;
/** All 64 bits. */
export const DIRECT = 3;

/** The most bits that one sample can take. A chunk with fewer bits left is closed. */
export const worstCaseBits = (encoding: number): number => {
  if (encoding === ZERO) return 27;
  if (encoding === INTEGER) return 65;
  return encoding === XOR ? 104 : 91;
};

/** A Δt of this or more does not fit its 24 bits. */
export const DELTA_LIMIT = 0x1000000;
/** Differences of Δt from -2^22 to 2^22 - 1 fit their 23 bits. */
export const DOUBLE_DELTA_LIMIT = 0x400000;
/** A repeat counter has 7 bits. */
export const COUNTER_BITS = 7;
export const COUNTER_LIMIT = 128;

/** Leading zero bits of a value's halves, as the xor code stores them: at most 31. 0 when all bits are 0. */
export const leadingOf = (high: number, low: number): number => {
  if (high !== 0) return Math.clz32(high);
  return low === 0 ? 0 : 31;
};

/** Bits from after the stored leading zeros to the last set bit; 0 when no bit is set. */
export const significantOf = (high: number, low: number): number => {
  if (low !== 0) return 64 - leadingOf(high, low) - (31 - Math.clz32(low & -low));
  return high === 0 ? 0 : 1 + Math.clz32(high & -high) - Math.clz32(high);
};

/**
 * Whether the integer code can store the step from `before` to `after`: the difference is an int32 and, with
 * `lossless`, adding it to `before` gives the bits of `after`.
 */
export const isIntegerStep = (
  beforeHigh: number,
  beforeLow: number,
  high: number,
  low: number,
  lossless: boolean,
): boolean => {
  const before = toDouble(beforeHigh, beforeLow);
  const after = toDouble(high, low);
  const step = after - before;
  return isInt32(step) && (!lossless || Object.is(before + (step | 0), after));
};

/** The original compares as IEEE does, so 0 equals -0; `lossless` tells them apart. NaN differs from itself in both. */
export const isSameValue = (
  beforeHigh: number,
  beforeLow: number,
  high: number,
  low: number,
  lossless: boolean,
): boolean =>
  toDouble(beforeHigh, beforeLow) === toDouble(high, low) && (!lossless || (beforeHigh === high && beforeLow === low));

/** The value encoding for the first three values of a chunk, never below the encoding that the chunk began with. */
export const chooseEncoding = (
  initial: number,
  firstHigh: number,
  firstLow: number,
  secondHigh: number,
  secondLow: number,
  high: number,
  low: number,
  lossless: boolean,
): number => {
  if (
    initial === ZERO &&
    isSameValue(firstHigh, firstLow, secondHigh, secondLow, lossless) &&
    isSameValue(secondHigh, secondLow, high, low, lossless)
  ) {
    return ZERO;
  }
  if (initial <= INTEGER && isIntegerStep(firstHigh, firstLow, secondHigh, secondLow, lossless)) return INTEGER;
  if (initial === DIRECT) return DIRECT;
  const significant =
    significantOf(firstHigh ^ secondHigh, firstLow ^ secondLow) + significantOf(secondHigh ^ high, secondLow ^ low);
  return significant > 100 ? DIRECT : XOR;
};
