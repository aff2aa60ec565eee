/**
 * Fixed-width integers and bit fields inside chunk slots. Encodings 0 and 1 are little endian, encoding 2 is big endian
 * (docs/formats/chunks.md). `at` is a position in the block, not in the slot. Nothing here allocates. Integers that
 * other formats use too, such as big-endian int32, are in src/model/int64.ts.
 */
import { fromHalves } from '../model/int64.ts';

export const readUint16LE = (block: Uint8Array, at: number): number => block[at] | (block[at + 1] << 8);

export const writeUint16LE = (block: Uint8Array, at: number, value: number): void => {
  block[at] = value;
  block[at + 1] = value >>> 8;
};

export const readInt32LE = (block: Uint8Array, at: number): number =>
  block[at] | (block[at + 1] << 8) | (block[at + 2] << 16) | (block[at + 3] << 24);

const writeInt32LE = (block: Uint8Array, at: number, value: number): void => {
  block[at] = value;
  block[at + 1] = value >>> 8;
  block[at + 2] = value >>> 16;
  block[at + 3] = value >>> 24;
};

/** A 64-bit integer as the nearest double. */
export const readInt64LE = (block: Uint8Array, at: number): number =>
  fromHalves(readInt32LE(block, at + 4), readInt32LE(block, at));

export const writeHalvesLE = (block: Uint8Array, at: number, high: number, low: number): void => {
  writeInt32LE(block, at, low);
  writeInt32LE(block, at + 4, high);
};

/** A two's complement integer of 1, 2 or 4 bytes. */
export const readSignedLE = (block: Uint8Array, at: number, byteCount: number): number => {
  if (byteCount === 1) return (block[at] << 24) >> 24;
  if (byteCount === 2) return (readUint16LE(block, at) << 16) >> 16;
  return readInt32LE(block, at);
};

/** An unsigned integer of 1, 2 or 4 bytes. */
export const readUnsignedLE = (block: Uint8Array, at: number, byteCount: number): number => {
  if (byteCount === 1) return block[at];
  if (byteCount === 2) return readUint16LE(block, at);
  return readInt32LE(block, at) >>> 0;
};

/** The low `byteCount` (0 to 4) bytes of `value`. */
export const writeLE = (block: Uint8Array, at: number, byteCount: number, value: number): void => {
  for (let i = 0; i < byteCount; i++) block[at + i] = value >>> (8 * i);
};

export const readUint16BE = (block: Uint8Array, at: number): number => (block[at] << 8) | block[at + 1];

export const writeUint16BE = (block: Uint8Array, at: number, value: number): void => {
  block[at] = value >>> 8;
  block[at + 1] = value;
};

export const readUint24BE = (block: Uint8Array, at: number): number =>
  (block[at] << 16) | (block[at + 1] << 8) | block[at + 2];

export const writeUint24BE = (block: Uint8Array, at: number, value: number): void => {
  block[at] = value >>> 16;
  block[at + 1] = value >>> 8;
  block[at + 2] = value;
};

/**
 * Sets exactly the `count` (0 to 32) bits from bit `bit` of the slot at `offset` to the low bits of `value`. Bit 0 is
 * the most significant bit of the slot's first byte.
 */
export const writeBits = (block: Uint8Array, offset: number, bit: number, count: number, value: number): void => {
  let at = offset + (bit >> 3);
  let free = 8 - (bit & 7);
  let left = count;
  while (left > 0) {
    const taken = Math.min(left, free);
    const shift = free - taken;
    const mask = ((1 << taken) - 1) << shift;
    block[at] = (block[at] & ~mask) | (((value >>> (left - taken)) << shift) & mask);
    left -= taken;
    at++;
    free = 8;
  }
};

/** The `count` (0 to 25) bits from bit `bit` of the slot at `offset`, as an unsigned number. */
export const readBits = (block: Uint8Array, offset: number, bit: number, count: number): number => {
  let at = offset + (bit >> 3);
  let have = 8 - (bit & 7);
  let value = block[at] & ((1 << have) - 1);
  while (have < count) {
    value = (value << 8) | block[++at];
    have += 8;
  }
  return value >>> (have - count);
};
