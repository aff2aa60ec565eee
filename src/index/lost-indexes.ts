/**
 * LOST_INDEXES: names the databases that were damaged or missing and have been made anew, one a line, until recovery has
 * found elsewhere what was in them. Without it an opening that dies or fails on the way would leave an empty archive
 * behind, and the next one would take it for the truth.
 */
import { join } from 'node:path';
import type { FileSystem } from '../disk/file-system.ts';
import { ioError } from '../disk/io-error.ts';
import { readFile, removeIfPresent, writeFileAtomically } from '../disk/read-write.ts';
import { type DatabaseName, databaseFolders } from './database-folders.ts';

const FILE = 'LOST_INDEXES';
const FILE_BYTES_MAX = 4096;

/** What was lost and is not recovered yet. */
export const readLostIndexes = (fileSystem: FileSystem, directory: string): Set<DatabaseName> => {
  const path = join(directory, FILE);
  try {
    const text = Buffer.from(readFile(fileSystem, path, FILE_BYTES_MAX) ?? []).toString();
    const lines = new Set(text.split('\n'));
    const names = Object.keys(databaseFolders) as DatabaseName[];
    return new Set(names.filter((name) => lines.has(databaseFolders[name])));
  } catch (error) {
    throw ioError(error, 'read', path);
  }
};

/** Remembers one more, durably. To be called before the empty database gets its place. */
export const noteLostIndex = (fileSystem: FileSystem, directory: string, name: DatabaseName): void => {
  const path = join(directory, FILE);
  const names = readLostIndexes(fileSystem, directory);
  if (names.has(name)) return;
  const lines = [...names, name].map((lost) => `${databaseFolders[lost]}\n`);
  try {
    writeFileAtomically(fileSystem, directory, FILE, Buffer.from(lines.join('')));
  } catch (error) {
    throw ioError(error, 'write', path);
  }
};

/** Everything is recovered, and on the disk. If a loss of power brings the file back, it is recovered again. */
export const forgetLostIndexes = (fileSystem: FileSystem, directory: string): void => {
  const path = join(directory, FILE);
  try {
    removeIfPresent(fileSystem, path);
  } catch (error) {
    throw ioError(error, 'remove', path);
  }
};
