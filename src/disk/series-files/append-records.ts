/**
 * Appending chunks to a series file. When an append fails, the file is cut to its former length, and a new file is
 * removed. The append can then be repeated, for example when the disk has space again. If the cut fails too, it is made
 * before the next change of the file.
 */
import type { FileStat } from '../../files/file-system.ts';
import { closeAfter } from '../../files/read-write.ts';
import type { SeriesFileAccess, Slots } from './series-file-access.ts';
import { corruptSeriesFile, RECORD_BYTES, wholeRecords } from './series-record.ts';

export interface PersistResult {
  /** Index in the file of the first chunk written. */
  readonly firstIndex: number;
  readonly chunksInFile: number;
  readonly mtimeNs: bigint;
}

/**
 * Appends the chunks in `slots` from index `from` on. A misaligned file throws `TIDEMARK_CORRUPT_SERIES_FILE` and stays
 * unchanged.
 */
export const appendRecords = (
  access: SeriesFileAccess,
  { high, low }: { readonly high: number; readonly low: number },
  slots: Slots,
  encodings: Uint8Array,
  from: number,
  sync: boolean,
): PersistResult => {
  const { fileSystem } = access;
  const path = access.path(high, low);
  access.makePendingCut(path);
  access.makeUpForSync(path);
  const fd = access.openForWriting(path, 'append');
  let cutTo: number | undefined;
  try {
    return closeAfter(fileSystem, fd, () => {
      const sizeBefore = fileSystem.statOpen(fd).size;
      const firstIndex = wholeRecords(path, sizeBefore);
      cutTo = sizeBefore;
      const sums = access.writeRecords(fd, slots, encodings, from);
      if (sync) access.syncFile(fd, path);
      const { size, mtimeNs } = fileSystem.statOpen(fd);
      const chunksInFile = firstIndex + slots.length - from;
      if (size !== chunksInFile * RECORD_BYTES) {
        // The additional bytes are from another writer, so they are not cut off.
        cutTo = undefined;
        throw changedBeneath(path, size, chunksInFile * RECORD_BYTES);
      }
      if (sizeBefore === 0) access.noteEntry(path);
      if (sync) access.syncEntry(path);
      access.checksums.change(high, low, { kind: 'set', first: firstIndex, sums });
      return { firstIndex, chunksInFile, mtimeNs };
    });
  } catch (error) {
    if (cutTo !== undefined) access.takeBack(path, cutTo);
    throw error;
  }
};

/**
 * Writes the chunks in `slots` to a new file beside the one at `path`, syncs it, and renames it over the old one. When
 * that fails, the old file is unchanged.
 */
export const replaceRecords = (
  access: SeriesFileAccess,
  path: string,
  slots: Slots,
  encodings: Uint8Array,
): FileStat => {
  const { fileSystem } = access;
  access.replaceFile(path, (fd) => access.writeRecords(fd, slots, encodings, 0));
  access.syncEntryIfPossible(path);
  const found = fileSystem.stat(path);
  if (found === undefined) throw changedBeneath(path, 0, slots.length * RECORD_BYTES);
  return found;
};

const changedBeneath = (path: string, size: number, expected: number): Error =>
  corruptSeriesFile(
    path,
    size,
    `the file has ${size} bytes after appending, expected ${expected}: something else writes to it`,
  );
