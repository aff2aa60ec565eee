/**
 * 64-bit fingerprints as two 32-bit halves: the high half first, both signed as in an Int32Array. BigInt would cost ten
 * times as much in the paths that need a fingerprint per series. docs/formats/labels-and-mappings.md
 *
 * The store uses the fast fingerprint everywhere: the XOR of the labels' FNV-1a hashes. It is a weak hash, and
 * collisions do occur; collisions.ts handles them.
 */
import type { LabelPairs } from './labels.ts';
import { encodeText, hasEscapedBytes } from './utf8.ts';

/**
 * The text of a fingerprint: exactly 16 lower-case hex digits. It names files and is the key in events and listings.
 */
export type Fingerprint = string;

export interface FingerprintHalves {
  readonly high: number;
  readonly low: number;
}

const OFFSET_BASIS_HIGH = 0xcbf29ce4 | 0;
const OFFSET_BASIS_LOW = 0x84222325 | 0;
/** UTF-8 never contains this byte, so it separates names and values unambiguously. */
const SEPARATOR = 0xff;

/** State of the hash that is being computed: high half, low half. */
const hash = new Int32Array(2);
let utf8 = Buffer.allocUnsafe(1024);

/** Writes the fast fingerprint of a label set to `out`: high half, low half. */
export const fastFingerprint = (pairs: LabelPairs, out: Int32Array): void => {
  if (pairs.length === 0) {
    out[0] = OFFSET_BASIS_HIGH;
    out[1] = OFFSET_BASIS_LOW;
    return;
  }
  let high = 0;
  let low = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    start();
    update(pairs[i]);
    updateByte(SEPARATOR);
    update(pairs[i + 1]);
    high ^= hash[0];
    low ^= hash[1];
  }
  out[0] = high;
  out[1] = low;
};

/** The 16 hex digits of a fingerprint. */
export const fingerprintText = (high: number, low: number): Fingerprint => hexOf(high, low);

/** The halves of a fingerprint's text; `undefined` if the text is not exactly 16 lower-case hex digits. */
export const parseFingerprint = (text: string): FingerprintHalves | undefined => {
  if (!/^[0-9a-f]{16}$/.test(text)) return undefined;
  return { high: Number.parseInt(text.slice(0, 8), 16) | 0, low: Number.parseInt(text.slice(8), 16) | 0 };
};

const start = (): void => {
  hash[0] = OFFSET_BASIS_HIGH;
  hash[1] = OFFSET_BASIS_LOW;
};

/**
 * FNV-1a over the text's bytes in UTF-8. One step multiplies by the prime 2^40 + 0x1b3. The new low half is the low
 * half times 0x1b3. The new high half is the high half times 0x1b3, plus the upper bits of the low product, plus the
 * low half shifted by 40 - 32. The upper bits are computed in 16-bit limbs, so that no intermediate result exceeds 32
 * bits.
 */
const update = (text: string): void => {
  let high = hash[0];
  let low = hash[1];
  const length = text.length;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) {
      hash[0] = high;
      hash[1] = low;
      updateUtf8(i === 0 ? text : text.slice(i));
      return;
    }
    low ^= code;
    const lower = (low & 0xffff) * 0x1b3;
    const upper = (low >>> 16) * 0x1b3 + (lower >>> 16);
    high = (Math.imul(high, 0x1b3) + (low << 8) + (upper >>> 16)) | 0;
    low = (upper << 16) | (lower & 0xffff);
  }
  hash[0] = high;
  hash[1] = low;
};

const updateUtf8 = (text: string): void => {
  if (hasEscapedBytes(text)) {
    for (const byte of encodeText(text)) updateByte(byte);
    return;
  }
  if (utf8.length < text.length * 3) utf8 = Buffer.allocUnsafe(text.length * 3);
  const byteCount = utf8.write(text);
  for (let i = 0; i < byteCount; i++) updateByte(utf8[i]);
};

const updateByte = (byte: number): void => {
  const low = hash[1] ^ byte;
  const lower = (low & 0xffff) * 0x1b3;
  const upper = (low >>> 16) * 0x1b3 + (lower >>> 16);
  hash[0] = Math.imul(hash[0], 0x1b3) + (low << 8) + (upper >>> 16);
  hash[1] = (upper << 16) | (lower & 0xffff);
};

/** Written out as one call without arrays: this takes a seventh of the time of `toString(16)` and `padStart`. */
const hexOf = (high: number, low: number): string =>
  String.fromCharCode(
    digitOf(high >>> 28),
    digitOf((high >>> 24) & 15),
    digitOf((high >>> 20) & 15),
    digitOf((high >>> 16) & 15),
    digitOf((high >>> 12) & 15),
    digitOf((high >>> 8) & 15),
    digitOf((high >>> 4) & 15),
    digitOf(high & 15),
    digitOf(low >>> 28),
    digitOf((low >>> 24) & 15),
    digitOf((low >>> 20) & 15),
    digitOf((low >>> 16) & 15),
    digitOf((low >>> 12) & 15),
    digitOf((low >>> 8) & 15),
    digitOf((low >>> 4) & 15),
    digitOf(low & 15),
  );

/** The character code of a hex digit. */
const digitOf = (value: number): number => value + (value < 10 ? 48 : 87);
