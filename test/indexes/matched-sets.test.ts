import { expect } from 'chai';
import { FingerprintSet } from '../../src/indexes/fingerprint-set.ts';
import { MatchedSets } from '../../src/indexes/matched-sets.ts';

/** A set of about 1,000 bytes. */
const setOf = (seed: number): FingerprintSet =>
  FingerprintSet.of(Array.from({ length: 200 }, (_, i) => seed * 1000 + i));

describe('MatchedSets', () => {
  it('keeps what was used lately and stays within its bound', () => {
    const sets = new MatchedSets(20_000);
    for (let i = 0; i < 100; i++) {
      sets.set(String(i), setOf(i));
      expect(sets.get('0')).not.to.equal(undefined);
      expect(sets.byteCount).to.be.at.most(20_000);
    }
    expect(sets.get('99')).not.to.equal(undefined);
    expect(sets.get('50')).to.equal(undefined);
  });

  it('counts each set once, and the text of its key', () => {
    const sets = new MatchedSets(20_000);
    sets.set('k', setOf(1));
    const { byteCount } = sets;
    sets.set('k', setOf(2));
    expect(sets.byteCount).to.equal(byteCount);
    sets.set('long'.repeat(1000), setOf(3));
    expect(sets.byteCount).to.be.greaterThan(byteCount + 8000);
    sets.clear();
    expect(sets.byteCount).to.equal(0);
    expect(sets.get('k')).to.equal(undefined);
  });

  it('does not keep a set that would take most of the room', () => {
    const sets = new MatchedSets(1_500);
    sets.set('k', setOf(1));
    expect(sets.get('k')).to.equal(undefined);
    expect(sets.byteCount).to.equal(0);
  });
});
