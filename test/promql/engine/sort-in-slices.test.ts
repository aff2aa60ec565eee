import { expect } from 'chai';
import { Budget } from '../../../src/promql/engine/limits.ts';
import { sortInSlices } from '../../../src/promql/engine/sort-in-slices.ts';
import { seeded } from '../../support/seeded.ts';
import { testEngineOptions } from '../answers.ts';

describe('sortInSlices', () => {
  for (const length of [0, 1, 1000, 1024, 5000, 20_000]) {
    it(`sorts ${length} elements and keeps the order of equal ones`, async () => {
      const random = seeded(length);
      const items = Array.from({ length }, (_, index) => ({ key: random.int(500), index }));
      const expected = items.toSorted((a, b) => a.key - b.key);
      let breaths = 0;
      let time = 0;
      const breathe = async (): Promise<void> => {
        breaths++;
      };
      const budget = new Budget({ ...testEngineOptions, now: () => (time += 6), breathe }, undefined);
      await sortInSlices(items, (a, b) => a.key - b.key, budget);
      expect(items).to.deep.equal(expected);
      if (length >= 5000) expect(breaths).to.be.above(5);
    });
  }
});
