/**
 * A crash at every call that a checkpoint and a clean close make: the next opening finds everything, from the checkpoint
 * before or from the new one, and never has to look at files that nothing has touched.
 */
import { expect } from 'chai';
import type { Store } from '../../src/api.ts';
import { World } from '../../src/simulation/world.ts';
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

/** One process was killed while it ran, the next one in its close, when heads.db was in place and the journal before it gone. */
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
    it(`of a clean close (${kind}) finds everything, and recovers at the cost of the tail`, async () => {
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

    it(`of a clean close (${kind}) after another that was cut short finds everything as well`, async () => {
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

    it(`of a checkpoint (${kind}) finds everything, and recovers at the cost of the tail`, async () => {
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
  it('after a close that was cut short finds what was acknowledged since', async () => {
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
