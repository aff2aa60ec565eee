/** LMDB: one memory-mapped tree with sorted binary keys; its own batching of writes into transactions. */
import { join } from 'node:path';
import { type Peer, requireFrom } from './peer.ts';
import { type Entry, SortedKeysPeer } from './sorted-keys.ts';

interface Lmdb {
  open(options: { path: string; encoding: 'binary'; keyEncoding: 'binary' }): {
    put(key: Buffer, value: Buffer): Promise<boolean>;
    get(key: Buffer): Buffer | undefined;
    getRange(range: { start: Buffer; end: Buffer }): Iterable<{ key: Buffer; value: Buffer }>;
    readonly flushed: Promise<unknown>;
    close(): Promise<void>;
  };
}

export const lmdb: Peer = {
  title: 'LMDB',
  packageSpec: 'lmdb',
  configuration: 'sorted binary keys, batches of 10,000',
  open: async (directory, prefix) => {
    const database = requireFrom<Lmdb>(prefix, 'lmdb').open({
      path: join(directory, 'samples.lmdb'),
      encoding: 'binary',
      keyEncoding: 'binary',
    });
    return new SortedKeysPeer({
      put: async (entries) => {
        let last: Promise<unknown> = Promise.resolve();
        for (const [key, value] of entries) last = database.put(key, value);
        await last;
      },
      *scan(from, to): Iterable<Entry> {
        for (const { key, value } of database.getRange({ start: from, end: to })) yield [key, value];
      },
      getMany: async (keys) => keys.map((key) => database.get(key)),
      flush: async () => {
        await database.flushed;
      },
      close: () => database.close(),
    });
  },
};
