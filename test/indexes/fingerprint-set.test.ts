import { expect } from 'chai';
import fc from 'fast-check';
import {
  decodeFingerprintSet,
  difference,
  encodeFingerprintSet,
  FingerprintSet,
  intersection,
  union,
  unionAll,
} from '../../src/indexes/fingerprint-set.ts';
import {
  differenceInSlices,
  intersectionInSlices,
  unionAllInSlices,
  unionInSlices,
} from '../../src/indexes/sets-in-slices.ts';
import { fingerprintText } from '../../src/model/fingerprint.ts';
import { seeded } from '../support/seeded.ts';

const half = fc.constantFrom(0, 1, 2, 0x7fffffff, -0x80000000, -1);
const member = fc.tuple(half, fc.oneof(half, fc.integer({ min: 0, max: 300 })));
const members = fc.array(member, { maxLength: 60 });

const setOf = (list: readonly (readonly [number, number])[]): FingerprintSet => FingerprintSet.of(list.flat());
const textsOf = (set: FingerprintSet): string[] =>
  Array.from({ length: set.size }, (_, i) => fingerprintText(set.high(i), set.low(i)));
const modelOf = (list: readonly (readonly [number, number])[]): Set<string> =>
  new Set(list.map(([high, low]) => fingerprintText(high, low)));
const sorted = (texts: Iterable<string>): string[] => [...texts].sort();

describe('FingerprintSet', () => {
  it('holds each fingerprint once, in ascending order', () => {
    fc.assert(
      fc.property(members, (list) => {
        const set = setOf(list);
        expect(textsOf(set)).to.deep.equal(sorted(modelOf(list)));
        for (const [high, low] of list) expect(set.has(high, low)).to.equal(true);
        expect(set.has(5, 5)).to.equal(false);
      }),
    );
  });

  it('computes as sets do', () => {
    fc.assert(
      fc.property(members, members, (a, b) => {
        const [left, right] = [modelOf(a), modelOf(b)];
        expect(textsOf(union(setOf(a), setOf(b)))).to.deep.equal(sorted(new Set([...left, ...right])));
        expect(textsOf(intersection(setOf(a), setOf(b)))).to.deep.equal(sorted([...left].filter((x) => right.has(x))));
        expect(textsOf(difference(setOf(a), setOf(b)))).to.deep.equal(sorted([...left].filter((x) => !right.has(x))));
      }),
      { numRuns: 500 },
    );
  });

  it('intersects sets of very different size', () => {
    const large = FingerprintSet.of(Array.from({ length: 20_000 }, (_, i) => (i % 2 === 0 ? i >> 8 : i * 7)));
    const some = [0, 1, 4000, 9999].map((i) => [large.high(i), large.low(i)] as const);
    const small = setOf([...some, [-5, 5]]);
    expect(textsOf(intersection(small, large))).to.deep.equal(textsOf(setOf(some)));
    expect(textsOf(intersection(large, small))).to.deep.equal(textsOf(setOf(some)));
    expect(difference(large, small).size).to.equal(large.size - 4);
    expect(textsOf(difference(small, large))).to.deep.equal([fingerprintText(-5, 5)]);
  });

  it('unites sets of very different size', () => {
    const manyMembers = fc.array(member, { minLength: 400, maxLength: 600 });
    const fewMembers = fc.array(member, { maxLength: 5 });
    fc.assert(
      fc.property(manyMembers, fewMembers, (many, few) => {
        const expected = sorted(modelOf([...many, ...few]));
        const [large, small] = [setOf(many), setOf(few)];
        expect(textsOf(union(large, small))).to.deep.equal(expected);
        expect(textsOf(union(small, large))).to.deep.equal(expected);
        expect(textsOf(large), 'the operands stay').to.deep.equal(sorted(modelOf(many)));
        expect(union(large, setOf(many.slice(0, 3))), 'nothing is added').to.equal(large);
      }),
      { numRuns: 200 },
    );
  });

  it('merges many sets', () => {
    fc.assert(
      fc.property(fc.array(members, { maxLength: 12 }), (lists) => {
        expect(textsOf(unionAll(lists.map(setOf)))).to.deep.equal(sorted(modelOf(lists.flat())));
      }),
    );
  });

  /** Random sets of some thousand members; the halves are few or many, so that they overlap or not. */
  const largeSets = (seed: number, sizes: readonly number[]): FingerprintSet[] => {
    const random = seeded(seed);
    return sizes.map((size) => {
      const most = random.int(2) === 0 ? 2 ** 16 : 2 ** 31;
      return FingerprintSet.of(Int32Array.from({ length: 2 * size }, () => random.int(most) - (most >> 1)));
    });
  };

  it('merges large sets with pauses as it does without', async () => {
    for (const [seed, sizes] of [
      [1, [40_000, 30_000]],
      [2, [100_000, 7000]],
      [3, [100_000, 100]],
      [4, [5, 60_000]],
      [5, [20_000, 20_000, 5000, 3, 60_000, 1, 16_000]],
      [6, Array.from({ length: 300 }, (_, i) => i)],
    ] as const) {
      const sets = largeSets(seed, sizes);
      let pauses = 0;
      const slices = { isOver: true, breathe: async () => void pauses++ };
      const expected = unionAll(sets);
      expect((await unionAllInSlices(sets, slices)).words, `seed ${seed}`).to.deep.equal(expected.words);
      expect(pauses).to.be.at.least(sizes.length === 2 ? 3 : 6);
      for (const [a, b] of [sets, sets.toReversed()]) {
        expect((await unionInSlices(a, b, slices)).words).to.deep.equal(union(a, b).words);
        expect((await intersectionInSlices(a, b, slices)).words).to.deep.equal(intersection(a, b).words);
        expect((await differenceInSlices(a, b, slices)).words).to.deep.equal(difference(a, b).words);
      }
    }
    const slices = { isOver: true, breathe: async () => {} };
    expect(await unionAllInSlices([], slices)).to.equal(FingerprintSet.empty);
  });

  it('merges ranges of large sets that follow or hold each other', async () => {
    const slices = { isOver: true, breathe: async () => {} };
    const rangeOf = (from: number, to: number): FingerprintSet =>
      FingerprintSet.of(Array.from({ length: 2 * (to - from) }, (_, i) => (i % 2 === 0 ? 0 : from + (i >> 1))));
    const [low, high, within] = [rangeOf(0, 50_000), rangeOf(50_000, 100_000), rangeOf(20_000, 45_000)];
    for (const [a, b] of [
      [low, high],
      [high, low],
      [low, within],
      [within, low],
    ] as const) {
      expect((await unionInSlices(a, b, slices)).words).to.deep.equal(union(a, b).words);
      expect((await intersectionInSlices(a, b, slices)).words).to.deep.equal(intersection(a, b).words);
      expect((await differenceInSlices(a, b, slices)).words).to.deep.equal(difference(a, b).words);
    }
    expect(await differenceInSlices(high, within, slices), 'nothing is removed').to.equal(high);
    expect(await unionInSlices(low, within, slices), 'nothing is added').to.equal(low);
  });

  it('gives back the same set when nothing changes', () => {
    const a = setOf([
      [1, 1],
      [2, 2],
    ]);
    expect(union(a, setOf([[2, 2]]))).to.equal(a);
    expect(difference(a, setOf([[3, 3]]))).to.equal(a);
  });

  it('reads what it writes', () => {
    fc.assert(
      fc.property(members, (list) => {
        const set = setOf(list);
        expect(textsOf(decodeFingerprintSet(encodeFingerprintSet(set)))).to.deep.equal(textsOf(set));
      }),
    );
  });
});
