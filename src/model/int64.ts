/**
 * 64-bit integers of the formats as JavaScript numbers. Times are exact up to 2^53 milliseconds. The two ends of the
 * range, EARLIEST and LATEST, also survive a round trip, because a number beyond the range is written as the range's
 * end.
 */

const TWO_32 = 4294967296;
const MAX_INT64 = 2 ** 63;

/** -2^63: "unknown" wherever the formats store a first time. */
export const EARLIEST = -(2 ** 63);

/** The signed upper 32 bits of an integer. A number beyond the 64-bit range counts as the range's end. */
export const highHalf = (value: number): number => {
  if (value >= MAX_INT64) return 0x7fffffff;
  if (value < EARLIEST) return -0x80000000;
  return Math.floor(value / TWO_32);
};

/** The lower 32 bits of an integer, as a signed int32. */
export const lowHalf = (value: number): number => {
  if (value >= MAX_INT64) return -1;
  if (value < EARLIEST) return 0;
  return (value - Math.floor(value / TWO_32) * TWO_32) | 0;
};

/** The number with these two halves. Both may be signed or unsigned; the result is signed. */
export const fromHalves = (high: number, low: number): number => (high | 0) * TWO_32 + (low >>> 0);

/** An int64, little endian. */
export const readInt64LE = (bytes: Uint8Array, offset: number): number =>
  fromHalves(readInt32LE(bytes, offset + 4), readInt32LE(bytes, offset));

/** An int64, little endian. */
export const writeInt64LE = (bytes: Uint8Array, offset: number, value: number): void => {
  writeInt32LE(bytes, offset, lowHalf(value));
  writeInt32LE(bytes, offset + 4, highHalf(value));
};

/** Four bytes, big endian, as a signed int32: one half of a fingerprint. */
export const readInt32BE = (bytes: Uint8Array, offset: number): number =>
  (bytes[offset] << 24) | (bytes[offset + 1] << 16) | (bytes[offset + 2] << 8) | bytes[offset + 3];

/** Four bytes, big endian. */
export const writeInt32BE = (bytes: Uint8Array, offset: number, value: number): void => {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
};

const readInt32LE = (bytes: Uint8Array, offset: number): number =>
  bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16) | (bytes[offset + 3] << 24);

const writeInt32LE = (bytes: Uint8Array, offset: number, value: number): void => {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
};
