/**
 * A backup is what a crash at one moment would have left, whatever the store does while it copies. Each thing that a
 * store can do is started at one call after another of the copy, in memory, where every run is the same.
 */
import { expect } from 'chai';
import { openStore, type Store } from '../../src/index.ts';
import { FailingStores } from '../events/failing-stores.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { samplesOf } from './support.ts';

const BASE = 1_700_000_000_000;
const IDS = Array.from({ length: 12 }, (_, i) => `s${i}`);
/** Two label sets of one fast fingerprint: the second one is stored under a mapped fingerprint. */
const COLLIDING = [
  { instance: 'ip-10-33-84-73.l05.ams5.s-cloud.net:24483', status: '503' },
  { instance: 'ip-10-33-84-73.l05.ams5.s-cloud.net:24480', status: '500' },
];
const labels = (id: string) => ({ __name__: 'm', id });
const rounds = (count: number, from = 0): number[] => Array.from({ length: count }, (_, k) => from + k);
const key = (id: string, k: number): string => `${id}@${BASE + k * 1000}`;

interface Action {
  /** What is done while the copy is made. */
  readonly during: (store: Store) => Promise<unknown>;
  /** Series of which the copy may have all or nothing, because they were dropped meanwhile. */
  readonly dropped?: readonly string[];
}

const append = (store: Store, ids: readonly string[], rounds: readonly number[]): void => {
  for (const k of rounds) for (const id of ids) store.append(labels(id), BASE + k * 1000, k);
};

const actions: Readonly<Record<string, Action>> = {
  'persists and archives': {
    during: async (store) => {
      await store.maintain();
      await store.maintain();
    },
  },
  'wakes archived series, and archives them again': {
    during: async (store) => {
      await store.maintain();
      await store.maintain();
      append(store, IDS.slice(0, 6), rounds(2, 10));
      await store.maintain();
      await store.maintain();
    },
  },
  'drops series': {
    during: (store) => store.drop({ id: 's1' }),
    dropped: ['s1'],
  },
  'archives series and drops them, and they come again': {
    during: async (store) => {
      await store.maintain();
      await store.maintain();
      await store.drop({ id: 's1' });
      append(store, ['s1'], rounds(2, 10));
      await store.maintain();
      await store.maintain();
    },
    dropped: ['s1'],
  },
  'rebuilds the label indexes': {
    during: async (store) => {
      append(store, ['new'], [10]);
      await store.rebuildIndexes();
      await store.drop({ id: 's1' });
    },
    dropped: ['s1'],
  },
  'creates series': {
    during: async (store) => {
      append(store, ['new1', 'new2'], [10]);
      await store.waitForIndexing();
      append(store, ['new3'], [10]);
      await store.maintain();
      await store.waitForIndexing();
    },
  },
};

const open = async () => {
  const fileSystem = new MemoryFileSystem();
  const keyValueStores = new FailingStores(fileSystem);
  const ports = {
    fileSystem,
    keyValueStores,
    retention: 'off',
    headChunkTimeout: 1,
    checkpointInterval: '1h',
  } as const;
  return { fileSystem, ports, store: await openStore('/store', ports) };
};

/** Some series archived, some with chunks in their file and in memory, one with nothing but a head. */
const fill = async (store: Store): Promise<void> => {
  append(store, IDS.slice(0, 8), rounds(4));
  for (const colliding of COLLIDING) store.append(colliding, BASE, Number(colliding.status));
  await store.maintain();
  await store.maintain();
  append(store, IDS.slice(4), rounds(4, 4));
  await store.flush();
};

const filled = [
  ...IDS.slice(0, 8).flatMap((id) => rounds(4).map((k) => key(id, k))),
  ...IDS.slice(4).flatMap((id) => rounds(4, 4).map((k) => key(id, k))),
];

/** Makes a backup, with the action started at a call of the copy. Undefined when the copy has fewer calls. */
const backUp = async ({ during, dropped = [] }: Action, call: number): Promise<boolean> => {
  const { fileSystem, ports, store } = await open();
  await fill(store);
  let calls = 0;
  let acting: Promise<unknown> | undefined;
  fileSystem.onCall = (_, path) => {
    if (path.startsWith('/copy') && calls++ === call) acting = during(store);
  };
  await store.backup('/copy');
  fileSystem.onCall = () => {};
  await acting;
  const everything = new Set([...(await samplesOf(store, 'm')).keys(), ...filled]);
  await store.close();

  const where = `started at call ${call}`;
  const copy = await openStore('/copy', ports);
  expect(await copy.quarantined(), where).to.deep.equal([]);
  const found = await samplesOf(copy, 'm');
  const isDropped = (sample: string): boolean => dropped.some((id) => sample.startsWith(`${id}@`));
  const missing = filled.filter((sample) => !found.has(sample) && !isDropped(sample));
  expect(missing, `${where}: appended before the call`).to.deep.equal([]);
  expect(
    [...found.keys()].filter((sample) => !everything.has(sample)),
    `${where}: invented`,
  ).to.deep.equal([]);
  for (const id of dropped) {
    const before = filled.filter((sample) => sample.startsWith(`${id}@`));
    const kept = before.filter((sample) => found.has(sample)).length;
    expect(kept, `${where}: a series that was dropped is there as a whole, or not`).to.be.oneOf([0, before.length]);
    const since = [...found.keys()].filter((sample) => sample.startsWith(`${id}@`) && !before.includes(sample));
    if (since.length > 0) expect(kept, `${where}: what was dropped came back with its successor`).to.equal(0);
  }
  const colliding: string[] = [];
  for await (const { labels, values } of copy.select('{status=~".+"}'))
    colliding.push(`${labels['status']}: ${values}`);
  expect(colliding.sort(), `${where}: series whose fingerprints collide`).to.deep.equal(['500: 500', '503: 503']);
  const ids = new Set([...found.keys()].map((sample) => sample.split('@')[0]));
  expect(await copy.labelValues('id'), `${where}: the indexes`).to.deep.equal([...ids].sort());
  await copy.close();
  return acting !== undefined;
};

describe('a backup while the store', () => {
  for (const [title, action] of Object.entries(actions)) {
    it(title, async () => {
      let call = 0;
      while (await backUp(action, call)) call += call < 20 ? 1 : 3;
      expect(call).to.be.greaterThan(40);
    });
  }
});
