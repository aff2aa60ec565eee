/**
 * Makes the heads.db of a running store that of a clean close: the same records without the trailer. In place, because
 * a size changes in one step: a crash leaves the file with its trailer or without, and both are whole.
 */
import { join } from 'node:path';
import type { FileSystem } from './file-system.ts';
import { HEADS_FILE, TRAILER_BYTES } from './heads.ts';
import { closeQuietly } from './read-write.ts';

/**
 * Resolves to true when heads.db ends after `recordsBytes`, durably; to false, with nothing done, when it is not the file
 * of that size. `beforeCutting` is waited for first. A file that has no trailer is left alone.
 */
export const cutTrailer = async (
  fileSystem: FileSystem,
  directory: string,
  recordsBytes: number,
  beforeCutting: () => Promise<unknown>,
): Promise<boolean> => {
  const fd = fileSystem.open(join(directory, HEADS_FILE), 'readWrite');
  try {
    const { size } = fileSystem.statOpen(fd);
    if (size !== recordsBytes && size !== recordsBytes + TRAILER_BYTES) return false;
    await beforeCutting();
    if (size === recordsBytes) return true;
    fileSystem.truncate(fd, recordsBytes);
    await fileSystem.sync(fd);
    return true;
  } finally {
    closeQuietly(fileSystem, fd);
  }
};
