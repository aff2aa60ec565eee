/**
 * Moves a series file out of the store: to `orphaned/<2 hex>/<14 hex>.db`, with a hint file beside it that says which
 * series it was and why it had to go. Where the original overwrites what an earlier quarantine of the same series left,
 * this one takes the next free name, `<14 hex>-1.db` and so on: quarantined data may be all there is of it.
 *
 * The hint comes first and the move is the step that counts: after a crash between the two, the file is where it was
 * and is found again.
 */
import { dirname, join, posix } from 'node:path';
import type { LabelPairs } from '../model/labels.ts';
import type { FileSystem } from './file-system.ts';
import { formatHint } from './hint.ts';
import { isMissing } from './io-error.ts';
import { closeAfter, copyContent, writeFileAtomically } from './read-write.ts';
import { ORPHANED, SERIES_FILE_SUFFIX } from './series-path.ts';

export const HINT_SUFFIX = '.hint';
const HINT_PERMISSIONS = 0o644;
const COPY_BYTES = 1 << 16;

/** Returns the new path below the store's directory, or `undefined` when there was no file to move. */
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
  const wasThere = move(fileSystem, join(directory, path), join(directory, moved));
  const changed = [folder, ORPHANED, '.', ...(wasThere ? [dirname(path)] : [])];
  for (const name of changed) syncIfPossible(fileSystem, join(directory, name));
  return wasThere ? moved : undefined;
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

/** The move is done; should it be undone by a loss of power, the file is found where it was and is moved again. */
const syncIfPossible = (fileSystem: FileSystem, directory: string): void => {
  try {
    fileSystem.syncDirectory(directory);
  } catch {
    // As said above.
  }
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
