/**
 * The bytes of a checksum file: consecutive blocks, each with its own CRC-32 (docs/formats/checksums.md).
 *
 *     offset  bytes  content
 *     0       4      marker 54 4d 63 73, "TMcs"
 *     4       1      kind: 2 changes, 3 base
 *     5       1      series directory, 0 to 255
 *     6       2      0
 *     8       4      payload length L, little endian
 *     12      4      CRC-32 of bytes 0 to 11 and of the payload
 *     16      L      payload
 *
 * A base, the first block if there is one, has the checksums of many series: checksum-base.ts. Changes follow it in the order
 * in which they were made. Kind 1 was a base of another layout; it is passed over as damaged.
 */
import { crc32 } from 'node:zlib';

export const BLOCK_HEADER_BYTES = 16;
export const CHANGES = 2;
export const BASE = 3;

const MARKER = 0x73634d54;
const CRC_OFFSET = 12;

/** A fingerprint without its first byte, which is the number of the series directory. */
export const KEY_BYTES = 7;

/** Checksums of the chunks of one series, by the chunk's index in the file; 0 for a chunk without one. */
export type Sums = Uint32Array;

export type ChecksumChange =
  /** The file's chunks from `first` on have these checksums, and the file has no chunks after them. */
  | { readonly kind: 'set'; readonly first: number; readonly sums: Sums }
  /** The first `count` chunks were removed from the file. */
  | { readonly kind: 'trim'; readonly count: number }
  /** The checksums of the chunks from `from` on are discarded. */
  | { readonly kind: 'cut'; readonly from: number }
  /** Checksums for chunks that had none. */
  | { readonly kind: 'fill'; readonly first: number; readonly sums: Sums };

const KINDS = ['set', 'trim', 'cut', 'fill'] as const;

/** Identifies a series within its directory: the last 14 digits of its fingerprint. */
export const checksumKey = (high: number, low: number): string =>
  (high & 0xffffff).toString(16).padStart(6, '0') + (low >>> 0).toString(16).padStart(8, '0');

/** Completes the block whose payload is at `BLOCK_HEADER_BYTES` in `block`. */
export const sealBlock = (block: Buffer, kind: number, bucket: number): Buffer => {
  block.writeUInt32LE(MARKER, 0);
  block[4] = kind;
  block[5] = bucket;
  block.writeUInt16LE(0, 6);
  block.writeUInt32LE(block.length - BLOCK_HEADER_BYTES, 8);
  block.writeUInt32LE(crcOf(block, 0, block.length), CRC_OFFSET);
  return block;
};

/** Length of the sound block of this directory at `start`, with its header; -1 when there is none. */
export const blockBytes = (bytes: Buffer, start: number, bucket: number): number => {
  if (start + BLOCK_HEADER_BYTES > bytes.length || bytes.readUInt32LE(start) !== MARKER) return -1;
  if (bytes[start + 5] !== bucket) return -1;
  const end = start + BLOCK_HEADER_BYTES + bytes.readUInt32LE(start + 8);
  if (end > bytes.length || crcOf(bytes, start, end) !== bytes.readUInt32LE(start + CRC_OFFSET)) return -1;
  return end - start;
};

export const blockKind = (bytes: Buffer, start: number): number => bytes[start + 4];

/** Length of a change's entry in a changes block. */
export const changeBytes = (change: ChecksumChange): number =>
  KEY_BYTES + 5 + ('sums' in change ? 4 + 4 * change.sums.length : 0);

/** Writes a change at `at`; returns the offset after it. */
export const writeChange = (
  target: Buffer,
  at: number,
  { high, low }: { readonly high: number; readonly low: number },
  change: ChecksumChange,
): number => {
  let next = writeKey(target, at, high, low);
  target[next++] = KINDS.indexOf(change.kind);
  const argument = 'first' in change ? change.first : change.kind === 'trim' ? change.count : change.from;
  next = target.writeUInt32LE(argument, next);
  if (!('sums' in change)) return next;
  next = target.writeUInt32LE(change.sums.length, next);
  for (const sum of change.sums) next = target.writeUInt32LE(sum, next);
  return next;
};

/** Calls `visit` with the changes in `bytes` from `start` to `end`. Throws on bytes that are no changes. */
export const eachChange = (
  bytes: Buffer,
  start: number,
  end: number,
  visit: (key: string, change: ChecksumChange) => void,
): void => {
  for (let at = start; at < end; ) {
    const key = bytes.toString('hex', at, at + KEY_BYTES);
    const kind = KINDS[bytes[at + KEY_BYTES]];
    const argument = bytes.readUInt32LE(at + KEY_BYTES + 1);
    at += KEY_BYTES + 5;
    if (kind === 'trim') visit(key, { kind, count: argument });
    else if (kind === 'cut') visit(key, { kind, from: argument });
    else {
      if (kind === undefined) throw new RangeError('an unknown kind of change');
      const count = bytes.readUInt32LE(at);
      at += 4;
      if (at + 4 * count > end) throw new RangeError('a change that reaches over its block');
      visit(key, { kind, first: argument, sums: readSums(bytes, at, count) });
      at += 4 * count;
    }
  }
};

export const readSums = (bytes: Buffer, at: number, count: number): Sums => {
  const sums = new Uint32Array(count);
  for (let i = 0; i < count; i++) sums[i] = bytes.readUInt32LE(at + 4 * i);
  return sums;
};

const writeKey = (target: Buffer, at: number, high: number, low: number): number => {
  target.writeUIntBE(high & 0xffffff, at, 3);
  return target.writeUInt32BE(low >>> 0, at + 3);
};

const crcOf = (bytes: Buffer, start: number, end: number): number =>
  crc32(bytes.subarray(start + BLOCK_HEADER_BYTES, end), crc32(bytes.subarray(start, start + CRC_OFFSET)));
