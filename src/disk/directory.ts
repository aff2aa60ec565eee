/**
 * The store's directory as a whole (docs/formats/directory.md): is it one, of which version, is somebody using it, and
 * was it closed in order. The files that say so:
 *
 *   VERSION   "1\n"
 *   DIRTY     there while the directory is in use, and after a crash. The original's is empty and carries its lock;
 *             ours says who has the directory open, for the message that a second opener gets. One that the original
 *             finds it leaves as it is.
 *
 * The lock itself is a claim (directory-claim.ts) and LevelDB's lock on the archive index; the operating system frees both
 * however the process ends.
 */
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { systemCode, TidemarkError } from '../errors.ts';
import type { DirectoryClaim, DirectoryEntry, DirectoryHolder, FileSystem } from './file-system.ts';
import { ioError } from './io-error.ts';
import { LAST_CLOSE_FILE, type Predecessor } from './last-close.ts';
import { closeAfter, readFile, removeIfPresent, writeFully } from './read-write.ts';

export const VERSION_FILE = 'VERSION';
export const DIRTY_FILE = 'DIRTY';

const VERSION = 1;
/** Begins with a dot, so that one left by a crash does not make the directory look like somebody else's. */
const VERSION_TEMPORARY = '.VERSION.tmp';
const DIRTY_TEMPORARY = 'DIRTY.tmp';
const PERMISSIONS = 0o644;
const SMALL_FILE_BYTES_MAX = 4096;
const NAMES_SHOWN_MAX = 10;

export interface PreparedDirectory {
  /** There was no store; now there is an empty one. */
  readonly created: boolean;
  /** The store was not closed in order, or is in use. */
  readonly dirty: boolean;
}

/** Who has the directory open. */
export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** The original had the directory before, and it is not recovered from that yet. */
  readonly after?: 'other';
}

/**
 * Makes sure that the directory is a store's, creating it if it is missing or empty. Throws `TIDEMARK_NOT_A_STORE` for
 * other files, `TIDEMARK_UNSUPPORTED_VERSION`, and `TIDEMARK_LOCKED` when a running Prometheus holds its lock. With
 * `readOnly` nothing is created and nobody else's lock matters.
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
 * Claims the directory for this opening, creating it if it is missing. Throws `TIDEMARK_LOCKED` when it is open already,
 * in this process or in another one; nothing in it was touched then. `undefined` on a file system without claims.
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
    const code = systemCode(error);
    throw code === 'ENOTDIR' || code === 'EEXIST' ? noStore(directory, 'is a file') : ioError(error, 'open', directory);
  }
};

/**
 * Marks the directory as in use, durably: a store that finds the mark recovers. What the last clean close said of the
 * directory goes: it does not hold from now on.
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
    // In one step: what the mark says of the one before must survive a crash.
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
 * For an opening that ends without a clean close: the mark stays, but says of no running process that it has the directory
 * open. Where a bound socket tells, it need not.
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

/** Takes the mark away, durably. The last step of closing. */
export const markClean = (fileSystem: FileSystem, directory: string): void => {
  try {
    removeIfPresent(fileSystem, join(directory, DIRTY_FILE));
    fileSystem.syncDirectory(directory);
  } catch (error) {
    throw ioError(error, 'remove', join(directory, DIRTY_FILE));
  }
};

/** The mark itself: another text after every opening for writing. `undefined` when there is none. */
export const readMark = (fileSystem: FileSystem, directory: string): string | undefined => {
  const bytes = readFile(fileSystem, join(directory, DIRTY_FILE), SMALL_FILE_BYTES_MAX);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
};

/** Who marked the directory as in use; `undefined` when nobody did, or the original, which does not say. */
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

/** The error for a second opener, with what is known of the first. `cause`: what the lock itself said. */
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

/** Of a clock that was never set, too. */
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
    if (systemCode(error) === 'ENOTDIR') throw noStore(directory, 'is a file');
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

/** As the original has it: hidden files and what a fresh volume contains don't count. */
const isForeign = ({ name, isDirectory }: DirectoryEntry): boolean =>
  !name.startsWith('.') && !(name === 'lost+found' && isDirectory);

/**
 * Makes a directory whose name is on the disk: it lies in its parent, that one's in its own, up to one that was there. That
 * one is synced too where nothing was missing: whoever made the directory may not have come to it.
 */
export const makeDirectoryDurably = (fileSystem: FileSystem, directory: string, permissions?: number): void => {
  const parents = [dirname(directory)];
  for (let path = directory; fileSystem.stat(path) === undefined; path = dirname(path)) parents.push(dirname(path));
  fileSystem.makeDirectory(directory, permissions);
  for (const parent of new Set(parents)) syncIfAllowed(fileSystem, parent);
};

/** Somebody else may have made a directory where a program may not even read the one above. */
const syncIfAllowed = (fileSystem: FileSystem, directory: string): void => {
  try {
    fileSystem.syncDirectory(directory);
  } catch (error) {
    const code = systemCode(error instanceof TidemarkError ? error.cause : error);
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
