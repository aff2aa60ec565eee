/**
 * One file of an overlay. Written pages are kept in memory and hide those of the file beneath. A page is copied when it
 * is first written to. Truncating and appending read at most one page.
 */
import type { FileDescriptor, FileSystem } from './file-system.ts';
import { readFully } from './read-write.ts';

const PAGE_BYTES = 4096;

export class OverlayFile {
  size: number;
  mtimeNs: bigint;
  /** Whether the file differs from the one beneath. */
  isChanged: boolean;
  /** Open descriptors. */
  openCount = 0;
  /** The file beneath; `undefined` for a new file. */
  private readonly basePath: string | undefined;
  /** Length of the part of the file beneath that is still visible where no page hides it. */
  private baseSize: number;
  private readonly pages = new Map<number, Uint8Array>();
  private readonly fileSystem: FileSystem;
  private baseFd: FileDescriptor | undefined;

  constructor(fileSystem: FileSystem, base: { path: string; size: number; mtimeNs: bigint } | undefined) {
    this.fileSystem = fileSystem;
    this.basePath = base?.path;
    this.baseSize = base?.size ?? 0;
    this.size = this.baseSize;
    this.mtimeNs = base?.mtimeNs ?? 0n;
    this.isChanged = base === undefined;
  }

  read(buffer: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.size - position));
    for (let done = 0; done < count; ) {
      const at = position + done;
      const inPage = at % PAGE_BYTES;
      const page = this.pages.get((at - inPage) / PAGE_BYTES);
      if (page === undefined) {
        const end = this.nextPageFrom(at, position + count);
        this.readBase(buffer, offset + done, end - at, at);
        done += end - at;
      } else {
        const step = Math.min(PAGE_BYTES - inPage, count - done);
        buffer.set(page.subarray(inPage, inPage + step), offset + done);
        done += step;
      }
    }
    return count;
  }

  write(buffer: Uint8Array, offset: number, length: number, position: number): void {
    for (let done = 0; done < length; ) {
      const inPage = (position + done) % PAGE_BYTES;
      const step = Math.min(PAGE_BYTES - inPage, length - done);
      const page = this.pageForWriting((position + done - inPage) / PAGE_BYTES);
      page.set(buffer.subarray(offset + done, offset + done + step), inPage);
      done += step;
    }
    this.size = Math.max(this.size, position + length);
    this.isChanged = true;
  }

  truncate(size: number): void {
    if (size < this.size) {
      const boundary = Math.floor(size / PAGE_BYTES);
      for (const number of this.pages.keys()) if (number > boundary) this.pages.delete(number);
      this.pages.get(boundary)?.fill(0, size % PAGE_BYTES);
      this.baseSize = Math.min(this.baseSize, size);
    }
    this.size = size;
    this.isChanged = true;
  }

  /** Called when the last descriptor closes. */
  release(): void {
    if (this.baseFd !== undefined) this.fileSystem.close(this.baseFd);
    this.baseFd = undefined;
  }

  /** Offset of the next page in memory after `position`, at most `end`. */
  private nextPageFrom(position: number, end: number): number {
    if (this.pages.size === 0) return end;
    let next = (Math.floor(position / PAGE_BYTES) + 1) * PAGE_BYTES;
    while (next < end && !this.pages.has(next / PAGE_BYTES)) next += PAGE_BYTES;
    return Math.min(next, end);
  }

  private pageForWriting(number: number): Uint8Array {
    let page = this.pages.get(number);
    if (page === undefined) {
      page = new Uint8Array(PAGE_BYTES);
      this.readBase(page, 0, PAGE_BYTES, number * PAGE_BYTES);
      this.pages.set(number, page);
    }
    return page;
  }

  /** Reads the visible bytes of the file beneath; fills the rest with zeros. */
  private readBase(buffer: Uint8Array, offset: number, length: number, position: number): void {
    const count = Math.max(0, Math.min(length, this.baseSize - position));
    let found = 0;
    if (count > 0 && this.basePath !== undefined) {
      this.baseFd ??= this.fileSystem.open(this.basePath, 'read');
      found = readFully(this.fileSystem, this.baseFd, buffer, offset, count, position);
    }
    buffer.fill(0, offset + found, offset + length);
  }
}
