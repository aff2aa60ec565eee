/**
 * LAST_CLOSE: what a clean close left behind, for the next opening to compare with what it finds. It is written durably
 * right before DIRTY is removed, and removed by the next opening for writing, after DIRTY has been written. A directory
 * without it was made by the original or by an older version, or was not closed in order.
 */
import { join } from 'node:path';
import type { FileSystem } from './file-system.ts';
import { ioError } from './io-error.ts';
import { readFile, writeFileAtomically } from './read-write.ts';

export const LAST_CLOSE_FILE = 'LAST_CLOSE';

const FORMAT_VERSION = 1;
const FILE_BYTES_MAX = 1024 * 1024;

/**
 * Who has written in the directory last: `created` by this opening, `tidemark`, or `other`: the original has had it open
 * since. What Tidemark keeps beside the original's files may then be older than they are.
 */
export type Predecessor = 'created' | 'tidemark' | 'other';

/** Sizes in bytes of the files a LevelDB database consists of, by name; without LOCK and LOG. */
export type DatabaseFiles = Readonly<Record<string, number>>;

/** What a close says of one index. */
export interface ClosedIndex {
  readonly files: DatabaseFiles;
  /** Operations that the database had taken since it was created, at least. */
  readonly sequence?: number | undefined;
}

export interface LastClose {
  readonly heads: { readonly bytes: number; readonly crc32: number };
  /** By the folder's name. An index is missing where the key-value store can't describe its files. */
  readonly indexes: Readonly<Record<string, ClosedIndex>>;
}

/** Writes the file durably. Throws `TIDEMARK_IO` or `TIDEMARK_DISK_FULL`. */
export const writeLastClose = (fileSystem: FileSystem, directory: string, lastClose: LastClose): void => {
  const text = `${JSON.stringify({ version: FORMAT_VERSION, ...lastClose })}\n`;
  try {
    writeFileAtomically(fileSystem, directory, LAST_CLOSE_FILE, Buffer.from(text), 0o640);
  } catch (error) {
    throw ioError(error, 'write', join(directory, LAST_CLOSE_FILE));
  }
};

/** `undefined` when there is none, or one that this version can't read: nothing is compared then. */
export const readLastClose = (fileSystem: FileSystem, directory: string): LastClose | undefined => {
  try {
    const bytes = readFile(fileSystem, join(directory, LAST_CLOSE_FILE), FILE_BYTES_MAX);
    if (bytes === undefined) return undefined;
    const parsed = JSON.parse(Buffer.from(bytes).toString()) as Partial<LastClose> & { version?: unknown };
    const { version, heads, indexes } = parsed;
    if (version !== FORMAT_VERSION || typeof indexes !== 'object' || indexes === null) return undefined;
    if (typeof heads?.bytes !== 'number' || typeof heads.crc32 !== 'number') return undefined;
    if (!Object.values(indexes).every(isClosedIndex)) return undefined;
    return { heads, indexes };
  } catch {
    return undefined;
  }
};

const isClosedIndex = (index: Partial<ClosedIndex> | null): boolean =>
  typeof index?.files === 'object' &&
  index.files !== null &&
  Object.values(index.files).every((size) => typeof size === 'number') &&
  (index.sequence === undefined || typeof index.sequence === 'number');
