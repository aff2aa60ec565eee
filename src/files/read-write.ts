/** Whole reads and writes over the port's calls, which may be short, and files that are replaced in one step. */
import { join } from 'node:path';
import type { DirectoryEntry, FileDescriptor, FileSystem } from './file-system.ts';
import { isMissing } from './io-error.ts';

/** Reads until `length` bytes are read or the file ends; returns the number of bytes read. */
export const readFully = (
  fileSystem: FileSystem,
  fd: FileDescriptor,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
): number => {
  let done = 0;
  while (done < length) {
    const count = fileSystem.read(fd, buffer, offset + done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
};

/** Writes all of `length` bytes. `position` null appends at the descriptor's own offset. */
export const writeFully = (
  fileSystem: FileSystem,
  fd: FileDescriptor,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number | null,
): void => {
  let done = 0;
  while (done < length) {
    const count = fileSystem.write(
      fd,
      buffer,
      offset + done,
      length - done,
      position === null ? null : position + done,
    );
    if (count === 0) throw Object.assign(new Error('EIO: the system wrote nothing'), { code: 'EIO' });
    done += count;
  }
};

/**
 * Copies bytes of an open file to the same offsets of another file, or of the same file, one buffer at a time. Default:
 * the whole file.
 */
export const copyContent = (
  fileSystem: FileSystem,
  source: FileDescriptor,
  target: FileDescriptor,
  buffer: Uint8Array,
  { begin = 0, end = Number.POSITIVE_INFINITY } = {},
): void => {
  for (let position = begin; position < end; position += buffer.length) {
    const wanted = Math.min(buffer.length, end - position);
    const found = readFully(fileSystem, source, buffer, 0, wanted, position);
    writeFully(fileSystem, target, buffer, 0, found, position);
    if (found < wanted) return;
  }
};

/** The bytes of a file, at most `byteCountMax` of them; `undefined` when there is no file. */
export const readFile = (
  fileSystem: FileSystem,
  path: string,
  byteCountMax = Number.MAX_SAFE_INTEGER,
): Uint8Array | undefined => {
  const fd = openIfPresent(fileSystem, path);
  if (fd === undefined) return undefined;
  try {
    const bytes = new Uint8Array(Math.min(fileSystem.statOpen(fd).size, byteCountMax));
    return bytes.subarray(0, readFully(fileSystem, fd, bytes, 0, bytes.length, 0));
  } finally {
    closeQuietly(fileSystem, fd);
  }
};

/**
 * Closes a file after its use. If the use failed, its error is thrown. If only closing failed, that error is thrown:
 * some file systems report only then that an earlier write failed.
 */
export const closeAfter = <Result>(fileSystem: FileSystem, fd: FileDescriptor, use: () => Result): Result => {
  let result: Result;
  try {
    result = use();
  } catch (error) {
    closeQuietly(fileSystem, fd);
    throw error;
  }
  fileSystem.close(fd);
  return result;
};

/**
 * Closes a file and ignores errors, because they no longer matter: the file was only read, what was written is synced,
 * or another error is thrown.
 */
export const closeQuietly = (fileSystem: FileSystem, fd: FileDescriptor): void => {
  try {
    fileSystem.close(fd);
  } catch {
    // The descriptor is released even when closing fails.
  }
};

/** The entries of a directory; none when it is missing. */
export const entriesOf = (fileSystem: FileSystem, path: string): DirectoryEntry[] => {
  try {
    return fileSystem.readDirectory(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
};

/** Opens for reading; `undefined` when there is no file. */
export const openIfPresent = (fileSystem: FileSystem, path: string): FileDescriptor | undefined => {
  try {
    return fileSystem.open(path, 'read');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

/** Removes a file; a missing one is fine. */
export const removeIfPresent = (fileSystem: FileSystem, path: string): void => {
  try {
    fileSystem.remove(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
};

/** Where {@link replaceFile} writes the new content of a file. */
export const TEMPORARY_SUFFIX = '.tmp';

/**
 * Writes `<path>.tmp`, syncs it and renames it over the file at `path`. When any of that fails, the tmp file is removed
 * and the old file stays. Returns what `write` returns. `open`: opens the tmp file, empty.
 */
export const replaceFile = <Result>(
  fileSystem: FileSystem,
  path: string,
  open: (temporary: string) => FileDescriptor,
  write: (fd: FileDescriptor) => Result,
): Result => {
  const temporary = path + TEMPORARY_SUFFIX;
  try {
    const fd = open(temporary);
    const result = closeAfter(fileSystem, fd, () => {
      const written = write(fd);
      fileSystem.syncBlocking(fd);
      return written;
    });
    fileSystem.rename(temporary, path);
    return result;
  } catch (error) {
    discard(fileSystem, temporary);
    throw error;
  }
};

/**
 * Replaces a file, or creates it, so that after a crash at any moment it has either the old content or the new:
 *
 * 1. Write `<name>.tmp` and sync it.
 * 2. Rename it over the file.
 * 3. Sync the directory.
 *
 * When step 1 or 2 fails, the tmp file is removed and the old file stays. When step 3 fails, the new file is in place,
 * but a loss of power may bring the old one back.
 */
export const writeFileAtomically = (
  fileSystem: FileSystem,
  directory: string,
  name: string,
  bytes: Uint8Array,
  permissions?: number,
): void => {
  replaceFile(
    fileSystem,
    join(directory, name),
    (temporary) => fileSystem.open(temporary, 'truncate', permissions),
    (fd) => writeFully(fileSystem, fd, bytes, 0, bytes.length, 0),
  );
  fileSystem.syncDirectory(directory);
};

/**
 * Removes a file after a failure. Errors of the removal are ignored, because the failure is the error to report. Returns
 * whether a file was removed.
 */
export const discard = (fileSystem: FileSystem, path: string): boolean => {
  try {
    fileSystem.remove(path);
    return true;
  } catch {
    // The file may never have been created, or the disk may be gone. Recovery removes files that remain.
    return false;
  }
};
