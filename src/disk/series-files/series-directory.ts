/**
 * The content of one of the 256 series directories. Recovery compares the files with the checkpoint and deletes
 * everything that is no series file.
 */

import { join } from 'node:path';
import type { FileSystem } from '../../files/file-system.ts';
import { isMissing } from '../../files/io-error.ts';
import { entriesOf } from '../../files/read-write.ts';
import { fingerprintOfFile, seriesDirectoryName } from '../series-path.ts';

/** Series files as columns, in no order; index i of each is one file. */
export interface SeriesDirectoryScan {
  readonly highs: Int32Array;
  readonly lows: Int32Array;
  /** Bytes. */
  readonly sizes: Float64Array;
  readonly mtimesNs: BigInt64Array;
  /** Names of all other entries: leftovers of rewrites, strange names, directories. */
  readonly junk: readonly string[];
}

/** Lists series directory `index`, 0 to 255. A missing one is empty. */
export const scanSeriesDirectory = (fileSystem: FileSystem, directory: string, index: number): SeriesDirectoryScan => {
  const name = seriesDirectoryName(index);
  const entries = entriesOf(fileSystem, join(directory, name));
  const highs = new Int32Array(entries.length);
  const lows = new Int32Array(entries.length);
  const sizes = new Float64Array(entries.length);
  const mtimesNs = new BigInt64Array(entries.length);
  const junk: string[] = [];
  let count = 0;
  for (const entry of entries) {
    const fingerprint = entry.isDirectory ? undefined : fingerprintOfFile(name, entry.name);
    const stat = fingerprint === undefined ? undefined : fileSystem.stat(join(directory, name, entry.name));
    if (fingerprint === undefined || stat?.isFile === false) junk.push(entry.name);
    if (fingerprint === undefined || !stat?.isFile) continue;
    highs[count] = fingerprint.high;
    lows[count] = fingerprint.low;
    sizes[count] = stat.size;
    mtimesNs[count] = stat.mtimeNs;
    count++;
  }
  return {
    highs: highs.slice(0, count),
    lows: lows.slice(0, count),
    sizes: sizes.slice(0, count),
    mtimesNs: mtimesNs.slice(0, count),
    junk,
  };
};

/**
 * Deletes entries that a scan listed as junk. Returns the names that are still there: directories that are not empty, and
 * what the disk refuses to remove.
 */
export const deleteJunk = (
  fileSystem: FileSystem,
  directory: string,
  index: number,
  names: readonly string[],
): string[] => {
  const folder = join(directory, seriesDirectoryName(index));
  return names.filter(
    (name) =>
      !isGone(() => fileSystem.remove(join(folder, name))) &&
      !isGone(() => fileSystem.removeDirectory(join(folder, name))),
  );
};

/**
 * Whether an entry is gone after the attempt to remove it. The entry is not asked first what it is: one more request
 * could fail, and leave what could have been removed.
 */
const isGone = (remove: () => void): boolean => {
  try {
    remove();
    return true;
  } catch (error) {
    return isMissing(error);
  }
};
