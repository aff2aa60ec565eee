/** Whole reads and writes over the port's short ones, and files that are replaced in one step. */
import { join } from 'node:path';
import type { FileDescriptor, FileSystem } from './file-system.ts';
import { isMissing } from './io-error.ts';

/** Reads until `length` bytes are there or the file ends; returns the number read. */
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

/** Copies bytes of an open file to the same place in another, or in itself, one buffer at a time. Default: all of it. */
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
 * Closes a file after its use. The error of the use is the one that counts; where there was none, one of closing does,
 * because some file systems report there what they could not write.
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

/** Closes a file of which nothing is expected any more: what was to be read has been, what was written is synced. */
export const closeQuietly = (fileSystem: FileSystem, fd: FileDescriptor): void => {
  try {
    fileSystem.close(fd);
  } catch {
    // The descriptor is gone in any case.
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

/**
 * Replaces a file, or creates it, so that after a crash at any moment either the old content is there or the new:
 * `<name>.tmp` is written and synced, renamed over the file, and the directory is synced. When a step fails the tmp
 * file is removed and the old file stays.
 */
export const writeFileAtomically = (
  fileSystem: FileSystem,
  directory: string,
  name: string,
  bytes: Uint8Array,
  permissions?: number,
): void => {
  const path = join(directory, name);
  const temporary = `${path}.tmp`;
  try {
    const fd = fileSystem.open(temporary, 'truncate', permissions);
    closeAfter(fileSystem, fd, () => {
      writeFully(fileSystem, fd, bytes, 0, bytes.length, 0);
      fileSystem.syncBlocking(fd);
    });
    fileSystem.rename(temporary, path);
  } catch (error) {
    discard(fileSystem, temporary);
    throw error;
  }
  fileSystem.syncDirectory(directory);
};

/** Removes a file on the way out of a failure, whose error is the one to report. */
export const discard = (fileSystem: FileSystem, path: string): void => {
  try {
    fileSystem.remove(path);
  } catch {
    // It may never have been created, or the disk is gone altogether: recovery sweeps what remains.
  }
};
