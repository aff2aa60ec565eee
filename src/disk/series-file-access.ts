/**
 * What every operation on series files shares: paths, the buffer of one batch of records, and the directories whose
 * entries changed since they were last synced.
 */
import { dirname, join } from 'node:path';
import type { SlabView, Slot } from '../chunk/slab.ts';
import type { FileDescriptor, FileSystem } from './file-system.ts';
import { isMissing } from './io-error.ts';
import { writeFully } from './read-write.ts';
import { seriesPath } from './series-path.ts';
import { BATCH_RECORDS, encodeRecord, RECORD_BYTES } from './series-record.ts';

export type Slots = readonly Slot[] | Int32Array;

export class SeriesFileAccess {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly slab: SlabView;
  /** One batch of records; every operation uses the same. */
  readonly buffer = Buffer.alloc(BATCH_RECORDS * RECORD_BYTES);
  /** At most the 256 series directories and the store's own. */
  private readonly changedDirectories = new Set<string>();

  constructor(fileSystem: FileSystem, directory: string, slab: SlabView) {
    this.fileSystem = fileSystem;
    this.directory = directory;
    this.slab = slab;
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

  /** Writes records at the descriptor's own offset, from index `from` of `slots` on, at most 62 in one write. */
  writeRecords(fd: FileDescriptor, slots: Slots, encodings: Uint8Array, from: number): void {
    for (let start = from; start < slots.length; start += BATCH_RECORDS) {
      const count = Math.min(BATCH_RECORDS, slots.length - start);
      for (let i = 0; i < count; i++) {
        encodeRecord(this.slab, slots[start + i], encodings[start + i], this.buffer, i * RECORD_BYTES);
      }
      writeFully(this.fileSystem, fd, this.buffer, 0, count * RECORD_BYTES, null);
    }
  }

  /** Remembers that the file came, went or was replaced in its directory. */
  noteEntry(path: string): void {
    this.changedDirectories.add(dirname(path));
  }

  /** Makes the file's name durable, where it may not be yet: its directory, and the store's if that one is new. */
  syncEntry(path: string): void {
    this.syncIfChanged(dirname(path));
    this.syncIfChanged(this.directory);
  }

  /** Makes every creation, replacement and removal so far durable. */
  syncEntries(): void {
    for (const directory of this.changedDirectories) this.syncIfChanged(directory);
  }

  private syncIfChanged(directory: string): void {
    if (!this.changedDirectories.has(directory)) return;
    this.fileSystem.syncDirectory(directory);
    this.changedDirectories.delete(directory);
  }
}
