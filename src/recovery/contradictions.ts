/**
 * Finds contradictions between the checkpoint, the indexes and the series files that make a full recovery necessary
 * although the directory's tier does not require it. No other check would notice these cases.
 */

import type { HeadsRead } from '../disk/heads/heads.ts';
import { isSeriesDirectoryName } from '../disk/series-path.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { BadEntry } from '../indexes/archive-index.ts';
import type { DatabaseName } from '../indexes/database-folders.ts';
import type { KeyValueStore } from '../indexes/key-value-store.ts';
import { isReserved } from '../model/collisions.ts';
import type { SeriesTable } from '../series/table.ts';
import { isOwnFingerprint } from './naming.ts';

export interface LostHeadsParts {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly pairs: Pick<KeyValueStore, 'entries'>;
  readonly heads: Pick<HeadsRead, 'status' | 'trailer'>;
  /** Size of heads.db as LAST_CLOSE and the journal remember it; 0 when neither does. */
  readonly headsBytes: number;
}

export interface ContradictionParts {
  /** The series table with the series of the checkpoint, and no others. */
  readonly table: SeriesTable;
  /** Databases that were missing or damaged, or have lost entries. */
  readonly lost: ReadonlySet<DatabaseName>;
  /** Why a missing heads.db must have existed, see {@link findLostHeads}. */
  readonly lostHeads: string | undefined;
  /** Tidemark wrote this heads.db. */
  readonly ownHeads: boolean;
  /** Entries of the archive's time-range index that could not be read. */
  readonly unreadable: readonly BadEntry[];
}

/** The first contradiction, or `undefined`. Call it only for a directory that existed before. */
export const findContradiction = (parts: ContradictionParts): string | undefined => {
  const { lost, lostHeads, unreadable, ownHeads } = parts;
  if (lost.has('metric') || lost.has('timeRange') || unreadable.length > 0)
    return 'an archive index is damaged or missing';
  if (ownHeads) return undefined;
  return lostHeads ?? findBadRecord(parts);
};

/**
 * Why a missing heads.db must have existed, or `undefined`. The original would treat the directory as a store without
 * series in memory, and lose the series that exist.
 */
export const findLostHeads = async ({
  fileSystem,
  directory,
  pairs,
  heads,
  headsBytes,
}: LostHeadsParts): Promise<string | undefined> => {
  if (heads.status !== 'missing' || heads.trailer !== undefined) return undefined;
  if (headsBytes > 0) return `heads.db is missing; it had ${headsBytes} bytes`;
  if (fileSystem.readDirectory(directory).some(({ name }) => isSeriesDirectoryName(name)))
    return 'heads.db is missing, but there are series files';
  for await (const page of pairs.entries())
    if (page.length > 0) return 'heads.db is missing, but the label indexes name series';
  return undefined;
};

const findBadRecord = ({ table }: ContradictionParts): string | undefined => {
  for (const row of table.rows()) {
    const high = table.high[row];
    const low = table.low[row];
    if (table.chunksInFile[row] < 0 && table.chunksUnpersisted[row] === 0) return 'a series has no chunks in heads.db';
    if (!isReserved(high, low) && !isOwnFingerprint(high, low, table.labels[row] ?? []))
      return 'heads.db has a fingerprint that is not that of its labels';
  }
  return undefined;
};
