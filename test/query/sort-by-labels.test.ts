import { expect } from 'chai';
import fc from 'fast-check';
import { compareLabelPairs, toLabelPairs } from '../../src/model/labels.ts';
import { sortByLabels } from '../../src/query/sort-by-labels.ts';

describe('sortByLabels', () => {
  it('sorts as comparing whole label sets does, whatever they have in common', () => {
    const labelSet = fc.dictionary(fc.constantFrom('__name__', 'a', 'b', 'c'), fc.constantFrom('x', 'y', 'z'), {
      minKeys: 1,
    });
    fc.assert(
      fc.property(fc.array(labelSet), (labelSets) => {
        const series = labelSets.map((labels) => ({ pairs: toLabelPairs(labels) }));
        const expected = series.toSorted((a, b) => compareLabelPairs(a.pairs, b.pairs));
        sortByLabels(series);
        expect(series).to.deep.equal(expected);
      }),
    );
  });
});
