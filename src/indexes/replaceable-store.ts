/**
 * A database that can be replaced by a new one when it is damaged, while callers keep their reference to it. Every
 * error that reports damage is passed to `onDamage`, whichever call met it. A call between the old and the new database
 * fails as on a damaged one. Its caller waits until the index is whole again and repeats the call.
 */
import { TidemarkError } from '../model/errors.ts';
import type { KeyRange, KeyValueOperation, KeyValueStore } from './key-value-store.ts';

export const isCorruptIndex = (error: unknown): error is TidemarkError =>
  error instanceof TidemarkError && error.code === 'TIDEMARK_CORRUPT_INDEX';

const isClosed = (error: unknown): boolean => error instanceof TidemarkError && error.code === 'TIDEMARK_CLOSED';

export class ReplaceableStore implements KeyValueStore {
  /** Called with every error that reports damage of the database. */
  onDamage: (error: TidemarkError) => void = () => {};
  private store: KeyValueStore;
  private isReplacing = false;

  constructor(store: KeyValueStore) {
    this.store = store;
  }

  /** The database itself. Its errors are not reported. */
  get current(): KeyValueStore {
    return this.store;
  }

  get sequence(): number | undefined {
    return this.store.sequence;
  }

  get lostBatches(): string | undefined {
    return this.store.lostBatches;
  }

  get unverifiedBytes(): number {
    return this.store.unverifiedBytes;
  }

  /** Replaces the database. When `make` fails, there is no database until this is called again. */
  async replace(make: (damaged: KeyValueStore) => Promise<KeyValueStore>): Promise<void> {
    this.isReplacing = true;
    this.store = await make(this.store);
    this.isReplacing = false;
  }

  /** Reports damage that was found in an entry after reading it. */
  reportDamage(error: unknown): void {
    if (isCorruptIndex(error)) this.onDamage(error);
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.attempt((store) => store.get(key));
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.attempt((store) => store.getMany(keys));
  }

  getBlocking(key: Uint8Array): Uint8Array | undefined {
    const { store } = this;
    try {
      return store.getBlocking(key);
    } catch (error) {
      throw this.explain(error, store);
    }
  }

  batch(operations: readonly KeyValueOperation[], options: { readonly sync: boolean }): Promise<void> {
    return this.attempt((store) => store.batch(operations, options));
  }

  async *entries(range?: KeyRange): AsyncGenerator<readonly [Uint8Array, Uint8Array][]> {
    const { store } = this;
    try {
      for await (const page of store.entries(range)) yield page;
    } catch (error) {
      throw this.explain(error, store);
    }
  }

  async verify(breathe: () => Promise<void>): Promise<string | undefined> {
    return this.store.verify(breathe);
  }

  flushLog(): Promise<void> {
    return this.attempt((store) => store.flushLog());
  }

  approximateSize(): Promise<number> {
    return this.store.approximateSize();
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private async attempt<T>(act: (store: KeyValueStore) => Promise<T>): Promise<T> {
    const { store } = this;
    try {
      return await act(store);
    } catch (error) {
      throw this.explain(error, store);
    }
  }

  private explain(error: unknown, store: KeyValueStore): unknown {
    if (isClosed(error) && (this.isReplacing || store !== this.store)) {
      return new TidemarkError('TIDEMARK_CORRUPT_INDEX', 'the index is damaged and is being rebuilt', { cause: error });
    }
    this.reportDamage(error);
    return error;
  }
}
