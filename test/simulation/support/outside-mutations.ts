/**
 * Defects in what a store does beyond the life of one process: in backups, rebuilt indexes, read-only openings, checks,
 * subscriptions, the refusal of second openers, and the handling of what another program or decay left. Each represents
 * a kind of defect that the store once had.
 */
import type { FileSystem } from '../../../src/files/file-system.ts';
import { Indexer } from '../../../src/indexes/indexer.ts';
import type { KeyValueStore } from '../../../src/indexes/key-value-store.ts';
import { EventSource } from '../../../src/subscriptions/event-source.ts';
import { Subscriptions } from '../../../src/subscriptions/subscriptions.ts';
import { altered, type Mutation, ofCheck, ofClass, ofFileSystem, ofOpening, together } from './defects.ts';

/** Hides all segments of the journal. */
const withoutJournal = (fileSystem: FileSystem): FileSystem =>
  altered(fileSystem, {
    readDirectory: (path) => (path.endsWith('/journal') ? [] : fileSystem.readDirectory(path)),
  });

/** Hides the newest segment of the journal. */
const withoutLastSegment = (fileSystem: FileSystem): FileSystem =>
  altered(fileSystem, {
    readDirectory: (path) => {
      const entries = fileSystem.readDirectory(path);
      if (!path.endsWith('/journal')) return entries;
      const last = entries
        .map(({ name }) => name)
        .filter((name) => name.endsWith('.journal'))
        .sort()
        .at(-1);
      return entries.filter(({ name }) => name !== last);
    },
  });

export const outsideMutations: readonly Mutation[] = [
  ofOpening('a read-only opening leaves out the newest journal segment', (options) =>
    options.readOnly ? { ...options, fileSystem: withoutLastSegment(options.fileSystem!) } : options,
  ),

  ofCheck('a check reports a dropped series as one whose file is missing', (ports) => ({
    ...ports,
    fileSystem: withoutJournal(ports.fileSystem),
  })),

  ofClass('a subscription loses the first samples after a change of segment', EventSource, (original) => ({
    eventsOf(this: { textsOf: number | undefined }, record: never) {
      const { textsOf } = this;
      const events = original['eventsOf'].call(this as never, record);
      const { type, segment } = record as { readonly type: string; readonly segment: number };
      return type === 'samples' && textsOf !== undefined && segment !== textsOf ? [] : events;
    },
  })),

  ofOpening('a second opener is let in', (options) => ({
    ...options,
    fileSystem: altered(options.fileSystem!, { claimDirectory: undefined }),
  })),

  ofOpening('a directory does not remember its retention', (options) =>
    options.retention === undefined ? { ...options, retention: '15d' } : options,
  ),

  ofOpening('lost and damaged entries of an index are not noticed', (options) => {
    const stores = options.keyValueStores!;
    const unaware = async (opening: Promise<KeyValueStore>): Promise<KeyValueStore> =>
      altered(await opening, { sequence: undefined, verify: async () => undefined });
    return {
      ...options,
      keyValueStores: altered(stores, {
        open: (directory) => unaware(stores.open(directory)),
        openCopy: (directory) => unaware(stores.openCopy(directory)),
      }),
    };
  }),

  ofOpening("the journal is replayed over another program's files", (options) => {
    const stores = options.keyValueStores!;
    if (stores.describe === undefined) return options;
    const describe: typeof stores.describe = async (path) => ({ ...(await stores.describe!(path)), isForeign: false });
    return { ...options, keyValueStores: altered(stores, { describe }) };
  }),

  ofFileSystem('a backup lacks the end of the journal', (fileSystem, pathOf) => ({
    write: (fd, buffer, offset, length, position) => {
      if (!/^\/backup-\d+\/journal\//.test(pathOf(fd))) return fileSystem.write(fd, buffer, offset, length, position);
      const kept = Math.floor(length * 0.8);
      for (let done = 0; done < kept; )
        done += fileSystem.write(fd, buffer, offset + done, kept - done, position === null ? null : position + done);
      return length;
    },
  })),

  together(
    'label indexes whose rebuild was interrupted are treated as complete',
    ofClass('a batch of the replay gives them a position', Indexer, () => ({ suspendLabels: () => {} })),
    ofFileSystem('the rebuild is not noted', (fileSystem) => ({
      rename: (from, to) => (to.endsWith('/LOST_INDEXES') ? fileSystem.remove(from) : fileSystem.rename(from, to)),
    })),
  ),

  ofClass('an acknowledgement after close is written', Subscriptions, (original) => ({
    async end(this: { closed: boolean; cursors: { ended: boolean } }) {
      await original['end'].call(this as never);
      this.closed = false;
      this.cursors.ended = false;
    },
  })),
];
