/**
 * The header of a segment file, and the file's name (docs/formats/journal.md, "Segments").
 *
 *     offset  bytes  content
 *     0       8      magic 89 54 44 4d 0d 0a 1a 0a ("\x89TDM\r\n\x1a\n"): reveals text conversion and truncation
 *     8       4      version, 1
 *     12      4      number of carried references r
 *     16      8      start: position of the first record
 *     24      8      previous end: where the journal ended when this segment was begun
 *     32      8      store id
 *     40      4      CRC-32 of the carried references
 *     44      4      CRC-32 of bytes 0 to 44
 *     48      8 r    carried references: the fingerprints of references 0 to r - 1, big endian
 *
 * Numbers are little endian. Positions count record bytes only: a record at file offset o has the position
 * start + o - 48 - 8 r. References are carried only into a segment that repeats records after a failed sync.
 */
import { crc32 } from 'node:zlib';
import type { Position } from '../../model/events.ts';
import { readInt32BE, readInt64LE, writeInt32BE, writeInt64LE } from '../../model/int64.ts';
import type { ReferenceTable, SegmentReferences } from './segment-references.ts';

export const SEGMENT_HEADER_BYTES = 48;
const SEGMENT_VERSION = 1;
const MAGIC = Buffer.from([0x89, 0x54, 0x44, 0x4d, 0x0d, 0x0a, 0x1a, 0x0a]);
const CARRIED_CRC_OFFSET = 40;
const HEADER_CRC_OFFSET = 44;

export interface SegmentHeader {
  readonly version: number;
  readonly start: Position;
  readonly previousEnd: Position;
  /** 16 hex digits. */
  readonly storeId: string;
  readonly carriedCount: number;
  readonly carriedCrc32: number;
}

/** The part of every record's checksum seed that comes from the store's id. */
export const storeSalt = (storeId: string): number => crc32(Buffer.from(storeId, 'hex'));

export const segmentName = (start: Position): string => `${start.toString(16).padStart(16, '0')}.journal`;

/** The start position in a segment's file name; `undefined` when the name is not that of a segment. */
export const parseSegmentName = (name: string): Position | undefined => {
  const match = /^([0-9a-f]{16})\.journal$/.exec(name);
  if (match === null) return undefined;
  const start = Number.parseInt(match[1], 16);
  return Number.isSafeInteger(start) ? start : undefined;
};

export const encodeSegmentHeader = (header: {
  readonly start: Position;
  readonly previousEnd: Position;
  readonly storeId: string;
  readonly carried: SegmentReferences | undefined;
}): Buffer => {
  const { carried } = header;
  const carriedCount = carried?.count ?? 0;
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES + 8 * carriedCount);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(SEGMENT_VERSION, 8);
  bytes.writeUInt32LE(carriedCount, 12);
  writeInt64LE(bytes, 16, header.start);
  writeInt64LE(bytes, 24, header.previousEnd);
  bytes.write(header.storeId, 32, 8, 'hex');
  for (let reference = 0; reference < carriedCount; reference++) {
    writeInt32BE(bytes, SEGMENT_HEADER_BYTES + 8 * reference, carried!.highs[reference]);
    writeInt32BE(bytes, SEGMENT_HEADER_BYTES + 8 * reference + 4, carried!.lows[reference]);
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(SEGMENT_HEADER_BYTES)), CARRIED_CRC_OFFSET);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, HEADER_CRC_OFFSET)), HEADER_CRC_OFFSET);
  return bytes;
};

/**
 * Reads the fixed part of a header. `undefined` when it is damaged or the file is no segment. The caller checks the
 * version.
 */
export const decodeSegmentHeader = (bytes: Buffer): SegmentHeader | undefined => {
  if (bytes.length < SEGMENT_HEADER_BYTES || !hasMagic(bytes)) return undefined;
  if (crc32(bytes.subarray(0, HEADER_CRC_OFFSET)) !== bytes.readUInt32LE(HEADER_CRC_OFFSET)) return undefined;
  const start = readInt64LE(bytes, 16);
  const previousEnd = readInt64LE(bytes, 24);
  if (!isPosition(start) || !isPosition(previousEnd) || previousEnd > start) return undefined;
  return {
    version: bytes.readUInt32LE(8),
    start,
    previousEnd,
    storeId: bytes.toString('hex', 32, 40),
    carriedCount: bytes.readUInt32LE(12),
    carriedCrc32: bytes.readUInt32LE(CARRIED_CRC_OFFSET),
  };
};

/** Whether this version of Tidemark can read the segment. */
export const isKnownVersion = (header: SegmentHeader): boolean => header.version === SEGMENT_VERSION;

/** Whether the file begins with a segment's magic bytes. The rest of the header may be damaged. */
export const hasMagic = (bytes: Buffer): boolean => bytes.subarray(0, MAGIC.length).equals(MAGIC);

/** The store id field of a damaged header. It may be right: each record's checksum confirms or refutes it. */
export const storeIdOf = (bytes: Buffer): string => bytes.toString('hex', 32, 40);

/** Defines the carried references. When they are damaged it defines none and returns `false`. */
export const readCarried = (bytes: Buffer, header: SegmentHeader, table: ReferenceTable): boolean => {
  if (crc32(bytes) !== header.carriedCrc32) return false;
  for (let reference = 0; reference < header.carriedCount; reference++) {
    table.define(reference, readInt32BE(bytes, 8 * reference), readInt32BE(bytes, 8 * reference + 4));
  }
  return true;
};

const isPosition = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
