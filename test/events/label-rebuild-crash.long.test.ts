/**
 * `rebuildIndexes()` rebuilds the label indexes, and so does an opening that does not trust them. However often a crash
 * or a disk error interrupts the rebuild, no opening may treat an incomplete index as complete.
 */
import { expect } from 'chai';
import type { Store } from '../../src/api/api.ts';
import { openStore } from '../../src/index.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { World } from '../simulation/world.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import type { MemoryStore } from '../support/memory-stores.ts';
import { boot, directory, look, succeed } from './crash-world.ts';
import { FailingStores } from './failing-stores.ts';

const BASE = 1_700_000_000_000;
const OLD = ['a', 'b', 'c'];
const TAIL = ['d', 'e'];
const STRIDE = 40;
/** A call of the full recovery, some calls before its checkpoint is in place. */
const IN_ITS_CHECKPOINT = 300;
/** A call of the rebuild at which the indexes have lost entries. */
const IN_THE_MIDDLE = 4;
const options = { retention: 'off', checkpointInterval: '1h', commitInterval: '10m' } as const;

/** Appends series that the checkpoint has, which replay does not index again, and series of the tail, which it does. */
const fill = async (store: Store): Promise<void> => {
  for (const id of OLD) store.append({ __name__: 'x', id }, BASE, 1);
  await store.waitForIndexing();
  await store.checkpoint();
  for (const id of TAIL) store.append({ __name__: 'x', id }, BASE, 1);
  await store.waitForIndexing();
  await store.flush();
};

/** A machine whose process died at a call of the rebuild; `undefined` if the rebuild has fewer calls. */
const diedInRebuild = async (call: number): Promise<World | undefined> => {
  const world = new World({ seed: 2000 + call, directory, mischief: 0 });
  const store = await boot(world);
  await succeed(world, () => fill(store));
  world.disk.faults.arm({ fault: 'crash', skip: call });
  const outcome = await world.run(() => store.rebuildIndexes());
  if (outcome.kind === 'value') return undefined;
  world.disk.faults.clear();
  return world;
};

/** The clock of a busy machine: so much time passes between two pieces of work that the indexer writes its batch. */
const busy = (clock: Clock): Clock => {
  let extraMs = 0;
  return {
    now: () => clock.now(),
    monotonic: () => {
      extraMs += 10;
      return clock.monotonic() + extraMs;
    },
    setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs),
    clearTimeout: (handle) => clock.clearTimeout(handle),
    breathe: () => new Promise((resolve) => clock.setTimeout(resolve, 600)),
  };
};

/** Opens the store in a process that dies at a call of the opening. Returns false if the opening has fewer calls. */
const dieInOpening = async (world: World, call: number, forceRecovery: boolean): Promise<boolean> => {
  world.disk.faults.arm({ fault: 'crash', skip: call });
  const ports = world.boot();
  const clock = busy(ports.clock);
  const outcome = await world.run(() => openStore(directory, { ...options, forceRecovery, ...ports, clock }));
  world.disk.faults.clear();
  if (outcome.kind === 'error') throw outcome.error;
  return outcome.kind === 'crashed';
};

const expectWhole = async (world: World, where: string): Promise<void> => {
  const store = await boot(world);
  const { samples, names } = await look(world, store);
  expect([...samples.keys()].sort(), where).to.deep.equal([...OLD, ...TAIL]);
  expect(names, where).to.deep.equal([...OLD, ...TAIL]);
  await succeed(world, () => store.close());
};

describe('label indexes whose rebuild is interrupted', () => {
  for (const kind of ['kill', 'power'] as const) {
    it(`(${kind}) are complete after the next opening, even if an opening in between dies`, async () => {
      let openings = 0;
      for (let inRebuild = 0; ; inRebuild++) {
        if ((await diedInRebuild(inRebuild)) === undefined) break;
        // The opening dies at every call, each combined with some of the calls of the rebuild.
        for (let inOpening = inRebuild % STRIDE; ; inOpening += STRIDE) {
          const world = await diedInRebuild(inRebuild);
          if (world === undefined) break;
          world.crash(kind);
          const isDead = await dieInOpening(world, inOpening, false);
          world.crash(kind);
          await expectWhole(world, `call ${inRebuild} of the rebuild, call ${inOpening} of the next opening`);
          if (!isDead) break;
          openings++;
        }
      }
      expect(openings).to.be.greaterThan(5);
    });

    it(`(${kind}) are complete after the next opening, even if a full recovery in between dies`, async () => {
      let openings = 0;
      for (let call = IN_ITS_CHECKPOINT; ; call += 3) {
        const world = await diedInRebuild(IN_THE_MIDDLE);
        if (world === undefined) throw new Error('the rebuild has fewer calls');
        world.crash(kind);
        const isDead = await dieInOpening(world, call, true);
        world.crash(kind);
        await expectWhole(world, `call ${call} of the full recovery`);
        if (!isDead) break;
        openings++;
      }
      expect(openings).to.be.greaterThan(3);
    });
  }

  const refused = new Error('the index is refused');
  const openOnMemory = async (): Promise<{ store: Store; stores: FailingStores; reopen: () => Promise<Store> }> => {
    const fileSystem = new MemoryFileSystem();
    const stores = new FailingStores(fileSystem);
    const ports = { fileSystem, keyValueStores: stores };
    const reopen = (): Promise<Store> => openStore(directory, { ...options, ...ports });
    return { store: await reopen(), stores, reopen };
  };
  const namesOf = (store: Store): Promise<string[]> => store.labelValues('id');
  const codeOf = (act: () => Promise<unknown>): Promise<unknown> =>
    act().then(
      () => 'no error',
      (error: { code?: string }) => error.code ?? error,
    );
  const pairsOf = (stores: FailingStores): MemoryStore => stores.named('labelpair_to_fingerprints');

  it('refuse lookups with the reason until a rebuild succeeds, instead of answering incompletely', async () => {
    const { store, stores } = await openOnMemory();
    await fill(store);
    pairsOf(stores).failure = refused;
    expect(await codeOf(() => store.rebuildIndexes())).to.equal(refused);
    pairsOf(stores).failure = undefined;
    store.append({ __name__: 'x', id: 'f' }, BASE, 1);
    await store.waitForIndexing();
    expect(await codeOf(() => namesOf(store))).to.equal('TIDEMARK_CORRUPT_INDEX');
    await store.rebuildIndexes();
    expect(await namesOf(store)).to.deep.equal([...OLD, ...TAIL, 'f']);
    await store.close();
  });

  it('are rebuilt by a clean close, because the original would treat them as complete', async () => {
    const { store, stores, reopen } = await openOnMemory();
    await fill(store);
    pairsOf(stores).failure = refused;
    expect(await codeOf(() => store.rebuildIndexes())).to.equal(refused);
    pairsOf(stores).failure = undefined;
    store.append({ __name__: 'x', id: 'f' }, BASE, 1);
    await store.close();
    const next = await reopen();
    expect((await next.info()).opened).to.equal('clean');
    expect(await namesOf(next)).to.deep.equal([...OLD, ...TAIL, 'f']);
    await next.close();
  });
});
