/**
 * Moves a series file out of the store: to `orphaned/<2 hex>/<14 hex>.db`, with a hint file beside it that says which
 * series it was and why it had to go. Where the original overwrites what an earlier quarantine of the same series left,
 * this one takes the next free name, `<14 hex>-1.db` and so on: quarantined data may be all there is of it.
 *
 * The hint comes first and the move is the step that counts: after a crash between the two, the file is where it was
 * and is found again. Where the move fails the hint goes, because the next attempt writes its own.
 */
import { join, posix } from 'node:path';
import type { LabelPairs } from '../model/labels.ts';
import type { FileSystem } from './file-system.ts';
import { formatHint } from './hint.ts';
import { isMissing } from './io-error.ts';
import { closeAfter, copyContent, discard, writeFileAtomically } from './read-write.ts';
import { ORPHANED, SERIES_FILE_SUFFIX } from './series-path.ts';

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
 * The directories in which moving a file into quarantine changes names, below the store's. Each comes after its parent: a
 * file must not be durably in a directory that is not.
 */
export const directoriesOfMove = (path: string): string[] => {
  const folder = posix.dirname(path);
  return ['.', ORPHANED, posix.join(ORPHANED, folder), folder];
};

/**
 * Puts a copy of a series file into quarantine, with its hint, both durable; the file itself stays. Returns the copy's
 * path below the store's directory. For recovery, which goes on with what is sound in the file.
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
 * Puts bytes into quarantine as if they had been a series file, with their hint, both durable. Returns the path below the
 * store's directory. `path`: where the series file is, or would be.
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

/** The hint is for people; the file has to go even where its hint can't be written, as on a full disk. */
const writeHint = (fileSystem: FileSystem, folder: string, name: string, text: string): void => {
  try {
    writeFileAtomically(fileSystem, folder, name, Buffer.from(text), HINT_PERMISSIONS);
  } catch {
    // The journal's seriesQuarantined event has reason and labels as well.
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
