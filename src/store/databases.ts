/**
 * The four LevelDB databases of a directory, opened together. The label indexes are projections: one that can't be
 * opened, or is missing, is made anew and filled again. The archive's indexes are not: what is lost with them, recovery
 * has to find elsewhere.
 */
import { join } from 'node:path';
import { allOf } from '../all-of.ts';
import type { FileSystem } from '../disk/file-system.ts';
import { TidemarkError } from '../errors.ts';
import { type DatabaseName, databaseFolders } from '../index/database-folders.ts';
import type {
  DatabaseDescription,
  KeyValueOperation,
  KeyValueStore,
  KeyValueStores,
} from '../index/key-value-store.ts';
import { noteLostIndex, readLostIndexes } from '../index/lost-indexes.ts';
import type { Logger } from '../logger.ts';

export interface Databases extends Readonly<Record<DatabaseName, KeyValueStore>> {
  /** Those that were missing or could not be opened, and are empty now. */
  readonly lost: ReadonlySet<DatabaseName>;
}

export interface DatabaseParts {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly stores: KeyValueStores;
  readonly readOnly: boolean;
  /** The store is new: nothing that is missing was lost. */
  readonly created: boolean;
  readonly logger: Logger;
  /** Called when the lock is held, before anything but the database that carries it is opened. */
  readonly onLocked?: () => void;
  /** Gives the event loop to the host. */
  readonly breathe?: () => Promise<void>;
}

/**
 * Opens all four: first the one whose lock is the store's, then the others at the same time. Throws `TIDEMARK_LOCKED`, with
 * nothing left open.
 */
export const openDatabases = async (parts: DatabaseParts): Promise<Databases> => {
  const lost = readLostIndexes(parts.fileSystem, parts.directory);
  const open: Partial<Record<DatabaseName, KeyValueStore>> = {};
  const openNamed = async (name: DatabaseName): Promise<void> => {
    open[name] = await openOrRenew(parts, name, lost);
  };
  try {
    await openNamed('metric');
    parts.onLocked?.();
    await allOf([openNamed('timeRange'), openNamed('names'), openNamed('pairs')]);
    return { ...(open as Record<DatabaseName, KeyValueStore>), lost };
  } catch (error) {
    await Promise.allSettled(Object.values(open).map((store) => store.close()));
    throw error;
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
  await Promise.all((['metric', 'timeRange', 'names', 'pairs'] as const).map(flush));
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
  for (const name of ['metric', 'timeRange', 'names', 'pairs'] as const) {
    const readable: KeyValueOperation[] = [];
    try {
      for await (const page of databases[name].entries()) {
        for (const [key, value] of page) readable.push({ type: 'put', key, value });
        await parts.breathe?.();
      }
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      const directory = join(parts.directory, databaseFolders[name]);
      parts.logger.warn({ err: error, directory, kept: readable.length }, 'An index is damaged; it is made anew.');
      const renewed = await renew(parts, name, databases[name], directory);
      (databases as Record<DatabaseName, KeyValueStore>)[name] = renewed;
      (databases.lost as Set<DatabaseName>).add(name);
      await renewed.batch(readable, { sync: true });
      isChanged = true;
    }
  }
  return isChanged;
};

const renew = async (
  parts: DatabaseParts,
  name: DatabaseName,
  damaged: KeyValueStore,
  directory: string,
): Promise<KeyValueStore> => {
  await damaged.close();
  if (parts.readOnly) return parts.stores.openCopy(join(directory, 'nothing'));
  noteLostIndex(parts.fileSystem, parts.directory, name);
  setAside(parts.fileSystem, directory);
  return openOne(parts, directory);
};

const isCorrupt = (error: unknown): boolean =>
  error instanceof TidemarkError && error.code === 'TIDEMARK_CORRUPT_INDEX';

const openOrRenew = async (
  parts: DatabaseParts,
  name: DatabaseName,
  lost: Set<DatabaseName>,
): Promise<KeyValueStore> => {
  const { fileSystem, stores, logger } = parts;
  const directory = join(parts.directory, databaseFolders[name]);
  if (fileSystem.stat(directory) === undefined) {
    lost.add(name);
    if (!parts.created && !parts.readOnly) noteLostIndex(fileSystem, parts.directory, name);
  }
  try {
    return await openOne(parts, directory);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    logger.warn({ err: error, directory }, 'An index can not be opened; it is made anew.');
    lost.add(name);
    if (parts.readOnly) return stores.openCopy(join(directory, 'nothing'));
    noteLostIndex(fileSystem, parts.directory, name);
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
  for (let number = 1; ; number++) {
    const aside = `${directory}.damaged-${number}`;
    if (fileSystem.stat(aside) !== undefined) continue;
    fileSystem.rename(directory, aside);
    return;
  }
};
