import { expect } from 'chai';
import { quantileOf } from '../../../src/promql/engine/quantile.ts';
import { seeded } from '../../support/seeded.ts';

const bySorting = (q: number, values: readonly number[]): number => {
  const rankOf = (value: number): number => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value);
  const sorted = values.toSorted((a, b) => rankOf(a) - rankOf(b));
  const rank = q * (values.length - 1);
  const lower = Math.floor(rank);
  const upper = Math.min(values.length - 1, lower + 1);
  const weight = rank - lower;
  return sorted[lower] * (1 - weight) + sorted[upper] * weight;
};

describe('quantileOf', () => {
  it('gives the same as sorting', () => {
    const random = seeded(7);
    for (let round = 0; round < 2000; round++) {
      const length = 1 + random.int(round % 2 === 0 ? 10 : 200);
      // Few different values, so that many are equal.
      const spread = [3, 50, 1e6][round % 3];
      const values = Array.from({ length }, () =>
        random.int(20) === 0 ? Number.NaN : random.int(spread) - spread / 2,
      );
      const q = random.int(101) / 100;
      expect(quantileOf(q, Float64Array.from(values), length), `${q} of ${values}`).to.deep.equal(bySorting(q, values));
    }
  });

  it('looks only at the first values', () => {
    expect(quantileOf(1, Float64Array.of(1, 2, 3, 99), 3)).to.equal(3);
  });

  it('of nothing is NaN', () => {
    expect(quantileOf(0.5, Float64Array.of(1), 0)).to.deep.equal(Number.NaN);
  });
});
