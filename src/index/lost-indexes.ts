/**
 * LOST_INDEXES: names the databases whose content is not whole, one a line: those that were damaged or missing and have
 * been created empty, until recovery has found their content elsewhere, and the label indexes while they are rebuilt.
 * Without it an opening or a rebuild that dies on the way would leave an incomplete database behind, and the next opening
 * would take it for the truth.
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

/** Notes that databases are not whole, durably. To be called before anything of them is deleted. */
export const noteLostIndexes = (fileSystem: FileSystem, directory: string, names: readonly DatabaseName[]): void => {
  const noted = readLostIndexes(fileSystem, directory);
  if (names.every((name) => noted.has(name))) return;
  write(fileSystem, directory, new Set([...noted, ...names]));
};

export const noteLostIndex = (fileSystem: FileSystem, directory: string, name: DatabaseName): void =>
  noteLostIndexes(fileSystem, directory, [name]);

/**
 * Notes that databases are whole again: their content is on the disk. If a loss of power brings the old file back, they
 * are rebuilt once more.
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
