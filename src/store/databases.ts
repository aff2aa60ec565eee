/**
 * The four LevelDB databases of a directory, opened together. The label indexes are projections: one that is missing or
 * can't be opened is created empty and filled again. The archive's indexes are not projections: recovery has to find
 * their lost entries elsewhere.
 */
import { join } from 'node:path';
import { allOf } from '../async/all-of.ts';
import type { FileSystem } from '../files/file-system.ts';
import { type DatabaseName, databaseFolders } from '../indexes/database-folders.ts';
import { forgetIndexSequence, type IndexSequences, readIndexSequences } from '../indexes/index-sequences.ts';
import type {
  DatabaseDescription,
  KeyValueOperation,
  KeyValueStore,
  KeyValueStores,
} from '../indexes/key-value-store.ts';
import { noteLostIndex, readLostIndexes } from '../indexes/lost-indexes.ts';
import { isCorruptIndex, ReplaceableStore } from '../indexes/replaceable-store.ts';
import type { Logger } from '../ports/logger.ts';
import type { Engine } from './engine.ts';

export interface Databases extends Readonly<Record<DatabaseName, ReplaceableStore>> {
  /** Databases that were missing or damaged, or have lost entries. Any entry may be missing from them. */
  readonly lost: ReadonlySet<DatabaseName>;
}

export interface DatabaseParts {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly stores: KeyValueStores;
  readonly readOnly: boolean;
  /** The store is new, so a missing database is not a loss. */
  readonly created: boolean;
  /** Number of operations in each database at the last clean close, if no program has changed them since. */
  readonly closedAt?: IndexSequences;
  readonly logger: Logger;
  /** Called when the lock is held. At that time only the database that carries the lock is open. */
  readonly onLocked?: () => void;
  /** Called when the lock is held and the other databases are being opened: for work that need not wait for them. */
  readonly whileOpening?: () => void;
  /** Yields to the host's event loop. */
  readonly breathe?: () => Promise<void>;
}

/** Parts for databases that are already open. */
export const databasePartsOf = ({ fileSystem, directory, stores, options, logger, clock }: Engine): DatabaseParts => ({
  fileSystem,
  directory,
  stores,
  readOnly: options.readOnly,
  created: false,
  logger,
  breathe: () => clock.breathe(),
});

/**
 * Opens all four databases: first the one whose lock is the store's lock, then the other three at the same time. Finds
 * lost entries and replaces damaged databases, as far as their files show it. Throws `TIDEMARK_LOCKED`, with nothing
 * left open.
 */
export const openDatabases = async (parts: DatabaseParts): Promise<Databases> => {
  const { fileSystem, directory } = parts;
  const lost = readLostIndexes(fileSystem, directory);
  // Read before the databases are opened: a store in another process may write more operations meanwhile.
  const expected = { ...readIndexSequences(fileSystem, directory), ...parts.closedAt };
  const open: Partial<Record<DatabaseName, ReplaceableStore>> = {};
  const openNamed = async (name: DatabaseName): Promise<void> => {
    open[name] = new ReplaceableStore(await openOrRenew(parts, name, lost));
  };
  try {
    await openNamed('metric');
    parts.onLocked?.();
    const whileOpening = async (): Promise<void> => parts.whileOpening?.();
    await allOf([openNamed('timeRange'), openNamed('names'), openNamed('pairs'), whileOpening()]);
    const databases = { ...(open as Record<DatabaseName, ReplaceableStore>), lost };
    for (const name of databaseNames) await examine(parts, databases, name, expected[name]);
    for (const name of databaseNames) databases[name].onDamage = (error) => noteDamage(parts, name, error);
    return databases;
  } catch (error) {
    await Promise.allSettled(Object.values(open).map((store) => store.close()));
    throw error;
  }
};

/** Replaces the copies that a read-only store reads by new ones. Rejects with `TIDEMARK_IO`. */
export const copyAgain = async (parts: DatabaseParts, databases: Databases): Promise<void> => {
  const lost = databases.lost as Set<DatabaseName>;
  for (const name of databaseNames) {
    await databases[name].replace(async (copy) => {
      await copy.close();
      return openOrRenew(parts, name, lost);
    });
    await examine(parts, databases, name, undefined);
  }
};

const databaseNames = ['metric', 'timeRange', 'names', 'pairs'] as const;

/** Checks a database that could be opened for lost entries and damage. */
const examine = async (
  parts: DatabaseParts,
  databases: Databases,
  name: DatabaseName,
  expected: number | undefined,
): Promise<void> => {
  const { fileSystem, logger, readOnly } = parts;
  const database = databases[name];
  const index = databaseFolders[name];
  const why = missingEntries(database, expected, parts.closedAt?.[name]);
  if (why !== undefined && !parts.created) {
    logger.warn({ index, reason: why }, 'An index has lost entries; their content is taken from elsewhere.');
    (databases.lost as Set<DatabaseName>).add(name);
    if (!readOnly) {
      noteLostIndex(fileSystem, parts.directory, name);
      forgetIndexSequence(fileSystem, parts.directory, name);
    }
  }
  if (!databases.lost.has(name) || database.unverifiedBytes === 0) return;
  const problem = await database.verify(async () => parts.breathe?.());
  if (problem === undefined) return;
  logger.warn({ index, reason: problem }, 'An index is damaged; it is rebuilt.');
  await renewWithReadable(parts, databases, name);
};

/**
 * Why entries must be missing, or `undefined`. After a clean close only the number of operations decides: the log was
 * empty then, so a missing log is no loss.
 */
const missingEntries = (
  { sequence, lostBatches }: KeyValueStore,
  expected: number | undefined,
  closedAt: number | undefined,
): string | undefined => {
  if (sequence !== undefined && expected !== undefined && sequence < expected)
    return `it has ${sequence} of ${expected} operations`;
  return closedAt === undefined ? lostBatches : undefined;
};

/** Notes the damage on disk, so that the next opening rebuilds the index if this session does not. */
export const noteDamage = (
  { fileSystem, directory, readOnly, logger }: DatabaseParts,
  name: DatabaseName,
  cause: unknown,
): void => {
  logger.error({ err: cause, index: databaseFolders[name] }, 'An index is damaged.');
  if (readOnly) return;
  try {
    noteLostIndex(fileSystem, directory, name);
  } catch (error) {
    logger.error({ err: error }, 'A damaged index could not be noted in LOST_INDEXES.');
  }
};

/**
 * Moves the content of the logs into tables before a clean close, because the original may skip batches in a log. The
 * directory is still sound for Tidemark if this fails, so a failure is only logged.
 */
export const flushLogs = async (
  databases: Readonly<Record<DatabaseName, KeyValueStore>>,
  logger: Logger,
): Promise<void> => {
  const flush = async (name: DatabaseName): Promise<void> => {
    try {
      await databases[name].flushLog();
    } catch (error) {
      logger.warn({ err: error, index: databaseFolders[name] }, "An index's log could not be moved into a table.");
    }
  };
  await Promise.all(databaseNames.map(flush));
};

/** Closes all four databases, even if one fails; the one with the store's lock comes last. Throws the first error. */
export const closeDatabases = async (databases: Readonly<Record<DatabaseName, KeyValueStore>>): Promise<void> => {
  const errors: unknown[] = [];
  for (const name of ['pairs', 'names', 'timeRange', 'metric'] as const) {
    await databases[name].close().catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw errors[0];
};

/**
 * Reads every database from beginning to end, and replaces each one that can't be read to its end. The new database has
 * the entries before the damage; the damaged one is set aside. For a recovery that can find missing entries elsewhere.
 * Returns whether a database was replaced; `databases` is changed in place.
 */
export const renewUnreadable = async (parts: DatabaseParts, databases: Databases): Promise<boolean> => {
  let isChanged = false;
  for (const name of databaseNames) {
    try {
      for await (const page of databases[name].current.entries()) if (page.length > 0) await parts.breathe?.();
    } catch (error) {
      if (!isCorruptIndex(error)) throw error;
      parts.logger.warn({ err: error, index: databaseFolders[name] }, 'An index is damaged; it is rebuilt.');
      await renewWithReadable(parts, databases, name);
      isChanged = true;
    }
  }
  return isChanged;
};

/** Replaces a database by one with the entries that are readable before the damage. */
const renewWithReadable = async (parts: DatabaseParts, databases: Databases, name: DatabaseName): Promise<void> => {
  const readable: KeyValueOperation[] = [];
  try {
    for await (const page of databases[name].current.entries()) {
      for (const [key, value] of page) readable.push({ type: 'put', key, value });
      await parts.breathe?.();
    }
  } catch (error) {
    if (!isCorruptIndex(error)) throw error;
  }
  (databases.lost as Set<DatabaseName>).add(name);
  await databases[name].replace((damaged) => renew(parts, name, damaged));
  for (let start = 0; start < readable.length; start += OPERATIONS_PER_BATCH) {
    await databases[name].batch(readable.slice(start, start + OPERATIONS_PER_BATCH), { sync: true });
    await parts.breathe?.();
  }
};

const OPERATIONS_PER_BATCH = 8192;

/**
 * Puts an empty database in the place of a damaged one, which is set aside. Notes durably that the new one is
 * incomplete.
 */
export const renew = async (
  parts: DatabaseParts,
  name: DatabaseName,
  damaged: KeyValueStore,
): Promise<KeyValueStore> => {
  const directory = join(parts.directory, databaseFolders[name]);
  await damaged.close().catch((error: unknown) => {
    parts.logger.warn({ err: error, directory }, 'A damaged index could not be closed in order.');
  });
  if (parts.readOnly) return parts.stores.openCopy(join(directory, 'nothing'));
  noteLostIndex(parts.fileSystem, parts.directory, name);
  forgetIndexSequence(parts.fileSystem, parts.directory, name);
  setAside(parts.fileSystem, directory);
  return openOne(parts, directory);
};

const openOrRenew = async (
  parts: DatabaseParts,
  name: DatabaseName,
  lost: Set<DatabaseName>,
): Promise<KeyValueStore> => {
  const { fileSystem, stores, logger } = parts;
  const directory = join(parts.directory, databaseFolders[name]);
  if (fileSystem.stat(directory) === undefined) {
    lost.add(name);
    if (!parts.created && !parts.readOnly) {
      noteLostIndex(fileSystem, parts.directory, name);
      forgetIndexSequence(fileSystem, parts.directory, name);
    }
  }
  try {
    return await openOne(parts, directory);
  } catch (error) {
    if (!isCorruptIndex(error)) throw error;
    logger.warn({ err: error, directory }, 'An index cannot be opened; it is rebuilt.');
    lost.add(name);
    if (parts.readOnly) return stores.openCopy(join(directory, 'nothing'));
    noteLostIndex(fileSystem, parts.directory, name);
    forgetIndexSequence(fileSystem, parts.directory, name);
    setAside(fileSystem, directory);
    return openOne(parts, directory);
  }
};

/**
 * Describes the files of the databases by folder, while no program has them open. Empty if the key-value store can't
 * describe them.
 */
export const describeDatabases = async (
  stores: KeyValueStores,
  directory: string,
): Promise<Readonly<Record<string, DatabaseDescription>>> => {
  const describe = stores.describe?.bind(stores);
  if (describe === undefined) return {};
  const folders = Object.values(databaseFolders);
  const described = await allOf(folders.map((folder) => describe(join(directory, folder))));
  return Object.fromEntries(folders.map((folder, i) => [folder, described[i]]));
};

const openOne = ({ stores, readOnly }: DatabaseParts, directory: string): Promise<KeyValueStore> =>
  readOnly ? stores.openCopy(directory) : stores.open(directory);

/** Keeps the damaged database beside the new one, because some of its entries may still be readable. */
const setAside = (fileSystem: FileSystem, directory: string): void => {
  if (fileSystem.stat(directory) === undefined) return;
  for (let number = 1; ; number++) {
    const aside = `${directory}.damaged-${number}`;
    if (fileSystem.stat(aside) !== undefined) continue;
    fileSystem.rename(directory, aside);
    return;
  }
};
