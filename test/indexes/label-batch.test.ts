import { expect } from 'chai';
import { LabelBatch, type LabelOperation } from '../../src/indexes/label-batch.ts';
import { seeded } from '../support/seeded.ts';

describe('LabelBatch', () => {
  const COUNT = 20_000;
  const slices = { isOver: true, breathe: async () => {} };
  /** Every operation has the label `a="1"`; fingerprints come several times. */
  const batchOf = (typeOf: (i: number) => LabelOperation['type']): LabelBatch => {
    const random = seeded(3);
    const operations = Array.from({ length: COUNT }, (_, i) => ({
      type: typeOf(i),
      high: random.int(100),
      low: random.int(200),
      pairs: ['a', '1', 'id', String(i)],
    }));
    const batch = new LabelBatch(operations);
    batch.group(0, operations.length);
    return batch;
  };

  it('says with pauses what changes as it does without', async () => {
    for (const typeOf of [
      () => 'index' as const,
      () => 'unindex' as const,
      (i: number) => (i % 3 === 0 ? ('unindex' as const) : ('index' as const)),
    ]) {
      const batch = batchOf(typeOf);
      const expected = batch.changeOf(0);
      const change = await batch.changeInSlices(0, slices);
      expect(change.added.words).to.deep.equal(expected.added.words);
      expect(change.removed.words).to.deep.equal(expected.removed.words);
      expect(change.added.size + change.removed.size).to.be.within(10_000, COUNT);
    }
  });

  it('says with pauses what changes for a pair with one operation', async () => {
    const batch = batchOf(() => 'index');
    const group = batch.values.indexOf('7');
    expect((await batch.changeInSlices(group, slices)).added.words).to.deep.equal(batch.changeOf(group).added.words);
  });
});
