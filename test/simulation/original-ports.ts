/**
 * Ports through which the store behaves as the original, Prometheus 1.x, does. It uses only the files that both
 * programs have (docs/formats/directory.md). It never reads or writes the journal, LAST_CLOSE and the other files of
 * Tidemark's own: their paths lead to a scratch directory, which is empty at the start. Its DIRTY is empty, its
 * databases are marked as written by goleveldb, and its heads.db has no trailer.
 */

import { decodeTrailer, TRAILER_BYTES } from '../../src/disk/heads/heads.ts';
import type { FileDescriptor, FileSystem } from '../../src/files/file-system.ts';
import { isPositionKey } from '../../src/indexes/index-position.ts';
import type { KeyValueStore, KeyValueStores } from '../../src/indexes/key-value-store.ts';
import { DIRECTORY } from './life.ts';
import type { SimulatedStores } from './simulated-stores.ts';
import type { Ports } from './world.ts';

const topNames =
  /^(VERSION|\.VERSION\.tmp|DIRTY(\.tmp)?|heads\.db(\.tmp)?|mappings\.db(\.tmp)?|orphaned|[0-9a-f]{2}|archived_fingerprint_to_(metric|timerange)|label(name|pair)_to_(labelvalues|fingerprints))$/;
const seriesFile = /^[0-9a-f]{14}\.db(\.tmp)?$/;

/** `scratch` is the directory for files that the original does not know. */
export const originalPorts = (ports: Ports, scratch: string): Ports => {
  ports.fileSystem.makeDirectory(scratch);
  return {
    ...ports,
    fileSystem: originalFileSystem(ports.fileSystem, scratch),
    keyValueStores: originalStores(ports.keyValueStores as SimulatedStores),
  };
};

/** Removes the trailer of a heads.db that a recovery wrote. */
export const removeTrailer = (fileSystem: FileSystem): void => {
  const path = `${DIRECTORY}/heads.db`;
  const size = fileSystem.stat(path)?.size ?? 0;
  if (size < TRAILER_BYTES) return;
  const fd = fileSystem.open(path, 'readWrite');
  const bytes = new Uint8Array(TRAILER_BYTES);
  for (let done = 0; done < TRAILER_BYTES; )
    done += fileSystem.read(fd, bytes, done, TRAILER_BYTES - done, size - TRAILER_BYTES + done);
  if (decodeTrailer(bytes) !== undefined) fileSystem.truncate(fd, size - TRAILER_BYTES);
  fileSystem.close(fd);
};

const isKnown = (below: readonly string[]): boolean => {
  const [top, name] = below;
  if (top === undefined) return true;
  return topNames.test(top) && (name === undefined || !/^[0-9a-f]{2}$/.test(top) || seriesFile.test(name));
};

const originalFileSystem = (original: FileSystem, scratch: string): FileSystem => {
  const belowOf = (path: string): readonly string[] | undefined =>
    path === DIRECTORY
      ? []
      : path.startsWith(`${DIRECTORY}/`)
        ? path.slice(DIRECTORY.length + 1).split('/')
        : undefined;
  const placeOf = (path: string): string => {
    const below = belowOf(path);
    return below === undefined || isKnown(below) ? path : `${scratch}/${below.join('/')}`;
  };
  const flags = new Set<FileDescriptor>();
  const changes: Partial<FileSystem> = {
    open: (path, mode, permissions) => {
      const fd = original.open(placeOf(path), mode, permissions);
      if (/\/DIRTY(\.tmp)?$/.test(path)) flags.add(fd);
      return fd;
    },
    close: (fd) => {
      flags.delete(fd);
      original.close(fd);
    },
    write: (fd, buffer, offset, length, position) =>
      flags.has(fd) ? length : original.write(fd, buffer, offset, length, position),
    stat: (path) => original.stat(placeOf(path)),
    readDirectory: (path) => {
      const below = belowOf(path);
      const entries = original.readDirectory(placeOf(path));
      return below === undefined ? entries : entries.filter(({ name }) => !isKnown(below) || isKnown([...below, name]));
    },
    makeDirectory: (path, permissions) => original.makeDirectory(placeOf(path), permissions),
    rename: (from, to) => original.rename(placeOf(from), placeOf(to)),
    remove: (path) => original.remove(placeOf(path)),
    removeDirectory: (path) => original.removeDirectory(placeOf(path)),
    syncDirectory: (path) => original.syncDirectory(placeOf(path)),
    syncDirectoryAside: (path) => original.syncDirectoryAside(placeOf(path)),
    replace: (from, to) => original.replace(placeOf(from), placeOf(to)),
    erase: (path) => original.erase(placeOf(path)),
  };
  return through(original, changes);
};

/** The original neither reads nor writes the position that Tidemark keeps in its label indexes, but may delete it. */
const originalStores = (original: SimulatedStores): KeyValueStores => ({
  open: async (directory) => {
    const store = await original.open(directory, 'original');
    return through<KeyValueStore>(store, {
      get: async (key) => (isPositionKey(key) ? undefined : store.get(key)),
      batch: (operations, options) =>
        store.batch(
          operations.filter(({ type, key }) => type === 'del' || !isPositionKey(key)),
          options,
        ),
    });
  },
  openCopy: (directory) => original.openCopy(directory),
  destroy: (directory) => original.destroy(directory),
});

const through = <T extends object>(original: T, changes: Partial<T>): T =>
  new Proxy(original, {
    get: (target, key) => {
      const change = changes[key as keyof T];
      if (change !== undefined) return change;
      const value = Reflect.get(target, key) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
