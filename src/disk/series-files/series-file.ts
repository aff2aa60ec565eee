/**
 * Series files: appending chunks, reading them back, dropping old ones, moving files away. Every call blocks, opens the
 * file and closes it again. Calls are made from the worker thread, or in place by the simulator and by read-only
 * stores.
 *
 * Promises:
 * - While the process lives, a file is a whole number of records after every call, also after a failed one. (Recovery
 *   cuts off a record torn by a crash.)
 * - No chunk is removed before its replacement is on the disk.
 *
 * Calls for one series must not overlap.
 *
 * With `sync` a call returns when its change is on the disk: the file, and its name if the name is new. Without it, the
 * caller syncs later: `sync` for files, `syncDirectories` for names.
 *
 * Errors: `TIDEMARK_CORRUPT_SERIES_FILE` with file and byte offset for damage in the file, `TIDEMARK_DISK_FULL` and
 * `TIDEMARK_IO` for system errors.
 */
import { join } from 'node:path';
import type { SlabView, Slot } from '../../chunk/slab.ts';
import type { FileSystem } from '../../files/file-system.ts';
import { ioError } from '../../files/io-error.ts';
import { closeAfter, closeQuietly, discard, openIfPresent, TEMPORARY_SUFFIX } from '../../files/read-write.ts';
import { TidemarkError } from '../../model/errors.ts';
import { fingerprintText } from '../../model/fingerprint.ts';
import type { LabelPairs } from '../../model/labels.ts';
import { directoriesOfMove, quarantineFile } from '../quarantine/quarantine-file.ts';
import { seriesDirectoryName, seriesPath } from '../series-path.ts';
import { appendRecords, type PersistResult, replaceRecords } from './append-records.ts';
import type { ChecksumReport } from './chunk-checksums.ts';
import { type DropAndPersist, type DropResult, dropAndPersist } from './drop-and-persist.ts';
import { MergeMemory } from './merge-memory.ts';
import { type MergeRecords, type MergeResult, mergeRecords } from './merge-records.ts';
import { deleteJunk, type SeriesDirectoryScan, scanSeriesDirectory } from './series-directory.ts';
import { SeriesFileAccess, type Slots } from './series-file-access.ts';
import {
  type ChunkDescriptors,
  checksumsInFile,
  type DoubtfulChunk,
  readChunks,
  readDescriptors,
  readDoubtfulChunk,
  type Verification,
} from './series-file-reader.ts';
import { RECORD_BYTES, type SeriesFileStat, toSeriesFileStat } from './series-record.ts';

/** See {@link SeriesFiles.load}. */
export interface LoadOptions {
  readonly addSums?: boolean;
  readonly wasVerified?: boolean;
}

export class SeriesFiles {
  private readonly access: SeriesFileAccess;
  /** Absent before the first merge, and after a merge that failed or needed much. */
  private mergeMemory: MergeMemory | undefined;

  constructor(fileSystem: FileSystem, directory: string, slab: SlabView) {
    this.access = new SeriesFileAccess(fileSystem, directory, slab);
  }

  /** Appends chunks, oldest first. When the call fails, the file is as long as before, and the call can be repeated. */
  persist(high: number, low: number, slots: Slots, encodings: Uint8Array, sync: boolean): PersistResult {
    return this.attempt('append to', high, low, () =>
      appendRecords(this.access, { high, low }, slots, encodings, 0, sync),
    );
  }

  /** Undoes an append whose sync has failed, as if the append itself had failed. Never throws. */
  takeBack(high: number, low: number, firstIndex: number): void {
    this.access.takeBack(this.access.path(high, low), firstIndex * RECORD_BYTES);
    this.access.checksums.change(high, low, { kind: 'cut', from: firstIndex });
  }

  /** Drops the chunks that are past retention and appends new ones, in one step: see drop-and-persist.ts. */
  dropAndPersist(request: DropAndPersist): DropResult {
    return this.attempt('rewrite', request.high, request.low, () => dropAndPersist(this.access, request));
  }

  /** Merges samples into the file, takes time ranges out and appends chunks, in one step: see merge-records.ts. */
  merge(request: MergeRecords): MergeResult {
    const memory = this.mergeMemory ?? new MergeMemory();
    this.mergeMemory = undefined;
    const result = this.attempt('merge into', request.high, request.low, () =>
      mergeRecords(this.access, memory, request),
    );
    if (!memory.isLarge) this.mergeMemory = memory;
    return result;
  }

  /**
   * Reads consecutive chunks from index `firstIndex` on into slots; returns their encodings. The chunks are checked,
   * but not their checksums. With `addSums`, chunks without a checksum get one. `wasVerified`: the chunks were
   * just compared with their checksums, and need no check.
   */
  load(
    high: number,
    low: number,
    firstIndex: number,
    slots: Slots,
    { addSums = false, wasVerified = false }: LoadOptions = {},
  ): Uint8Array {
    return this.attempt('read', high, low, (path) => {
      if (wasVerified) return readChunks(this.access, path, firstIndex, slots, { wasVerified });
      if (!addSums || this.hasSums(high, low, firstIndex, slots.length))
        return readChunks(this.access, path, firstIndex, slots);
      const sums = new Uint32Array(slots.length);
      const encodings = readChunks(this.access, path, firstIndex, slots, { sums });
      this.access.checksums.change(high, low, { kind: 'fill', first: firstIndex, sums });
      return encodings;
    });
  }

  /** Whether all these chunks have a checksum. */
  hasSums(high: number, low: number, firstIndex: number, count: number): boolean {
    const sums = this.access.checksums.of(high, low);
    for (let i = 0; i < count; i++) if ((sums?.[firstIndex + i] ?? 0) === 0) return false;
    return true;
  }

  /** Reads one chunk that is known to be damaged in some way: see {@link readDoubtfulChunk}. */
  loadDoubtful(
    high: number,
    low: number,
    index: number,
    slot: Slot,
    neighbours: Parameters<typeof readDoubtfulChunk>[4],
    isVerified: boolean,
  ): DoubtfulChunk {
    return this.attempt('read', high, low, (path) =>
      readDoubtfulChunk(this.access, { high, low, path }, index, slot, neighbours, isVerified),
    );
  }

  /**
   * Times and encodings from the headers, without the newest `skipFromEnd` chunks; empty when there is no file. Bytes
   * after the last whole record are an error, unless `passOverTornEnd`. Bytes that a failed append of this process left
   * there are cut off first: they are no damage. With `verification` the chunks are compared with their checksums.
   */
  loadDescriptors(
    high: number,
    low: number,
    skipFromEnd = 0,
    passOverTornEnd = false,
    verification?: Verification,
  ): ChunkDescriptors {
    return this.attempt('read', high, low, (path) => {
      this.access.makePendingCut(path);
      return readDescriptors(this.access, { high, low, path }, skipFromEnd, passOverTornEnd, verification);
    });
  }

  /** Removes the file; returns how many chunks it had. A missing file had none. */
  remove(high: number, low: number): number {
    return this.attempt('remove', high, low, (path) => {
      const found = this.access.fileSystem.stat(path);
      if (found === undefined) return 0;
      this.access.fileSystem.remove(path);
      this.access.forget(path);
      this.access.checksums.change(high, low, { kind: 'cut', from: 0 });
      this.access.noteEntry(path);
      return toSeriesFileStat(found.size, found.mtimeNs).chunks;
    });
  }

  /**
   * Makes the removal of the file durable, also its move to quarantine. A process that died may have removed the file
   * without syncing the directory. A loss of power could then bring the file back, and the next series with this
   * fingerprint would get it.
   */
  syncRemoval(high: number, low: number): void {
    this.attempt('sync', high, low, () => this.access.syncNames(this.directoriesOfMove(high, low)));
  }

  /**
   * Moves the file to `orphaned/`, with a hint file that has the reason and the labels of the series. Returns the new
   * path below the store's directory, or `undefined` when there was no file. The move is durable, unless directories
   * can't be synced: it is then done all the same, and {@link syncDirectories} syncs it later.
   */
  quarantine(high: number, low: number, reason: string, pairs: LabelPairs | undefined): string | undefined {
    const { fileSystem, directory } = this.access;
    return this.attempt('quarantine', high, low, (path) => {
      const moved = quarantineFile(fileSystem, directory, seriesPath(high, low), reason, pairs);
      this.access.forget(path);
      this.access.checksums.change(high, low, { kind: 'cut', from: 0 });
      const changed = this.directoriesOfMove(high, low);
      this.access.noteChanges(changed);
      this.access.syncNamesIfPossible(changed);
      return moved;
    });
  }

  /** Only the directories that exist: a series without a file may have none. */
  private directoriesOfMove(high: number, low: number): string[] {
    const { fileSystem, directory } = this.access;
    const paths = directoriesOfMove(seriesPath(high, low)).map((name) => join(directory, name));
    return paths.filter((path) => fileSystem.stat(path) !== undefined);
  }

  /** Size and modification time; `undefined` when there is no file. */
  stat(high: number, low: number): SeriesFileStat | undefined {
    return this.attempt('stat', high, low, (path) => {
      const found = this.access.fileSystem.stat(path);
      return found === undefined ? undefined : toSeriesFileStat(found.size, found.mtimeNs);
    });
  }

  /** Cuts the file to its first `chunks` records, durably. */
  truncateTo(high: number, low: number, chunks: number): SeriesFileStat {
    const { fileSystem } = this.access;
    return this.attempt('truncate', high, low, (path) => {
      const fd = fileSystem.open(path, 'readWrite');
      return closeAfter(fileSystem, fd, () => {
        const size = chunks * RECORD_BYTES;
        const before = fileSystem.statOpen(fd).size;
        if (size > before) {
          throw new TidemarkError('TIDEMARK_INTERNAL', `can't cut ${path} to ${size} bytes: it has ${before}`);
        }
        fileSystem.truncate(fd, size);
        this.access.checksums.change(high, low, { kind: 'cut', from: chunks });
        this.access.syncFile(fd, path);
        return toSeriesFileStat(size, fileSystem.statOpen(fd).mtimeNs);
      });
    });
  }

  /**
   * Makes earlier unsynced appends and the file's name durable. When the sync fails, the operating system may have
   * discarded the data; the next call then writes the whole file again. Does nothing when there is no file.
   */
  sync(high: number, low: number): void {
    const { fileSystem } = this.access;
    this.attempt('sync', high, low, (path) => {
      this.access.makePendingCut(path);
      this.access.makeUpForSync(path);
      const fd = openIfPresent(fileSystem, path);
      if (fd === undefined) return;
      try {
        this.access.syncFile(fd, path);
      } finally {
        closeQuietly(fileSystem, fd);
      }
      this.access.syncEntry(path);
    });
  }

  /**
   * Writes the chunks from index `firstIndex` on again, unchanged, so that the next sync makes them durable. A sync may
   * have failed in a process that then died. The operating system reported that to no other process and regards the
   * chunks as written.
   */
  writeAgain(high: number, low: number, firstIndex: number): SeriesFileStat {
    return this.attempt('rewrite', high, low, (path) => {
      const { size, mtimeNs } = this.access.writeAgain(path, firstIndex * RECORD_BYTES);
      return toSeriesFileStat(size, mtimeNs);
    });
  }

  /** Replaces the file by one with these chunks, durably and in one step. */
  replace(high: number, low: number, slots: Slots, encodings: Uint8Array): SeriesFileStat {
    return this.attempt('rewrite', high, low, (path) => {
      const { checksums } = this.access;
      // The journal does not name the file, so a crash must not leave the checksums of the old one.
      if ((checksums.of(high, low)?.length ?? 0) > 0) {
        checksums.change(high, low, { kind: 'cut', from: 0 });
        checksums.sync();
      }
      const { size, mtimeNs } = replaceRecords(this.access, path, slots, encodings);
      return toSeriesFileStat(size, mtimeNs);
    });
  }

  /** Removes what is left of a rewrite in a process that died. Never throws: a later rewrite overwrites it. */
  discardLeftover(high: number, low: number): void {
    const path = this.access.path(high, low) + TEMPORARY_SUFFIX;
    if (discard(this.access.fileSystem, path)) this.access.noteEntry(path);
  }

  /** Makes creations, replacements and removals of series files durable. */
  syncDirectories(): void {
    try {
      this.access.syncEntries();
    } catch (error) {
      throw ioError(error, 'sync directories of', this.access.directory);
    }
  }

  /**
   * After a crash the checksums of the chunks from `from` on may belong to other chunks. They are computed again from
   * the file, up to chunk `end`. A chunk that can't be read gets none.
   */
  renewChecksums(high: number, low: number, from: number, end: number): void {
    const { access } = this;
    access.checksums.change(high, low, { kind: 'cut', from });
    if (from >= end) return;
    this.attempt('read', high, low, (path) => {
      const sums = checksumsInFile(access, path, from, end);
      access.checksums.change(high, low, { kind: 'set', first: from, sums });
    });
  }

  /** Durably forgets every checksum, because the files may have been changed without them. */
  discardChecksums(): void {
    this.access.checksums.discardAll();
  }

  /** Makes changes of checksums durable. Sync the series files first. */
  syncChecksums(): ChecksumReport {
    return this.access.checksums.sync();
  }

  /** Forgets the checksums in memory, because another thread changes the files from now on. */
  releaseChecksums(): void {
    this.access.checksums.forgetState();
  }

  /** Reads all checksum files; returns what is wrong with them. */
  verifyChecksumFiles(): readonly string[] {
    return this.access.checksums.verifyAll();
  }

  /** Lists series directory `index`, 0 to 255. */
  scan(index: number): SeriesDirectoryScan {
    const { fileSystem, directory } = this.access;
    try {
      return scanSeriesDirectory(fileSystem, directory, index);
    } catch (error) {
      throw ioError(error, 'list series directory', join(directory, seriesDirectoryName(index)));
    }
  }

  /** Deletes entries of series directory `index` that are no series files; returns the names that remain. */
  deleteJunk(index: number, names: readonly string[]): string[] {
    this.access.noteChanges([join(this.access.directory, seriesDirectoryName(index))]);
    return deleteJunk(this.access.fileSystem, this.access.directory, index, names);
  }

  private attempt<Result>(action: string, high: number, low: number, call: (path: string) => Result): Result {
    const path = this.access.path(high, low);
    try {
      return call(path);
    } catch (error) {
      throw withFingerprint(ioError(error, action, path), high, low);
    }
  }
}

/** The store quarantines the series that an error names. */
const withFingerprint = (error: TidemarkError, high: number, low: number): TidemarkError =>
  new TidemarkError(error.code, error.message, {
    cause: error.cause,
    details: { ...error.details, fingerprint: fingerprintText(high, low) },
  });
