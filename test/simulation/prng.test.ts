import { expect } from 'chai';
import { Prng } from './prng.ts';

describe('Prng', () => {
  it('gives the same numbers for the same seed, and others for another seed', () => {
    const draw = (seed: number): number[] => {
      const prng = new Prng(seed);
      return Array.from({ length: 20 }, () => prng.uint32());
    };
    expect(draw(7)).to.deep.equal(draw(7));
    expect(draw(7)).not.to.deep.equal(draw(8));
    expect(draw(2 ** 32 + 7)).not.to.deep.equal(draw(7));
  });

  it('draws from every part of its range', () => {
    const prng = new Prng(1);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) counts[prng.below(10)]++;
    for (const count of counts) expect(count).to.be.within(850, 1150);
  });

  it('draws keys in proportion to their weights, and never a key of weight 0', () => {
    const prng = new Prng(2);
    const counts = { often: 0, seldom: 0, never: 0 };
    for (let i = 0; i < 10_000; i++) counts[prng.weighted({ often: 9, seldom: 1, never: 0 })]++;
    expect(counts.often).to.be.within(8_800, 9_200);
    expect(counts.never).to.equal(0);
  });

  it('forks streams that do not affect each other', () => {
    const one = new Prng(3);
    const other = new Prng(3);
    const forkOfOne = one.fork();
    other.fork();
    forkOfOne.uint32();
    expect(one.uint32()).to.equal(other.uint32());
  });
});
