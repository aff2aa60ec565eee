import { expect } from 'chai';
import fc from 'fast-check';
import { sortWithPauses } from '../../src/async/sort-with-pauses.ts';
import { seeded } from '../support/seeded.ts';

const numerically = (a: number, b: number): number => a - b;

describe('sorting with pauses', () => {
  it('sorts as the language does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer()), async (list) => {
        expect(await sortWithPauses(list, numerically, async () => {})).to.deep.equal([...list].sort(numerically));
      }),
    );
  });

  it('keeps the order of equal elements, and pauses, in long lists', async () => {
    const random = seeded(7);
    const list = Array.from({ length: 20_000 }, (_, i) => ({ key: random.int(100), i }));
    const before = [...list];
    let pauses = 0;
    const sorted = await sortWithPauses(
      list,
      (a, b) => a.key - b.key,
      async () => {
        pauses++;
      },
    );
    expect(sorted).to.deep.equal([...list].sort((a, b) => a.key - b.key || a.i - b.i));
    expect(list).to.deep.equal(before);
    // A part at a time: 20 parts, merged in five rounds.
    expect(pauses).to.be.at.least(100);
  });
});
