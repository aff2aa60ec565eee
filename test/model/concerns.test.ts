import { expect } from 'chai';
import { concerns } from '../../src/model/concerns.ts';
import type { SeriesEvent } from '../../src/model/events.ts';

const fingerprint = '0123456789abcdef';
const created: SeriesEvent = {
  type: 'seriesCreated',
  time: 1,
  fingerprint,
  labels: { __name__: 'up', job: 'node' },
};
const closed: SeriesEvent = { type: 'headChunksClosed', time: 2, fingerprints: [fingerprint] };

describe('an event', () => {
  it('concerns the series that it names, alone or among others', () => {
    expect(concerns(created, fingerprint)).to.equal(true);
    expect(concerns(closed, fingerprint)).to.equal(true);
    expect(concerns(closed, 'ffffffffffffffff')).to.equal(false);
    expect(concerns({ type: 'clockJumped', time: 1, byMs: 5 }, fingerprint)).to.equal(false);
  });
});
