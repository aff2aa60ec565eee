/**
 * INDEX_SEQUENCES: how many operations each index had taken, at least, when a checkpoint was written. After a crash an index
 * with fewer has lost entries that the journal no longer has: its log was cut or deleted. The numbers stay true as long as
 * the database is the same one, so the file need not be written together with the checkpoint, nor often.
 */
import { join } from 'node:path';
import type { FileSystem } from '../disk/file-system.ts';
import { ioError } from '../disk/io-error.ts';
import { readFile, writeFileAtomically } from '../disk/read-write.ts';
import { type DatabaseName, databaseFolders } from './database-folders.ts';
import type { KeyValueStore } from './key-value-store.ts';

const FILE = 'INDEX_SEQUENCES';
const FILE_BYTES_MAX = 4096;

export type IndexSequences = Readonly<Partial<Record<DatabaseName, number>>>;

/** Empty when there is no file, or one that can't be read: nothing is compared then. */
export const readIndexSequences = (fileSystem: FileSystem, directory: string): IndexSequences => {
  try {
    const bytes = readFile(fileSystem, join(directory, FILE), FILE_BYTES_MAX);
    if (bytes === undefined) return {};
    const parsed = JSON.parse(Buffer.from(bytes).toString()) as Readonly<Record<string, unknown>>;
    return Object.fromEntries(
      names.flatMap((name) => {
        const sequence = parsed[databaseFolders[name]];
        return typeof sequence === 'number' ? [[name, sequence]] : [];
      }),
    );
  } catch {
    return {};
  }
};

/** Writes the file durably. Throws `TIDEMARK_IO` or `TIDEMARK_DISK_FULL`. */
export const writeIndexSequences = (fileSystem: FileSystem, directory: string, sequences: IndexSequences): void => {
  const byFolder = Object.fromEntries(names.map((name) => [databaseFolders[name], sequences[name]]));
  try {
    writeFileAtomically(fileSystem, directory, FILE, Buffer.from(`${JSON.stringify(byFolder)}\n`), 0o640);
  } catch (error) {
    throw ioError(error, 'write', join(directory, FILE));
  }
};

/** Before a database is replaced: its successor begins to count at 0. */
export const forgetIndexSequence = (fileSystem: FileSystem, directory: string, name: DatabaseName): void => {
  const { [name]: forgotten, ...others } = readIndexSequences(fileSystem, directory);
  if (forgotten !== undefined) writeIndexSequences(fileSystem, directory, others);
};

/** What the databases have taken. */
export const sequencesOf = (databases: Readonly<Record<DatabaseName, KeyValueStore>>): IndexSequences =>
  Object.fromEntries(names.map((name) => [name, databases[name].sequence]));

const names = Object.keys(databaseFolders) as DatabaseName[];
