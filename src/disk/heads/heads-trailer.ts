/**
 * Turns the heads.db of a running store into that of a clean close: the same records without the trailer. The file is
 * cut in place, because a size changes in one step. A crash leaves the file with its trailer or without it, and both
 * are whole.
 */
import { join } from 'node:path';
import type { FileSystem } from '../../files/file-system.ts';
import { closeQuietly } from '../../files/read-write.ts';
import { HEADS_FILE, TRAILER_BYTES } from './heads.ts';

/**
 * Cuts the trailer off. Resolves to true when heads.db durably ends after `recordsBytes`. Resolves to false, without a
 * change, when the file does not have the expected size. `beforeCutting` is awaited before the cut. A file without a
 * trailer is not changed.
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
