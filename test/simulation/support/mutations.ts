/**
 * Ten defects that somebody might put into the store one day, each applied from outside: by a port that misbehaves, or by
 * a method that is replaced while the test runs. The simulator has to find every one.
 */
import type { Store, StoreOptions } from '../../../src/api.ts';
import { Slab } from '../../../src/chunk/slab.ts';
import type { FileDescriptor, FileSystem } from '../../../src/disk/file-system.ts';
import { Indexer } from '../../../src/index/indexer.ts';
import type { KeyValueStore, KeyValueStores } from '../../../src/index/key-value-store.ts';
import { openStore } from '../../../src/index.ts';
import { JournalWriter } from '../../../src/journal/journal-writer.ts';
import { Lifecycle } from '../../../src/series/lifecycle.ts';
import { MemoryChunks } from '../../../src/series/memory-chunks.ts';
import type { OpenStore } from '../../../src/simulation/life.ts';
import { Background } from '../../../src/store/background.ts';

const RECORD_BYTES = 1041;

export interface Mutation {
  readonly name: string;
  /** Runs with the defect in place. */
  readonly during: <T>(run: (open: OpenStore) => Promise<T>) => Promise<T>;
}

/** An object that does some things differently. */
const altered = <T extends object>(original: T, changes: Partial<T>): T =>
  new Proxy(original, {
    get: (target, key) => {
      const change = changes[key as keyof T];
      if (change !== undefined) return change;
      const value = Reflect.get(target, key) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

/** A defect of the file system. `pathOf` knows what a descriptor was opened with. */
const ofFileSystem = (
  name: string,
  change: (fileSystem: FileSystem, pathOf: (fd: FileDescriptor) => string) => Partial<FileSystem>,
): Mutation => ({
  name,
  during: (run) =>
    run((directory, options) => {
      const original = options.fileSystem!;
      const paths = new Map<FileDescriptor, string>();
      const open: FileSystem['open'] = (path, mode, permissions) => {
        const fd = original.open(path, mode, permissions);
        paths.set(fd, path);
        return fd;
      };
      const changes = change(original, (fd) => paths.get(fd) ?? '');
      return openStore(directory, { ...options, fileSystem: altered(original, { open, ...changes }) });
    }),
});

/** A defect of the databases. */
const ofStores = (name: string, change: (store: KeyValueStore) => Partial<KeyValueStore>): Mutation => ({
  name,
  during: (run) =>
    run((directory, options) => {
      const original = options.keyValueStores!;
      const open: KeyValueStores['open'] = async (path) => {
        const store = await original.open(path);
        return altered(store, change(store));
      };
      return openStore(directory, { ...options, keyValueStores: altered(original, { open }) });
    }),
});

/** Methods of a class, with what they see of its insides. */
type Insides = Record<string, (...given: never[]) => unknown>;

/** A defect of a class. `isOpening` tells whether the store is being opened, and recovers. */
const ofClass = (
  name: string,
  owner: { readonly prototype: object },
  change: (original: Insides, isOpening: () => boolean) => Insides,
): Mutation => ({
  name,
  during: async (run) => {
    const prototype = owner.prototype as Insides;
    let openings = 0;
    const changes = change({ ...ownMethods(prototype) }, () => openings > 0);
    const before = Object.keys(changes).map((method) => [method, prototype[method]] as const);
    Object.assign(prototype, changes);
    const open = async (directory: string, options: StoreOptions): Promise<Store> => {
      openings++;
      try {
        return await openStore(directory, options);
      } finally {
        openings--;
      }
    };
    try {
      return await run(open);
    } finally {
      for (const [method, original] of before) prototype[method] = original;
    }
  },
});

const ownMethods = (prototype: Insides): Insides =>
  Object.fromEntries(
    Object.entries(Object.getOwnPropertyDescriptors(prototype))
      .filter(([, { value }]) => typeof value === 'function')
      .map(([name, { value }]) => [name, value as Insides[string]]),
  );

export const mutations: readonly Mutation[] = [
  ofFileSystem('the journal is not synced', (fileSystem, pathOf) => ({
    dataSync: (fd) => (pathOf(fd).endsWith('.journal') ? Promise.resolve() : fileSystem.dataSync(fd)),
    dataSyncBlocking: (fd) => {
      if (!pathOf(fd).endsWith('.journal')) fileSystem.dataSyncBlocking(fd);
    },
  })),

  ofFileSystem('the directory is not synced after the rename of a checkpoint', (fileSystem) => ({
    replace: async (from, to) => fileSystem.rename(from, to),
  })),

  ofFileSystem('a checkpoint is renamed into place before it is synced', (fileSystem, pathOf) => {
    const isCheckpoint = (fd: FileDescriptor): boolean => pathOf(fd).endsWith('heads.db.tmp');
    return {
      syncBlocking: (fd) => {
        if (!isCheckpoint(fd)) fileSystem.syncBlocking(fd);
      },
      sync: (fd) => (isCheckpoint(fd) ? Promise.resolve() : fileSystem.sync(fd)),
      replace: async (from, to) => {
        await fileSystem.replace(from, to);
        const fd = fileSystem.open(to, 'readWrite');
        await fileSystem.sync(fd);
        fileSystem.close(fd);
      },
    };
  }),

  ofStores('the last operation of an index batch is dropped', (store) => ({
    batch: (operations, options) => store.batch(operations.slice(0, Math.max(1, operations.length - 1)), options),
  })),

  ofClass('recovery takes the indexes to have all that the journal has', Indexer, (original, isOpening) => ({
    enqueue(this: unknown, operation: never) {
      const { type, position } = operation as { type: string; position?: number };
      if (isOpening() && type === 'index' && position !== undefined) return true;
      return original['enqueue'].call(this, operation);
    },
  })),

  ofFileSystem('retention drops one chunk too many', (fileSystem, pathOf) => {
    const begun = new Set<FileDescriptor>();
    return {
      write: (fd, buffer, offset, length, position) => {
        const isFirst = pathOf(fd).endsWith('.db.tmp') && !pathOf(fd).includes('heads') && !begun.has(fd);
        begun.add(fd);
        if (!isFirst || length < 2 * RECORD_BYTES) return fileSystem.write(fd, buffer, offset, length, position);
        for (let done = RECORD_BYTES; done < length; ) {
          done += fileSystem.write(fd, buffer, offset + done, length - done, null);
        }
        return length;
      },
      close: (fd) => {
        begun.delete(fd);
        fileSystem.close(fd);
      },
    };
  }),

  ofClass('a series wakes without what is in its file', Lifecycle, (original) => ({
    wake(this: { parts: { table: { chunksInFile: Int32Array } } }, row: never) {
      const result = original['wake'].call(this, row);
      this.parts.table.chunksInFile[row] = 0;
      return result;
    },
  })),

  ofClass('samples are acknowledged before they are committed', JournalWriter, (original) => ({
    commit(this: JournalWriter) {
      (original['commit'].call(this) as Promise<unknown>).catch(() => undefined);
      return Promise.resolve(this.end);
    },
    commitBlocking(this: JournalWriter) {
      this.write();
    },
  })),

  ofClass('a slot is used again while a reader has it', Slab, (original) => ({
    retain: () => undefined,
    release(this: Slab, slot: never) {
      if (this.referenceCount(slot) > 0) original['release'].call(this, slot);
    },
  })),

  ofClass('replay takes each sample twice', MemoryChunks, (original, isOpening) => ({
    append(this: unknown, ...given: never[]) {
      const result = original['append'].apply(this, given);
      if (isOpening()) original['append'].apply(this, given);
      return result;
    },
  })),
];

/** Shows only where the disk gave trouble and is well again. */
export const commitsNoMore = ofClass('after trouble nothing is committed unasked', Background, (original) => ({
  async commit(this: { store: { disk: { trouble: unknown } } }) {
    if (this.store.disk.trouble === undefined) await original['commit'].call(this);
  },
}));
