/** LevelDB's stores with databases that a test can damage while they are open: calls then fail as LevelDB's would. */
import { basename } from 'node:path';
import type { KeyValueStore, KeyValueStores } from '../../src/indexes/key-value-store.ts';
import { levelStores } from '../../src/indexes/level-stores.ts';
import { TidemarkError } from '../../src/model/errors.ts';

export class DamageableStores implements KeyValueStores {
  /** Folders whose databases stay damaged, however often they are recreated. */
  readonly hopeless = new Set<string>();
  readonly destroy = levelStores.destroy;
  readonly describe = levelStores.describe!;
  private readonly damaged = new Set<KeyValueStore>();
  private readonly opened = new Map<string, KeyValueStore>();

  /** How often a database was opened, by folder. */
  readonly openCounts = new Map<string, number>();

  damage(folder: string): void {
    const store = this.opened.get(folder);
    if (store === undefined) throw new Error(`${folder} is not open`);
    this.damaged.add(store);
  }

  async open(directory: string): Promise<KeyValueStore> {
    return this.watch(await levelStores.open(directory), basename(directory));
  }

  async openCopy(directory: string): Promise<KeyValueStore> {
    return this.watch(await levelStores.openCopy(directory), basename(directory));
  }

  private watch(store: KeyValueStore, folder: string): KeyValueStore {
    this.opened.set(folder, store);
    this.openCounts.set(folder, (this.openCounts.get(folder) ?? 0) + 1);
    const check = (): void => {
      if (!this.damaged.has(store) && !this.hopeless.has(folder)) return;
      throw new TidemarkError('TIDEMARK_CORRUPT_INDEX', `${folder}: Corruption: block checksum mismatch`);
    };
    const watched: readonly (string | symbol)[] = ['get', 'getMany', 'getBlocking', 'batch', 'entries', 'flushLog'];
    return new Proxy(store, {
      get: (target, name) => {
        const member = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        if (!watched.includes(name)) return member.bind(target);
        if (name === 'entries') {
          return async function* (range: undefined) {
            check();
            yield* target.entries(range);
          };
        }
        if (name === 'getBlocking') {
          return (key: Uint8Array) => {
            check();
            return target.getBlocking(key);
          };
        }
        return async (...args: unknown[]) => {
          check();
          return member.apply(target, args);
        };
      },
    });
  }
}
