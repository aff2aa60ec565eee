/**
 * Arithmetic on times as in the original: signed 64-bit integers that wrap. Here an integer is two int32 halves, `high`
 * and `low`, because BigInt would allocate for every sample. The caller computes the lower halves with `| 0`.
 */
import { fromHalves } from '../model/int64.ts';

const TWO_POW_32 = 4294967296;

/** Upper half of `a + b`, given the lower halves `aLow` and `sumLow`. */
export const highOfSum = (aHigh: number, bHigh: number, aLow: number, sumLow: number): number =>
  (aHigh + bHigh + (sumLow >>> 0 < aLow >>> 0 ? 1 : 0)) | 0;

/** Upper half of `a - b`, given the lower halves. */
export const highOfDifference = (aHigh: number, bHigh: number, aLow: number, bLow: number): number =>
  (aHigh - bHigh - (aLow >>> 0 < bLow >>> 0 ? 1 : 0)) | 0;

/** Upper half of `a * factor` for a factor of at most 16 bits. The lower half is `Math.imul(aLow, factor)`. */
export const highOfProduct = (aHigh: number, aLow: number, factor: number): number =>
  (Math.imul(aHigh, factor) + Math.floor(((aLow >>> 0) * factor) / TWO_POW_32)) | 0;

/** Bytes that an unsigned difference needs: 1, 2, 4 or 8. */
export const unsignedByteCount = (high: number, low: number): number => {
  if (high !== 0) return 8;
  const unsigned = low >>> 0;
  if (unsigned > 0xffff) return 4;
  return unsigned > 0xff ? 2 : 1;
};

/** Bytes that a signed difference needs: 1, 2, 4 or 8. */
export const signedByteCount = (high: number, low: number): number => {
  if (high !== low >> 31) return 8;
  if ((low << 16) >> 16 !== low) return 4;
  return (low << 24) >> 24 !== low ? 2 : 1;
};

/** A time difference as the original prints it in its errors: seconds. */
export const secondsText = (high: number, low: number): string => String(fromHalves(high, low) / 1000);
