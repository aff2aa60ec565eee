/**
 * A window that moves forward over a file of any size. It has the bytes from the reader's place on, in a buffer that
 * grows only when a single value needs it, and a running CRC-32 of everything before that place. Every byte passes
 * through it once. The journal's window (journal/read/file-window.ts) is another thing: it serves reads at any offset of
 * a file that still grows or is written again.
 */
import { crc32 } from 'node:zlib';
import type { FileDescriptor, FileSystem } from './file-system.ts';
import { readFully } from './read-write.ts';

/** Size of an ordinary slice: about 1,000 series without chunks, which take a millisecond or two to decode. */
const WINDOW_BYTES = 128 * 1024;
/** Limit of the buffer, and so of a single value. The largest value is a record's header with all its labels. */
const WINDOW_BYTES_MAX = 16 * 1024 * 1024;

export class CrcWindow {
  /** Not a Buffer: a subarray of a Buffer takes three times as long to create, and one is created for each chunk. */
  bytes: Uint8Array;
  /** Bytes of the buffer that are filled. */
  length = 0;
  /** The file's size when it was opened, or less if a read found that the file ends earlier. */
  size: number;
  private readonly fileSystem: FileSystem;
  private readonly fd: FileDescriptor;
  /** The file's offset of the buffer's first byte. */
  private base = 0;
  private crcOfBase = 0;

  constructor(fileSystem: FileSystem, fd: FileDescriptor) {
    this.fileSystem = fileSystem;
    this.fd = fd;
    this.size = fileSystem.statOpen(fd).size;
    this.bytes = unfilled(Math.min(this.size, WINDOW_BYTES));
  }

  /** Offset in the file of an index in the buffer. */
  offsetOf(index: number): number {
    return this.base + index;
  }

  /** Whether the window reaches the end of the file. */
  get isAtEnd(): boolean {
    return this.base + this.length >= this.size;
  }

  /** CRC-32 of the file up to an index in the buffer. */
  crcUpTo(index: number): number {
    return crc32(this.bytes.subarray(0, index), this.crcOfBase);
  }

  /**
   * Drops the bytes before `index` and fills the buffer behind the rest. The byte at `index` moves to index 0. When the
   * buffer is full and nothing is dropped, it grows; returns false when it may not grow further.
   */
  advance(index: number): boolean {
    this.crcOfBase = this.crcUpTo(index);
    this.bytes.copyWithin(0, index, this.length);
    this.base += index;
    this.length -= index;
    if (this.length === this.bytes.length && !this.isAtEnd && !this.grow()) return false;
    const room = Math.min(this.bytes.length - this.length, this.size - this.base - this.length);
    const found = readFully(this.fileSystem, this.fd, this.bytes, this.length, room, this.base + this.length);
    this.length += found;
    if (found < room) this.size = this.base + this.length;
    return true;
  }

  /** Reads bytes from any place in the file, up to its end. The window does not move. */
  peek(offset: number, byteCount: number): Buffer {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(byteCount, this.size - offset)));
    return bytes.subarray(0, readFully(this.fileSystem, this.fd, bytes, 0, bytes.length, offset));
  }

  private grow(): boolean {
    if (this.bytes.length >= WINDOW_BYTES_MAX) return false;
    const grown = unfilled(this.bytes.length * 2);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    return true;
  }
}

const unfilled = (byteCount: number): Uint8Array => {
  const { buffer, byteOffset } = Buffer.allocUnsafe(byteCount);
  return new Uint8Array(buffer, byteOffset, byteCount);
};
