/**
 * `checksums/heads`: length and checksum of every record of heads.db. With it a damaged record costs only its own
 * series. The original's format has no checksum. The checksums in a checkpoint's trailer and in LAST_CLOSE cover the
 * whole file.
 *
 *     offset  bytes  content
 *     0       8      "TMheads1"
 *     8       8      bytes of heads.db up to its trailer, int64 big endian
 *     16      4      CRC-32 of these bytes
 *     20      8      count of records, int64 big endian
 *     28      …      for each record its length, a uvarint, and the CRC-32 of all records up to its end, 4 bytes BE
 *     end-4   4      CRC-32 of all bytes before it
 *
 * The CRC-32 continues from record to record, so that the CRC-32 of heads.db needs no second pass over its bytes. A
 * record is unchanged when its bytes continue the CRC-32 of the record before it to its own.
 *
 * The file identifies the heads.db that it describes. A crash can leave it beside an older heads.db, and then it is
 * ignored. It is used only when the trailer, LAST_CLOSE or the journal confirms that it describes the heads.db that
 * should be there, or, when nothing can confirm it, when at least half of the records match it.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { WorkSlices } from '../../async/slices.ts';
import type { FileDescriptor, FileSystem } from '../../files/file-system.ts';
import { closeAfter, closeQuietly, discard, readFile, readFully, writeFully } from '../../files/read-write.ts';
import { ByteReader } from '../../model/byte-reader.ts';
import { ByteWriter } from '../../model/byte-writer.ts';
import { MalformedBytes, OutOfBytes } from '../../model/malformed-bytes.ts';
import { TextTable } from '../../model/text-table.ts';
import { CHECKSUMS, HEADS_SUMS } from '../series-files/checksum-manifest.ts';
import { HEADER_BYTES, HEADS_FILE, type HeadsRead, isIntact, TRAILER_BYTES } from './heads.ts';

const MAGIC = Buffer.from('TMheads1');
const FIXED_BYTES = MAGIC.length + 8 + 4 + 8;
const PERMISSIONS = 0o640;
/** Bytes written between two looks at the clock. */
const BYTES_AT_ONCE = 1 << 17;

/** Identifies a whole heads.db without its trailer. */
export interface HeadsIdentity {
  readonly bytes: number;
  readonly crc32: number;
}

export interface HeadsSums extends HeadsIdentity {
  readonly lengths: readonly number[];
  readonly sums: Uint32Array;
}

/** Collects the checksums while heads.db is written. */
export class HeadsSumsWriter {
  private readonly entries = new ByteWriter(1 << 12);
  private count = 0;

  /** `sum`: CRC-32 of all records so far, including this one. */
  add(byteCount: number, sum: number): void {
    this.entries.uvarint(byteCount);
    this.entries.int32BE(sum | 0);
    this.count++;
  }

  encode({ bytes, crc32: sum }: HeadsIdentity): Uint8Array {
    const writer = new ByteWriter(FIXED_BYTES + this.entries.length + 4);
    writer.raw(MAGIC);
    writer.halvesBE(Math.floor(bytes / 4294967296), bytes);
    writer.int32BE(sum | 0);
    writer.halvesBE(Math.floor(this.count / 4294967296), this.count);
    writer.raw(this.entries.view());
    writer.int32BE(crc32(writer.view()) | 0);
    return writer.view();
  }
}

/**
 * Puts the file in place, durably. The file is optional: if it can't be written, the checkpoint is complete without it.
 */
export const writeHeadsSums = async (
  fileSystem: FileSystem,
  directory: string,
  bytes: Uint8Array,
  slices: WorkSlices,
): Promise<void> => {
  const path = join(directory, CHECKSUMS, HEADS_SUMS);
  const temporary = `${path}.tmp`;
  let fd: FileDescriptor | undefined;
  try {
    fileSystem.makeDirectory(join(directory, CHECKSUMS), 0o700);
    fd = fileSystem.open(temporary, 'truncate', PERMISSIONS);
    for (let start = 0; start < bytes.length; start += BYTES_AT_ONCE) {
      writeFully(fileSystem, fd, bytes, start, Math.min(BYTES_AT_ONCE, bytes.length - start), start);
      if (slices.isOver) await slices.breathe();
    }
    await fileSystem.sync(fd);
    const written = fd;
    fd = undefined;
    fileSystem.close(written);
    await fileSystem.replace(temporary, path);
  } catch {
    if (fd !== undefined) closeQuietly(fileSystem, fd);
    discard(fileSystem, temporary);
  }
};

/** Removes the checksums, because another program has written heads.db. */
export const removeHeadsSums = (fileSystem: FileSystem, directory: string): void => {
  discard(fileSystem, join(directory, CHECKSUMS, HEADS_SUMS));
};

/** `undefined` when there are no checksums, or when the file is damaged itself. */
const readHeadsSums = (fileSystem: FileSystem, directory: string): HeadsSums | undefined => {
  const bytes = readFile(fileSystem, join(directory, CHECKSUMS, HEADS_SUMS));
  if (bytes === undefined || bytes.length < FIXED_BYTES + 4) return undefined;
  if (Buffer.compare(bytes.subarray(0, MAGIC.length), MAGIC) !== 0) return undefined;
  const reader = new ByteReader(new TextTable(1), bytes);
  reader.position = bytes.length - 4;
  if (reader.int32BE() !== (crc32(bytes.subarray(0, bytes.length - 4)) | 0)) return undefined;
  reader.reset(bytes, MAGIC.length, bytes.length - 4);
  try {
    const size = reader.int64BE();
    const sum = reader.int32BE() >>> 0;
    const count = reader.int64BE();
    if (count > reader.remaining / 5) return undefined;
    const lengths: number[] = [];
    const sums = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      lengths.push(reader.uvarint());
      sums[i] = reader.int32BE();
    }
    return { bytes: size, crc32: sum, lengths, sums };
  } catch (error) {
    if (error instanceof OutOfBytes || error instanceof MalformedBytes) return undefined;
    throw error;
  }
};

/** The evidence of which heads.db should be there. */
export interface HeadsWitness {
  readonly heads: Pick<HeadsRead, 'status' | 'bytes' | 'crc32' | 'trailer'>;
  /** The heads.db without a trailer that LAST_CLOSE, or else the journal, names. */
  readonly expected: HeadsIdentity | undefined;
}

/** A record of heads.db that does not match its checksum: its place, and the bytes that are there now. */
export interface DamagedRecord {
  /** Number of the record in heads.db, from 0. */
  readonly index: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface VerifiedRecords {
  /** Calls `take` with each sound record, in order. The bytes are valid until it returns. */
  readonly eachSound: (take: (record: Uint8Array) => void, breathe: () => Promise<void> | undefined) => Promise<void>;
  /** Calls `take` with each damaged record. */
  readonly eachDamaged: (take: (record: DamagedRecord) => void) => void;
  readonly sound: number;
  readonly damaged: number;
}

/**
 * Compares the records of a heads.db that is not the expected one with their checksums. `undefined` when heads.db is
 * missing or is the expected one, and when there are no checksums of the expected one.
 */
export const verifyRecords = async (
  fileSystem: FileSystem,
  directory: string,
  { heads, expected }: HeadsWitness,
  breathe: () => Promise<void> | undefined,
): Promise<VerifiedRecords | undefined> => {
  const { status, trailer } = heads;
  if (status === 'missing' || (status === 'ok' && (trailer !== undefined || expected === undefined))) return undefined;
  if (status === 'ok' && isSame(expected, heads)) return undefined;
  const sums = readHeadsSums(fileSystem, directory);
  if (sums === undefined) return undefined;
  const isNamed =
    trailer === undefined ? isSame(expected, sums) : isTrailerOf(fileSystem, directory, heads.bytes, sums);
  // If nothing names the file, enough records must match the checksums to show that these belong to the file.
  if (!isNamed && (status === 'ok' || (trailer === undefined && expected !== undefined))) return undefined;
  const places = await locate(fileSystem, directory, sums, heads, breathe);
  const sound = places.reduce((count, place) => count + (place < 0 ? 0 : 1), 0);
  const damaged = places.length - sound;
  if (!isNamed && sound < damaged) return undefined;
  return { sound, damaged, ...visitors(fileSystem, directory, sums, places) };
};

const isSame = (a: HeadsIdentity | undefined, b: HeadsIdentity): boolean =>
  a !== undefined && a.bytes === b.bytes && a.crc32 >>> 0 === b.crc32 >>> 0;

/** Whether the trailer was written after the records that the checksums describe: its CRC-32 covers those records. */
const isTrailerOf = (fileSystem: FileSystem, directory: string, size: number, sums: HeadsSums): boolean =>
  withHeads(fileSystem, directory, (fd) => {
    const bytes = new Uint8Array(TRAILER_BYTES);
    readFully(fileSystem, fd, bytes, 0, TRAILER_BYTES, size - TRAILER_BYTES);
    return isIntact(bytes, sums.crc32);
  });

/**
 * Finds the offset of each record; -1 for a damaged one. Bytes that were removed or inserted have moved all records
 * behind them. So each record is looked for at its former place, counted from the beginning and from the end.
 */
const locate = async (
  fileSystem: FileSystem,
  directory: string,
  { bytes: recordsBytes, lengths, sums }: HeadsSums,
  { bytes: size, trailer }: HeadsWitness['heads'],
  breathe: () => Promise<void> | undefined,
): Promise<Float64Array> => {
  const places = new Float64Array(lengths.length).fill(-1);
  const shift = size - (trailer === undefined ? 0 : TRAILER_BYTES) - recordsBytes;
  let offset = HEADER_BYTES;
  const fd = fileSystem.open(join(directory, HEADS_FILE), 'read');
  try {
    for (const [index, length] of lengths.entries()) {
      for (const place of shift === 0 ? [offset] : [offset, offset + shift]) {
        if (place < 0 || place + length > size) continue;
        if (crc32(readRange(fileSystem, fd, place, length), sums[index - 1] ?? 0) !== sums[index]) continue;
        places[index] = place;
        break;
      }
      offset += length;
      const breath = breathe();
      if (breath !== undefined) await breath;
    }
  } finally {
    closeQuietly(fileSystem, fd);
  }
  return places;
};

const visitors = (
  fileSystem: FileSystem,
  directory: string,
  { lengths }: HeadsSums,
  places: Float64Array,
): Pick<VerifiedRecords, 'eachSound' | 'eachDamaged'> => ({
  eachSound: async (take, breathe) => {
    const fd = fileSystem.open(join(directory, HEADS_FILE), 'read');
    try {
      for (const [index, place] of places.entries()) {
        if (place >= 0) take(readRange(fileSystem, fd, place, lengths[index]));
        const breath = breathe();
        if (breath !== undefined) await breath;
      }
    } finally {
      closeQuietly(fileSystem, fd);
    }
  },
  eachDamaged: (take) =>
    withHeads(fileSystem, directory, (fd) => {
      let offset = HEADER_BYTES;
      for (const [index, place] of places.entries()) {
        const length = lengths[index];
        if (place < 0) take({ index, offset, bytes: readRange(fileSystem, fd, offset, length) });
        offset += length;
      }
    }),
});

const readRange = (fileSystem: FileSystem, fd: FileDescriptor, offset: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, readFully(fileSystem, fd, bytes, 0, length, offset));
};

const withHeads = <Result>(fileSystem: FileSystem, directory: string, use: (fd: FileDescriptor) => Result): Result => {
  const fd = fileSystem.open(join(directory, HEADS_FILE), 'read');
  return closeAfter(fileSystem, fd, () => use(fd));
};
