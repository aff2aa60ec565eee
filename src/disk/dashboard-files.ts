/**
 * `dashboards/ID.json` in the store's directory: views that the pages show (docs/formats/dashboards.md). They are no part
 * of the data: nothing but the pages reads them, and a damaged one harms nothing else. A file is replaced in one step.
 */
import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { ioError, isMissing } from '../files/io-error.ts';
import { discard, entriesOf, readFile, TEMPORARY_SUFFIX, writeFully } from '../files/read-write.ts';
import { makeDirectoryDurably } from './store-directory.ts';

export const DASHBOARDS_FOLDER = 'dashboards';
const SUFFIX = '.json';
const PERMISSIONS = 0o640;
const DIRECTORY_PERMISSIONS = 0o700;

/** Whether a name in the folder is that of a dashboard, and not of a file that a crash has left. */
export const isDashboardFile = (name: string): boolean => name.endsWith(SUFFIX);

export class DashboardFiles {
  private readonly fileSystem: FileSystem;
  private readonly folder: string;

  constructor(fileSystem: FileSystem, directory: string) {
    this.fileSystem = fileSystem;
    this.folder = join(directory, DASHBOARDS_FOLDER);
  }

  /** The names of all files, without their suffix, sorted. */
  ids(): string[] {
    return this.guarded('read', this.folder, () =>
      entriesOf(this.fileSystem, this.folder)
        .filter(({ name, isDirectory }) => !isDirectory && isDashboardFile(name))
        .map(({ name }) => name.slice(0, -SUFFIX.length))
        .sort(),
    );
  }

  /** The first `bytesMax` bytes of a file; `undefined` if there is none. */
  read(id: string, bytesMax: number): Uint8Array | undefined {
    const path = this.pathOf(id);
    return this.guarded('read', path, () => readFile(this.fileSystem, path, bytesMax));
  }

  /**
   * Resolves when the file is on the disk. Rejects with `TIDEMARK_IO` or `TIDEMARK_DISK_FULL`; the file is then as it was.
   * Two calls for one id must not run at the same time.
   */
  async write(id: string, bytes: Uint8Array): Promise<void> {
    const { fileSystem } = this;
    const path = this.pathOf(id);
    const temporary = path + TEMPORARY_SUFFIX;
    try {
      makeDirectoryDurably(fileSystem, this.folder, DIRECTORY_PERMISSIONS);
      const fd = fileSystem.open(temporary, 'truncate', PERMISSIONS);
      try {
        writeFully(fileSystem, fd, bytes, 0, bytes.length, 0);
        await fileSystem.sync(fd);
      } finally {
        fileSystem.close(fd);
      }
      await fileSystem.replace(temporary, path);
    } catch (error) {
      discard(fileSystem, temporary);
      throw ioError(error, 'write', path);
    }
  }

  async remove(id: string): Promise<void> {
    const path = this.pathOf(id);
    try {
      await this.fileSystem.erase(path);
    } catch (error) {
      if (!isMissing(error)) throw ioError(error, 'remove', path);
    }
  }

  private pathOf(id: string): string {
    return join(this.folder, `${id}${SUFFIX}`);
  }

  private guarded<Result>(action: string, path: string, call: () => Result): Result {
    try {
      return call();
    } catch (error) {
      throw ioError(error, action, path);
    }
  }
}
