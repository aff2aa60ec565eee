/**
 * The store's directory as a whole (docs/formats/directory.md): whether it is a store, of which version, whether it is
 * in use, and whether it was closed cleanly. The files that show this:
 *
 *   VERSION   "1\n"
 *   DIRTY     exists while the directory is in use, and after a crash. The original's file is empty and carries its
 *             lock. Tidemark's file names the process that has the directory open, for the error message of a second
 *             opener. The original leaves a DIRTY file that it finds unchanged.
 *
 * The lock itself is a claim (directory-claim.ts) and LevelDB's lock on the archive index. The operating system frees
 * both however the process ends.
 */
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { DirectoryClaim, DirectoryEntry, DirectoryHolder, FileSystem } from '../files/file-system.ts';
import { ioError } from '../files/io-error.ts';
import { closeAfter, readFile, removeIfPresent, writeFully } from '../files/read-write.ts';
import { codeOf, TidemarkError } from '../model/errors.ts';
import { LAST_CLOSE_FILE, type Predecessor } from './last-close.ts';

export const VERSION_FILE = 'VERSION';
export const DIRTY_FILE = 'DIRTY';
const JOURNAL_FOLDER = 'journal';

const VERSION = 1;
/** Begins with a dot, so that a file left by a crash does not make the directory look like a foreign one. */
const VERSION_TEMPORARY = '.VERSION.tmp';
const DIRTY_TEMPORARY = 'DIRTY.tmp';
const PERMISSIONS = 0o644;
const SMALL_FILE_BYTES_MAX = 4096;
const NAMES_SHOWN_MAX = 10;

export interface PreparedDirectory {
  /** Whether there was no store before. Now there is an empty one. */
  readonly created: boolean;
  /** Whether the store was not closed cleanly, or is in use. */
  readonly dirty: boolean;
}

/** The process that has the directory open. */
export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** The original had the directory open before, and recovery from that is not complete yet. */
  readonly after?: 'other';
}

/**
 * Makes sure that the directory is a store's, creating it if it is missing or empty. Throws `TIDEMARK_NOT_A_STORE` when
 * it has other files, `TIDEMARK_UNSUPPORTED_VERSION`, and `TIDEMARK_LOCKED` when a running Prometheus holds its lock.
 * With `readOnly` nothing is created and locks are ignored.
 */
export const prepareDirectory = (
  fileSystem: FileSystem,
  directory: string,
  { readOnly }: { readonly readOnly: boolean },
): PreparedDirectory => {
  try {
    const created = !hasVersion(fileSystem, directory);
    if (created) {
      if (readOnly)
        throw noStore(directory, fileSystem.stat(directory) === undefined ? 'does not exist' : 'has no VERSION file');
      createStore(fileSystem, directory);
    }
    const dirtyPath = join(directory, DIRTY_FILE);
    const dirty = fileSystem.stat(dirtyPath) !== undefined;
    if (dirty && !readOnly) assertNotHeld(fileSystem, directory, dirtyPath);
    return { created, dirty };
  } catch (error) {
    throw ioError(error, 'open', directory);
  }
};

/**
 * Claims the directory for this opening, creating it if it is missing. Throws `TIDEMARK_LOCKED` when it is open
 * already, in this process or in another one; then nothing in it was touched. `undefined` on a file system without
 * claims.
 */
export const claimForWriting = async (
  fileSystem: FileSystem,
  directory: string,
  now: number,
): Promise<DirectoryClaim | undefined> => {
  if (fileSystem.claimDirectory === undefined) return undefined;
  try {
    if (fileSystem.stat(directory) === undefined) makeDirectoryDurably(fileSystem, directory);
    else if (!fileSystem.stat(directory)?.isDirectory) throw noStore(directory, 'is a file');
    const outcome = await fileSystem.claimDirectory(directory, now);
    if ('claim' in outcome) return outcome.claim;
    throw lockedBy(directory, outcome.holder, undefined);
  } catch (error) {
    const code = codeOf(error);
    throw code === 'ENOTDIR' || code === 'EEXIST' ? noStore(directory, 'is a file') : ioError(error, 'open', directory);
  }
};

/**
 * Marks the directory as in use, durably. A store that finds the mark recovers. Removes LAST_CLOSE, because the state
 * that it describes does not hold from now on.
 */
export const markDirty = (
  fileSystem: FileSystem,
  directory: string,
  now: number,
  predecessor: Predecessor = 'tidemark',
  identity: DirectoryHolder = {},
): void => {
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    since: now,
    ...identity,
    ...(predecessor === 'other' ? { after: 'other' } : {}),
  };
  try {
    // The mark is replaced in one step: its `after` field, about the previous opening, must survive a crash.
    const temporary = join(directory, DIRTY_TEMPORARY);
    writeDurably(fileSystem, temporary, Buffer.from(`${JSON.stringify(owner)}\n`));
    fileSystem.rename(temporary, join(directory, DIRTY_FILE));
    removeIfPresent(fileSystem, join(directory, LAST_CLOSE_FILE));
    fileSystem.syncDirectory(directory);
  } catch (error) {
    throw ioError(error, 'write', join(directory, DIRTY_FILE));
  }
};

/**
 * For an opening that ends without a clean close. The mark stays, but without the identity by which a later claim
 * checks whether this process is running. With a bound socket that is not needed: the socket shows whether the
 * directory is open.
 */
export const releaseMark = (
  fileSystem: FileSystem,
  directory: string,
  now: number,
  { identity }: DirectoryClaim,
): void => {
  if (identity.socketNamespace !== undefined) return;
  markDirty(fileSystem, directory, now, readOwner(fileSystem, directory)?.after ?? 'tidemark');
};

/** Removes the mark, durably. The last step of closing. */
export const markClean = (fileSystem: FileSystem, directory: string): void => {
  try {
    removeIfPresent(fileSystem, join(directory, DIRTY_FILE));
    fileSystem.syncDirectory(directory);
  } catch (error) {
    throw ioError(error, 'remove', join(directory, DIRTY_FILE));
  }
};

/**
 * A text that changes whenever a program writes to the store: it has the content of DIRTY, and the sizes and times of
 * modification of heads.db and of the journal's segments. Throws `TIDEMARK_IO`.
 */
export const traceOfWriters = (fileSystem: FileSystem, directory: string): string => {
  try {
    const mark = readFile(fileSystem, join(directory, DIRTY_FILE), SMALL_FILE_BYTES_MAX);
    const journal = join(directory, JOURNAL_FOLDER);
    const names =
      fileSystem.stat(journal) === undefined ? [] : fileSystem.readDirectory(journal).map(({ name }) => name);
    const segments = names.filter((name) => name.endsWith('.journal')).sort();
    const paths = ['heads.db', ...segments.map((name) => join(JOURNAL_FOLDER, name))];
    const lines = paths.map((path) => `${path} ${stampOf(fileSystem, join(directory, path))}`);
    return [mark === undefined ? 'closed' : Buffer.from(mark).toString(), ...lines].join('\n');
  } catch (error) {
    throw ioError(error, 'read', directory);
  }
};

/** A text that changes whenever a program writes a checkpoint. Throws `TIDEMARK_IO`. */
export const stampOfCheckpoint = (fileSystem: FileSystem, directory: string): string => {
  const path = join(directory, 'heads.db');
  try {
    return stampOf(fileSystem, path);
  } catch (error) {
    throw ioError(error, 'read', path);
  }
};

const stampOf = (fileSystem: FileSystem, path: string): string => {
  const found = fileSystem.stat(path);
  return found === undefined ? '-' : `${found.size} ${found.mtimeNs}`;
};

/** Throws `TIDEMARK_LOCKED` when a process holds the lock on DIRTY that Prometheus takes. */
export const assertNotHeldByOriginal = (fileSystem: FileSystem, directory: string): void => {
  if (fileSystem.stat(join(directory, DIRTY_FILE)) !== undefined)
    assertNotHeld(fileSystem, directory, join(directory, DIRTY_FILE));
};

/**
 * The process that marked the directory as in use. `undefined` when it is not marked, or when the original marked it,
 * whose DIRTY is empty.
 */
export const readOwner = (fileSystem: FileSystem, directory: string): Owner | undefined => {
  try {
    const bytes = readFile(fileSystem, join(directory, DIRTY_FILE), SMALL_FILE_BYTES_MAX);
    const { pid, host, since, after } = JSON.parse(Buffer.from(bytes ?? []).toString()) as Partial<Owner>;
    return typeof pid === 'number' && typeof host === 'string' && typeof since === 'number'
      ? { pid, host, since, ...(after === 'other' ? { after } : {}) }
      : undefined;
  } catch {
    return undefined;
  }
};

/** The error for a second opener, with what is known about the first. `cause`: the error of the lock itself. */
export const lockedError = (fileSystem: FileSystem, directory: string, cause: unknown): TidemarkError => {
  return lockedBy(directory, readOwner(fileSystem, directory) ?? {}, cause);
};

const lockedBy = (directory: string, { pid, host, since }: DirectoryHolder, cause: unknown): TidemarkError => {
  const isKnown = pid !== undefined && host !== undefined && since !== undefined;
  const who = isKnown
    ? `process ${pid} on ${host} since ${timeText(since)}`
    : 'another process, or another store in this one';
  return new TidemarkError('TIDEMARK_LOCKED', `${directory} is open: ${who}`, {
    cause,
    details: { directory, ...(isKnown ? { pid, host, since } : {}) },
  });
};

/** Handles invalid times too, of a clock that was never set. */
const timeText = (time: number): string => {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? `${time} ms` : date.toISOString();
};

const hasVersion = (fileSystem: FileSystem, directory: string): boolean => {
  const bytes = readVersion(fileSystem, directory);
  if (bytes === undefined) return false;
  const text = Buffer.from(bytes).toString().trim();
  if (Number(/^[+-]?\d+$/.exec(text)?.[0]) === VERSION) return true;
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  throw new TidemarkError(
    'TIDEMARK_UNSUPPORTED_VERSION',
    `${join(directory, VERSION_FILE)} says ${JSON.stringify(shown)}, must be ${VERSION}`,
    { details: { directory, found: shown, supported: VERSION } },
  );
};

const readVersion = (fileSystem: FileSystem, directory: string): Uint8Array | undefined => {
  try {
    return readFile(fileSystem, join(directory, VERSION_FILE), SMALL_FILE_BYTES_MAX);
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') throw noStore(directory, 'is a file');
    throw error;
  }
};

const createStore = (fileSystem: FileSystem, directory: string): void => {
  const foreign = fileSystem.stat(directory) === undefined ? [] : fileSystem.readDirectory(directory).filter(isForeign);
  if (foreign.length > 0) throw foreignFiles(directory, foreign);
  makeDirectoryDurably(fileSystem, directory);
  const temporary = join(directory, VERSION_TEMPORARY);
  writeDurably(fileSystem, temporary, Buffer.from(`${VERSION}\n`));
  fileSystem.rename(temporary, join(directory, VERSION_FILE));
  fileSystem.syncDirectory(directory);
};

/** As in the original, hidden files and what a fresh volume contains do not count. */
const isForeign = ({ name, isDirectory }: DirectoryEntry): boolean =>
  !name.startsWith('.') && !(name === 'lost+found' && isDirectory);

/**
 * Makes a directory durably: syncs the parent of every new directory, up to the first directory that already existed.
 * The parent of `directory` is synced even if nothing was missing, because the process that made the directory may have
 * died before its sync.
 */
export const makeDirectoryDurably = (fileSystem: FileSystem, directory: string, permissions?: number): void => {
  const parents = [dirname(directory)];
  for (let path = directory; fileSystem.stat(path) === undefined; path = dirname(path)) parents.push(dirname(path));
  fileSystem.makeDirectory(directory, permissions);
  for (const parent of new Set(parents)) syncIfAllowed(fileSystem, parent);
};

/**
 * Syncs a directory if that is permitted. The store's directory may have been made by another user, in a parent that
 * this process may not even read.
 */
const syncIfAllowed = (fileSystem: FileSystem, directory: string): void => {
  try {
    fileSystem.syncDirectory(directory);
  } catch (error) {
    const code = codeOf(error instanceof TidemarkError ? error.cause : error);
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
  }
};

const writeDurably = (fileSystem: FileSystem, path: string, bytes: Uint8Array): void => {
  const fd = fileSystem.open(path, 'truncate', PERMISSIONS);
  closeAfter(fileSystem, fd, () => {
    writeFully(fileSystem, fd, bytes, 0, bytes.length, 0);
    fileSystem.syncBlocking(fd);
  });
};

const assertNotHeld = (fileSystem: FileSystem, directory: string, dirtyPath: string): void => {
  const pid = fileSystem.lockHolder?.(dirtyPath);
  if (pid === undefined) return;
  throw new TidemarkError(
    'TIDEMARK_LOCKED',
    `${directory} is open: process ${pid} holds the lock on DIRTY, as Prometheus does`,
    {
      details: { directory, pid },
    },
  );
};

const foreignFiles = (directory: string, foreign: readonly DirectoryEntry[]): TidemarkError => {
  const names = foreign.map(({ name }) => name).sort();
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(', ');
  const more = names.length > NAMES_SHOWN_MAX ? ` and ${names.length - NAMES_SHOWN_MAX} more` : '';
  return noStore(directory, `has no VERSION file but other files: ${shown}${more}`, { names });
};

const noStore = (directory: string, why: string, details: Readonly<Record<string, unknown>> = {}): TidemarkError =>
  new TidemarkError('TIDEMARK_NOT_A_STORE', `${directory} ${why}`, { details: { directory, ...details } });
