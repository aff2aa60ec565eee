/**
 * Opens a directory: finds out what kind of directory it is, takes the lock, opens the indexes and marks the directory
 * as in use. Nothing is written before the directory is claimed. The lock is LevelDB's lock on the archive index; the
 * operating system releases it however the process ends. recovering.ts then restores the content.
 */
import { LAST_CLOSE_DAMAGED, type LastClose, type Predecessor, readLastClose } from '../disk/last-close.ts';
import {
  claimForWriting,
  lockedError,
  markDirty,
  prepareDirectory,
  readOwner,
  stampOfCheckpoint,
  traceOfWriters,
} from '../disk/store-directory.ts';
import type { DirectoryClaim } from '../files/file-system.ts';
import { databaseFolders } from '../indexes/database-folders.ts';
import type { IndexSequences } from '../indexes/index-sequences.ts';
import { TidemarkError } from '../model/errors.ts';
import { RetentionClasses } from '../model/retention-classes.ts';
import { type Databases, describeDatabases, openDatabases } from './databases.ts';
import type { Engine } from './engine.ts';
import { chooseRetention } from './retention-choice.ts';

export interface Found {
  readonly databases: Databases;
  /**
   * Keeps out all other openings for writing. `undefined` for a read-only store, and on file systems without claims.
   */
  readonly claim: DirectoryClaim | undefined;
  readonly created: boolean;
  /** The directory had a DIRTY file. */
  readonly dirty: boolean;
  /** What writers had left when a read-only store began to read; `undefined` for another one. See traceOfWriters. */
  readonly trace: string | undefined;
  /** Which checkpoint was there when a read-only store copied the databases; `undefined` for another one. */
  readonly checkpointAtCopy: string | undefined;
  readonly predecessor: Predecessor;
  /** The record of Tidemark's last clean close, if no program has had the directory open for writing since. */
  readonly lastClose: LastClose | undefined;
}

/** Throws `TIDEMARK_LOCKED`, `TIDEMARK_NOT_A_STORE`, `TIDEMARK_UNSUPPORTED_VERSION`, `TIDEMARK_IO`. */
export const openDirectory = async (engine: Engine): Promise<Found> => {
  const { fileSystem, directory, stores, logger, options, clock } = engine;
  const { readOnly } = options;
  // Claim first: the following steps write, and LevelDB's lock does not keep out every other opening.
  const claim = readOnly ? undefined : await claimForWriting(fileSystem, directory, clock.now());
  try {
    const { created, dirty } = prepareDirectory(fileSystem, directory, { readOnly });
    const trace = readOnly ? traceOfWriters(engine.outside, directory) : undefined;
    const checkpointAtCopy = readOnly ? stampOfCheckpoint(engine.outside, directory) : undefined;
    const { predecessor, lastClose } = await predecessorOf(engine, { created, dirty });
    const onLocked = (): void => {
      markDirty(fileSystem, directory, clock.now(), predecessor, claim?.identity);
      claim?.noteMarked(true);
    };
    const whileOpening = (): void => {
      engine.retention = chooseRetention(engine, created);
      const { timeMs, rules } = engine.retention.limits;
      if (rules.length === 0) return;
      const classes = new RetentionClasses(timeMs, rules);
      engine.table.classify((pairs) => classes.classOf(pairs));
    };
    const closedAt = closedSequences(lastClose);
    const breathe = (): Promise<void> => clock.breathe();
    const calls = { onLocked, whileOpening, breathe };
    const parts = { fileSystem, directory, stores, readOnly, created, closedAt, logger, ...calls };
    const databases = await openDatabases(parts).catch((error: unknown) => {
      const isLocked = error instanceof TidemarkError && error.code === 'TIDEMARK_LOCKED';
      throw isLocked ? lockedError(fileSystem, directory, error) : error;
    });
    return { databases, claim, created, dirty, trace, checkpointAtCopy, predecessor, lastClose };
  } catch (error) {
    await claim?.release();
    throw error;
  }
};

const closedSequences = (lastClose: LastClose | undefined): IndexSequences =>
  Object.fromEntries(
    Object.entries(databaseFolders).flatMap(([name, folder]) => {
      const sequence = lastClose?.indexes[folder]?.sequence;
      return sequence === undefined ? [] : [[name, sequence]];
    }),
  );

/**
 * Which program had the directory open last. The original and Tidemark write different kinds of LevelDB manifest when
 * they open a database, so a foreign manifest shows that the original was there since. An opening of Tidemark that did
 * not end has noted in DIRTY that the original was there before. One foreign manifest is enough: Tidemark opens the
 * database with the lock before it writes that note and the other three after it, so a crash in between leaves three
 * foreign manifests.
 */
const predecessorOf = async (
  { fileSystem, directory, stores, logger }: Engine,
  { created, dirty }: Pick<Found, 'created' | 'dirty'>,
): Promise<Pick<Found, 'predecessor' | 'lastClose'>> => {
  if (created) return { predecessor: 'created', lastClose: undefined };
  const databases = Object.values(await describeDatabases(stores, directory));
  const isNoted = dirty && readOwner(fileSystem, directory)?.after === 'other';
  if (isNoted || databases.some(({ isForeign }) => isForeign)) return { predecessor: 'other', lastClose: undefined };
  const lastClose = dirty ? undefined : readLastClose(fileSystem, directory);
  if (lastClose !== 'damaged') return { predecessor: 'tidemark', lastClose };
  logger.warn({ finding: 'lastCloseDamaged', directory }, LAST_CLOSE_DAMAGED);
  return { predecessor: 'tidemark', lastClose: undefined };
};
