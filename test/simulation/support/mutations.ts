/**
 * Ten defects that a change might put into the store. Each is applied from outside: by a port that misbehaves, or by a
 * method that is replaced while the test runs. The simulator must find every one.
 */
import { Slab } from '../../../src/chunk/slab.ts';
import type { FileDescriptor } from '../../../src/files/file-system.ts';
import { Indexer } from '../../../src/indexes/indexer.ts';
import { JournalWriter } from '../../../src/journal/write/journal-writer.ts';
import { Archiving } from '../../../src/series/archiving.ts';
import { MemoryChunks } from '../../../src/series/memory-chunks.ts';
import { Background } from '../../../src/store/background.ts';
import { DIRECTORY } from '../life.ts';
import { type Mutation, ofClass, ofFileSystem, ofStores } from './defects.ts';

const RECORD_BYTES = 1041;

export const mutations: readonly Mutation[] = [
  ofFileSystem('the journal is not synced', (fileSystem, pathOf) => ({
    dataSync: (fd) => (pathOf(fd).endsWith('.journal') ? Promise.resolve() : fileSystem.dataSync(fd)),
    dataSyncBlocking: (fd) => {
      if (!pathOf(fd).endsWith('.journal')) fileSystem.dataSyncBlocking(fd);
    },
  })),

  ofFileSystem("the names of the journal's files are not synced", (fileSystem) => ({
    syncDirectoryAside: (path) => (path.endsWith('/journal') ? Promise.resolve() : fileSystem.syncDirectoryAside(path)),
    syncDirectory: (path) => {
      if (!path.endsWith('/journal')) fileSystem.syncDirectory(path);
    },
  })),

  // Other syncs of the directory at each checkpoint cover the rename too, so all of them must be left out to do harm.
  ofFileSystem('the directory is not synced after the rename of a checkpoint', (fileSystem) => ({
    replace: async (from, to) => fileSystem.rename(from, to),
    syncDirectory: (path) => {
      if (path !== DIRECTORY) fileSystem.syncDirectory(path);
    },
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

  ofClass('recovery assumes that the indexes have everything that the journal has', Indexer, (original, isOpening) => ({
    enqueue(this: unknown, operation: never) {
      const { type, position } = operation as { type: string; position?: number };
      if (isOpening() && type === 'index' && position !== undefined) return;
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

  ofClass('a series wakes without the chunks in its file', Archiving, (original) => ({
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
      if (this['references'][slot] > 0) original['release'].call(this, slot);
    },
  })),

  ofClass('replay appends each sample twice', MemoryChunks, (original, isOpening) => ({
    append(this: unknown, ...given: never[]) {
      const result = original['append'].apply(this, given);
      if (isOpening()) original['append'].apply(this, given);
      return result;
    },
  })),
];

/** Shows only after the disk had trouble and has recovered. */
export const commitsNoMore = ofClass('after trouble nothing is committed unasked', Background, (original) => {
  const troubled = new WeakSet<object>();
  return {
    async commit(this: { store: { actor: { getSnapshot(): { hasTag(tag: string): boolean } } } }) {
      if (troubled.has(this)) return;
      try {
        await original['commit'].call(this);
      } finally {
        if (this.store.actor.getSnapshot().hasTag('diskRefuses')) troubled.add(this);
      }
    },
  };
});
