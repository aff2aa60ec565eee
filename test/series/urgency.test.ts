import { expect } from 'chai';
import fc from 'fast-check';
import { persistenceUrgency, type UrgencyFacts } from '../../src/series/urgency.ts';

describe('series/urgency', () => {
  const facts: UrgencyFacts = { chunksWaiting: 0, chunksEvictable: 0, bytesUsed: 0, bytesTarget: 1000 };
  const urgency = (given: Partial<UrgencyFacts>) => persistenceUrgency({ ...facts, ...given });

  it('is 0 while nothing waits', () => {
    expect(urgency({})).to.equal(0);
    expect(urgency({ chunksEvictable: 10, bytesUsed: 2000 })).to.equal(0);
  });

  it('is how full memory is when nothing can be evicted', () => {
    expect(urgency({ chunksWaiting: 5, bytesUsed: 850 })).to.equal(0.85);
  });

  it('is lower the more could be evicted instead', () => {
    expect(urgency({ chunksWaiting: 5, chunksEvictable: 15, bytesUsed: 1000 })).to.equal(0.25);
  });

  it('is 1 when memory is full of chunks that wait, and never more', () => {
    expect(urgency({ chunksWaiting: 5, bytesUsed: 1000 })).to.equal(1);
    expect(urgency({ chunksWaiting: 5, bytesUsed: 9000 })).to.equal(1);
  });

  it('is 1 when memory is full and nothing in it can be written or evicted', () => {
    expect(urgency({ bytesUsed: 1000 })).to.equal(1);
    expect(urgency({ bytesUsed: 999 })).to.equal(0);
  });

  it('rises with what waits and with what is used, and falls with what can be evicted', () => {
    const count = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(count, count, count, count, (chunksWaiting, chunksEvictable, bytesUsed, more) => {
        const given = { chunksWaiting, chunksEvictable, bytesUsed, bytesTarget: 500_000 };
        const score = persistenceUrgency(given);
        expect(score).to.be.within(0, 1);
        expect(persistenceUrgency({ ...given, chunksWaiting: chunksWaiting + more })).to.be.at.least(score);
        expect(persistenceUrgency({ ...given, bytesUsed: bytesUsed + more })).to.be.at.least(score);
        expect(persistenceUrgency({ ...given, chunksEvictable: chunksEvictable + more })).to.be.at.most(score);
      }),
    );
  });
});
