/**
 * The key-value port of one simulated process, which behaves like LevelDB at a crash. A batch is in the log completely
 * or not at all. The log is written in order: on loss of power, batches since the last synced one are lost from the
 * end, so that a prefix of them survives. On `kill` all survive. A database is locked while it is open, and the lock
 * ends with its process.
 *
 * Calls take time and may overtake each other, because the real ones run on a pool of threads. Faults: EIO and ENOSPC,
 * slow batches, and a database that can't be opened until it is destroyed. As in the real LevelDB, opening creates the
 * directory and syncs its content, but not its name in the parent directory.
 */

import type { DatabaseName } from '../../src/indexes/database-folders.ts';
import type {
  DatabaseDescription,
  KeyRange,
  KeyValueOperation,
  KeyValueStore,
  KeyValueStores,
} from '../../src/indexes/key-value-store.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import type { FaultKind, Operation } from './faults.ts';
import type { Prng } from './prng.ts';
import { COPIES, type SimulatedDisk } from './simulated-disk.ts';
import { SimulatedFile } from './simulated-file.ts';
import { namesOf, SimulatedDirectory } from './simulated-namespace.ts';
import { type CrashKind, never, type SimulatedProcess } from './simulated-process.ts';

/** Keys as latin1 text, one character a byte, so that their order as strings is their order as bytes. */
type Content = Map<string, Uint8Array>;

/** Longest duration of calls, in milliseconds. */
const READ_MS_MAX = 1;
const WRITE_MS_MAX = 3;
const SYNCED_WRITE_MS_MAX = 15;
const SLOW_WRITE_MS_MAX = 8_000;

/** Entries per page of an iterator. They are few, so that other work happens between pages. */
const PAGE_ENTRIES_MAX = 5;

/** The programs that open databases. */
export type Author = 'tidemark' | 'original';

/** One database: what reads see, what is durable, and the batches that are not durable yet. */
class Database {
  live: Content = new Map();
  owner: SimulatedProcess | undefined;
  /** The process that has it open has lost the lock by closing the lock file elsewhere: any close ends a POSIX lock. */
  isLockLost = false;
  corrupt = false;
  /** The program that opened it last. Each program writes a manifest of its own kind. */
  author: Author = 'tidemark';
  private durable: Content = new Map();
  private unsynced: (readonly KeyValueOperation[])[] = [];
  private durableCount = 0;
  private unsyncedCount = 0;
  /** What is in tables, and the batches that are only in the log. Opening and flushing empty the log. */
  private tables: Content = new Map();
  private log: (readonly KeyValueOperation[])[] = [];
  /** Keys in a decayed block of a table. */
  private decayed: ReadonlySet<string> = new Set();

  /** Number of operations that were written to it. */
  get sequence(): number {
    return this.durableCount + this.unsyncedCount;
  }

  /** Moves all batches from the log to a table, which is synced. */
  flushLog(): void {
    this.keep(this.unsynced.length);
    this.tables = new Map(this.live);
    this.log = [];
  }

  /** Decay at rest: the log loses this share of its batches, from the end. */
  cutLog(share: number): void {
    const { sequence } = this;
    const lost = this.log.splice(Math.floor(this.log.length * (1 - share)));
    this.live = new Map(this.tables);
    for (const operations of this.log) apply(this.live, operations);
    this.durable = new Map(this.live);
    this.unsynced = [];
    this.unsyncedCount = 0;
    this.durableCount = sequence - lost.reduce((sum, { length }) => sum + length, 0);
  }

  /** Decay at rest: damages a block of a table, which has this share of the keys, beginning at a share of them. */
  damageTable(at: number, share: number): void {
    const keys = [...this.live.keys()].sort();
    const start = Math.floor(keys.length * at);
    this.decayed = new Set(keys.slice(start, start + Math.ceil(keys.length * share)));
  }

  get isDecayed(): boolean {
    return this.decayed.size > 0;
  }

  assertReadable(key: string, directory: string): void {
    if (!this.decayed.has(key)) return;
    throw new TidemarkError('TIDEMARK_CORRUPT_INDEX', `a block of the database in ${directory} is damaged`, {
      details: { directory },
    });
  }

  /** A private copy, as it is now. */
  copy(): Database {
    const copy = new Database();
    copy.live = new Map(this.live);
    copy.durableCount = this.sequence;
    copy.decayed = this.decayed;
    return copy;
  }

  /** Bytes of all entries. */
  get byteCount(): number {
    let bytes = 0;
    for (const [key, value] of this.live) bytes += key.length + value.byteLength;
    return bytes;
  }

  write(operations: readonly KeyValueOperation[], sync: boolean): void {
    this.unsyncedCount += operations.length;
    apply(this.live, operations);
    this.unsynced.push(operations);
    this.log.push(operations);
    if (sync) this.keep(this.unsynced.length);
  }

  /** Loses batches that were not synced from the end of the log. */
  losePower(prng: Prng): void {
    this.keep(prng.chance(0.3) ? this.unsynced.length : prng.below(this.unsynced.length + 1));
    this.live = new Map(this.durable);
    this.log.splice(this.log.length - this.unsynced.length);
    this.unsynced = [];
    this.unsyncedCount = 0;
  }

  private keep(count: number): void {
    for (const operations of this.unsynced.splice(0, count)) {
      apply(this.durable, operations);
      this.durableCount += operations.length;
      this.unsyncedCount -= operations.length;
    }
  }
}

/** The databases of the disk, each in its directory. */
export class SimulatedDatabases {
  private readonly databases = new Map<SimulatedDirectory, Database>();

  in(directory: SimulatedDirectory): Database {
    let database = this.databases.get(directory);
    if (database === undefined) {
      database = new Database();
      this.databases.set(directory, database);
    }
    return database;
  }

  /** Number of databases that a process has open. */
  openCount(process: SimulatedProcess): number {
    return [...this.databases.values()].filter(({ owner }) => owner === process && process.alive).length;
  }

  /** Damages an index of the store, which no process has open. */
  decay(node: unknown, { what, at, share }: IndexDecay): void {
    if (!(node instanceof SimulatedDirectory)) return;
    if (what === 'log') this.in(node).cutLog(share);
    else this.in(node).damageTable(at, share);
  }

  /** Releases the locks of all databases that are open. */
  loseLocks(): void {
    for (const database of this.databases.values()) database.isLockLost = true;
  }

  /** Leaves the databases as the next process finds them after a crash. */
  crash(kind: CrashKind, prng: Prng): void {
    if (kind === 'kill') return;
    for (const database of this.databases.values()) database.losePower(prng);
  }
}

/** Damage to a database that no process has open. */
export interface IndexDecay {
  readonly index: DatabaseName;
  /** The log is cut, or a block of a table is damaged. */
  readonly what: 'log' | 'table';
  readonly at: number;
  readonly share: number;
}

export class SimulatedStores implements KeyValueStores {
  private readonly databases: SimulatedDatabases;
  private readonly disk: SimulatedDisk;
  private readonly process: SimulatedProcess;

  constructor(databases: SimulatedDatabases, disk: SimulatedDisk, process: SimulatedProcess) {
    this.databases = databases;
    this.disk = disk;
    this.process = process;
  }

  open(directory: string, author: Author = 'tidemark'): Promise<SimulatedStore> {
    return this.later('openIndex', directory, WRITE_MS_MAX, (fault) => {
      const database = this.databases.in(this.makeDirectory(directory));
      if (database.owner?.alive && !database.isLockLost) {
        throw new TidemarkError('TIDEMARK_LOCKED', `${directory} is open already`, { details: { directory } });
      }
      if (fault === 'corrupt') database.corrupt = true;
      // The real port verifies small databases before it opens them.
      if (database.corrupt || database.isDecayed) {
        throw new TidemarkError('TIDEMARK_CORRUPT_INDEX', `can't open the database in ${directory}`, {
          details: { directory },
        });
      }
      database.owner = this.process;
      database.isLockLost = false;
      database.author = author;
      database.flushLog();
      return new SimulatedStore(this, database, directory);
    });
  }

  destroy(directory: string): Promise<void> {
    return this.later('destroyIndex', directory, WRITE_MS_MAX, () => {
      const place = this.disk.namespace.place(directory);
      const node = this.disk.namespace.find(directory);
      if (typeof place === 'string' || !(node instanceof SimulatedDirectory)) return;
      if (this.databases.in(node).owner?.alive) {
        throw new TidemarkError('TIDEMARK_LOCKED', `${directory} is open`, { details: { directory } });
      }
      this.disk.namespace.remove(place, node);
    });
  }

  describe(directory: string): Promise<DatabaseDescription> {
    return this.later('stat', directory, READ_MS_MAX, () => {
      const node = this.disk.namespace.find(directory);
      if (!(node instanceof SimulatedDirectory)) return { files: {}, isForeign: false };
      const { author, byteCount } = this.databases.in(node);
      return { files: { CURRENT: 16, '000003.log': byteCount }, isForeign: author === 'original' };
    });
  }

  openCopy(directory: string): Promise<SimulatedStore> {
    return this.later('openIndex', directory, WRITE_MS_MAX, (fault) => {
      const node = this.disk.namespace.find(directory);
      let copy = new Database();
      if (node instanceof SimulatedDirectory) {
        const original = this.databases.in(node);
        if (original.corrupt || original.isDecayed || fault === 'corrupt') {
          throw new TidemarkError('TIDEMARK_CORRUPT_INDEX', `can't open the database in ${directory}`, {
            details: { directory },
          });
        }
        copy = original.copy();
      }
      return new SimulatedStore(this, copy, `${COPIES}${directory}`);
    });
  }

  /** A call that takes time: its fault and its effect come after a delay, and its result after a second one. */
  later<T>(operation: Operation, path: string, msMax: number, effect: (fault?: FaultKind) => T): Promise<T> {
    if (!this.process.alive) return never();
    const { timeline, prng } = this.disk;
    return new Promise((resolve, reject) => {
      timeline.schedule(this.process, prng.next() * msMax, () => {
        try {
          this.disk.call(this.process, operation, path, (fault) => {
            const value = effect(fault);
            const moreMs = fault === 'slow' ? SLOW_WRITE_MS_MAX : prng.next() * msMax;
            timeline.schedule(this.process, moreMs, () => resolve(value));
          });
        } catch (error) {
          if (this.process.alive) reject(inTheStoresWords(error, path));
        }
      });
    });
  }

  /** A call that blocks. */
  now<T>(operation: Operation, path: string, effect: () => T): T {
    try {
      return this.disk.call(this.process, operation, path, effect);
    } catch (error) {
      throw inTheStoresWords(error, path);
    }
  }

  pageEntries(): number {
    return this.disk.prng.between(1, PAGE_ENTRIES_MAX);
  }

  private makeDirectory(path: string): SimulatedDirectory {
    const { namespace, timeline } = this.disk;
    let below = '';
    for (const name of namesOf(path)) {
      below = `${below}/${name}`;
      if (namespace.find(below) !== undefined) continue;
      const place = namespace.place(below);
      if (typeof place === 'string') break;
      namespace.create(place, new SimulatedDirectory());
    }
    const directory = namespace.find(path);
    if (!(directory instanceof SimulatedDirectory)) {
      throw new TidemarkError('TIDEMARK_CORRUPT_INDEX', `${path} is not a directory`, { details: { directory: path } });
    }
    if (!directory.live.has('CURRENT')) {
      namespace.create({ directory, name: 'CURRENT' }, new SimulatedFile(timeline.wallMs));
      namespace.sync(directory);
    }
    return directory;
  }
}

export class SimulatedStore implements KeyValueStore {
  readonly lostBatches = undefined;
  readonly unverifiedBytes = 0;
  private readonly stores: SimulatedStores;
  private readonly database: Database;
  private readonly path: string;
  private isClosed = false;

  constructor(stores: SimulatedStores, database: Database, path: string) {
    this.stores = stores;
    this.database = database;
    this.path = path;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.assertOpen();
    return this.stores.later('readIndex', this.path, READ_MS_MAX, () => this.peek(key));
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.assertOpen();
    return this.stores.later('readIndex', this.path, READ_MS_MAX, () => keys.map((key) => this.peek(key)));
  }

  getBlocking(key: Uint8Array): Uint8Array | undefined {
    this.assertOpen();
    return this.stores.now('readIndex', this.path, () => this.peek(key));
  }

  async batch(operations: readonly KeyValueOperation[], options: { readonly sync: boolean }): Promise<void> {
    this.assertOpen();
    const msMax = options.sync ? SYNCED_WRITE_MS_MAX : WRITE_MS_MAX;
    // The bytes are copied late: a caller that changes them meanwhile gets a wrong index, which the model finds.
    return this.stores.later('writeIndex', this.path, msMax, () =>
      this.database.write(operations.map(copyOf), options.sync),
    );
  }

  async *entries(range: KeyRange = {}): AsyncGenerator<readonly [Uint8Array, Uint8Array][]> {
    this.assertOpen();
    const from = range.gte === undefined ? '' : toText(range.gte);
    const before = range.lt === undefined ? undefined : toText(range.lt);
    const moment = [...this.database.live]
      .filter(([key]) => key >= from && (before === undefined || key < before))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    for (let start = 0; start < moment.length; ) {
      const end = start + this.stores.pageEntries();
      const page = moment
        .slice(start, end)
        .map(([key, value]) => [toBytes(key), value.slice()] as [Uint8Array, Uint8Array]);
      yield await this.stores.later('readIndex', this.path, READ_MS_MAX, () => {
        for (const [key] of page) this.database.assertReadable(toText(key), this.path);
        return page;
      });
      start = end;
    }
  }

  get sequence(): number {
    return this.database.sequence;
  }

  async verify(): Promise<string | undefined> {
    this.assertOpen();
    return this.database.isDecayed ? 'a block of a table is damaged' : undefined;
  }

  async flushLog(): Promise<void> {
    this.assertOpen();
    return this.stores.later('writeIndex', this.path, SYNCED_WRITE_MS_MAX, () => this.database.flushLog());
  }

  async approximateSize(): Promise<number> {
    this.assertOpen();
    return this.database.byteCount;
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.database.owner = undefined;
  }

  private peek(key: Uint8Array): Uint8Array | undefined {
    const text = toText(key);
    this.database.assertReadable(text, this.path);
    return this.database.live.get(text)?.slice();
  }

  private assertOpen(): void {
    if (this.isClosed) throw new TidemarkError('TIDEMARK_CLOSED', `the database in ${this.path} is closed`);
  }
}

const apply = (content: Content, operations: readonly KeyValueOperation[]): void => {
  for (const operation of operations) {
    if (operation.type === 'put') content.set(toText(operation.key), operation.value);
    else content.delete(toText(operation.key));
  }
};

/** Copies the bytes. `Buffer.slice` would return a view of the caller's bytes. */
const copyOf = (operation: KeyValueOperation): KeyValueOperation =>
  operation.type === 'put'
    ? { type: 'put', key: Uint8Array.from(operation.key), value: Uint8Array.from(operation.value) }
    : { type: 'del', key: Uint8Array.from(operation.key) };

/** Translates errors of the system as the port on LevelDB does. */
const inTheStoresWords = (error: unknown, path: string): unknown => {
  if (error instanceof TidemarkError || !(error instanceof Error) || !('code' in error)) return error;
  const code = error.code === 'ENOSPC' ? 'TIDEMARK_DISK_FULL' : 'TIDEMARK_IO';
  return new TidemarkError(code, `the database in ${path}: ${error.message}`, {
    cause: error,
    details: { directory: path },
  });
};

const toText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

const toBytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
