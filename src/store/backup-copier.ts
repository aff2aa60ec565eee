/** Copies files between two file systems and syncs them. It copies in slices, so the host's event loop stays free. */
import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { openIfPresent, removeIfPresent, writeFully } from '../files/read-write.ts';
import type { KeyValueOperation, KeyValueStore } from '../indexes/key-value-store.ts';

const COPY_BYTES = 256 * 1024;
const PERMISSIONS = 0o640;
const DIRECTORY_PERMISSIONS = 0o700;

export class BackupCopier {
  bytes = 0;
  private readonly from: FileSystem;
  private readonly into: FileSystem;
  private readonly breathe: () => Promise<void>;
  private readonly buffer = new Uint8Array(COPY_BYTES);

  constructor(from: FileSystem, into: FileSystem, breathe: () => Promise<void>) {
    this.from = from;
    this.into = into;
    this.breathe = breathe;
  }

  write(path: string, bytes: Uint8Array): void {
    const fd = this.into.open(path, 'truncate', PERMISSIONS);
    try {
      writeFully(this.into, fd, bytes, 0, bytes.length, 0);
      this.into.syncBlocking(fd);
    } finally {
      this.into.close(fd);
    }
  }

  makeDirectory(path: string): void {
    this.into.makeDirectory(path, DIRECTORY_PERMISSIONS);
  }

  /**
   * Makes the target equal to the source: its bytes up to the source's size at opening, at most `bytesMax`. Removes the
   * target if the source does not exist.
   */
  async copy(source: string, target: string, bytesMax = Number.POSITIVE_INFINITY): Promise<void> {
    const input = openIfPresent(this.from, source);
    if (input === undefined) return removeIfPresent(this.into, target);
    try {
      const size = Math.min(this.from.statOpen(input).size, bytesMax);
      const output = this.into.open(target, 'truncate', PERMISSIONS);
      try {
        for (let position = 0; position < size; ) {
          const length = Math.min(COPY_BYTES, size - position);
          const read = this.from.read(input, this.buffer, 0, length, position);
          if (read === 0) break;
          writeFully(this.into, output, this.buffer, 0, read, position);
          position += read;
          this.bytes += read;
          await this.breathe();
        }
        await this.into.sync(output);
      } finally {
        this.into.close(output);
      }
    } finally {
      this.from.close(input);
    }
  }

  /** Copies the files of a directory that `isWanted` accepts, without subdirectories. */
  async copyFiles(source: string, target: string, isWanted: (name: string) => boolean): Promise<void> {
    this.makeDirectory(target);
    for (const { name, isDirectory } of this.from.readDirectory(source)) {
      if (!isDirectory && isWanted(name)) await this.copy(join(source, name), join(target, name));
    }
    this.into.syncDirectory(target);
  }

  /** Copies a database's entries, as of one moment, into an empty database. */
  async copyEntries(from: KeyValueStore, into: KeyValueStore): Promise<void> {
    for await (const page of from.entries()) {
      const operations: KeyValueOperation[] = page.map(([key, value]) => ({ type: 'put', key, value }));
      for (const [key, value] of page) this.bytes += key.length + value.length;
      await into.batch(operations, { sync: true });
      await this.breathe();
    }
  }
}
