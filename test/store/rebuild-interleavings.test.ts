/**
 * The label indexes are rebuilt while the store goes on: whatever becomes of series meanwhile, afterwards the indexes name
 * those that there are, and no others. Each thing is started at one batch after another of the rebuild.
 */
import { expect } from 'chai';
import { checkDirectory, openStore, type Store } from '../../src/index.ts';
import { FailingStores } from '../events/failing-stores.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import type { MemoryStore } from '../support/memory-stores.ts';
import { samplesOf } from './support.ts';

const BASE = 1_700_000_000_000;
const ids = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const append = (store: Store, names: readonly string[], round: number): void => {
  for (const id of names) store.append({ __name__: 'm', id }, BASE + round * 1000, round);
};

const actions: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  'are created': async (store) => append(store, ids('new', 5), 1),
  'are dropped': (store) => store.drop({ id: 's1' }),
  'are dropped and come again': async (store) => {
    await store.drop({ id: 's1' });
    append(store, ['s1'], 5);
  },
  'are archived': async (store) => {
    await store.maintain();
    await store.maintain();
  },
  'are woken and dropped': async (store) => {
    append(store, ids('archived', 4), 5);
    await store.drop({ id: 'archived1' });
  },
};

/** Rebuilds, with the action started at a batch of the label-pair index. False when the rebuild has fewer batches. */
const rebuildBeside = async (act: (store: Store) => Promise<unknown>, batch: number): Promise<boolean> => {
  const fileSystem = new MemoryFileSystem();
  const keyValueStores = new FailingStores(fileSystem);
  const ports = { fileSystem, keyValueStores };
  const store = await openStore('/store', {
    ...ports,
    retention: 'off',
    headChunkTimeout: 1,
    checkpointInterval: '1h',
  });
  append(store, ids('archived', 10), 0);
  await store.maintain();
  await store.maintain();
  append(store, ids('s', 10), 0);
  await store.waitForIndexing();
  let batches = 0;
  let acting: Promise<unknown> | undefined;
  for (const folder of ['labelname_to_labelvalues', 'labelpair_to_fingerprints']) {
    const index = keyValueStores.named(folder);
    const write = index.batch.bind(index);
    index.batch = (operations, options) => {
      if (batches++ === batch) acting = act(store);
      return write(operations, options);
    };
  }
  await store.rebuildIndexes();
  await acting;
  const found = new Set([...(await samplesOf(store, 'm')).keys()].map((sample) => sample.split('@')[0]));
  expect(await store.labelValues('id'), `at batch ${batch}`).to.deep.equal([...found].sort());
  await store.close();
  expect((await checkDirectory('/store', { ...ports, pedantic: true })).problems, `at batch ${batch}`).to.deep.equal(
    [],
  );
  return acting !== undefined;
};

describe('label indexes that are rebuilt while series', () => {
  for (const [title, act] of Object.entries(actions)) {
    it(title, async () => {
      let batch = 0;
      while (await rebuildBeside(act, batch)) batch++;
      expect(batch).to.be.greaterThan(3);
    });
  }
});

/** An archive index whose scan shows what was there when it began, and lasts until the index was written. */
class SlowArchive extends FailingStores {
  override async open(directory: string): Promise<MemoryStore> {
    const store = await super.open(directory);
    if (!directory.endsWith('archived_fingerprint_to_metric')) return store;
    let noteWritten: () => void = () => {};
    const isWritten = new Promise<void>((resolve) => {
      noteWritten = resolve;
    });
    const { entries, batch } = store;
    store.entries = async function* (range) {
      // The opening looks for mapped series first, in a range of their own.
      if (range?.lt !== undefined) return yield* entries.call(store, range);
      const pages: (readonly [Uint8Array, Uint8Array][])[] = [];
      for await (const page of entries.call(store, range)) pages.push(page);
      await isWritten;
      // The indexer takes note of it.
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      yield* pages;
    };
    store.batch = async (operations, batchOptions) => {
      await batch.call(store, operations, batchOptions);
      noteWritten();
    };
    return store;
  }
}

describe('label indexes that an opening rebuilds', () => {
  it('name the series whose archiving is replayed, and written to the archive only now', async () => {
    const fileSystem = new MemoryFileSystem();
    const options = { retention: 'off', headChunkTimeout: 1, checkpointInterval: '1h' } as const;
    const store = await openStore('/store', { ...options, fileSystem, keyValueStores: new FailingStores(fileSystem) });
    append(store, ids('s', 10), 0);
    await store.checkpoint();
    await store.maintain();
    await store.maintain();
    expect(store.stateCounts().archived).to.equal(10);
    await store.flush();
    const left = fileSystem.afterKill();
    await store.close();
    // All that was written to the indexes is gone.
    const next = await openStore('/store', { ...options, fileSystem: left, keyValueStores: new SlowArchive(left) });
    expect(await next.labelValues('id')).to.deep.equal(ids('s', 10));
    await next.close();
  });
});
