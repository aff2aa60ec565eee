/**
 * A crash at every call that a checkpoint and a clean close make: the next opening finds everything, from the checkpoint
 * before or from the new one, and never has to look at files that nothing has touched.
 */
import { expect } from 'chai';
import type { Store } from '../../src/api.ts';
import { dieAtEachCall, type Found } from './crash-world.ts';

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
