/**
 * The segment files that a writer appends to: which file holds a position, how far the files have been written, and how
 * errors of the disk are handled (docs/durability.md, "The journal").
 *
 * A failed write leaves `written` where it stopped; the next write continues there. After a failed sync it is unknown
 * what is on the disk, so everything since the last confirmed position is written again, to new files.
 *
 * Each file has two descriptors, because Linux reports a failed write-back once per descriptor. With one descriptor, a
 * blocking sync could take the error report away from a sync in the background, or the other way round.
 */

import type { FileDescriptor, FileSystem } from '../../files/file-system.ts';
import { writeFully } from '../../files/read-write.ts';
import { TidemarkError } from '../../model/errors.ts';
import type { Position } from '../../model/events.ts';
import type { Clock } from '../../ports/clock.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentName } from '../format/segment-header.ts';
import type { SegmentReferences } from '../format/segment-references.ts';
import type { ByteQueue } from './byte-queue.ts';

/** A segment whose records are all durable. */
export interface ClosedSegment {
  readonly start: Position;
  readonly end: Position;
  /** Size of the file. */
  readonly bytes: number;
  /** Monotonic time at which the file was created; absent when it existed before the writer was opened. */
  readonly createdAtMs?: number;
}

/** A segment that is being written, or waits for a sync. */
interface OpenSegment {
  readonly start: Position;
  readonly previousEnd: Position;
  readonly references: SegmentReferences;
  /** The header carries references, because the segment repeats records that use definitions from before its start. */
  readonly carries: boolean;
  /** `undefined` until the first byte is written. */
  file: OpenFile | undefined;
}

interface OpenFile {
  readonly descriptor: FileDescriptor;
  readonly blockingDescriptor: FileDescriptor;
  readonly headerBytes: number;
  readonly createdAtMs: number;
}

const createdAt = ({ file }: OpenSegment): Pick<ClosedSegment, 'createdAtMs'> =>
  file === undefined ? {} : { createdAtMs: file.createdAtMs };

export class SegmentFiles {
  /** Oldest first. The last one ends where the first open segment starts, or before. */
  readonly closed: ClosedSegment[];
  /** Bytes before this position have been written to the operating system. */
  written: Position;
  private readonly fileSystem: FileSystem;
  private readonly clock: Pick<Clock, 'monotonic'>;
  private readonly directory: string;
  private readonly storeId: string;
  private readonly open: OpenSegment[] = [];
  /** The oldest segment is being removed, so no reader may start in it. */
  private removing = false;
  /** Number of files created so far. */
  private createdCount = 0;
  /** How many of them have a durable name. */
  private durableNameCount = 0;

  constructor(parts: {
    fileSystem: FileSystem;
    clock: Pick<Clock, 'monotonic'>;
    directory: string;
    storeId: string;
    closed: ClosedSegment[];
    start: Position;
  }) {
    this.fileSystem = parts.fileSystem;
    this.clock = parts.clock;
    this.directory = parts.directory;
    this.storeId = parts.storeId;
    this.closed = parts.closed;
    this.written = parts.start;
  }

  /** Records from `start` on go to a new segment. Its file is created when the first of them is written. */
  begin(start: Position, previousEnd: Position, references: SegmentReferences): void {
    this.open.push({ start, previousEnd, references, carries: false, file: undefined });
  }

  /** Start of the oldest segment that is not being removed. */
  get firstStart(): Position {
    return this.closed[this.removing ? 1 : 0]?.start ?? this.open[0].start;
  }

  /** Start of the segment that new records go to. */
  get currentStart(): Position {
    return this.open[this.open.length - 1].start;
  }

  /** Every segment, oldest first, with its file size when everything up to `end` is written. */
  list(end: Position): { start: Position; bytes: number }[] {
    const open = this.open.map((segment, index) => ({
      start: segment.start,
      bytes: this.headerBytes(segment) + this.endOf(index, end) - segment.start,
    }));
    return [...this.closed.map(({ start, bytes }) => ({ start, bytes })), ...open];
  }

  /** Writes everything in the queue to the files. Throws the error of the write; `written` says how far it came. */
  write(queue: ByteQueue): void {
    while (this.written < queue.end) {
      const index = this.indexOf(this.written);
      const segment = this.open[index];
      segment.file ??= this.create(segment);
      const bytes = queue.view(this.written, this.endOf(index, queue.end));
      const offset = segment.file.headerBytes + this.written - segment.start;
      const count = this.fileSystem.write(segment.file.descriptor, bytes, 0, bytes.length, offset);
      if (count === 0) throw new Error('the write wrote no bytes');
      this.written += count;
    }
  }

  /** Syncs everything that has been written, without blocking this thread. */
  async sync(): Promise<void> {
    for (const { descriptor } of this.files()) await this.fileSystem.dataSync(descriptor);
    const { createdCount } = this;
    if (this.durableNameCount === createdCount) return;
    await this.fileSystem.syncDirectoryAside(this.directory);
    // A blocking sync may have come in between, and have synced the names of more files.
    this.durableNameCount = Math.max(this.durableNameCount, createdCount);
  }

  /** Syncs everything that has been written, and blocks this thread meanwhile. */
  syncBlocking(): void {
    for (const { blockingDescriptor } of this.files()) this.fileSystem.dataSyncBlocking(blockingDescriptor);
    if (this.durableNameCount === this.createdCount) return;
    this.fileSystem.syncDirectory(this.directory);
    this.durableNameCount = this.createdCount;
  }

  /** Closes the files that are completely durable, except the current one. No sync may be running. */
  settle(durable: Position): void {
    while (this.open.length > 1 && this.open[1].start <= durable) {
      const segment = this.open.shift()!;
      this.closeFile(segment.file);
      const end = this.open[0].start;
      const bytes = this.headerBytes(segment) + end - segment.start;
      if (end > segment.start) this.closed.push({ start: segment.start, end, bytes, ...createdAt(segment) });
    }
  }

  /**
   * After a failed sync: closes the files that hold anything beyond `durable`. The next write repeats everything after
   * `durable` in new files. No sync may be running.
   */
  abandon(durable: Position): void {
    this.settle(durable);
    for (let index = 0; index < this.open.length; index++) {
      const segment = this.open[index];
      this.closeFile(segment.file);
      if (segment.start >= durable) {
        this.open[index] = { ...segment, file: undefined };
        continue;
      }
      this.cut(segment, durable);
      this.open[index] = {
        start: durable,
        previousEnd: durable,
        references: segment.references,
        carries: true,
        file: undefined,
      };
    }
    this.written = durable;
  }

  /** Closes every file. */
  close(): void {
    for (const segment of this.open) {
      this.closeFile(segment.file);
      segment.file = undefined;
    }
  }

  /**
   * Removes the oldest segment durably. The sync makes sure that a crash cannot undo this removal and keep that of a
   * later segment, which would leave a gap in the journal.
   */
  async removeOldest(): Promise<ClosedSegment> {
    const segment = this.closed[0];
    const path = this.path(segment.start);
    this.removing = true;
    try {
      // If the file is gone already, an earlier call removed it but failed to sync the directory.
      if (this.fileSystem.stat(path) === undefined) this.fileSystem.syncDirectory(this.directory);
      else await this.fileSystem.erase(path);
      this.closed.shift();
      return segment;
    } finally {
      this.removing = false;
    }
  }

  path(start: Position): string {
    return `${this.directory}/${segmentName(start)}`;
  }

  private create(segment: OpenSegment): OpenFile {
    const path = this.path(segment.start);
    if (this.written !== segment.start) {
      throw new TidemarkError('TIDEMARK_INTERNAL', `segment ${path} would be created at position ${this.written}`);
    }
    // An existing file of this name was abandoned after a failed sync. It holds no acknowledged record, because nothing
    // from its start on was confirmed.
    if (this.fileSystem.stat(path) !== undefined) this.fileSystem.remove(path);
    const carried = segment.carries ? segment.references : undefined;
    const header = encodeSegmentHeader({ ...segment, storeId: this.storeId, carried });
    const descriptor = this.fileSystem.open(path, 'exclusive');
    let blockingDescriptor: FileDescriptor | undefined;
    try {
      blockingDescriptor = this.fileSystem.open(path, 'readWrite');
      writeFully(this.fileSystem, descriptor, header, 0, header.length, 0);
    } catch (error) {
      if (blockingDescriptor !== undefined) this.fileSystem.close(blockingDescriptor);
      this.fileSystem.close(descriptor);
      throw error;
    }
    this.createdCount++;
    const createdAtMs = this.clock.monotonic();
    return { descriptor, blockingDescriptor, headerBytes: header.length, createdAtMs };
  }

  /** Best effort: of two segments that overlap, readers use the later one. So a tail that is not cut is harmless. */
  private cut(segment: OpenSegment, durable: Position): void {
    const bytes = this.headerBytes(segment) + durable - segment.start;
    this.closed.push({ start: segment.start, end: durable, bytes, ...createdAt(segment) });
    try {
      const descriptor = this.fileSystem.open(this.path(segment.start), 'readWrite');
      try {
        this.fileSystem.truncate(descriptor, bytes);
      } finally {
        this.fileSystem.close(descriptor);
      }
    } catch {
      // The disk that failed the sync may fail this too.
    }
  }

  private files(): OpenFile[] {
    return this.open.flatMap(({ file }) => (file === undefined ? [] : [file]));
  }

  private closeFile(file: OpenFile | undefined): void {
    if (file === undefined) return;
    for (const descriptor of [file.blockingDescriptor, file.descriptor]) {
      try {
        this.fileSystem.close(descriptor);
      } catch {
        // The file's records are durable or will be written again to another file, so an error of closing is harmless.
      }
    }
  }

  /** Index of the open segment that holds a position. */
  private indexOf(position: Position): number {
    let index = this.open.length - 1;
    while (index > 0 && this.open[index].start > position) index--;
    return index;
  }

  private endOf(index: number, end: Position): Position {
    return index + 1 < this.open.length ? this.open[index + 1].start : end;
  }

  private headerBytes(segment: OpenSegment): number {
    return segment.file?.headerBytes ?? SEGMENT_HEADER_BYTES + (segment.carries ? 8 * segment.references.count : 0);
  }
}
