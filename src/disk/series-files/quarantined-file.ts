/**
 * Reads what is readable in a damaged series file: in each chunk, all samples up to the first that does not decode.
 * Samples that can't be read, or that go back in time, are reported with their byte offset.
 */
import { join } from 'node:path';
import { type SampleColumns, VARBIT } from '../../chunk/chunk.ts';
import { decodeStored } from '../../chunk/decode.ts';
import type { FileDescriptor, FileSystem } from '../../files/file-system.ts';
import { ioError } from '../../files/io-error.ts';
import { closeQuietly, readFully } from '../../files/read-write.ts';
import { isDamage } from '../../model/errors.ts';
import { recordProblem } from './series-file-reader.ts';
import { BATCH_RECORDS, HEADER_BYTES, RECORD_BYTES } from './series-record.ts';

/** Maximum number of problems that are described. */
const PROBLEMS_MAX = 1000;

/**
 * Adds the samples of the file to the columns, strictly increasing in time. `file` is a path below the store's
 * directory. Chunks in `damaged` are left out. Returns the problems, one sentence each. Each step decodes one chunk, so
 * that the caller may pause in between. Throws only `TIDEMARK_IO`, for system errors.
 */
export function* readQuarantined(
  fileSystem: FileSystem,
  directory: string,
  file: string,
  into: SampleColumns,
  damaged: ReadonlySet<number> = new Set(),
): Generator<void, readonly string[]> {
  const problems: string[] = [];
  const note = (offset: number, problem: string): void => {
    if (problems.length < PROBLEMS_MAX) problems.push(`byte ${offset}: ${problem}`);
  };
  try {
    const fd = fileSystem.open(join(directory, file), 'read');
    try {
      yield* readRecords(fileSystem, fd, into, note, damaged);
    } finally {
      closeQuietly(fileSystem, fd);
    }
  } catch (error) {
    throw ioError(error, 'read', join(directory, file));
  }
  return problems;
}

type Note = (offset: number, problem: string) => void;

function* readRecords(
  fileSystem: FileSystem,
  fd: FileDescriptor,
  into: SampleColumns,
  note: Note,
  damaged: ReadonlySet<number>,
): Generator<void, void> {
  const batch = new Uint8Array(BATCH_RECORDS * RECORD_BYTES);
  for (let start = 0; ; start += batch.length) {
    const found = readFully(fileSystem, fd, batch, 0, batch.length, start);
    const end = found - (found % RECORD_BYTES);
    for (let at = 0; at < end; at += RECORD_BYTES) {
      if (damaged.has((start + at) / RECORD_BYTES))
        note(start + at, 'the chunk is not as it was written; it is left out');
      else readRecord(batch, at, start + at, into, note);
      yield;
    }
    if (end < found) note(start + end, `${found - end} bytes after the last whole record`);
    if (found < batch.length) return;
  }
}

/** Tries to decode the chunk in any case, because the header may be wrong and the chunk right. */
const readRecord = (bytes: Uint8Array, at: number, offset: number, into: SampleColumns, note: Note): void => {
  const problem = recordProblem(bytes, at);
  if (problem !== undefined) note(offset, problem);
  if (bytes[at] > VARBIT) return;
  const before = into.count;
  try {
    decodeStored(bytes, at + HEADER_BYTES, bytes[at], into);
  } catch (error) {
    if (!isDamage(error)) throw error;
    if (problem === undefined) note(offset, error.message);
  }
  const dropped = keepIncreasing(into, before);
  if (dropped > 0) note(offset, `${dropped} samples are not later than the sample before and are left out`);
};

/** Removes samples that do not increase in time, from index `from` on; returns how many were removed. */
const keepIncreasing = (columns: SampleColumns, from: number): number => {
  const { timestamps, words } = columns;
  let kept = from;
  for (let i = from; i < columns.count; i++) {
    if (kept > 0 && !(timestamps[i] > timestamps[kept - 1])) continue;
    timestamps[kept] = timestamps[i];
    words[2 * kept] = words[2 * i];
    words[2 * kept + 1] = words[2 * i + 1];
    kept++;
  }
  const dropped = columns.count - kept;
  columns.count = kept;
  return dropped;
};
