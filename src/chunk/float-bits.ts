/**
 * Doubles and their IEEE bits. This layer passes values as two int32 halves, because a register of the floating-point
 * unit changes the bits of a signalling NaN (docs/formats/chunks.md, "Common rules").
 */
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);
const single = new Float32Array(1);
const singleWord = new Int32Array(single.buffer);

/** The double with these bits, for arithmetic and comparison. */
export const toDouble = (high: number, low: number): number => {
  words[HIGH_WORD] = high;
  words[LOW_WORD] = low;
  return double[0];
};

/** The upper half of a number's bits. */
export const highWordOf = (value: number): number => {
  double[0] = value;
  return words[HIGH_WORD];
};

/** The lower half of a number's bits. */
export const lowWordOf = (value: number): number => {
  double[0] = value;
  return words[LOW_WORD];
};

/** The bits of the nearest 32-bit float. */
export const floatBitsOf = (value: number): number => {
  single[0] = value;
  return singleWord[0];
};

/** The 32-bit float with these bits, widened. */
export const floatFromBits = (bits: number): number => {
  singleWord[0] = bits;
  return single[0];
};

const TWO_POW_63 = 2 ** 63;

/** Whether converting to int64 and back gives the same number. False for NaN, the infinities and 2^63; true for -0. */
export const isInt64 = (value: number): boolean =>
  value >= -TWO_POW_63 && value < TWO_POW_63 && Math.trunc(value) === value;

/** Whether the number is integral and within int32; true for -0. */
export const isInt32 = (value: number): boolean => (value | 0) === value;

/** Bytes that an integral residual needs: 0 (for 0), 1, 2, 4 or 8. */
export const integerByteCount = (value: number): number => {
  if (value < -2147483648 || value > 2147483647) return 8;
  if (value < -32768 || value > 32767) return 4;
  if (value < -128 || value > 127) return 2;
  return value === 0 ? 0 : 1;
};
