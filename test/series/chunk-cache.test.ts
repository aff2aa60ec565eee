import { expect } from 'chai';
import { NO_SLOT, Slab } from '../../src/chunk/slab.ts';
import { ChunkCache } from '../../src/series/chunk-cache.ts';

describe('ChunkCache', () => {
  const setUp = (): { slab: Slab; cache: ChunkCache; put: (series: string, chunk: number) => number } => {
    const slab = new Slab();
    const cache = new ChunkCache(slab);
    const put = (series: string, chunk: number): number => {
      const slot = slab.allocate(2);
      cache.put(series, chunk, slot);
      return slot;
    };
    return { slab, cache, put };
  };

  it('evicts the series used longest ago first; putting and acquiring are uses', () => {
    const { slab, cache, put } = setUp();
    for (const series of ['a', 'b', 'c', 'd']) put(series, 0);
    slab.release(cache.acquire('a', 0));
    put('b', 1);
    expect(cache.evict(1)).to.equal(1);
    expect(cache.has('c')).to.equal(false);
    expect(cache.evict(1)).to.equal(1);
    expect(cache.has('d')).to.equal(false);
    expect(cache.evict(10)).to.equal(3);
    expect({ size: cache.size, evicted: cache.evicted, used: slab.used }).to.deep.equal({
      size: 0,
      evicted: 5,
      used: 0,
    });
  });

  it('evicts chunks that no query has used for two minutes, and persisted ones that none has ever used after 15 s', () => {
    const { slab, cache, put } = setUp();
    cache.evictUnused(1_000_000);
    for (const chunk of [0, 1, 2]) cache.putPersisted('persisted', chunk, slab.allocate(2));
    cache.putPersisted('persisted and used', 0, slab.allocate(2));
    slab.release(cache.acquire('persisted and used', 0));
    put('loaded', 0);
    cache.evictUnused(1_014_999);
    expect(cache.size).to.equal(5);
    cache.evictUnused(1_015_000);
    expect(cache.has('persisted')).to.equal(false);
    cache.putPersisted('loaded', 1, slab.allocate(2));
    cache.evictUnused(1_119_999);
    expect([cache.countOf('persisted and used'), cache.countOf('loaded')]).to.deep.equal([1, 2]);
    cache.evictUnused(1_120_000);
    expect({ size: cache.size, evicted: cache.evicted, used: slab.used }).to.deep.equal({
      size: 0,
      evicted: 6,
      used: 0,
    });
  });

  it('evicts many unused chunks over several calls', () => {
    const { slab, cache, put } = setUp();
    cache.evictUnused(1);
    for (let i = 0; i < 10_000; i++) put(String(i), 0);
    for (let i = 0; i < 20_000; i++) put('one series', i);
    for (let size = 30_000; size > 0; size = cache.size) {
      cache.evictUnused(120_001);
      expect(size - cache.size).to.be.within(1, 10_000);
    }
    expect({ evicted: cache.evicted, used: slab.used }).to.deep.equal({ evicted: 30_000, used: 0 });
  });

  it('does not take for old what was put before the clock was first read', () => {
    const { slab, cache, put } = setUp();
    put('loaded', 0);
    cache.putPersisted('persisted', 0, slab.allocate(2));
    cache.evictUnused(5_000_000);
    expect(cache.size).to.equal(2);
    cache.evictUnused(5_120_000);
    expect(cache.size).to.equal(0);
  });

  it('lets a reader keep an evicted chunk until it lets go', () => {
    const { slab, cache, put } = setUp();
    const slot = put('a', 0);
    slab.bytesOf(slot).fill(7);
    expect(cache.acquire('a', 0)).to.equal(slot);
    cache.evict(1);
    expect(slab.used).to.equal(1);
    expect(slab.bytesOf(slot)[0]).to.equal(7);
    slab.release(slot);
    expect(slab.used).to.equal(0);
  });

  it('counts hits and misses, and forgets a series whose chunks were renumbered', () => {
    const { slab, cache, put } = setUp();
    put('a', 3);
    slab.release(cache.acquire('a', 3));
    expect(cache.acquire('a', 4)).to.equal(NO_SLOT);
    cache.forgetSeries('a');
    expect(cache.acquire('a', 3)).to.equal(NO_SLOT);
    expect({ hits: cache.hits, misses: cache.misses, used: slab.used }).to.deep.equal({ hits: 1, misses: 2, used: 0 });
  });

  it('replaces a chunk that is there already', () => {
    const { slab, cache, put } = setUp();
    put('a', 0);
    put('a', 0);
    expect({ size: cache.size, used: slab.used }).to.deep.equal({ size: 1, used: 1 });
  });

  it('has the times of a file as long as a chunk of it is cached and the file does not grow', () => {
    const { cache, put } = setUp();
    const times = { firstTimes: Float64Array.of(1, 5), lastTimes: Float64Array.of(4, 8) };
    cache.putTimes('a', times);
    expect(cache.timesOf('a')).to.equal(undefined);
    put('a', 1);
    cache.putTimes('a', times);
    expect(cache.timesOf('a')).to.equal(times);
    expect(cache.timesBytes).to.equal(32);
    put('a', 2);
    expect(cache.timesOf('a')).to.equal(undefined);
    cache.putTimes('a', times);
    cache.forgetSeries('a');
    expect(cache.timesBytes).to.equal(0);
  });

  it('gives the slots of chunks that are all there, unless they are to be read with pauses', () => {
    const { cache, put } = setUp();
    const slots = [put('a', 1), put('a', 2)];
    expect(cache.slotsOf('a', 1, 3)).to.deep.equal(slots);
    expect([cache.holdsAll('a', 1, 3), cache.holdsAll('a', 0, 3), cache.holdsAll('b', 0, 1)]).to.deep.equal([
      true,
      false,
      false,
    ]);
    expect(cache.slotsOf('a', 0, 3)).to.equal(undefined);
    cache.noteLong('a', 1, 3);
    expect(cache.slotsOf('a', 1, 3)).to.equal(undefined);
    expect(cache.holdsAll('a', 1, 3)).to.equal(false);
    expect(cache.slotsOf('a', 1, 2)).to.deep.equal(slots.slice(0, 1));
  });
});
