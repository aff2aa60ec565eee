/**
 * LAST_CLOSE: the state that a clean close left behind, for the next opening to compare with the files it finds. It is
 * written durably right before DIRTY is removed. The next opening for writing removes it after DIRTY has been written.
 * A directory without it was made by the original or by an older version, or was not closed cleanly.
 */
import { join } from 'node:path';
import type { FileSystem } from '../files/file-system.ts';
import { ioError } from '../files/io-error.ts';
import { readFile, writeFileAtomically } from '../files/read-write.ts';

export const LAST_CLOSE_FILE = 'LAST_CLOSE';

const FORMAT_VERSION = 1;
const FILE_BYTES_MAX = 1024 * 1024;

/**
 * Which program wrote in the directory last: `created` when this opening created it, `tidemark`, or `other` when the
 * original has had it open since. In the last case Tidemark's files beside the original's may be older than those.
 */
export type Predecessor = 'created' | 'tidemark' | 'other';

/** Sizes in bytes of the files of a LevelDB database, by name; without LOCK and LOG. */
export type DatabaseFiles = Readonly<Record<string, number>>;

/** What a close records about one index. */
export interface ClosedIndex {
  readonly files: DatabaseFiles;
  /** At least this many operations were written to the database since it was created. */
  readonly sequence?: number | undefined;
}

export interface LastClose {
  readonly heads: { readonly bytes: number; readonly crc32: number };
  /** By the folder's name. An index is missing when the key-value store can't describe its files. */
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

/** What is told of a damaged file: by `check`, and by an opening. */
export const LAST_CLOSE_DAMAGED =
  'LAST_CLOSE is damaged; the files are not compared with what the last clean close recorded.';

/**
 * `undefined` when there is no file, or one that a later version wrote; `'damaged'` when it can't be parsed. In all these
 * cases nothing is compared.
 */
export const readLastClose = (fileSystem: FileSystem, directory: string): LastClose | 'damaged' | undefined => {
  try {
    const bytes = readFile(fileSystem, join(directory, LAST_CLOSE_FILE), FILE_BYTES_MAX);
    if (bytes === undefined) return undefined;
    const parsed = JSON.parse(Buffer.from(bytes).toString()) as Partial<LastClose> & { version?: unknown };
    const { version, heads, indexes } = parsed;
    if (typeof version === 'number' && version > FORMAT_VERSION) return undefined;
    if (version !== FORMAT_VERSION || typeof indexes !== 'object' || indexes === null) return 'damaged';
    if (typeof heads?.bytes !== 'number' || typeof heads.crc32 !== 'number') return 'damaged';
    if (!Object.values(indexes).every(isClosedIndex)) return 'damaged';
    return { heads, indexes };
  } catch {
    return 'damaged';
  }
};

const isClosedIndex = (index: Partial<ClosedIndex> | null): boolean =>
  typeof index?.files === 'object' &&
  index.files !== null &&
  Object.values(index.files).every((size) => typeof size === 'number') &&
  (index.sequence === undefined || typeof index.sequence === 'number');
