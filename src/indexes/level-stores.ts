/**
 * The key-value port on LevelDB. It reads the databases of the original's goleveldb, and writes databases that
 * goleveldb reads. For that, LevelDB's defaults must agree: the bytewise comparator, snappy, and the bloom filter with
 * 10 bits per key under its built-in name, which classic-level always sets. docs/formats/indexes.md
 *
 * LevelDB's own lock (a POSIX record lock on LOCK) keeps out other processes, and a second opening in this one. The
 * process loses such a lock as soon as it closes any descriptor of the file, so no code here ever opens LOCK.
 */

import { closeSync, constants, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { SingleRun } from '../async/single-run.ts';
import { codeOf, type ErrorCode, TidemarkError, textOf } from '../model/errors.ts';
import type {
  DatabaseDescription,
  KeyRange,
  KeyValueOperation,
  KeyValueStore,
  KeyValueStores,
} from './key-value-store.ts';
import { isGolevelManifest, MANIFEST_HEAD_BYTES } from './level-author.ts';
import { inspectLevel, inspectTable, type LevelCondition, namesIn, type TableFile } from './level-inspection.ts';

type Database = Level<Uint8Array, Uint8Array>;

const PAGE_ENTRIES_MAX = 1000;
const PAGE_BYTES_MAX = 1024 * 1024;
/**
 * Free space that is enough to close a database and open it again: that writes the content of its log, up to two write
 * buffers.
 */
const REOPEN_BYTES = 16 * 1024 * 1024;
/**
 * Tables up to this total size are verified before LevelDB opens the database, which takes up to 4 ms in a process that
 * has just begun. Larger ones are verified as soon as the store is open.
 */
const VERIFIED_AT_OPENING_BYTES = 128 * 1024;
/** Bytes that are verified before the host gets the event loop: 2 ms while the code is cold. */
const VERIFIED_BYTES_PER_TURN = 128 * 1024;
/** Sorts before every key of the four indexes. */
const NO_KEY = new Uint8Array(0);
/** Attempts to copy a database that another process is changing. */
const COPY_ATTEMPTS = 8;
/** The files of a database. LOCK and LOG are not part of it. */
const databaseFile = /^(?:CURRENT|MANIFEST-\d+|\d+\.(?:ldb|sst|log))$/;

export const levelStores: KeyValueStores = {
  open: async (directory) => {
    const condition = await inspect(directory);
    return new LevelStore(await openDatabase(directory), { directory, condition, afterClose: async () => {} });
  },

  destroy: async (directory) => {
    try {
      await destroyDatabase(directory);
    } catch (error) {
      // Any other damage is removed together with the files.
      if (codeOf(error) === 'LEVEL_LOCKED') throw wrap(error, directory);
    }
    await rm(directory, { recursive: true, force: true });
  },

  openCopy: async (directory) => {
    const copy = await mkdtemp(join(tmpdir(), 'tidemark-index-'));
    const remove = (): Promise<void> => rm(copy, { recursive: true, force: true });
    try {
      await copyDatabase(directory, copy);
      const condition = await inspect(copy, directory);
      return new LevelStore(await openDatabase(copy, directory), { directory: copy, condition, afterClose: remove });
    } catch (error) {
      await remove();
      throw error;
    }
  },

  describe: async (directory): Promise<DatabaseDescription> => {
    const files: Record<string, number> = {};
    for (const name of filesOf(directory)) files[name] = sizeOf(join(directory, name));
    return { files, isForeign: files['CURRENT'] !== undefined && isForeign(directory) };
  },
};

/** Whether goleveldb wrote the current manifest. */
const isForeign = (directory: string): boolean => {
  try {
    const name = readFileSync(join(directory, 'CURRENT'), 'utf8').trim();
    if (!databaseFile.test(name)) return false;
    const manifest = openSync(join(directory, name), 'r');
    try {
      const head = Buffer.alloc(MANIFEST_HEAD_BYTES);
      return isGolevelManifest(name, head.subarray(0, readSync(manifest, head, 0, head.length, 0)));
    } finally {
      closeSync(manifest);
    }
  } catch (error) {
    // Opening the database reports what is wrong with it.
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EISDIR') return false;
    throw wrap(error, directory);
  }
};

/** The types of `level` omit functions that browsers lack. */
const destroyDatabase = (Level as unknown as { destroy(directory: string): Promise<void> }).destroy;

interface LevelStoreParts {
  readonly directory: string;
  /** The condition before LevelDB opened the database. */
  readonly condition: LevelCondition;
  readonly afterClose: () => Promise<void>;
}

/** Compacts the range of one key. */
const compactRange = (database: Database, key: Uint8Array): Promise<void> =>
  (database as unknown as { compactRange(start: Uint8Array, end: Uint8Array): Promise<void> }).compactRange(key, key);

class LevelStore implements KeyValueStore {
  readonly lostBatches: string | undefined;
  private database: Database;
  private readonly directory: string;
  private readonly condition: LevelCondition;
  private readonly afterClose: () => Promise<void>;
  private taken: number;
  /** The part of `taken` that survives a loss of power. */
  private durable: number;
  /** Batches written since the log was empty. */
  private loggedCount = 0;
  private readonly reopening = new SingleRun();
  /** Whether it was closed in order to be opened again, and could not be. */
  private lost = false;

  constructor(database: Database, { directory, condition, afterClose }: LevelStoreParts) {
    this.database = database;
    this.directory = directory;
    this.condition = condition;
    this.lostBatches = condition.lostBatches;
    this.taken = condition.sequence ?? 0;
    this.durable = this.taken;
    this.afterClose = afterClose;
  }

  get sequence(): number {
    return this.durable;
  }

  get unverifiedBytes(): number {
    return bytesOf(this.condition.tables);
  }

  async verify(breathe: () => Promise<void>): Promise<string | undefined> {
    let since = 0;
    const turn = (bytes: number): Promise<void> | undefined => {
      since += bytes;
      if (since < VERIFIED_BYTES_PER_TURN) return undefined;
      since = 0;
      return breathe();
    };
    return verifyTables(this.directory, this.condition.tables, turn);
  }

  async flushLog(): Promise<void> {
    if (this.loggedCount === 0) return;
    const count = this.loggedCount;
    const { taken } = this;
    // Before LevelDB compacts a range, it writes the log's batches to a table and begins a new log. This range has no
    // keys, so nothing else happens.
    await this.attempt(() => compactRange(this.database, NO_KEY));
    this.loggedCount -= count;
    this.durable = Math.max(this.durable, taken);
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.attempt(() => this.database.get(key));
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.attempt(() => this.database.getMany(keys as Uint8Array[]));
  }

  getBlocking(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.database.getSync(key);
    } catch (error) {
      throw wrap(error, this.directory);
    }
  }

  async batch(operations: readonly KeyValueOperation[], options: { readonly sync: boolean }): Promise<void> {
    if (operations.length === 0) return;
    try {
      await this.write(operations, options);
    } catch (error) {
      if (!(await this.isStuck(error))) throw error;
      await this.reopen();
      await this.write(operations, options);
    }
  }

  private write(operations: readonly KeyValueOperation[], options: { readonly sync: boolean }): Promise<void> {
    return this.attempt(async () => {
      this.loggedCount++;
      const before = this.taken;
      const [first] = operations;
      if (operations.length === 1 && first.type === 'put') {
        // A batch would copy the value a second time on this thread.
        await this.database.put(first.key, first.value, { sync: options.sync });
      } else {
        await this.writeBatch(operations, options.sync);
      }
      this.taken += operations.length;
      // The log is synced as a whole, so all earlier batches become durable too.
      if (options.sync) this.durable = Math.max(this.durable, before + operations.length);
    });
  }

  private async writeBatch(operations: readonly KeyValueOperation[], sync: boolean): Promise<void> {
    // A chained batch takes 0.8 µs for each operation, an array of operations 10 µs.
    const batch = this.database.batch();
    for (const operation of operations) {
      if (operation.type === 'put') batch.put(operation.key, operation.value);
      else batch.del(operation.key);
    }
    await batch.write({ sync });
  }

  async *entries(range: KeyRange = {}): AsyncGenerator<readonly [Uint8Array, Uint8Array][]> {
    const iterator = await this.attempt(async () =>
      this.database.iterator({ ...range, highWaterMarkBytes: PAGE_BYTES_MAX, fillCache: false }),
    );
    try {
      let page = await this.attempt(() => iterator.nextv(PAGE_ENTRIES_MAX));
      while (page.length > 0) {
        yield page;
        page = await this.attempt(() => iterator.nextv(PAGE_ENTRIES_MAX));
      }
    } finally {
      await iterator.close();
    }
  }

  async approximateSize(): Promise<number> {
    let bytes = 0;
    for (const name of await readdir(this.directory)) bytes += sizeOf(join(this.directory, name));
    return bytes;
  }

  async close(): Promise<void> {
    if (!this.lost) await this.attempt(() => this.database.close());
    await this.afterClose();
  }

  /**
   * A LevelDB whose compaction met a full disk refuses every later write, even when there is space again. Only opening
   * it again helps. While there is no space, it stays open, because it can still be read.
   */
  private async isStuck(error: unknown): Promise<boolean> {
    const code = error instanceof TidemarkError ? error.code : undefined;
    if (code !== 'TIDEMARK_DISK_FULL' && code !== 'TIDEMARK_IO') return false;
    const { bavail, bsize } = await statfs(this.directory);
    return bavail * bsize >= REOPEN_BYTES;
  }

  /**
   * Closes the database and opens it again. Its lock is free for a moment. That is safe: an opening takes the locks of
   * all databases of a store, and the other databases of this store stay locked. A database that can't be opened again
   * stays closed; the next call tries again.
   */
  private reopen(): Promise<void> {
    return this.reopening.join(() => this.openAnew());
  }

  private async openAnew(): Promise<void> {
    this.lost = true;
    await this.database.close();
    this.database = await openDatabase(this.directory);
    this.lost = false;
  }

  private async attempt<T>(act: () => Promise<T>): Promise<T> {
    if (this.reopening.isRunning || this.lost) await this.reopen();
    try {
      return await act();
    } catch (error) {
      throw wrap(error, this.directory);
    }
  }
}

const bytesOf = (tables: readonly TableFile[]): number => tables.reduce((sum, { bytes }) => sum + bytes, 0);

/** Returns what is wrong with the first damaged table. */
const verifyTables = async (
  directory: string,
  tables: readonly TableFile[],
  turn?: (bytes: number) => Promise<void> | undefined,
): Promise<string | undefined> => {
  for (const table of tables) {
    const problem = await inspectTable(directory, table, turn);
    if (problem !== undefined) return problem;
  }
  return undefined;
};

/**
 * Inspects a database before LevelDB opens it, because a compaction that meets a damaged block may end the process. The
 * tables in the result have not been verified. `shownAs`: the directory that errors name.
 */
const inspect = async (directory: string, shownAs = directory): Promise<LevelCondition> => {
  try {
    const condition = await inspectLevel(directory);
    const isSmall = bytesOf(condition.tables) <= VERIFIED_AT_OPENING_BYTES;
    const problem = condition.unopenable ?? (isSmall ? await verifyTables(directory, condition.tables) : undefined);
    if (problem === undefined) return isSmall ? { ...condition, tables: [] } : condition;
    throw new TidemarkError('TIDEMARK_CORRUPT_INDEX', `${shownAs}: ${problem}`, { details: { directory: shownAs } });
  } catch (error) {
    throw wrap(error, shownAs);
  }
};

/** `shownAs`: the directory that errors name. */
const openDatabase = async (directory: string, shownAs = directory): Promise<Database> => {
  const database: Database = new Level(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  try {
    await database.open();
    return database;
  } catch (error) {
    throw wrap(error, shownAs);
  }
};

/**
 * Copies the files of a database that another process may be changing. Tables never change. A log only grows, and loses
 * a torn end when it is read. So a copy is good if afterwards the same files exist, with the same manifest.
 */
const copyDatabase = async (from: string, to: string): Promise<void> => {
  for (let attempt = 1; attempt <= COPY_ATTEMPTS; attempt++) {
    const before = describeDatabase(from);
    const isComplete = await copyFiles(from, to, [...before.keys()]);
    const after = describeDatabase(from);
    if (isComplete && isSame(before, after)) return;
    await rm(to, { recursive: true, force: true });
    await mkdir(to, { recursive: true });
  }
  throw new TidemarkError('TIDEMARK_IO', `${from} changed during each of ${COPY_ATTEMPTS} attempts to copy it`, {
    details: { directory: from },
  });
};

/** The files' names with their sizes. Logs have size 0, because they change only by appending. */
const describeDatabase = (directory: string): Map<string, number> => {
  const files = new Map<string, number>();
  for (const name of filesOf(directory)) {
    files.set(name, name.endsWith('.log') ? 0 : sizeOf(join(directory, name)));
  }
  return files;
};

/** Names of the files of a database. */
const filesOf = (directory: string): string[] => {
  try {
    return namesIn(directory).filter((name) => databaseFile.test(name));
  } catch (error) {
    throw wrap(error, directory);
  }
};

const copyFiles = async (from: string, to: string, names: readonly string[]): Promise<boolean> => {
  for (const name of names) {
    try {
      await copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw wrap(error, from);
    }
  }
  return true;
};

const isSame = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): boolean =>
  before.size === after.size && [...before].every(([name, size]) => after.get(name) === size);

/** The file's size; 0 when it was removed in the meantime. */
const sizeOf = (path: string): number => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  } catch (error) {
    throw wrap(error, path);
  }
};

const wrap = (error: unknown, directory: string): TidemarkError => {
  if (error instanceof TidemarkError) return error;
  const cause = deepest(error);
  const details = { directory };
  const text = textOf(cause);
  const code = errorCodeOf(cause, text);
  const what = code === 'TIDEMARK_LOCKED' ? 'is open already, here or in another process' : text;
  return new TidemarkError(code, `${directory}: ${what}`, { cause: error, details });
};

const errorCodeOf = (error: unknown, text: string): ErrorCode => {
  const code = codeOf(error);
  if (code === 'LEVEL_LOCKED') return 'TIDEMARK_LOCKED';
  if (code === 'LEVEL_DATABASE_NOT_OPEN' || code === 'LEVEL_ITERATOR_NOT_OPEN') return 'TIDEMARK_CLOSED';
  if (code === 'ENOSPC' || code === 'EDQUOT' || /no space left|quota exceeded/i.test(text)) return 'TIDEMARK_DISK_FULL';
  // It is damage when a file that the manifest names is missing, or is too short to be mapped. A file without read
  // permission is no damage.
  if (code === 'LEVEL_IO_ERROR' && !/no such file|invalid argument/i.test(text)) return 'TIDEMARK_IO';
  if (code?.startsWith('LEVEL_') || /^Corruption\b/.test(text)) return 'TIDEMARK_CORRUPT_INDEX';
  return 'TIDEMARK_IO';
};

/** `level` wraps LevelDB's errors in errors of its own. */
const deepest = (error: unknown): unknown => {
  let current = error;
  for (let depth = 0; depth < 4; depth++) {
    if (!(current instanceof Error) || current.cause === undefined) return current;
    current = current.cause;
  }
  return current;
};
