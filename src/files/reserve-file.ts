/**
 * A file of 4 MiB that an open store keeps in reserve for a full disk. When no other write succeeds, the store removes
 * it. The journal and retention can then use that space until more becomes free. The store takes samples again only when
 * the whole reserve could be written again.
 *
 * A closed store needs no reserve while the volume has plenty of room: the next opening writes it again.
 */

import { join } from 'node:path';
import { SingleRun } from '../async/single-run.ts';
import type { FileSystem } from './file-system.ts';
import { discard, removeIfPresent, writeFully } from './read-write.ts';

/** Its name in the journal's directory. */
export const RESERVE_FILE = 'reserve';
export const RESERVE_BYTES = 4 * 1024 * 1024;
/** Room for so many reserves is plenty: no opening finds the disk full soon, unless something else fills it. */
const PLENTY = 64;
const SLICE_BYTES = 64 * 1024;

export class ReserveFile {
  private readonly fileSystem: FileSystem;
  private readonly directory: string;
  private readonly path: string;
  private readonly writing = new SingleRun();
  /** Tells a running write to stop: the reserve is no longer wanted. */
  private isGivenBack = false;
  private isClosed = false;

  /** `directory`: the journal's directory. The journal's volume is the one that fills up. */
  constructor(fileSystem: FileSystem, directory: string) {
    this.fileSystem = fileSystem;
    this.directory = directory;
    this.path = join(directory, RESERVE_FILE);
  }

  get isHeld(): boolean {
    return !this.writing.isRunning && this.fileSystem.stat(this.path)?.size === RESERVE_BYTES;
  }

  /** Whether the volume has plenty of room. `false` if that is not known. */
  get hasPlentyOfRoom(): boolean {
    try {
      return this.fileSystem.space(this.directory).freeBytes >= PLENTY * RESERVE_BYTES;
    } catch {
      return false;
    }
  }

  /**
   * Writes the reserve. All bytes are really written, so that no file system can have promised the same space to
   * another file. Throws ENOSPC, and `ReserveGivenBack` when the reserve is released or closed in the meantime.
   */
  async hold(breathe: () => Promise<void>): Promise<void> {
    if (this.isHeld) return;
    if (this.isClosed) throw new ReserveGivenBack();
    await this.writing.join(() => this.write(breathe));
  }

  /** Removes the reserve, so that its space is free. */
  release(): void {
    this.isGivenBack = true;
    removeIfPresent(this.fileSystem, this.path);
  }

  /** As {@link release}, off this thread: freeing so many blocks takes milliseconds. */
  async remove(): Promise<void> {
    this.isGivenBack = true;
    if (this.fileSystem.stat(this.path) !== undefined) await this.fileSystem.erase(this.path);
  }

  /** Stops a running write and waits for its end; the reserve is never written again. A reserve that is held stays. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.isGivenBack = true;
    await this.writing.ended();
  }

  private async write(breathe: () => Promise<void>): Promise<void> {
    this.isGivenBack = false;
    const slice = new Uint8Array(SLICE_BYTES).fill(0x5a);
    const fd = this.fileSystem.open(this.path, 'truncate', 0o640);
    try {
      for (let position = 0; position < RESERVE_BYTES; position += SLICE_BYTES) {
        if (this.isGivenBack) throw new ReserveGivenBack();
        writeFully(this.fileSystem, fd, slice, 0, SLICE_BYTES, position);
        await breathe();
      }
      await this.fileSystem.sync(fd);
      if (this.isGivenBack) throw new ReserveGivenBack();
    } catch (error) {
      this.fileSystem.close(fd);
      discard(this.fileSystem, this.path);
      throw error;
    }
    this.fileSystem.close(fd);
  }
}

/** The reserve was released, or the store closed, before it was written. */
export class ReserveGivenBack extends Error {
  override readonly name = 'ReserveGivenBack';

  constructor() {
    super('the reserve was given back before it was written');
  }
}
