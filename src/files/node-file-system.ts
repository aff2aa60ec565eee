/**
 * The file-system port on `node:fs`. Errors pass through as Node throws them.
 */
import {
  type BigIntStats,
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { claimDirectory } from './directory-claim.ts';
import type { FileStat, FileSystem, OpenMode } from './file-system.ts';
import { flockHolder } from './flock-holder.ts';

/** The permissions that the original gives its files and directories. */
const FILE_PERMISSIONS = 0o640;
const DIRECTORY_PERMISSIONS = 0o700;

const { O_RDONLY, O_RDWR, O_WRONLY, O_CREAT, O_TRUNC, O_APPEND, O_EXCL } = constants;

const openFlags: Readonly<Record<OpenMode, number>> = {
  read: O_RDONLY,
  readWrite: O_RDWR,
  create: O_WRONLY | O_CREAT,
  truncate: O_WRONLY | O_CREAT | O_TRUNC,
  append: O_WRONLY | O_CREAT | O_APPEND,
  exclusive: O_WRONLY | O_CREAT | O_EXCL,
};

const toFileStat = (stats: BigIntStats): FileStat => ({
  size: Number(stats.size),
  mtimeNs: stats.mtimeNs,
  isFile: stats.isFile(),
  isDirectory: stats.isDirectory(),
});

/** Windows can't open a directory to sync it; NTFS journals its directories. */
const canSyncDirectories = process.platform !== 'win32';

const settled = (resolve: () => void, reject: (error: Error) => void) => (error: Error | null) => {
  if (error === null) resolve();
  else reject(error);
};

const syncDirectoryAside = async (path: string): Promise<void> => {
  if (!canSyncDirectories) return;
  const directory = await open(path, O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
};

/** Resolves symbolic links. The part of a path that does not exist yet, or may not be read, keeps its names. */
const realPath = (path: string): string => {
  for (let existing = path; ; existing = dirname(existing)) {
    try {
      return join(realpathSync(existing), relative(existing, path));
    } catch {
      if (dirname(existing) === existing) return path;
    }
  }
};

/**
 * Compares inodes where there are any: a directory may be mounted under two paths, and a file system may ignore case.
 */
const contains = (directory: string, path: string): boolean => {
  const wanted = identityOf(directory);
  for (let at = realPath(path); ; at = dirname(at)) {
    if (identityOf(at) === wanted) return true;
    if (dirname(at) === at) return false;
  }
};

const identityOf = (path: string): string => {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined || stats.ino === 0n ? realPath(path) : `${stats.dev}:${stats.ino}`;
};

export const nodeFileSystem: FileSystem = {
  open: (path, mode, permissions = FILE_PERMISSIONS) => openSync(path, openFlags[mode], permissions),
  close: (fd) => closeSync(fd),
  read: (fd, buffer, offset, length, position) => readSync(fd, buffer, offset, length, position),
  write: (fd, buffer, offset, length, position) => writeSync(fd, buffer, offset, length, position),
  truncate: (fd, size) => ftruncateSync(fd, size),
  statOpen: (fd) => toFileStat(fstatSync(fd, { bigint: true })),
  stat: (path) => {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats === undefined ? undefined : toFileStat(stats);
  },
  readDirectory: (path) =>
    readdirSync(path, { withFileTypes: true }).map((entry) => ({
      name: entry.name,
      isDirectory: entry.isDirectory(),
    })),
  makeDirectory: (path, permissions = DIRECTORY_PERMISSIONS) => {
    mkdirSync(path, { recursive: true, mode: permissions });
  },
  rename: (from, to) => renameSync(from, to),
  remove: (path) => unlinkSync(path),
  removeDirectory: (path) => rmdirSync(path),
  syncBlocking: (fd) => fsyncSync(fd),
  dataSyncBlocking: (fd) => fdatasyncSync(fd),
  sync: (fd) => new Promise((resolve, reject) => fsync(fd, settled(resolve, reject))),
  dataSync: (fd) => new Promise((resolve, reject) => fdatasync(fd, settled(resolve, reject))),
  syncDirectory: (path) => {
    if (!canSyncDirectories) return;
    const fd = openSync(path, O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  },
  syncDirectoryAside,
  replace: async (from, to) => {
    await rename(from, to);
    await syncDirectoryAside(dirname(to));
  },
  erase: async (path) => {
    await unlink(path);
    await syncDirectoryAside(dirname(path));
  },
  claimDirectory,
  realPath,
  contains,
  lockHolder: flockHolder,
  space: (path) => {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  },
};
