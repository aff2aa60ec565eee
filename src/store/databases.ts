/**
 * The four LevelDB databases of a directory, opened together. The label indexes are projections: one that can't be
 * opened, or is missing, is made anew and filled again. The archive's indexes are not: what is lost with them, recovery
 * has to find elsewhere.
 */
import { join } from 'node:path';
import { allOf } from '../all-of.ts';
import type { FileSystem } from '../disk/file-system.ts';
import { type DatabaseName, databaseFolders } from '../index/database-folders.ts';
import { forgetIndexSequence, type IndexSequences, readIndexSequences } from '../index/index-sequences.ts';
import type {
  DatabaseDescription,
  KeyValueOperation,
  KeyValueStore,
  KeyValueStores,
} from '../index/key-value-store.ts';
import { noteLostIndex, readLostIndexes } from '../index/lost-indexes.ts';
import { isCorruptIndex, ReplaceableStore } from '../index/replaceable-store.ts';
import type { Logger } from '../logger.ts';
import type { Engine } from './engine.ts';

export interface Databases extends Readonly<Record<DatabaseName, ReplaceableStore>> {
  /** Those that were missing, damaged, or have lost entries: they may lack any entry now. */
  readonly lost: ReadonlySet<DatabaseName>;
}

export interface DatabaseParts {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly stores: KeyValueStores;
  readonly readOnly: boolean;
  /** The store is new: nothing that is missing was lost. */
  readonly created: boolean;
  /** Operations that the databases had taken at the last clean close, if nobody has changed them since. */
  readonly closedAt?: IndexSequences;
  readonly logger: Logger;
  /** Called when the lock is held, before anything but the database that carries it is opened. */
  readonly onLocked?: () => void;
  /** Gives the event loop to the host. */
  readonly breathe?: () => Promise<void>;
}

/** For databases that are open already. */
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
 * Opens all four: first the one whose lock is the store's, then the others at the same time. What has lost entries is
 * found out, and what is damaged is replaced, as far as that shows in the files. Throws `TIDEMARK_LOCKED`, with nothing
 * left open.
 */
export const openDatabases = async (parts: DatabaseParts): Promise<Databases> => {
  const { fileSystem, directory } = parts;
  const lost = readLostIndexes(fileSystem, directory);
  // Before the databases: those of a store that runs in another process get further meanwhile.
  const expected = { ...readIndexSequences(fileSystem, directory), ...parts.closedAt };
  const open: Partial<Record<DatabaseName, ReplaceableStore>> = {};
  const openNamed = async (name: DatabaseName): Promise<void> => {
    open[name] = new ReplaceableStore(await openOrRenew(parts, name, lost));
  };
  try {
    await openNamed('metric');
    parts.onLocked?.();
    await allOf([openNamed('timeRange'), openNamed('names'), openNamed('pairs')]);
    const databases = { ...(open as Record<DatabaseName, ReplaceableStore>), lost };
    for (const name of databaseNames) await examine(parts, databases, name, expected[name]);
    for (const name of databaseNames) databases[name].onDamage = (error) => noteDamage(parts, name, error);
    return databases;
  } catch (error) {
    await Promise.allSettled(Object.values(open).map((store) => store.close()));
    throw error;
  }
};

const databaseNames = ['metric', 'timeRange', 'names', 'pairs'] as const;

/** Finds out whether a database that could be opened has lost entries, or is damaged. */
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
    logger.warn({ index, reason: why }, 'An index has lost entries; what they said is found elsewhere.');
    (databases.lost as Set<DatabaseName>).add(name);
    if (!readOnly) {
      noteLostIndex(fileSystem, parts.directory, name);
      forgetIndexSequence(fileSystem, parts.directory, name);
    }
  }
  if (!databases.lost.has(name) || database.unverifiedBytes === 0) return;
  const problem = await database.verify(async () => parts.breathe?.());
  if (problem === undefined) return;
  logger.warn({ index, reason: problem }, 'An index is damaged; it is made anew.');
  await renewWithReadable(parts, databases, name);
};

/** Why entries must be missing. After a clean close the count alone decides: an empty log that is missing lacks nothing. */
const missingEntries = (
  { sequence, lostBatches }: KeyValueStore,
  expected: number | undefined,
  closedAt: number | undefined,
): string | undefined => {
  if (sequence !== undefined && expected !== undefined && sequence < expected)
    return `it has ${sequence} of ${expected} operations`;
  return closedAt === undefined ? lostBatches : undefined;
};

/** For the next opening, in case this session does not get to making the index anew. */
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
    logger.error({ err: error }, 'That an index is damaged could not be noted.');
  }
};

/**
 * Before a clean close: what the logs hold goes into tables, where the original finds it. If that fails the directory is as
 * good for Tidemark, so it is only logged.
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

/** Closes all four, that with the store's lock last, whatever becomes of the others. Throws the first error. */
export const closeDatabases = async (databases: Readonly<Record<DatabaseName, KeyValueStore>>): Promise<void> => {
  const errors: unknown[] = [];
  for (const name of ['pairs', 'names', 'timeRange', 'metric'] as const) {
    await databases[name].close().catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw errors[0];
};

/**
 * Reads every database from beginning to end, and makes those anew that can't be read so: with the entries before the
 * damage, the damaged one set aside. For a recovery, which can find what is missing elsewhere. The object is changed;
 * whether it was, is the answer.
 */
export const renewUnreadable = async (parts: DatabaseParts, databases: Databases): Promise<boolean> => {
  let isChanged = false;
  for (const name of databaseNames) {
    try {
      for await (const page of databases[name].current.entries()) if (page.length > 0) await parts.breathe?.();
    } catch (error) {
      if (!isCorruptIndex(error)) throw error;
      parts.logger.warn({ err: error, index: databaseFolders[name] }, 'An index is damaged; it is made anew.');
      await renewWithReadable(parts, databases, name);
      isChanged = true;
    }
  }
  return isChanged;
};

/** Replaces a database by one with the entries that can be read before the first that can't. */
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

/** An empty database in the place of a damaged one, which is set aside. That it has to be filled is noted durably. */
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
    logger.warn({ err: error, directory }, 'An index can not be opened; it is made anew.');
    lost.add(name);
    if (parts.readOnly) return stores.openCopy(join(directory, 'nothing'));
    noteLostIndex(fileSystem, parts.directory, name);
    forgetIndexSequence(fileSystem, parts.directory, name);
    setAside(fileSystem, directory);
    return openOne(parts, directory);
  }
};

/** What the files of the databases say, by folder, while nobody has them open. Empty where that can't be told. */
export const describeDatabases = async (
  stores: KeyValueStores,
  directory: string,
): Promise<Readonly<Record<string, DatabaseDescription>>> => {
  if (stores.describe === undefined) return {};
  const described: Record<string, DatabaseDescription> = {};
  for (const folder of Object.values(databaseFolders))
    described[folder] = await stores.describe(join(directory, folder));
  return described;
};

const openOne = ({ stores, readOnly }: DatabaseParts, directory: string): Promise<KeyValueStore> =>
  readOnly ? stores.openCopy(directory) : stores.open(directory);

/** A damaged database is kept beside the new one: somebody may still read something from it. */
const setAside = (fileSystem: FileSystem, directory: string): void => {
  if (fileSystem.stat(directory) === undefined) return;
  for (let number = 1; ; number++) {
    const aside = `${directory}.damaged-${number}`;
    if (fileSystem.stat(aside) !== undefined) continue;
    fileSystem.rename(directory, aside);
    return;
  }
};
