/**
 * Crashes at every call that a checkpoint or a clean close makes. The next opening finds everything, starting from the
 * previous checkpoint or the new one, and never has to read series files that nothing has changed.
 */
import { expect } from 'chai';
import type { Store } from '../../src/api/api.ts';
import { World } from '../simulation/world.ts';
import { boot, dieAtEachCall, directory, type Found, look, succeed } from './crash-world.ts';

const SERIES = 6;
const ROUNDS = 5;

const append = async (store: Store): Promise<void> => {
  for (let k = 0; k < ROUNDS; k++) {
    for (let i = 0; i < SERIES; i++) store.append({ __name__: 'x', id: String(i) }, 1_700_000_000_000 + k, k + i / 8);
  }
  await store.flush();
};

const expectEverything = ({ samples }: Found): void => {
  expect(samples.size).to.equal(SERIES);
  for (const [id, values] of samples) expect(values).to.deep.equal([0, 1, 2, 3, 4].map((k) => k + Number(id) / 8));
};

/** Kills one process while it runs, and the next one in its close: heads.db is in place and the old journal removed. */
const closeCutShort = async (world: World): Promise<void> => {
  const first = await boot(world);
  await succeed(world, () => first.flush());
  world.crash('kill');
  const second = await boot(world);
  world.disk.faults.arm({ fault: 'crash', operation: 'create', file: 'mappingsTmp', skip: 0 });
  const outcome = await world.run(() => second.close());
  expect(outcome.kind).to.equal('crashed');
  world.crash('kill');
};

describe('a crash at every call', () => {
  for (const kind of ['kill', 'power'] as const) {
    it(`of a clean close (${kind}) loses nothing, and recovery costs only the journal's tail`, async () => {
      const calls = await dieAtEachCall(kind, {
        before: append,
        dyingIn: (store) => store.close(),
        expectFound: (found) => {
          expectEverything(found);
          expect(found.opened).to.be.oneOf(['clean', 'journal']);
        },
      });
      expect(calls).to.be.greaterThan(20);
    });

    it(`of a clean close (${kind}) after an interrupted close loses nothing`, async () => {
      await dieAtEachCall(kind, {
        earlier: closeCutShort,
        before: append,
        dyingIn: (store) => store.close(),
        expectFound: (found) => {
          expectEverything(found);
          expect(found.opened).to.be.oneOf(['clean', 'journal']);
        },
      });
    });

    it(`of a checkpoint (${kind}) loses nothing, and recovery costs only the journal's tail`, async () => {
      const calls = await dieAtEachCall(kind, {
        before: append,
        dyingIn: async (store) => {
          await store.maintain();
          await store.checkpoint();
        },
        expectFound: (found) => {
          expectEverything(found);
          expect(found.opened).to.equal('journal');
        },
      });
      expect(calls).to.be.greaterThan(20);
    });
  }
});

describe('a forced recovery', () => {
  it('after an interrupted close finds everything that was acknowledged since', async () => {
    const world = new World({ seed: 1, directory, mischief: 0 });
    await closeCutShort(world);
    const store = await boot(world);
    await succeed(world, () => append(store));
    world.crash('kill');
    const next = await boot(world, { forceRecovery: true });
    expectEverything(await look(world, next));
    await succeed(world, () => next.close());
  });
});
