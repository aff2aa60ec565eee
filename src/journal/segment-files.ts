/**
 * The segment files that a writer appends to: where each position lies, how far it has been written, and what is done
 * when the disk refuses (docs/durability.md, "The journal").
 *
 * A failed write leaves `written` where it stopped, and the next one continues there. After a failed sync nobody knows
 * what the page cache still holds, so everything since the last confirmed position is written again, to new files.
 *
 * Two descriptors are held per file, because Linux reports a failed write-back once per descriptor: a blocking sync
 * must not take the report that the one running in the background is waiting for, nor the other way round.
 */
import type { Clock } from '../clock.ts';
import type { FileDescriptor, FileSystem } from '../disk/file-system.ts';
import { writeFully } from '../disk/read-write.ts';
import { TidemarkError } from '../errors.ts';
import type { Position } from '../model/events.ts';
import type { ByteQueue } from './byte-queue.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentName } from './segment-header.ts';
import type { SegmentReferences } from './segment-references.ts';

/** A segment whose records are all on the disk. */
export interface ClosedSegment {
  readonly start: Position;
  readonly end: Position;
  /** Size of the file. */
  readonly bytes: number;
  /** Monotonic time at which the file was created; absent when the writer found it. */
  readonly createdAtMs?: number;
}

/** A segment that is being written, or waits for the disk. */
interface OpenSegment {
  readonly start: Position;
  readonly previousEnd: Position;
  readonly references: SegmentReferences;
  /** Carries its references in the header, because it repeats records that use definitions from before its start. */
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
  /** Oldest first; they end where the first open one starts, or before. */
  readonly closed: ClosedSegment[];
  /** Up to here bytes have been handed to the operating system. */
  written: Position;
  private readonly fileSystem: FileSystem;
  private readonly clock: Pick<Clock, 'monotonic'>;
  private readonly directory: string;
  private readonly storeId: string;
  private readonly open: OpenSegment[] = [];
  /** The oldest segment is being removed: nobody may begin to read there. */
  private removing = false;
  /** A file was created since the directory was last synced. */
  private directoryChanged = false;

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

  /** Records from `start` on go to a new segment. Nothing touches the disk before the first of them is written. */
  begin(start: Position, previousEnd: Position, references: SegmentReferences): void {
    this.open.push({ start, previousEnd, references, carries: false, file: undefined });
  }

  /** Where the oldest segment begins that is not being removed. */
  get firstStart(): Position {
    return this.closed[this.removing ? 1 : 0]?.start ?? this.open[0].start;
  }

  /** Where the segment that records go to begins. */
  get currentStart(): Position {
    return this.open[this.open.length - 1].start;
  }

  /** Every segment, oldest first, with the file bytes it has up to `end`. */
  list(end: Position): { start: Position; bytes: number }[] {
    const open = this.open.map((segment, index) => ({
      start: segment.start,
      bytes: this.headerBytes(segment) + this.endOf(index, end) - segment.start,
    }));
    return [...this.closed.map(({ start, bytes }) => ({ start, bytes })), ...open];
  }

  /** Hands everything in the queue to the operating system. Throws its error; `written` tells how far it came. */
  write(queue: ByteQueue): void {
    while (this.written < queue.end) {
      const index = this.indexOf(this.written);
      const segment = this.open[index];
      segment.file ??= this.create(segment);
      const bytes = queue.view(this.written, this.endOf(index, queue.end));
      const offset = segment.file.headerBytes + this.written - segment.start;
      const count = this.fileSystem.write(segment.file.descriptor, bytes, 0, bytes.length, offset);
      if (count === 0) throw new Error('the system wrote nothing');
      this.written += count;
    }
  }

  /** Waits, off this thread, until what has been written is on the disk. */
  async sync(): Promise<void> {
    for (const { descriptor } of this.files()) await this.fileSystem.dataSync(descriptor);
    this.syncDirectory();
  }

  /** Waits, on this thread, until what has been written is on the disk. */
  syncBlocking(): void {
    for (const { blockingDescriptor } of this.files()) this.fileSystem.dataSyncBlocking(blockingDescriptor);
    this.syncDirectory();
  }

  /** Closes the files that are wholly on the disk, the current one excepted. No sync may be running. */
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
   * After a failed sync: gives up the files that hold anything beyond `durable` and has the next write repeat all of it
   * in new ones. No sync may be running.
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

  /** Removes the oldest segment, durably, so that after a crash no later one is missing while an earlier one is there. */
  async removeOldest(): Promise<ClosedSegment> {
    const segment = this.closed[0];
    const path = this.path(segment.start);
    this.removing = true;
    try {
      // When it is gone already, only the sync of its removal failed before.
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
    // What has this name holds no acknowledged record: it begins where nothing is confirmed, and was given up.
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
    this.directoryChanged = true;
    const createdAtMs = this.clock.monotonic();
    return { descriptor, blockingDescriptor, headerBytes: header.length, createdAtMs };
  }

  /** Best effort: readers take the later of two segments that overlap, so a tail that stays is harmless. */
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
      // The disk that failed the sync may refuse this too.
    }
  }

  private syncDirectory(): void {
    if (!this.directoryChanged) return;
    this.fileSystem.syncDirectory(this.directory);
    this.directoryChanged = false;
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
        // What the file held is on the disk, or will be written again elsewhere: an error of closing tells nothing new.
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
