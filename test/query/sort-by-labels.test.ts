import { expect } from 'chai';
import fc from 'fast-check';
import { compareLabelPairs, toLabelPairs } from '../../src/model/labels.ts';
import { sortByLabels } from '../../src/query/sort-by-labels.ts';
import { seeded } from '../support/seeded.ts';

describe('sortByLabels', () => {
  it('sorts as comparing whole label sets does, whatever they have in common', async () => {
    const labelSet = fc.dictionary(fc.constantFrom('__name__', 'a', 'b', 'c'), fc.constantFrom('x', 'y', 'z'), {
      minKeys: 1,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(labelSet), async (labelSets) => {
        const series = labelSets.map((labels) => ({ pairs: toLabelPairs(labels) }));
        const expected = series.toSorted((a, b) => compareLabelPairs(a.pairs, b.pairs));
        expect(await sortByLabels(series, () => undefined)).to.deep.equal(expected);
      }),
    );
  });

  it('pauses in long lists', async () => {
    const random = seeded(7);
    const series = Array.from({ length: 20_000 }, (_, i) => ({ pairs: ['id', `${random.int(1e6)}`, 'n', `${i}`] }));
    const expected = series.toSorted((a, b) => compareLabelPairs(a.pairs, b.pairs));
    let pauses = 0;
    const sorted = await sortByLabels(series, async () => {
      pauses++;
    });
    expect(sorted).to.deep.equal(expected);
    expect(pauses).to.be.greaterThan(20);
  });
});
