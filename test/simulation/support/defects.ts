/** Applies deliberate defects from outside: by a port that misbehaves, or by a method that is replaced for a while. */
import type { Store, StoreOptions } from '../../../src/api/api.ts';
import type { FileDescriptor, FileSystem } from '../../../src/files/file-system.ts';
import { checkDirectory, openStore } from '../../../src/index.ts';
import type { KeyValueStore, KeyValueStores } from '../../../src/indexes/key-value-store.ts';
import type { CheckDirectory, OpenStore } from '../life.ts';
import type { Ports } from '../world.ts';

/** The functions through which the simulator uses the store. */
export interface Doors {
  readonly openStore: OpenStore;
  readonly checkDirectory: CheckDirectory;
}

export interface Mutation {
  readonly name: string;
  /** Runs with the defect in place. Without `doors`, the defect is put into the sound store. */
  readonly during: <T>(run: (doors: Doors) => Promise<T>, doors?: Doors) => Promise<T>;
}

const sound: Doors = { openStore, checkDirectory };

/** Combines two defects that do harm only together. */
export const together = (name: string, one: Mutation, other: Mutation): Mutation => ({
  name,
  during: (run, doors) => one.during((between) => other.during(run, between), doors),
});

/** A defect of the opening of stores. */
export const ofOpening = (name: string, change: (options: StoreOptions) => StoreOptions): Mutation => ({
  name,
  during: (run, { openStore, checkDirectory } = sound) =>
    run({ checkDirectory, openStore: (directory, options) => openStore(directory, change(options)) }),
});

/** A defect of the checking of directories. */
export const ofCheck = (name: string, change: (ports: Ports) => Ports): Mutation => ({
  name,
  during: (run, { openStore, checkDirectory } = sound) =>
    run({ openStore, checkDirectory: (directory, ports) => checkDirectory(directory, change(ports)) }),
});

/** The object with some members replaced. */
export const altered = <T extends object>(original: T, changes: { readonly [K in keyof T]?: T[K] | undefined }): T =>
  new Proxy(original, {
    get: (target, key) => {
      if (key in changes) return changes[key as keyof T] as unknown;
      const value = Reflect.get(target, key) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

/** A defect of the file system. `pathOf` returns the path with which a descriptor was opened. */
export const ofFileSystem = (
  name: string,
  change: (fileSystem: FileSystem, pathOf: (fd: FileDescriptor) => string) => Partial<FileSystem>,
): Mutation => ({
  name,
  during: (run, { openStore, checkDirectory } = sound) => {
    const open: OpenStore = (directory, options) => {
      const original = options.fileSystem!;
      const paths = new Map<FileDescriptor, string>();
      const open: FileSystem['open'] = (path, mode, permissions) => {
        const fd = original.open(path, mode, permissions);
        paths.set(fd, path);
        return fd;
      };
      const changes = change(original, (fd) => paths.get(fd) ?? '');
      return openStore(directory, { ...options, fileSystem: altered(original, { open, ...changes }) });
    };
    return run({ checkDirectory, openStore: open });
  },
});

/** A defect of the databases. */
export const ofStores = (name: string, change: (store: KeyValueStore) => Partial<KeyValueStore>): Mutation =>
  ofOpening(name, (options) => {
    const original = options.keyValueStores!;
    const open: KeyValueStores['open'] = async (path) => {
      const store = await original.open(path);
      return altered(store, change(store));
    };
    return { ...options, keyValueStores: altered(original, { open }) };
  });

/** Methods of a class, which may use its private members. */
export type Insides = Record<string, (...given: never[]) => unknown>;

/** A defect of a class. `isOpening` tells whether the store is being opened, which includes recovery. */
export const ofClass = (
  name: string,
  owner: { readonly prototype: object },
  change: (original: Insides, isOpening: () => boolean) => Insides,
): Mutation => ({
  name,
  during: async (run, { openStore, checkDirectory } = sound) => {
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
      return await run({ openStore: open, checkDirectory });
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
