/**
 * Appending chunks to a series file. When it fails, the file is as long as before, so that the same can be tried
 * again, for example when the disk has space again; a file that was new is gone.
 */
import type { FileDescriptor } from './file-system.ts';
import { discard } from './read-write.ts';
import type { SeriesFileAccess, Slots } from './series-file-access.ts';
import { corruptSeriesFile, RECORD_BYTES, wholeRecords } from './series-record.ts';

export interface PersistResult {
  /** Index in the file of the first chunk written. */
  readonly firstIndex: number;
  readonly chunksInFile: number;
  readonly mtimeNs: bigint;
}

/** Appends the chunks in `slots` from index `from` on. A misaligned file is `TIDEMARK_CORRUPT_SERIES_FILE`, untouched. */
export const appendRecords = (
  access: SeriesFileAccess,
  path: string,
  slots: Slots,
  encodings: Uint8Array,
  from: number,
  sync: boolean,
): PersistResult => {
  const { fileSystem } = access;
  const fd = access.openForWriting(path, 'append');
  try {
    const sizeBefore = fileSystem.statOpen(fd).size;
    const firstIndex = wholeRecords(path, sizeBefore);
    try {
      access.writeRecords(fd, slots, encodings, from);
      if (sync) fileSystem.syncBlocking(fd);
    } catch (error) {
      takeBack(access, fd, path, sizeBefore);
      throw error;
    }
    const { size, mtimeNs } = fileSystem.statOpen(fd);
    const chunksInFile = firstIndex + slots.length - from;
    if (size !== chunksInFile * RECORD_BYTES) throw changedBeneath(path, size, chunksInFile * RECORD_BYTES);
    if (sizeBefore === 0) access.noteEntry(path);
    if (sync) access.syncEntry(path);
    return { firstIndex, chunksInFile, mtimeNs };
  } finally {
    fileSystem.close(fd);
  }
};

/** Cuts off what a failed append wrote; a file that was new goes. Never throws. */
export const takeBack = (access: SeriesFileAccess, fd: FileDescriptor, path: string, sizeBefore: number): void => {
  if (sizeBefore === 0) {
    discard(access.fileSystem, path);
    return;
  }
  try {
    access.fileSystem.truncate(fd, sizeBefore);
  } catch {
    // The first error is the one to report; the next append finds the file misaligned and says so.
  }
};

const changedBeneath = (path: string, size: number, expected: number): Error =>
  corruptSeriesFile(
    path,
    size,
    `the file has ${size} bytes after appending, expected ${expected}: something else writes to it`,
  );
