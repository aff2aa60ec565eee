/**
 * The key-value port of one simulated process: LevelDB as it behaves at a crash. A batch is in its log as a whole or not
 * at all. The log is written in order: on loss of power the batches since the last synced one are lost from the end, so
 * that a prefix of them survives; on `kill` all survive. A database is locked while it is open, and the lock dies with
 * its process.
 *
 * Calls take time and may overtake each other: the real ones run on a pool of threads. Faults: EIO and ENOSPC, slow
 * batches, and a database that can't be opened until it is destroyed. Like the real LevelDB, opening creates the
 * directory and syncs what is in it, but not its name in the directory above.
 */
import { TidemarkError } from '../errors.ts';
import type { KeyRange, KeyValueOperation, KeyValueStore, KeyValueStores } from '../index/key-value-store.ts';
import type { FaultKind, Operation } from './faults.ts';
import type { Prng } from './prng.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedFile } from './simulated-file.ts';
import { namesOf, SimulatedDirectory } from './simulated-namespace.ts';
import { type CrashKind, never, type SimulatedProcess } from './simulated-process.ts';

/** Keys as latin1 text, one character a byte: their order as strings is their order as bytes. */
type Content = Map<string, Uint8Array>;

/** How long calls take at most, in milliseconds. */
const READ_MS_MAX = 1;
const WRITE_MS_MAX = 3;
const SYNCED_WRITE_MS_MAX = 15;
const SLOW_WRITE_MS_MAX = 8_000;

/** Entries per page of an iterator: few, so that other work comes between. */
const PAGE_ENTRIES_MAX = 5;

/** One database: what reads see, what is durable, and the batches between. */
class Database {
  live: Content = new Map();
  owner: SimulatedProcess | undefined;
  corrupt = false;
  private durable: Content = new Map();
  private unsynced: (readonly KeyValueOperation[])[] = [];
  private durableCount = 0;
  private unsyncedCount = 0;

  /** Operations that it has taken. */
  get sequence(): number {
    return this.durableCount + this.unsyncedCount;
  }

  /** All batches go from the log into a table, which is synced. */
  flushLog(): void {
    this.keep(this.unsynced.length);
  }

  write(operations: readonly KeyValueOperation[], sync: boolean): void {
    this.unsyncedCount += operations.length;
    apply(this.live, operations);
    this.unsynced.push(operations);
    if (sync) this.keep(this.unsynced.length);
  }

  /** For a copy: the operations that the original has taken. */
  startAt(sequence: number): void {
    this.durableCount = sequence;
  }

  /** The log is lost from the end. */
  losePower(prng: Prng): void {
    this.keep(prng.chance(0.3) ? this.unsynced.length : prng.below(this.unsynced.length + 1));
    this.live = new Map(this.durable);
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

  /** Databases that a process has open. */
  openCount(process: SimulatedProcess): number {
    return [...this.databases.values()].filter(({ owner }) => owner === process && process.alive).length;
  }

  /** What a crash leaves for the next process to find. */
  crash(kind: CrashKind, prng: Prng): void {
    if (kind === 'kill') return;
    for (const database of this.databases.values()) database.losePower(prng);
  }
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

  open(directory: string): Promise<SimulatedStore> {
    return this.later('openIndex', directory, WRITE_MS_MAX, (fault) => {
      const database = this.databases.in(this.makeDirectory(directory));
      if (database.owner?.alive) {
        throw new TidemarkError('TIDEMARK_LOCKED', `${directory} is open already`, { details: { directory } });
      }
      if (fault === 'corrupt') database.corrupt = true;
      if (database.corrupt) {
        throw new TidemarkError('TIDEMARK_CORRUPT_INDEX', `can't open the database in ${directory}`, {
          details: { directory },
        });
      }
      database.owner = this.process;
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

  openCopy(directory: string): Promise<SimulatedStore> {
    return this.later('openIndex', directory, WRITE_MS_MAX, (fault) => {
      const node = this.disk.namespace.find(directory);
      const copy = new Database();
      if (node instanceof SimulatedDirectory) {
        const original = this.databases.in(node);
        if (original.corrupt || fault === 'corrupt') {
          throw new TidemarkError('TIDEMARK_CORRUPT_INDEX', `can't open the database in ${directory}`, {
            details: { directory },
          });
        }
        copy.live = new Map(original.live);
        copy.startAt(original.sequence);
      }
      return new SimulatedStore(this, copy, directory);
    });
  }

  /** A call that takes time: its fault strikes now, its effect comes later. */
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
    const copies = operations.map(copyOf);
    const msMax = options.sync ? SYNCED_WRITE_MS_MAX : WRITE_MS_MAX;
    return this.stores.later('writeIndex', this.path, msMax, () => this.database.write(copies, options.sync));
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
      yield await this.stores.later('readIndex', this.path, READ_MS_MAX, () => page);
      start = end;
    }
  }

  get sequence(): number {
    return this.database.sequence;
  }

  async verify(): Promise<undefined> {
    this.assertOpen();
    return undefined;
  }

  async flushLog(): Promise<void> {
    this.assertOpen();
    return this.stores.later('writeIndex', this.path, SYNCED_WRITE_MS_MAX, () => this.database.flushLog());
  }

  async approximateSize(): Promise<number> {
    this.assertOpen();
    let bytes = 0;
    for (const [key, value] of this.database.live) bytes += key.length + value.byteLength;
    return bytes;
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.database.owner = undefined;
  }

  private peek(key: Uint8Array): Uint8Array | undefined {
    return this.database.live.get(toText(key))?.slice();
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

/** The caller may reuse its bytes as soon as the call is made. */
const copyOf = (operation: KeyValueOperation): KeyValueOperation =>
  operation.type === 'put'
    ? { type: 'put', key: operation.key.slice(), value: operation.value.slice() }
    : { type: 'del', key: operation.key.slice() };

/** Errors of the system, as the port on LevelDB names them. */
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
