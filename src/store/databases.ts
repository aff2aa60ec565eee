/**
 * The four LevelDB databases of a directory, opened together. The label indexes are projections: one that can't be
 * opened, or is missing, is made anew and filled again. The archive's indexes are not: what is lost with them, recovery
 * has to find elsewhere.
 */
import { join } from 'node:path';
import type { FileSystem } from '../disk/file-system.ts';
import { TidemarkError } from '../errors.ts';
import { type DatabaseName, databaseFolders } from '../index/database-folders.ts';
import type { KeyValueStore, KeyValueStores } from '../index/key-value-store.ts';
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
  readonly logger: Logger;
}

/** Opens all four. Throws `TIDEMARK_LOCKED`, with nothing left open. */
export const openDatabases = async (parts: DatabaseParts): Promise<Databases> => {
  const lost = new Set<DatabaseName>();
  const open: Partial<Record<DatabaseName, KeyValueStore>> = {};
  try {
    for (const name of ['metric', 'timeRange', 'names', 'pairs'] as const) {
      open[name] = await openOrRenew(parts, name, lost);
    }
    return { ...(open as Record<DatabaseName, KeyValueStore>), lost };
  } catch (error) {
    await Promise.all(Object.values(open).map((store) => store.close()));
    throw error;
  }
};

export const closeDatabases = async (databases: Databases): Promise<void> => {
  for (const name of ['pairs', 'names', 'timeRange', 'metric'] as const) await databases[name].close();
};

const openOrRenew = async (
  parts: DatabaseParts,
  name: DatabaseName,
  lost: Set<DatabaseName>,
): Promise<KeyValueStore> => {
  const { fileSystem, stores, logger } = parts;
  const directory = join(parts.directory, databaseFolders[name]);
  if (fileSystem.stat(directory) === undefined) lost.add(name);
  try {
    return await openOne(parts, directory);
  } catch (error) {
    if (!(error instanceof TidemarkError) || error.code !== 'TIDEMARK_CORRUPT_INDEX') throw error;
    logger.warn({ err: error, directory }, 'An index can not be opened; it is made anew.');
    lost.add(name);
    if (parts.readOnly) return stores.openCopy(join(directory, 'nothing'));
    setAside(fileSystem, directory);
    return openOne(parts, directory);
  }
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
