/** A part of a file in memory that moves along: reads of any length up to a record's, from slices of up to 1 MiB. */
import type { FileDescriptor, FileSystem } from '../disk/file-system.ts';
import { ioError } from '../disk/io-error.ts';
import { closeQuietly } from '../disk/read-write.ts';

const SLICE_BYTES = 1024 * 1024;
/** What a small file gets at least, because it may grow. */
const SLICE_BYTES_MIN = 64 * 1024;

export class FileWindow {
  /** Holds the bytes that the last {@link locate} made available. Allocated by the first one: a file may be open for long before. */
  buffer: Buffer = Buffer.alloc(0);
  private readonly fileSystem: FileSystem;
  private readonly path: string;
  private readonly descriptor: FileDescriptor;
  /** File offsets of what `buffer` holds. */
  private start = 0;
  private end = 0;

  constructor(fileSystem: FileSystem, path: string) {
    this.fileSystem = fileSystem;
    this.path = path;
    this.descriptor = fileSystem.open(path, 'read');
  }

  /** Makes bytes available; returns their index in `buffer`, or -1 when the file ends before. */
  locate(offset: number, byteCount: number): number {
    if (offset < this.start || offset + byteCount > this.end) this.move(offset, byteCount);
    return offset + byteCount <= this.end ? offset - this.start : -1;
  }

  /** How many bytes from `offset` on are available without reading, after a {@link locate}. */
  availableFrom(offset: number): number {
    return Math.max(0, this.end - offset);
  }

  /** The file's size now. */
  get fileBytes(): number {
    return this.fileSystem.statOpen(this.descriptor).size;
  }

  /**
   * Whether the path leads to another file by now. A file that did not change between two looks has the same size and
   * time by its path, unless it is not the same file.
   */
  isReplaced(): boolean {
    const before = this.fileSystem.statOpen(this.descriptor);
    const named = this.fileSystem.stat(this.path);
    const after = this.fileSystem.statOpen(this.descriptor);
    if (named === undefined || before.size !== after.size || before.mtimeNs !== after.mtimeNs) return false;
    return named.size !== after.size || named.mtimeNs !== after.mtimeNs;
  }

  /** Forgets what was read: the file may have grown or changed. */
  refresh(): void {
    this.end = this.start;
  }

  close(): void {
    // It was only read: what the disk says now changes nothing of what was read.
    closeQuietly(this.fileSystem, this.descriptor);
  }

  private move(offset: number, byteCount: number): void {
    if (this.buffer.length === 0) {
      this.buffer = Buffer.allocUnsafeSlow(Math.max(SLICE_BYTES_MIN, Math.min(SLICE_BYTES, this.fileBytes)));
    }
    let kept = 0;
    if (offset >= this.start && offset < this.end) {
      this.buffer.copyWithin(0, offset - this.start, this.end - this.start);
      kept = this.end - offset;
    }
    // Nothing is allocated for a length before that many bytes are known to be there.
    if (byteCount > this.buffer.length) this.grow(byteCount, offset, kept);
    this.start = offset;
    this.end = offset + kept;
    while (this.end - this.start < this.buffer.length) {
      const place = this.end - this.start;
      const count = this.read(place);
      if (count === 0) break;
      this.end += count;
    }
  }

  private read(place: number): number {
    try {
      return this.fileSystem.read(this.descriptor, this.buffer, place, this.buffer.length - place, this.end);
    } catch (error) {
      throw ioError(error, 'read', this.path);
    }
  }

  private grow(byteCount: number, offset: number, kept: number): void {
    if (this.fileBytes < offset + byteCount) return;
    const larger = Buffer.allocUnsafeSlow(byteCount);
    this.buffer.copy(larger, 0, 0, kept);
    this.buffer = larger;
  }
}
