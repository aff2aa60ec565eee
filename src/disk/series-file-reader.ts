/**
 * Reading series files: chunks into slots of the slab, or only the headers. Files are read in slices of up to 62
 * records, headers too: one call for 64 KiB costs less than 62 calls for 17 bytes each.
 *
 * What is read is checked: the encoding, the chunk itself, and that the header's times are those of the chunk.
 */
import { VARBIT } from '../chunk/chunk.ts';
import { firstTimeOf, lastTimeOf, validateChunk } from '../chunk/decode.ts';
import { CHUNK_BYTES, type SlabView, type Slot } from '../chunk/slab.ts';
import { TidemarkError } from '../errors.ts';
import type { Sums } from './checksum-block.ts';
import type { FileDescriptor } from './file-system.ts';
import { closeQuietly, openIfPresent, readFully } from './read-write.ts';
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

/** Beyond it doubles don't add exactly, and the times of header and chunk may differ by rounding. */
const COMPARABLE_TIME_MAX = 2 ** 52;

/** One entry per chunk, oldest first, as the headers have it. */
export interface ChunkDescriptors {
  /** Milliseconds since the epoch. */
  readonly firstTimes: Float64Array;
  readonly lastTimes: Float64Array;
  /** 0, 1, 2; anything else is damage. */
  readonly encodings: Uint8Array;
  /** Indexes of chunks that are not as they were written; absent where checksums were not compared. */
  readonly damaged?: readonly number[];
}

/**
 * How the headers' chunks are compared with their checksums: `all`, or `aligned`, for a directory that another process may
 * be writing to. There a file whose chunks match none of its checksums has been rewritten meanwhile, which is no damage.
 */
export type Verification = 'all' | 'aligned';

/** Which file a call is about. */
interface OfFile {
  readonly high: number;
  readonly low: number;
  readonly path: string;
}

/** The index of the first chunk whose header can't be right, or -1. */
export const firstUnsoundChunk = ({ firstTimes, lastTimes, encodings }: ChunkDescriptors): number => {
  for (let i = 0; i < encodings.length; i++) {
    if (descriptorProblem(encodings[i], firstTimes[i], lastTimes[i]) !== undefined) return i;
  }
  return -1;
};

/**
 * Reads `slots.length` consecutive chunks from index `firstIndex` on; returns their encodings. With `sums`, the checksums
 * that the chunks were read with are added to it.
 */
export const readChunks = (
  access: SeriesFileAccess,
  path: string,
  firstIndex: number,
  slots: Slots,
  sums?: Sums,
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
        encodings[done + i] = decodeRecord(access.buffer, at, access.slab, slots[done + i], path, start + at);
        if (sums !== undefined) sums[done + i] = recordChecksum(access.buffer, at);
      }
    }
  } finally {
    closeQuietly(access.fileSystem, fd);
  }
  return encodings;
};

/** Checks the record at `offset` and copies its chunk into the slot; returns the encoding. */
export const decodeRecord = (
  bytes: Uint8Array,
  offset: number,
  slab: SlabView,
  slot: Slot,
  path: string,
  fileOffset: number,
): number => {
  const problem = recordProblem(bytes, offset);
  if (problem !== undefined) throw corruptSeriesFile(path, fileOffset, problem);
  const body = offset + HEADER_BYTES;
  slab.blockOf(slot).set(bytes.subarray(body, body + CHUNK_BYTES), slab.offsetOf(slot));
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

/** What {@link readDoubtfulChunk} could read. */
export interface DoubtfulChunk {
  readonly encoding: number;
  /** What is wrong with it nevertheless. */
  readonly problem: string | undefined;
}

/**
 * Reads a chunk with which something is wrong. A header that is wrong is no reason to leave out the samples: where the chunk
 * has a checksum, it proves that they are as they were written; where it has none, they must be later than `after` and
 * before `before`. One without a checksum in a file whose others do not match (`isDamaged`) belongs to another series. Throws `TIDEMARK_CORRUPT_SERIES_FILE` when the samples can't be trusted.
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
      'no chunk of the file is as it was written: it is the file of another series',
    );
  const encoding = record[0];
  if (problem === undefined && (sum === 0 || isAsWritten)) {
    return { encoding: decodeRecord(record, 0, access.slab, slot, path, offset), problem };
  }
  const give = (given: number, what: string): DoubtfulChunk => {
    access.slab.blockOf(slot).set(record.subarray(HEADER_BYTES), access.slab.offsetOf(slot));
    return { encoding: given, problem: `${path}, byte ${offset}: ${what}` };
  };
  if (sum !== 0 && !isAsWritten) {
    const proven = [encoding, 0, 1, 2].find((given) => withRebuiltHeader(record, given) === sum);
    const what = problem === undefined ? '' : `${problem}; `;
    if (proven === undefined)
      throw corruptSeriesFile(path, offset, `${what}the chunk is not as it was written, by its checksum`);
    return give(proven, `${what}by the chunk's checksum its samples are as they were written`);
  }
  const isReadable = descriptorProblem(encoding, 0, 0) === undefined && chunkProblem(record, encoding) === undefined;
  const isInOrder =
    isReadable &&
    firstTimeOf(record, HEADER_BYTES, encoding) > after &&
    lastTimeOf(record, HEADER_BYTES, encoding) < before;
  if (!isInOrder) throw corruptSeriesFile(path, offset, problem ?? 'the chunk is damaged');
  return give(encoding, `${problem}; the samples of the chunk are given as they are`);
};

/** The checksum that the record would have if its header said what its chunk says; -1 where the chunk can't be read. */
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

/** Checksums of the file's chunks from index `from` to before `end`, as they are now. */
export const checksumsInFile = (access: SeriesFileAccess, path: string, from: number, end: number): Sums => {
  const sums = new Uint32Array(end - from);
  const fd = access.fileSystem.open(path, 'read');
  try {
    const visit = (index: number, bytes: Uint8Array, offset: number): boolean => {
      sums[index - from] = recordChecksum(bytes, offset);
      return true;
    };
    eachRecord(access, path, fd, { from, end, isWhole: true }, visit);
  } finally {
    closeQuietly(access.fileSystem, fd);
  }
  return sums;
};

/** All headers of the file but those of the newest `skipFromEnd` chunks; none when there is no file. */
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
    // Not one of several is as it was written: this is another file, with chunks that never had a checksum here.
    if (matching === 0 && damaged.length > 1) damaged = Array.from(encodings.keys());
    return { ...descriptors, damaged };
  } finally {
    closeQuietly(access.fileSystem, fd);
  }
};

/**
 * Calls `visit` with the headers from index `from` to before `end`, until it returns false. The bytes are those of the
 * shared buffer and last until the next call.
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
    // For headers alone the last record's body is not needed.
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
