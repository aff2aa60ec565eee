/**
 * Moves a series file out of the store, to `orphaned/<2 hex>/<14 hex>.db`, with a hint file beside it that says which
 * series it was and why it was moved. The original overwrites the file of an earlier quarantine of the same series.
 * Tidemark takes the next free name instead, `<14 hex>-1.db` and so on, because there may be no other copy of
 * quarantined data.
 *
 * The hint is written before the move, and the move is the step that counts. After a crash between the two, the file is
 * still in its place and is found again. When the move fails, the hint is removed, because the next attempt writes its
 * own.
 */
import { join, posix } from 'node:path';
import type { FileSystem } from '../../files/file-system.ts';
import { isMissing } from '../../files/io-error.ts';
import { closeAfter, copyContent, discard, writeFileAtomically } from '../../files/read-write.ts';
import type { LabelPairs } from '../../model/labels.ts';
import { ORPHANED, SERIES_FILE_SUFFIX } from '../series-path.ts';
import { formatHint } from './hint.ts';

export const HINT_SUFFIX = '.hint';
const HINT_PERMISSIONS = 0o644;
const COPY_BYTES = 1 << 16;

/**
 * Returns the new path below the store's directory, or `undefined` when there was no file to move. The caller syncs
 * {@link directoriesOfMove}.
 */
export const quarantineFile = (
  fileSystem: FileSystem,
  directory: string,
  path: string,
  reason: string,
  pairs: LabelPairs | undefined,
): string | undefined => {
  const folder = posix.join(ORPHANED, posix.dirname(path));
  fileSystem.makeDirectory(join(directory, folder));
  const base = freeName(fileSystem, join(directory, folder), posix.basename(path, SERIES_FILE_SUFFIX));
  writeHint(fileSystem, join(directory, folder), base + HINT_SUFFIX, formatHint(reason, pairs));
  const moved = posix.join(folder, base + SERIES_FILE_SUFFIX);
  try {
    return move(fileSystem, join(directory, path), join(directory, moved)) ? moved : undefined;
  } catch (error) {
    discard(fileSystem, join(directory, folder, base + HINT_SUFFIX));
    throw error;
  }
};

/**
 * The directories, below the store's, in which a move to quarantine changes names. Each comes after its parent, because
 * a file must not be durable in a directory that is not durable itself.
 */
export const directoriesOfMove = (path: string): string[] => {
  const folder = posix.dirname(path);
  return ['.', ORPHANED, posix.join(ORPHANED, folder), folder];
};

/**
 * Puts a copy of a series file into quarantine, with its hint, both durable. The file itself stays. Returns the copy's
 * path below the store's directory. For recovery, which continues with the sound part of the file.
 */
export const copyToQuarantine = (
  fileSystem: FileSystem,
  directory: string,
  path: string,
  reason: string,
  pairs: LabelPairs | undefined,
): string => {
  const folder = posix.join(ORPHANED, posix.dirname(path));
  fileSystem.makeDirectory(join(directory, folder));
  const base = freeName(fileSystem, join(directory, folder), posix.basename(path, SERIES_FILE_SUFFIX));
  writeHint(fileSystem, join(directory, folder), base + HINT_SUFFIX, formatHint(reason, pairs));
  const copy = posix.join(folder, base + SERIES_FILE_SUFFIX);
  copyFile(fileSystem, join(directory, path), join(directory, copy));
  for (const name of [folder, ORPHANED, '.']) fileSystem.syncDirectory(join(directory, name));
  return copy;
};

/**
 * Puts bytes into quarantine as if they had been a series file, with their hint, both durable. Returns the path below
 * the store's directory. `path`: the path of the series file, which need not exist.
 */
export const putIntoQuarantine = (
  fileSystem: FileSystem,
  directory: string,
  path: string,
  {
    bytes,
    reason,
    pairs,
  }: { readonly bytes: Uint8Array; readonly reason: string; readonly pairs: LabelPairs | undefined },
): string => {
  const folder = posix.join(ORPHANED, posix.dirname(path));
  fileSystem.makeDirectory(join(directory, folder));
  const base = freeName(fileSystem, join(directory, folder), posix.basename(path, SERIES_FILE_SUFFIX));
  writeHint(fileSystem, join(directory, folder), base + HINT_SUFFIX, formatHint(reason, pairs));
  writeFileAtomically(fileSystem, join(directory, folder), base + SERIES_FILE_SUFFIX, bytes, HINT_PERMISSIONS);
  for (const name of [ORPHANED, '.']) fileSystem.syncDirectory(join(directory, name));
  return posix.join(folder, base + SERIES_FILE_SUFFIX);
};

const copyFile = (fileSystem: FileSystem, from: string, to: string): void => {
  const buffer = new Uint8Array(COPY_BYTES);
  const source = fileSystem.open(from, 'read');
  closeAfter(fileSystem, source, () => {
    const target = fileSystem.open(to, 'truncate');
    closeAfter(fileSystem, target, () => {
      copyContent(fileSystem, source, target, buffer);
      fileSystem.syncBlocking(target);
    });
  });
};

const freeName = (fileSystem: FileSystem, folder: string, wanted: string): string => {
  const isTaken = (base: string): boolean =>
    [SERIES_FILE_SUFFIX, HINT_SUFFIX].some((suffix) => fileSystem.stat(join(folder, base + suffix)) !== undefined);
  let base = wanted;
  for (let attempt = 1; isTaken(base); attempt++) base = `${wanted}-${attempt}`;
  return base;
};

/**
 * Ignores errors: the hint is for people, and the file must be moved even if its hint can't be written, as on a full
 * disk.
 */
const writeHint = (fileSystem: FileSystem, folder: string, name: string, text: string): void => {
  try {
    writeFileAtomically(fileSystem, folder, name, Buffer.from(text), HINT_PERMISSIONS);
  } catch {
    // The journal's seriesQuarantined event has the reason and the labels too.
  }
};

const move = (fileSystem: FileSystem, from: string, to: string): boolean => {
  try {
    fileSystem.rename(from, to);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
};
