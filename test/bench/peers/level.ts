/** LevelDB through level: sorted binary keys, batches of 10,000. The library itself depends on it already. */
import { join } from 'node:path';
import { type Peer, requireFrom } from './peer.ts';
import { type Entry, SortedKeysPeer } from './sorted-keys.ts';

interface LevelDatabase {
  batch(operations: readonly { type: 'put'; key: Buffer; value: Buffer }[], options?: { sync: boolean }): Promise<void>;
  iterator(range: { gte: Buffer; lte: Buffer }): AsyncIterable<Entry>;
  getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]>;
  open(): Promise<void>;
  close(): Promise<void>;
}

interface LevelModule {
  readonly Level: new (path: string, options: { keyEncoding: 'buffer'; valueEncoding: 'buffer' }) => LevelDatabase;
}

export const level: Peer = {
  title: 'level',
  packageSpec: 'level@10',
  configuration: 'sorted binary keys, batches of 10,000',
  open: async (directory, prefix) => {
    const { Level } = requireFrom<LevelModule>(prefix, 'level');
    const database = new Level(join(directory, 'samples.level'), { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    await database.open();
    const operation = ([key, value]: Entry) => ({ type: 'put' as const, key, value });
    return new SortedKeysPeer({
      put: (entries) => database.batch(entries.map(operation)),
      scan: (from, to) => database.iterator({ gte: from, lte: to }),
      getMany: (keys) => database.getMany(keys),
      flush: () => database.batch([operation([Buffer.from('z'), Buffer.alloc(0)])], { sync: true }),
      close: () => database.close(),
    });
  },
};
