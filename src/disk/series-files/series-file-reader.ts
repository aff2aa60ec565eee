/**
 * Reading series files: chunks into slots of the slab, or only the headers. Files are read in slices of up to 62
 * records, also for headers: one call for 64 KiB costs less than 62 calls for 17 bytes each.
 *
 * Every chunk that is read is checked: its encoding is known, it decodes, and its times are those in the header. Only a
 * chunk that was just compared with its checksum is not: it was checked, or written by Tidemark, when it got the checksum.
 */
import { VARBIT } from '../../chunk/chunk.ts';
import { firstTimeOf, lastTimeOf, validateChunk } from '../../chunk/decode.ts';
import type { SlabView, Slot } from '../../chunk/slab.ts';
import type { FileDescriptor } from '../../files/file-system.ts';
import { closeQuietly, openIfPresent, readFully } from '../../files/read-write.ts';
import { TidemarkError } from '../../model/errors.ts';
import type { Sums } from './checksum-block.ts';
import { recordChecksum, type SeriesFileAccess, type Slots } from './series-file-access.ts';
import {
  BATCH_RECORDS,
  corruptSeriesFile,
  descriptorProblem,
  HEADER_BYTES,
  headerProblem,
  RECORD_BYTES,
  recordFirstTime,
  recordLastTime,
  wholeRecords,
  writeHeader,
} from './series-record.ts';

/** Beyond this time, doubles don't add exactly, and the times of header and chunk may differ by rounding. */
const COMPARABLE_TIME_MAX = 2 ** 52;

/** The headers of a file, one entry for each chunk, oldest first. */
export interface ChunkDescriptors {
  /** Milliseconds since the epoch. */
  readonly firstTimes: Float64Array;
  readonly lastTimes: Float64Array;
  /** 0, 1 or 2; any other value is damage. */
  readonly encodings: Uint8Array;
  /** Indexes of chunks that do not match their checksum; absent when checksums were not compared. */
  readonly damaged?: readonly number[];
  /** Every chunk has a checksum and matches it; absent when checksums were not compared. */
  readonly matchesChecksums?: boolean;
}

/**
 * How chunks are compared with their checksums. `aligned` is for a directory that another process may be writing to: if
 * no chunk of a file matches its checksum, that process has rewritten the file in the meantime, which is no damage.
 * `all` has no such exception.
 */
export type Verification = 'all' | 'aligned';

/** The file that a call reads. */
interface OfFile {
  readonly high: number;
  readonly low: number;
  readonly path: string;
}

/** The index of the first chunk with an impossible header, or -1. */
export const firstUnsoundChunk = ({ firstTimes, lastTimes, encodings }: ChunkDescriptors): number => {
  for (let i = 0; i < encodings.length; i++) {
    if (descriptorProblem(encodings[i], firstTimes[i], lastTimes[i]) !== undefined) return i;
  }
  return -1;
};

/**
 * Reads `slots.length` consecutive chunks from index `firstIndex` on; returns their encodings. With `sums`, the
 * checksums of the chunks, as they were read, are stored in it. `wasVerified`: all chunks match their checksums.
 */
export const readChunks = (
  access: SeriesFileAccess,
  path: string,
  firstIndex: number,
  slots: Slots,
  { sums, wasVerified = false }: { readonly sums?: Sums; readonly wasVerified?: boolean } = {},
): Uint8Array => {
  const encodings = new Uint8Array(slots.length);
  const fd = access.fileSystem.open(path, 'read');
  try {
    for (let done = 0; done < slots.length; done += BATCH_RECORDS) {
      const count = Math.min(BATCH_RECORDS, slots.length - done);
      const start = (firstIndex + done) * RECORD_BYTES;
      const wanted = count * RECORD_BYTES;
      const found = readFully(access.fileSystem, fd, access.buffer, 0, wanted, start);
      if (found < wanted)
        throw corruptSeriesFile(path, start + found, `the file ends before chunk ${firstIndex + slots.length}`);
      for (let i = 0; i < count; i++) {
        const at = i * RECORD_BYTES;
        encodings[done + i] = wasVerified
          ? copyRecord(access.buffer, at, access.slab, slots[done + i])
          : decodeRecord(access.buffer, at, access.slab, slots[done + i], path, start + at);
        if (sums !== undefined) sums[done + i] = recordChecksum(access.buffer, at);
      }
    }
  } finally {
    closeQuietly(access.fileSystem, fd);
  }
  return encodings;
};

/** Checks the record at `offset` and copies its chunk into the slot; returns the encoding. */
const decodeRecord = (
  bytes: Uint8Array,
  offset: number,
  slab: SlabView,
  slot: Slot,
  path: string,
  fileOffset: number,
): number => {
  const problem = recordProblem(bytes, offset);
  if (problem !== undefined) throw corruptSeriesFile(path, fileOffset, problem);
  return copyRecord(bytes, offset, slab, slot);
};

/** Copies the chunk of the record at `offset` into the slot; returns its encoding. */
const copyRecord = (bytes: Uint8Array, offset: number, slab: SlabView, slot: Slot): number => {
  slab.fill(slot, bytes, offset + HEADER_BYTES);
  return bytes[offset];
};

/** What is wrong with the record at `offset`, or `undefined`. */
export const recordProblem = (bytes: Uint8Array, offset: number): string | undefined => {
  const problem = headerProblem(bytes, offset);
  if (problem !== undefined) return problem;
  const encoding = bytes[offset];
  const body = offset + HEADER_BYTES;
  try {
    validateChunk(bytes, body, encoding);
  } catch (error) {
    if (error instanceof TidemarkError) return error.message;
    throw error;
  }
  const firstTime = recordFirstTime(bytes, offset);
  const lastTime = recordLastTime(bytes, offset);
  if (Math.max(Math.abs(firstTime), Math.abs(lastTime)) > COMPARABLE_TIME_MAX) return undefined;
  const firstTimeInChunk = firstTimeOf(bytes, body, encoding);
  if (firstTime !== firstTimeInChunk) return `header says first time ${firstTime}, the chunk ${firstTimeInChunk}`;
  const lastTimeInChunk = lastTimeOf(bytes, body, encoding);
  if (lastTime !== lastTimeInChunk) return `header says last time ${lastTime}, the chunk ${lastTimeInChunk}`;
  return undefined;
};

/** The result of {@link readDoubtfulChunk}. */
export interface DoubtfulChunk {
  readonly encoding: number;
  /** What is wrong with the chunk, although it could be read. */
  readonly problem: string | undefined;
}

/**
 * Reads a chunk that is damaged in some way. A wrong header is no reason to leave out the samples:
 *
 * - A chunk with a checksum is read when the checksum proves that its samples are unchanged.
 * - A chunk without a checksum is read when its header is right, or when its samples are later than `after` and earlier
 *   than `before`. It is not read when the other chunks of the file do not match their checksums (`isDamaged`), because
 *   then the file belongs to another series.
 *
 * Throws `TIDEMARK_CORRUPT_SERIES_FILE` when the samples can't be trusted.
 */
export const readDoubtfulChunk = (
  access: SeriesFileAccess,
  { high, low, path }: OfFile,
  index: number,
  slot: Slot,
  {
    after,
    before,
    isDamaged = false,
  }: { readonly after: number; readonly before: number; readonly isDamaged?: boolean },
  isVerified: boolean,
): DoubtfulChunk => {
  const record = Buffer.from(readRecord(access, path, index));
  const offset = index * RECORD_BYTES;
  const problem = recordProblem(record, 0);
  const sum = isVerified ? (access.checksums.of(high, low)?.[index] ?? 0) : 0;
  const isAsWritten = sum !== 0 && recordChecksum(record, 0) === sum;
  if (isVerified && isDamaged && sum === 0)
    throw corruptSeriesFile(
      path,
      offset,
      'no chunk of the file matches its checksum: it is the file of another series',
    );
  const encoding = record[0];
  if (problem === undefined && (sum === 0 || isAsWritten)) {
    return { encoding: decodeRecord(record, 0, access.slab, slot, path, offset), problem };
  }
  const give = (given: number, what: string): DoubtfulChunk => {
    access.slab.fill(slot, record, HEADER_BYTES);
    return { encoding: given, problem: `${path}, byte ${offset}: ${what}` };
  };
  if (sum !== 0 && !isAsWritten) {
    const proven = [encoding, 0, 1, 2].find((given) => withRebuiltHeader(record, given) === sum);
    const what = problem === undefined ? '' : `${problem}; `;
    if (proven === undefined)
      throw corruptSeriesFile(path, offset, `${what}the chunk is not as it was written, by its checksum`);
    return give(proven, `${what}the chunk's checksum proves that its samples are as they were written`);
  }
  const isReadable = descriptorProblem(encoding, 0, 0) === undefined && chunkProblem(record, encoding) === undefined;
  const isInOrder =
    isReadable &&
    firstTimeOf(record, HEADER_BYTES, encoding) > after &&
    lastTimeOf(record, HEADER_BYTES, encoding) < before;
  if (!isInOrder) throw corruptSeriesFile(path, offset, problem ?? 'the chunk is damaged');
  return give(encoding, `${problem}; the samples of the chunk are returned as they are`);
};

/** The checksum of the record if its header were rebuilt from its chunk; -1 when the chunk can't be read. */
const withRebuiltHeader = (record: Uint8Array, encoding: number): number => {
  if (encoding > VARBIT || chunkProblem(record, encoding) !== undefined) return -1;
  const rebuilt = Buffer.from(record);
  writeHeader(rebuilt, 0, {
    encoding,
    firstTime: firstTimeOf(record, HEADER_BYTES, encoding),
    lastTime: lastTimeOf(record, HEADER_BYTES, encoding),
  });
  return recordChecksum(rebuilt, 0);
};

const chunkProblem = (record: Uint8Array, encoding: number): string | undefined => {
  try {
    validateChunk(record, HEADER_BYTES, encoding);
    return undefined;
  } catch (error) {
    if (error instanceof TidemarkError) return error.message;
    throw error;
  }
};

const readRecord = (access: SeriesFileAccess, path: string, index: number): Uint8Array => {
  const fd = access.fileSystem.open(path, 'read');
  try {
    const start = index * RECORD_BYTES;
    const found = readFully(access.fileSystem, fd, access.buffer, 0, RECORD_BYTES, start);
    if (found < RECORD_BYTES) throw corruptSeriesFile(path, start + found, `the file ends before chunk ${index + 1}`);
    return access.buffer.subarray(0, RECORD_BYTES);
  } finally {
    closeQuietly(access.fileSystem, fd);
  }
};

/**
 * Checksums of the file's chunks from index `from` to before `end`, computed from the bytes that are there now; 0, which is
 * none, for a chunk that can't be read.
 */
export const checksumsInFile = (access: SeriesFileAccess, path: string, from: number, end: number): Sums => {
  const sums = new Uint32Array(end - from);
  const fd = access.fileSystem.open(path, 'read');
  try {
    const visit = (index: number, bytes: Uint8Array, offset: number): boolean => {
      if (recordProblem(bytes, offset) === undefined) sums[index - from] = recordChecksum(bytes, offset);
      return true;
    };
    eachRecord(access, path, fd, { from, end, isWhole: true }, visit);
  } finally {
    closeQuietly(access.fileSystem, fd);
  }
  return sums;
};

/** All headers of the file, without those of the newest `skipFromEnd` chunks; empty when there is no file. */
export const readDescriptors = (
  access: SeriesFileAccess,
  { high, low, path }: OfFile,
  skipFromEnd: number,
  passOverTornEnd: boolean,
  verification?: Verification,
): ChunkDescriptors => {
  const fd = openIfPresent(access.fileSystem, path);
  if (fd === undefined) return descriptorsFor(0);
  try {
    const { size } = access.fileSystem.statOpen(fd);
    const chunksInFile = passOverTornEnd ? Math.floor(size / RECORD_BYTES) : wholeRecords(path, size);
    const descriptors = descriptorsFor(Math.max(0, chunksInFile - skipFromEnd));
    const { firstTimes, lastTimes, encodings } = descriptors;
    const sums = verification === undefined ? undefined : access.checksums.of(high, low);
    let damaged: number[] = [];
    let matching = 0;
    const range = { from: 0, end: encodings.length, isWhole: sums !== undefined };
    eachRecord(access, path, fd, range, (index, bytes, offset) => {
      encodings[index] = bytes[offset];
      firstTimes[index] = recordFirstTime(bytes, offset);
      lastTimes[index] = recordLastTime(bytes, offset);
      const sum = sums?.[index] ?? 0;
      if (sum === 0) return true;
      if (recordChecksum(bytes, offset) === sum) matching++;
      else damaged.push(index);
      return true;
    });
    if (verification === undefined || (verification === 'aligned' && matching === 0)) return descriptors;
    // Of several chunks with a checksum, none matches. So the file belongs to another series, and its chunks without a
    // checksum are not to be trusted either.
    if (matching === 0 && damaged.length > 1) damaged = Array.from(encodings.keys());
    return { ...descriptors, damaged, matchesChecksums: matching === encodings.length };
  } finally {
    closeQuietly(access.fileSystem, fd);
  }
};

/**
 * Calls `visit` with the headers from index `from` to before `end`, until it returns false. The bytes are in the shared
 * buffer and are valid until the next call.
 */
export const eachHeader = (
  access: SeriesFileAccess,
  path: string,
  fd: FileDescriptor,
  from: number,
  end: number,
  visit: RecordVisitor,
): void => eachRecord(access, path, fd, { from, end, isWhole: false }, visit);

/** Returns false to end the visits. */
type RecordVisitor = (index: number, bytes: Uint8Array, offset: number) => boolean;

const eachRecord = (
  access: SeriesFileAccess,
  path: string,
  fd: FileDescriptor,
  { from, end, isWhole }: { readonly from: number; readonly end: number; readonly isWhole: boolean },
  visit: RecordVisitor,
): void => {
  for (let start = from; start < end; start += BATCH_RECORDS) {
    const count = Math.min(BATCH_RECORDS, end - start);
    // When only headers are read, the chunk of the last record is not needed.
    const wanted = (count - 1) * RECORD_BYTES + (isWhole ? RECORD_BYTES : HEADER_BYTES);
    const found = readFully(access.fileSystem, fd, access.buffer, 0, wanted, start * RECORD_BYTES);
    if (found < wanted)
      throw corruptSeriesFile(path, start * RECORD_BYTES + found, `the file ends before chunk ${end}`);
    for (let i = 0; i < count; i++) {
      if (!visit(start + i, access.buffer, i * RECORD_BYTES)) return;
    }
  }
};

const descriptorsFor = (count: number): ChunkDescriptors => ({
  firstTimes: new Float64Array(count),
  lastTimes: new Float64Array(count),
  encodings: new Uint8Array(count),
});
