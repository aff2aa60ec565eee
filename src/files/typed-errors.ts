/**
 * The file-system port with errors that name the file. A system error becomes `TIDEMARK_DISK_FULL` or `TIDEMARK_IO`.
 * The errors that callers check for (the path is missing, or exists already) stay system errors.
 */
import { codeOf } from '../model/errors.ts';
import type { ClaimOutcome, FileSystem } from './file-system.ts';
import { ioError } from './io-error.ts';

/** Codes of errors that callers treat as a normal result. */
const answers: ReadonlySet<string | undefined> = new Set(['ENOENT', 'EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EISDIR']);

export const withTypedErrors = (fileSystem: FileSystem): FileSystem => {
  const paths = new Map<number, string>();
  const nameOf = (fd: number): string => paths.get(fd) ?? `descriptor ${fd}`;
  const typed = (error: unknown, action: string, file: string): unknown =>
    answers.has(codeOf(error)) ? error : ioError(error, action, file);
  const attempt = <T>(action: string, file: string, call: () => T): T => {
    try {
      return call();
    } catch (error) {
      throw typed(error, action, file);
    }
  };
  const wait = async (action: string, file: string, call: () => Promise<void>): Promise<void> => {
    try {
      await call();
    } catch (error) {
      throw typed(error, action, file);
    }
  };
  return {
    open: (path, mode, permissions) =>
      attempt('open', path, () => {
        const fd = fileSystem.open(path, mode, permissions);
        paths.set(fd, path);
        return fd;
      }),
    close: (fd) => {
      const file = nameOf(fd);
      paths.delete(fd);
      attempt('close', file, () => fileSystem.close(fd));
    },
    // `read` and `write` create no closure, because they are called for every slice of a large file.
    read: (fd, buffer, offset, length, position) => {
      try {
        return fileSystem.read(fd, buffer, offset, length, position);
      } catch (error) {
        throw typed(error, 'read', nameOf(fd));
      }
    },
    write: (fd, buffer, offset, length, position) => {
      try {
        return fileSystem.write(fd, buffer, offset, length, position);
      } catch (error) {
        throw typed(error, 'write', nameOf(fd));
      }
    },
    truncate: (fd, size) => attempt('truncate', nameOf(fd), () => fileSystem.truncate(fd, size)),
    statOpen: (fd) => attempt('stat', nameOf(fd), () => fileSystem.statOpen(fd)),
    stat: (path) => attempt('stat', path, () => fileSystem.stat(path)),
    readDirectory: (path) => attempt('list', path, () => fileSystem.readDirectory(path)),
    makeDirectory: (path, permissions) => attempt('make', path, () => fileSystem.makeDirectory(path, permissions)),
    rename: (from, to) => attempt('rename', from, () => fileSystem.rename(from, to)),
    remove: (path) => attempt('remove', path, () => fileSystem.remove(path)),
    removeDirectory: (path) => attempt('remove', path, () => fileSystem.removeDirectory(path)),
    syncBlocking: (fd) => attempt('sync', nameOf(fd), () => fileSystem.syncBlocking(fd)),
    dataSyncBlocking: (fd) => attempt('sync', nameOf(fd), () => fileSystem.dataSyncBlocking(fd)),
    sync: (fd) => wait('sync', nameOf(fd), () => fileSystem.sync(fd)),
    dataSync: (fd) => wait('sync', nameOf(fd), () => fileSystem.dataSync(fd)),
    syncDirectory: (path) => attempt('sync', path, () => fileSystem.syncDirectory(path)),
    syncDirectoryAside: (path) => wait('sync', path, () => fileSystem.syncDirectoryAside(path)),
    erase: (path) => wait('remove', path, () => fileSystem.erase(path)),
    replace: (from, to) => wait('rename', from, () => fileSystem.replace(from, to)),
    space: (path) => attempt('read the free space of', path, () => fileSystem.space(path)),
    ...(fileSystem.runAside && { runAside: (work: () => void) => fileSystem.runAside?.(work) }),
    ...(fileSystem.claimDirectory && {
      claimDirectory: async (directory: string, since: number): Promise<ClaimOutcome> => {
        try {
          return (await fileSystem.claimDirectory?.(directory, since)) ?? { holder: {} };
        } catch (error) {
          throw typed(error, 'claim', directory);
        }
      },
    }),
    ...(fileSystem.contains && {
      contains: (directory: string, path: string) =>
        attempt('stat', path, () => fileSystem.contains?.(directory, path) ?? false),
    }),
    ...(fileSystem.realPath && { realPath: (path: string) => fileSystem.realPath?.(path) ?? path }),
    ...(fileSystem.lockHolder && { lockHolder: (path: string) => fileSystem.lockHolder?.(path) }),
  };
};
