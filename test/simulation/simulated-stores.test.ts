import { expect } from 'chai';
import type { KeyValueStore } from '../../src/indexes/key-value-store.ts';
import { keyValueStoreConformance } from '../conformance/key-value-store.ts';
import { World } from './world.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const put = (key: string, value: string) => ({ type: 'put', key: bytes(key), value: bytes(value) }) as const;

const value = async <T>(world: World, operation: () => Promise<T>): Promise<T> => {
  const outcome = await world.run(operation);
  if (outcome.kind === 'value') return outcome.value;
  if (outcome.kind === 'error') throw outcome.error;
  throw new Error(outcome.kind);
};

const keysIn = async (store: KeyValueStore): Promise<string> => {
  let keys = '';
  for await (const page of store.entries()) for (const [key] of page) keys += Buffer.from(key).toString();
  return keys;
};

/** Keys that a reopened database has after a crash, over many seeds. */
const outcomes = async (
  kind: 'kill' | 'power',
  prepare: (store: KeyValueStore) => Promise<void>,
): Promise<Set<string>> => {
  const found = new Set<string>();
  for (let seed = 1; seed <= 60; seed++) {
    const world = new World({ seed, directory: '/store' });
    const { keyValueStores, fileSystem } = world.boot();
    const store = await value(world, () => keyValueStores.open('/store/index'));
    fileSystem.syncDirectory('/');
    fileSystem.syncDirectory('/store');
    await value(world, () => prepare(store));
    world.crash(kind);
    const after = world.boot();
    found.add(await value(world, async () => keysIn(await after.keyValueStores.open('/store/index'))));
  }
  return found;
};

describe('The simulated key-value stores', () => {
  keyValueStoreConformance(() => {
    const world = new World({ seed: 1, directory: '/store' });
    const { keyValueStores } = world.boot();
    return { stores: keyValueStores, directory: '/store/index', run: (operation) => value(world, operation) };
  });

  it('loses unsynced batches from the end at a loss of power', async () => {
    const found = await outcomes('power', async (store) => {
      await store.batch([put('a', '1'), put('b', '1')], { sync: true });
      await store.batch([put('c', '1'), put('d', '1')], { sync: false });
      await store.batch([put('e', '1')], { sync: false });
    });
    expect([...found].sort()).to.deep.equal(['ab', 'abcd', 'abcde']);
  });

  it('keeps all batches before a synced batch', async () => {
    const found = await outcomes('power', async (store) => {
      await store.batch([put('a', '1')], { sync: false });
      await store.batch([put('b', '1')], { sync: true });
    });
    expect([...found]).to.deep.equal(['ab']);
  });

  it('keeps unsynced batches when the process is killed, and frees the lock', async () => {
    const found = await outcomes('kill', (store) => store.batch([put('a', '1')], { sync: false }));
    expect([...found]).to.deep.equal(['a']);
  });

  it('may lose a whole database whose name was not synced in the parent directory', async () => {
    const found = new Set<boolean>();
    for (let seed = 1; seed <= 60; seed++) {
      const world = new World({ seed, directory: '/store' });
      const { keyValueStores } = world.boot();
      const store = await value(world, () => keyValueStores.open('/store/index'));
      await value(world, () => store.batch([put('a', '1')], { sync: true }));
      world.crash('power');
      found.add(world.boot().fileSystem.stat('/store/index') === undefined);
    }
    expect(found).to.have.keys([true, false] as never);
  });

  it('lets a database be corrupt at opening until it is destroyed', async () => {
    const world = new World({ seed: 1, directory: '/store' });
    const { keyValueStores } = world.boot();
    world.disk.faults.arm({ fault: 'corrupt', skip: 0 });
    for (let i = 0; i < 2; i++) {
      const outcome = await world.run(() => keyValueStores.open('/store/index'));
      expect(outcome).to.have.nested.property('error.code', 'TIDEMARK_CORRUPT_INDEX');
    }
    await value(world, () => keyValueStores.destroy('/store/index'));
    await value(world, () => keyValueStores.open('/store/index'));
  });
});
