/**
 * The key-value port in memory, which tests use instead of LevelDB. A closed database keeps its content and can be
 * opened again by the same `MemoryStores`. A database that is open can't be opened a second time, as on disk.
 */

import type { KeyRange, KeyValueOperation, KeyValueStore, KeyValueStores } from '../../src/indexes/key-value-store.ts';
import { TidemarkError } from '../../src/model/errors.ts';

/** Keys as latin1 text, one character a byte, so that their order as strings is their order as bytes. */
type Content = Map<string, Uint8Array>;

const PAGE_ENTRIES = 100;

export class MemoryStores implements KeyValueStores {
  private readonly databases = new Map<string, Content>();
  private readonly opened = new Set<string>();

  async open(directory: string): Promise<MemoryStore> {
    if (this.opened.has(directory)) {
      throw new TidemarkError('TIDEMARK_LOCKED', `${directory} is open already`, { details: { directory } });
    }
    const content = this.databases.get(directory) ?? new Map();
    this.databases.set(directory, content);
    this.opened.add(directory);
    return new MemoryStore(content, () => this.opened.delete(directory));
  }

  async destroy(directory: string): Promise<void> {
    if (this.opened.has(directory)) {
      throw new TidemarkError('TIDEMARK_LOCKED', `${directory} is open`, { details: { directory } });
    }
    this.databases.delete(directory);
  }

  /** The databases as a kill of the process leaves them: none is open. */
  afterKill(): MemoryStores {
    const stores = new MemoryStores();
    for (const [directory, content] of this.databases) stores.databases.set(directory, new Map(content));
    return stores;
  }

  async openCopy(directory: string): Promise<MemoryStore> {
    return new MemoryStore(new Map(this.databases.get(directory)), () => {});
  }
}

/** One database. `failure` makes its batches fail. */
export class MemoryStore implements KeyValueStore {
  /** Thrown by `batch` while set; the batch changes nothing. */
  failure: Error | undefined;
  readonly sequence = undefined;
  readonly lostBatches = undefined;
  readonly unverifiedBytes = 0;
  /** Batches written so far, with their `sync`. */
  readonly batches: { readonly operations: readonly KeyValueOperation[]; readonly sync: boolean }[] = [];
  private readonly content: Content;
  private readonly onClose: () => void;
  private isClosed = false;

  constructor(content: Content = new Map(), onClose: () => void = () => {}) {
    this.content = content;
    this.onClose = onClose;
  }

  /** Number of entries. */
  get size(): number {
    return this.content.size;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.getBlocking(key);
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return keys.map((key) => this.getBlocking(key));
  }

  getBlocking(key: Uint8Array): Uint8Array | undefined {
    this.assertOpen();
    return this.content.get(toText(key))?.slice();
  }

  async batch(operations: readonly KeyValueOperation[], options: { readonly sync: boolean }): Promise<void> {
    this.assertOpen();
    if (this.failure !== undefined) throw this.failure;
    for (const operation of operations) {
      if (operation.type === 'put') this.content.set(toText(operation.key), Uint8Array.from(operation.value));
      else this.content.delete(toText(operation.key));
    }
    this.batches.push({ operations: operations.map(copyOf), sync: options.sync });
  }

  async *entries(range: KeyRange = {}): AsyncGenerator<readonly [Uint8Array, Uint8Array][]> {
    this.assertOpen();
    const from = range.gte === undefined ? '' : toText(range.gte);
    const before = range.lt === undefined ? undefined : toText(range.lt);
    const moment = [...this.content]
      .filter(([key]) => key >= from && (before === undefined || key < before))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    for (let start = 0; start < moment.length; start += PAGE_ENTRIES) {
      yield moment
        .slice(start, start + PAGE_ENTRIES)
        .map(([key, value]) => [Buffer.from(key, 'latin1'), value.slice()] as const);
    }
  }

  async verify(): Promise<undefined> {
    this.assertOpen();
    return undefined;
  }

  async flushLog(): Promise<void> {
    this.assertOpen();
  }

  async approximateSize(): Promise<number> {
    let bytes = 0;
    for (const [key, value] of this.content) bytes += key.length + value.byteLength;
    return bytes;
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.onClose();
  }

  private assertOpen(): void {
    if (this.isClosed) throw new TidemarkError('TIDEMARK_CLOSED', 'the database is closed');
  }
}

const copyOf = (operation: KeyValueOperation): KeyValueOperation =>
  operation.type === 'put'
    ? { type: 'put', key: Uint8Array.from(operation.key), value: Uint8Array.from(operation.value) }
    : { type: 'del', key: Uint8Array.from(operation.key) };

const toText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
