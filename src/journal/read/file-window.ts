/**
 * A window of a file in memory. The window moves forward with the reads and has up to 1 MiB, or more when one record
 * needs more.
 */
import type { FileDescriptor, FileSystem } from '../../files/file-system.ts';
import { ioError } from '../../files/io-error.ts';
import { closeQuietly } from '../../files/read-write.ts';

const SLICE_BYTES = 1024 * 1024;
/** Smallest buffer, also for a small file, because the file may grow. */
const SLICE_BYTES_MIN = 64 * 1024;

export class FileWindow {
  /**
   * Holds the bytes that the last {@link locate} made available. The first `locate` allocates it, because a file may be
   * open for a long time before it is read.
   */
  buffer: Buffer = Buffer.alloc(0);
  private readonly fileSystem: FileSystem;
  private readonly path: string;
  private readonly descriptor: FileDescriptor;
  /** File offsets of the bytes in `buffer`. */
  private start = 0;
  private end = 0;

  constructor(fileSystem: FileSystem, path: string) {
    this.fileSystem = fileSystem;
    this.path = path;
    this.descriptor = fileSystem.open(path, 'read');
  }

  /** Makes bytes available and returns their index in `buffer`; -1 when the file is too short. */
  locate(offset: number, byteCount: number): number {
    if (offset < this.start || offset + byteCount > this.end) this.move(offset, byteCount);
    return offset + byteCount <= this.end ? offset - this.start : -1;
  }

  /** After a {@link locate}: how many bytes from `offset` on are in the buffer. */
  availableFrom(offset: number): number {
    return Math.max(0, this.end - offset);
  }

  /** The file's size now. */
  get fileBytes(): number {
    return this.fileSystem.statOpen(this.descriptor).size;
  }

  /**
   * Whether the path now leads to another file. If the open file did not change between two calls of `stat`, but the
   * file at the path has another size or modification time, then it is another file.
   */
  isReplaced(): boolean {
    const before = this.fileSystem.statOpen(this.descriptor);
    const named = this.fileSystem.stat(this.path);
    const after = this.fileSystem.statOpen(this.descriptor);
    if (named === undefined || before.size !== after.size || before.mtimeNs !== after.mtimeNs) return false;
    return named.size !== after.size || named.mtimeNs !== after.mtimeNs;
  }

  /** Drops the bytes in the buffer, because the file may have grown or changed. */
  refresh(): void {
    this.end = this.start;
  }

  close(): void {
    // The file was only read, so an error of closing does not matter.
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
    // The buffer grows only after the file is known to be that long: the length may come from damaged bytes.
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
