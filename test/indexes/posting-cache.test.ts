import { expect } from 'chai';
import { FingerprintSet } from '../../src/indexes/fingerprint-set.ts';
import { PostingCache } from '../../src/indexes/posting-cache.ts';

/** A set of about 1,000 bytes. */
const setOf = (seed: number): FingerprintSet =>
  FingerprintSet.of(Array.from({ length: 200 }, (_, i) => seed * 1000 + i));

const cached = (cache: PostingCache, count: number): number[] =>
  Array.from({ length: count }, (_, i) => i).filter((i) => cache.get('n', String(i)) !== undefined);

describe('PostingCache', () => {
  it('keeps what was used lately and stays within its bound', () => {
    const cache = new PostingCache(20_000);
    for (let i = 0; i < 100; i++) {
      cache.set('n', String(i), setOf(i));
      cache.get('n', '0');
    }
    const kept = cached(cache, 100);
    expect(kept).to.include(0);
    expect(kept).to.include(99);
    expect(kept.length).to.be.lessThan(21);
  });

  it('replaces, deletes and forgets', () => {
    const cache = new PostingCache(20_000);
    cache.set('n', '1', setOf(1));
    const second = setOf(2);
    cache.set('n', '1', second);
    expect(cache.get('n', '1')).to.equal(second);
    cache.delete('n', '1');
    expect(cache.get('n', '1')).to.equal(undefined);
    cache.set('n', '1', second);
    cache.clear();
    expect(cache.get('n', '1')).to.equal(undefined);
  });

  it('never keeps an older set where the new one is too small or too large to keep', () => {
    for (const other of [FingerprintSet.single(1, 2), FingerprintSet.of(Array.from({ length: 8000 }, (_, i) => i))]) {
      const cache = new PostingCache(20_000);
      cache.set('n', '1', setOf(1));
      cache.set('n', '1', other);
      expect(cache.get('n', '1')).to.equal(undefined);
    }
  });
});
