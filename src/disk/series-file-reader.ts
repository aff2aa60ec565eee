/**
 * Reading series files: chunks into slots of the slab, or only the headers. Files are read in slices of up to 62
 * records, headers too: one call for 64 KiB costs less than 62 calls for 17 bytes each.
 *
 * What is read is checked: the encoding, the chunk itself, and that the header's times are those of the chunk.
 */
import { firstTimeOf, lastTimeOf, validateChunk } from '../chunk/decode.ts';
import { CHUNK_BYTES, type SlabView, type Slot } from '../chunk/slab.ts';
import { TidemarkError } from '../errors.ts';
import type { FileDescriptor } from './file-system.ts';
import { closeQuietly, openIfPresent, readFully } from './read-write.ts';
import type { SeriesFileAccess, Slots } from './series-file-access.ts';
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
}

/** The index of the first chunk whose header can't be right, or -1. */
export const firstUnsoundChunk = ({ firstTimes, lastTimes, encodings }: ChunkDescriptors): number => {
  for (let i = 0; i < encodings.length; i++) {
    if (descriptorProblem(encodings[i], firstTimes[i], lastTimes[i]) !== undefined) return i;
  }
  return -1;
};

/** Reads `slots.length` consecutive chunks from index `firstIndex` on; returns their encodings. */
export const readChunks = (access: SeriesFileAccess, path: string, firstIndex: number, slots: Slots): Uint8Array => {
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

/** All headers of the file but those of the newest `skipFromEnd` chunks; none when there is no file. */
export const readDescriptors = (
  access: SeriesFileAccess,
  path: string,
  skipFromEnd: number,
  passOverTornEnd: boolean,
): ChunkDescriptors => {
  const fd = openIfPresent(access.fileSystem, path);
  if (fd === undefined) return descriptorsFor(0);
  try {
    const { size } = access.fileSystem.statOpen(fd);
    const chunksInFile = passOverTornEnd ? Math.floor(size / RECORD_BYTES) : wholeRecords(path, size);
    const descriptors = descriptorsFor(Math.max(0, chunksInFile - skipFromEnd));
    const { firstTimes, lastTimes, encodings } = descriptors;
    eachHeader(access, path, fd, 0, encodings.length, (index, bytes, offset) => {
      encodings[index] = bytes[offset];
      firstTimes[index] = recordFirstTime(bytes, offset);
      lastTimes[index] = recordLastTime(bytes, offset);
      return true;
    });
    return descriptors;
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
  visit: (index: number, bytes: Uint8Array, offset: number) => boolean,
): void => {
  for (let start = from; start < end; start += BATCH_RECORDS) {
    const count = Math.min(BATCH_RECORDS, end - start);
    // The last record's body is not needed.
    const wanted = (count - 1) * RECORD_BYTES + HEADER_BYTES;
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
