/**
 * The label indexes are projections of the journal. A crash may leave them behind the journal or ahead of it; the next
 * opening makes them agree with the journal. The archive's indexes are written after the journal too, so a series that
 * is woken from the archive is always in memory or in the archive.
 */
import { expect } from 'chai';
import type { Store } from '../../src/api/api.ts';
import { dieAtEachCall, type Found } from './crash-world.ts';

const labels = (id: string) => ({ __name__: 'x', id, job: `job-${id}` });
const BASE = 1_700_000_000_000;

const before = async (store: Store): Promise<void> => {
  for (const id of ['a', 'b', 'c']) store.append(labels(id), BASE, 1);
  await store.flush();
  await store.waitForIndexing();
  await store.checkpoint();
};

/** Creates a series that is acknowledged before it is indexed and one that is indexed first, and drops a third. */
const dyingIn = async (store: Store): Promise<void> => {
  store.append(labels('d'), BASE, 1);
  await store.flush();
  store.append(labels('e'), BASE, 1);
  await store.waitForIndexing();
  await store.drop({ id: 'b' });
  await store.flush();
  await store.waitForIndexing();
};

const expectAgreement = ({ samples, names }: Found): void => {
  const ids = [...samples.keys()].sort();
  expect(ids.filter((id) => id !== 'b' && id !== 'd' && id !== 'e')).to.deep.equal(['a', 'c']);
  expect(names, 'what the indexes name is what there is').to.deep.equal(ids);
};

describe('a crash at every call between an event and its index', () => {
  for (const kind of ['kill', 'power'] as const) {
    it(`(${kind}) leaves indexes that the next opening brings up to date`, async () => {
      expect(await dieAtEachCall(kind, { before, dyingIn, expectFound: expectAgreement })).to.be.greaterThan(10);
    });

    it(`(${kind}) never loses an archived series that is being woken`, async () => {
      const calls = await dieAtEachCall(kind, {
        options: { headChunkTimeout: 1 },
        before: async (store) => {
          store.append(labels('a'), BASE, 1);
          await store.maintain();
          await store.maintain();
          await store.checkpoint();
          expect(store.stateCounts().archived).to.equal(1);
        },
        dyingIn: async (store) => {
          store.append(labels('a'), BASE + 1, 2);
          await store.waitForIndexing();
        },
        expectFound: ({ samples }) => expect(samples.get('a')?.[0]).to.equal(1),
      });
      expect(calls).to.be.greaterThan(2);
    });
  }
});
