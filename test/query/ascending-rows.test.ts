import { expect } from 'chai';
import fc from 'fast-check';
import { ascendingRows } from '../../src/query/ascending-rows.ts';

describe('ascendingRows', () => {
  const sorted = (rows: readonly number[]): number[] => rows.toSorted((a, b) => a - b);

  it('puts rows in order, few or many of the table', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(5000), { maxLength: 300 }), fc.nat(3), (rows, beyond) => {
        const array = Int32Array.from([...rows, ...new Array<number>(beyond).fill(7)]);
        expect([...ascendingRows(array, rows.length, 5001)]).to.deep.equal(sorted(rows));
      }),
    );
  });

  it('puts few rows of a large table in order', () => {
    const rows = [999_999, 0, 31, 32, 500_000];
    expect([...ascendingRows(Int32Array.from(rows), rows.length, 1_000_000)]).to.deep.equal(sorted(rows));
  });
});
