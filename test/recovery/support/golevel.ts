/**
 * Writes LevelDB databases as goleveldb leaves them: everything in one journal, and a manifest of goleveldb's kind
 * (docs/formats/indexes.md, src/indexes/level-author.ts).
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;
const [FULL, FIRST, MIDDLE, LAST] = [1, 2, 3, 4];

/** Keys and values, keys as latin1 text. */
export type Entries = ReadonlyMap<string, Uint8Array>;

/** Replaces the content of the directory. `isNew` writes a database that was just created, with manifest number 0. */
export const writeGolevel = (directory: string, entries: Entries, isNew: boolean): void => {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const log = isNew ? 1 : 7;
  const manifest = `MANIFEST-${isNew ? '000000' : '000008'}`;
  const comparator = Buffer.from('leveldb.BytewiseComparator');
  const edit = Buffer.concat([
    Buffer.from([1, comparator.length]),
    comparator,
    Buffer.from([2, log, 3, log + 2, 4, 0]),
  ]);
  writeFileSync(join(directory, manifest), logOf([edit]));
  writeFileSync(join(directory, 'CURRENT'), `${manifest}\n`);
  writeFileSync(
    join(directory, `${String(log).padStart(6, '0')}.log`),
    logOf(entries.size === 0 ? [] : [batchOf(entries)]),
  );
};

const batchOf = (entries: Entries): Buffer => {
  const header = Buffer.alloc(12);
  header.writeBigUInt64LE(1n, 0);
  header.writeUInt32LE(entries.size, 8);
  const parts: Uint8Array[] = [header];
  for (const [key, value] of entries) {
    const bytes = Buffer.from(key, 'latin1');
    parts.push(Buffer.from([1]), uvarint(bytes.length), bytes, uvarint(value.length), value);
  }
  return Buffer.concat(parts);
};

const uvarint = (value: number): Buffer => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
};

/** Records in blocks of 32 KiB. A record is split where a block ends. */
const logOf = (records: readonly Buffer[]): Buffer => {
  const parts: Buffer[] = [];
  let inBlock = 0;
  for (const record of records) {
    let start = 0;
    do {
      if (BLOCK_BYTES - inBlock < HEADER_BYTES) {
        parts.push(Buffer.alloc(BLOCK_BYTES - inBlock));
        inBlock = 0;
      }
      const end = Math.min(record.length, start + BLOCK_BYTES - inBlock - HEADER_BYTES);
      const isLast = end === record.length;
      const type = start === 0 ? (isLast ? FULL : FIRST) : isLast ? LAST : MIDDLE;
      const piece = record.subarray(start, end);
      const header = Buffer.alloc(HEADER_BYTES);
      header.writeUInt32LE(masked(crc32c(Buffer.concat([Buffer.from([type]), piece]))), 0);
      header.writeUInt16LE(piece.length, 4);
      header[6] = type;
      parts.push(header, piece);
      inBlock += HEADER_BYTES + piece.length;
      start = end;
    } while (start < record.length);
  }
  return Buffer.concat(parts);
};

const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

const crc32c = (bytes: Uint8Array): number => {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) * 0x82f63b78);
  }
  return (crc ^ 0xffffffff) >>> 0;
};
