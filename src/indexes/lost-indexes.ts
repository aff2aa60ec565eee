/**
 * LOST_INDEXES: the databases whose content is incomplete, one name a line. A database that was damaged or missing is
 * created empty, and is listed until recovery has found its content elsewhere. The label indexes are listed while they
 * are rebuilt. Without the file, an opening or a rebuild that dies midway would leave an incomplete database that the
 * next opening would take for complete.
 */
import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { ioError } from '../files/io-error.ts';
import { readFile, removeIfPresent, writeFileAtomically } from '../files/read-write.ts';
import { type DatabaseName, databaseFolders } from './database-folders.ts';

const FILE = 'LOST_INDEXES';
const FILE_BYTES_MAX = 4096;

/** The databases that were lost and are not recovered yet. */
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

/** Notes that databases are not complete, durably. Call this before any of their content is deleted. */
export const noteLostIndexes = (fileSystem: FileSystem, directory: string, names: readonly DatabaseName[]): void => {
  const noted = readLostIndexes(fileSystem, directory);
  if (names.every((name) => noted.has(name))) return;
  write(fileSystem, directory, new Set([...noted, ...names]));
};

export const noteLostIndex = (fileSystem: FileSystem, directory: string, name: DatabaseName): void =>
  noteLostIndexes(fileSystem, directory, [name]);

/**
 * Notes that databases are complete again, after their content is on the disk. If a loss of power brings the old file
 * back, they are rebuilt once more.
 */
export const forgetLostIndexes = (fileSystem: FileSystem, directory: string, names: readonly DatabaseName[]): void => {
  const noted = readLostIndexes(fileSystem, directory);
  const left = new Set([...noted].filter((name) => !names.includes(name)));
  if (left.size === noted.size) return;
  if (left.size > 0) {
    write(fileSystem, directory, left);
    return;
  }
  const path = join(directory, FILE);
  try {
    removeIfPresent(fileSystem, path);
  } catch (error) {
    throw ioError(error, 'remove', path);
  }
};

const write = (fileSystem: FileSystem, directory: string, names: ReadonlySet<DatabaseName>): void => {
  const lines = [...names].map((name) => `${databaseFolders[name]}\n`);
  try {
    writeFileAtomically(fileSystem, directory, FILE, Buffer.from(lines.join('')));
  } catch (error) {
    throw ioError(error, 'write', join(directory, FILE));
  }
};
