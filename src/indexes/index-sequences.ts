/**
 * INDEX_SEQUENCES: for each index, a lower bound of the number of operations that were written to it, as of a
 * checkpoint. If an index has fewer after a crash, its log was cut or deleted, and it has lost entries that the journal
 * no longer has. The numbers stay true as long as the database is the same one, so the file need not be written often.
 * It must be written before the checkpoint is in place: the next opening replays the journal only from the checkpoint on.
 */
import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { ioError } from '../files/io-error.ts';
import { readFile, writeFileAtomically } from '../files/read-write.ts';
import { type DatabaseName, databaseFolders } from './database-folders.ts';
import type { KeyValueStore } from './key-value-store.ts';

const FILE = 'INDEX_SEQUENCES';
const FILE_BYTES_MAX = 4096;

export type IndexSequences = Readonly<Partial<Record<DatabaseName, number>>>;

/** Empty when there is no file, or one that can't be read. Then nothing is compared. */
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

/** Call this before a database is replaced, because the new one begins to count at 0. */
export const forgetIndexSequence = (fileSystem: FileSystem, directory: string, name: DatabaseName): void => {
  const { [name]: forgotten, ...others } = readIndexSequences(fileSystem, directory);
  if (forgotten !== undefined) writeIndexSequences(fileSystem, directory, others);
};

/** The current numbers of the databases. */
export const sequencesOf = (databases: Readonly<Record<DatabaseName, KeyValueStore>>): IndexSequences =>
  Object.fromEntries(names.map((name) => [name, databases[name].sequence]));

const names = Object.keys(databaseFolders) as DatabaseName[];
