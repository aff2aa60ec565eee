/**
 * A few megabytes that the store keeps for itself, so that a full disk is not a trap: when nothing else can be written,
 * they are given back, and the journal and retention can go on with them until space is free again. Only when the
 * reserve itself fits again does the store take samples.
 */
import { join } from 'node:path';
import type { FileSystem } from './file-system.ts';
import { discard, removeIfPresent, writeFully } from './read-write.ts';

/** Its name in the journal's directory. */
export const RESERVE_FILE = 'reserve';
export const RESERVE_BYTES = 4 * 1024 * 1024;
const SLICE_BYTES = 64 * 1024;

export class ReserveFile {
  private readonly fileSystem: FileSystem;
  private readonly path: string;
  /** It is being written. */
  private writing: Promise<void> | undefined;
  /** What is being written is wanted no longer. */
  private isGivenBack = false;
  private isClosed = false;

  /** `directory`: the journal's, whose volume it is that fills up. */
  constructor(fileSystem: FileSystem, directory: string) {
    this.fileSystem = fileSystem;
    this.path = join(directory, RESERVE_FILE);
  }

  get isHeld(): boolean {
    return this.writing === undefined && this.fileSystem.stat(this.path)?.size === RESERVE_BYTES;
  }

  /**
   * Takes the reserve, really written, so that no file system can have promised the same bytes to others. Throws ENOSPC, and
   * `ReserveGivenBack` when it is released or closed meanwhile.
   */
  async hold(breathe: () => Promise<void>): Promise<void> {
    if (this.isHeld) return;
    if (this.isClosed) throw new ReserveGivenBack();
    this.writing ??= this.write(breathe).finally(() => {
      this.writing = undefined;
    });
    await this.writing;
  }

  /** Gives it back to the disk. */
  release(): void {
    this.isGivenBack = true;
    removeIfPresent(this.fileSystem, this.path);
  }

  /** Nobody writes it when this has resolved, or ever again; a reserve that is held stays. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.isGivenBack = true;
    await this.writing?.catch(() => {});
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
