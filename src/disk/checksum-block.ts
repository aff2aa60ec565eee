/**
 * The bytes of a checksum file: blocks in a row, each with a CRC-32 of its own (docs/formats/checksums.md).
 *
 *     offset  bytes  content
 *     0       4      marker 54 4d 63 73, "TMcs"
 *     4       1      kind: 1 base, 2 changes
 *     5       1      series directory, 0 to 255
 *     6       2      0
 *     8       4      payload length L, little endian
 *     12      4      CRC-32 of bytes 0 to 12 and of the payload
 *     16      L      payload
 *
 * A base has the checksums of many series, sorted by fingerprint, so that one series is found without decoding the
 * others. Changes follow it in the order in which they were made.
 */
import { crc32 } from 'node:zlib';

export const BLOCK_HEADER_BYTES = 16;
export const BASE = 1;
export const CHANGES = 2;

const MARKER = 0x73634d54;
const CRC_OFFSET = 12;

/** A fingerprint without its first byte, which is the series directory's. */
const KEY_BYTES = 7;
const BASE_ENTRY_BYTES = KEY_BYTES + 4;

/** Chunk checksums of one series by the chunk's index in the file; 0 where a chunk has none. */
export type Sums = Uint32Array;

export type ChecksumChange =
  /** The file's chunks from `first` on are these, and there are none behind them. */
  | { readonly kind: 'set'; readonly first: number; readonly sums: Sums }
  /** The first `count` chunks have left the file. */
  | { readonly kind: 'trim'; readonly count: number }
  /** Nothing is known of the chunks from `from` on. */
  | { readonly kind: 'cut'; readonly from: number }
  /** Checksums of chunks that had none. */
  | { readonly kind: 'fill'; readonly first: number; readonly sums: Sums };

const KINDS = ['set', 'trim', 'cut', 'fill'] as const;

/** Names a series within its directory: the last 14 digits of its fingerprint. */
export const checksumKey = (high: number, low: number): string =>
  (high & 0xffffff).toString(16).padStart(6, '0') + (low >>> 0).toString(16).padStart(8, '0');

/** Completes the block whose payload stands at `BLOCK_HEADER_BYTES` in `block`. */
export const sealBlock = (block: Buffer, kind: number, bucket: number): Buffer => {
  block.writeUInt32LE(MARKER, 0);
  block[4] = kind;
  block[5] = bucket;
  block.writeUInt16LE(0, 6);
  block.writeUInt32LE(block.length - BLOCK_HEADER_BYTES, 8);
  block.writeUInt32LE(crcOf(block, 0, block.length), CRC_OFFSET);
  return block;
};

/** Length of the sound block of this directory at `start`, its header included; -1 where there is none. */
export const blockBytes = (bytes: Buffer, start: number, bucket: number): number => {
  if (start + BLOCK_HEADER_BYTES > bytes.length || bytes.readUInt32LE(start) !== MARKER) return -1;
  if (bytes[start + 5] !== bucket) return -1;
  const end = start + BLOCK_HEADER_BYTES + bytes.readUInt32LE(start + 8);
  if (end > bytes.length || crcOf(bytes, start, end) !== bytes.readUInt32LE(start + CRC_OFFSET)) return -1;
  return end - start;
};

export const blockKind = (bytes: Buffer, start: number): number => bytes[start + 4];

/** Bytes of the changes block's entry for a change. */
export const changeBytes = (change: ChecksumChange): number =>
  KEY_BYTES + 5 + ('sums' in change ? 4 + 4 * change.sums.length : 0);

/** Writes a change at `at`; returns the offset behind it. */
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

/** Calls `visit` with the changes in `bytes` from `start` to `end`. Throws on bytes that are none. */
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

/** The base block of series that are sorted by their keys. */
export const encodeBase = (bucket: number, series: readonly (readonly [key: string, sums: Sums])[]): Buffer => {
  let sumCount = 0;
  for (const [, sums] of series) sumCount += sums.length;
  const sumsAt = BLOCK_HEADER_BYTES + 4 + BASE_ENTRY_BYTES * series.length;
  const block = Buffer.alloc(sumsAt + 4 * sumCount);
  block.writeUInt32LE(series.length, BLOCK_HEADER_BYTES);
  let entry = BLOCK_HEADER_BYTES + 4;
  let end = 0;
  for (const [key, sums] of series) {
    block.write(key, entry, 'hex');
    for (const sum of sums) block.writeUInt32LE(sum, sumsAt + 4 * end++);
    block.writeUInt32LE(end, entry + KEY_BYTES);
    entry += BASE_ENTRY_BYTES;
  }
  return sealBlock(block, BASE, bucket);
};

/** The sums of a series in a base block that begins at offset 0; `undefined` when it has none. */
export const findInBase = (base: Buffer, key: string): Sums | undefined => {
  const wanted = Number.parseInt(key.slice(0, 6), 16);
  const wantedLow = Number.parseInt(key.slice(6), 16);
  const count = base.readUInt32LE(BLOCK_HEADER_BYTES);
  let begin = 0;
  let end = count;
  while (begin < end) {
    const middle = (begin + end) >>> 1;
    const at = entryAt(middle);
    const order = base.readUIntBE(at, 3) - wanted || base.readUInt32BE(at + 3) - wantedLow;
    if (order === 0) return sumsOfEntry(base, count, middle);
    if (order < 0) begin = middle + 1;
    else end = middle;
  }
  return undefined;
};

/** All series of a base block, in the order of their keys. */
export const eachInBase = (base: Buffer, visit: (key: string, sums: Sums) => void): void => {
  const count = base.readUInt32LE(BLOCK_HEADER_BYTES);
  for (let i = 0; i < count; i++) {
    const at = entryAt(i);
    visit(base.toString('hex', at, at + KEY_BYTES), sumsOfEntry(base, count, i));
  }
};

const entryAt = (index: number): number => BLOCK_HEADER_BYTES + 4 + BASE_ENTRY_BYTES * index;

const sumsOfEntry = (base: Buffer, count: number, index: number): Sums => {
  const begin = index === 0 ? 0 : base.readUInt32LE(entryAt(index - 1) + KEY_BYTES);
  const end = base.readUInt32LE(entryAt(index) + KEY_BYTES);
  return readSums(base, entryAt(count) + 4 * begin, end - begin);
};

const readSums = (bytes: Buffer, at: number, count: number): Sums => {
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
