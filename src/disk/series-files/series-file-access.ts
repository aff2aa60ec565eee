/**
 * The state that all operations on series files share: paths, the buffer of one batch of records, and the directories
 * whose entries changed since they were last synced.
 */
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { SlabView, Slot } from '../../chunk/slab.ts';
import type { FileDescriptor, FileStat, FileSystem } from '../../files/file-system.ts';
import { isMissing } from '../../files/io-error.ts';
import { closeAfter, copyContent, removeIfPresent, replaceFile, writeFully } from '../../files/read-write.ts';
import { seriesPath } from '../series-path.ts';
import { ChunkChecksums } from './chunk-checksums.ts';
import { BATCH_RECORDS, encodeRecord, RECORD_BYTES } from './series-record.ts';

export type Slots = readonly Slot[] | Int32Array;

export class SeriesFileAccess {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly slab: SlabView;
  readonly checksums: ChunkChecksums;
  /** A buffer for one batch of records; every operation uses the same one. */
  readonly buffer = Buffer.alloc(BATCH_RECORDS * RECORD_BYTES);
  /** Files that must be cut to a size before anything else is done to them, because the cut failed earlier. */
  private readonly pendingCuts = new Map<string, number>();
  /** Files whose sync failed. Data that was not written yet is lost, and the next sync would not report it. */
  private readonly failedSyncs = new Set<string>();
  /** At most the 256 series directories, as many in quarantine, and the parent directory of each kind. */
  private readonly changedDirectories = new Set<string>();
  /**
   * Directories that this process has synced. The others may have unsynced changes by a process that died, which are
   * not in `changedDirectories`.
   */
  private readonly syncedDirectories = new Set<string>();

  constructor(fileSystem: FileSystem, directory: string, slab: SlabView) {
    this.fileSystem = fileSystem;
    this.directory = directory;
    this.slab = slab;
    this.checksums = new ChunkChecksums(fileSystem, directory, (path) => this.syncNames([path]));
  }

  /** The series file's full path. */
  path(high: number, low: number): string {
    return join(this.directory, seriesPath(high, low));
  }

  /** Opens a series file for writing, creating its directory if that is missing. */
  openForWriting(path: string, mode: 'append' | 'truncate'): FileDescriptor {
    try {
      return this.fileSystem.open(path, mode);
    } catch (error) {
      if (!isMissing(error)) throw error;
      this.fileSystem.makeDirectory(dirname(path));
      this.changedDirectories.add(this.directory);
      return this.fileSystem.open(path, mode);
    }
  }

  /**
   * Replaces a series file, as `replaceFile` of read-write.ts does. {@link syncEntries} then syncs its directory, also
   * after a failure: a loss of power could bring the removed tmp file back at a time when no event in the journal names
   * it.
   */
  replaceFile<Result>(path: string, write: (fd: FileDescriptor) => Result): Result {
    const open = (temporary: string): FileDescriptor => {
      const fd = this.openForWriting(temporary, 'truncate');
      // Not earlier: a directory that could not be made can't be synced.
      this.noteEntry(path);
      return fd;
    };
    const result = replaceFile(this.fileSystem, path, open, write);
    this.forget(path);
    return result;
  }

  /**
   * Writes records at the descriptor's own offset, from index `from` of `slots` on, at most 62 in one write. Returns
   * their checksums.
   */
  writeRecords(fd: FileDescriptor, slots: Slots, encodings: Uint8Array, from: number): Uint32Array {
    const sums = new Uint32Array(slots.length - from);
    for (let start = from; start < slots.length; start += BATCH_RECORDS) {
      const count = Math.min(BATCH_RECORDS, slots.length - start);
      for (let i = 0; i < count; i++) {
        const at = i * RECORD_BYTES;
        encodeRecord(this.slab, slots[start + i], encodings[start + i], this.buffer, at);
        sums[start - from + i] = recordChecksum(this.buffer, at);
      }
      writeFully(this.fileSystem, fd, this.buffer, 0, count * RECORD_BYTES, null);
    }
    return sums;
  }

  /**
   * Cuts off the bytes of a failed append; removes a file that was new. If that fails too, it is done before the next
   * change. Never throws.
   */
  takeBack(path: string, sizeBefore: number): void {
    this.pendingCuts.set(path, sizeBefore);
    try {
      this.makePendingCut(path);
    } catch {
      // The error of the append is the one to report. The cut is tried again before the next change of the file.
    }
  }

  /** Makes the pending cut, if there is one. */
  makePendingCut(path: string): void {
    const size = this.pendingCuts.get(path);
    if (size === undefined) return;
    if (size === 0) {
      removeIfPresent(this.fileSystem, path);
      this.noteEntry(path);
    } else this.cut(path, size);
    this.pendingCuts.delete(path);
  }

  /** Makes the written data durable. After a failure, call {@link makeUpForSync} before the next sync. */
  syncFile(fd: FileDescriptor, path: string): void {
    try {
      this.fileSystem.syncBlocking(fd);
    } catch (error) {
      this.failedSyncs.add(path);
      throw error;
    }
  }

  /** After a failed sync: writes the whole file again, because the operating system may regard lost data as written. */
  makeUpForSync(path: string): void {
    if (!this.failedSyncs.has(path)) return;
    if (this.fileSystem.stat(path) !== undefined) this.writeAgain(path, 0);
    this.failedSyncs.delete(path);
  }

  /**
   * Writes the file's bytes from `begin` on again, unchanged and in place. The operating system then regards them as
   * unwritten, so the next sync really writes them. If this call ends midway, nothing is lost.
   */
  writeAgain(path: string, begin: number): FileStat {
    const { fileSystem, buffer } = this;
    const fd = fileSystem.open(path, 'readWrite');
    return closeAfter(fileSystem, fd, () => {
      copyContent(fileSystem, fd, fd, buffer, { begin });
      return fileSystem.statOpen(fd);
    });
  }

  /** Forgets pending work for a file that was removed, moved or replaced. */
  forget(path: string): void {
    this.pendingCuts.delete(path);
    this.failedSyncs.delete(path);
  }

  private cut(path: string, size: number): void {
    const fd = this.fileSystem.open(path, 'readWrite');
    closeAfter(this.fileSystem, fd, () => {
      if (this.fileSystem.statOpen(fd).size > size) this.fileSystem.truncate(fd, size);
    });
  }

  /** Remembers that the file was created, removed or replaced in its directory. */
  noteEntry(path: string): void {
    this.noteChanges([dirname(path)]);
  }

  /** Remembers that names in the directories changed. */
  noteChanges(directories: readonly string[]): void {
    for (const directory of directories) this.changedDirectories.add(directory);
  }

  /**
   * Makes the file's name durable if it may not be: syncs its directory, and the store's directory if the former is
   * new.
   */
  syncEntry(path: string): void {
    this.syncNames([dirname(path), this.directory]);
  }

  /** {@link syncNamesIfPossible} for the name of one file. */
  syncEntryIfPossible(path: string): boolean {
    return this.syncNamesIfPossible([dirname(path), this.directory]);
  }

  /** Makes the names in the directories durable, one directory after the other, if they may not be. */
  syncNames(directories: Iterable<string>): void {
    for (const directory of directories) this.syncIfChanged(directory);
  }

  /**
   * As {@link syncNames}, for a change that can't be undone any more. If the sync fails, the change is reported as done
   * but not synced. The directories stay in the list for {@link syncEntries}, which every checkpoint calls.
   */
  syncNamesIfPossible(directories: readonly string[]): boolean {
    try {
      this.syncNames(directories);
      return true;
    } catch {
      // The directories stay in `changedDirectories`.
      return false;
    }
  }

  /** Makes all creations, replacements and removals so far durable. */
  syncEntries(): void {
    this.syncNames(this.changedDirectories);
  }

  private syncIfChanged(directory: string): void {
    if (!this.changedDirectories.has(directory) && this.syncedDirectories.has(directory)) return;
    this.fileSystem.syncDirectory(directory);
    this.changedDirectories.delete(directory);
    this.syncedDirectories.add(directory);
  }
}

/** CRC-32 of the record at `offset`, header and chunk. */
export const recordChecksum = (bytes: Uint8Array, offset: number): number =>
  crc32(bytes.subarray(offset, offset + RECORD_BYTES));
