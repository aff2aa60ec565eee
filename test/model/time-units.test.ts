import { expect } from 'chai';
import { mistakenUnit, unitHint } from '../../src/model/time-units.ts';

const NOW = 1_700_000_000_000;
const DAY = 86_400_000;

describe('mistakenUnit', () => {
  it('recognizes a time near the present in another unit', () => {
    expect(mistakenUnit(NOW / 1000, NOW)).to.equal('seconds');
    expect(mistakenUnit((NOW - 300 * DAY) / 1000 + 0.25, NOW)).to.equal('seconds');
    expect(mistakenUnit(NOW * 1000, NOW)).to.equal('microseconds');
    expect(mistakenUnit((NOW + 2 * DAY) * 1000 + 7, NOW)).to.equal('microseconds');
    expect(mistakenUnit(NOW * 1e6, NOW)).to.equal('nanoseconds');
  });

  it('says nothing of other times', () => {
    for (const time of [
      NOW,
      NOW + 300 * DAY,
      NOW + 3000 * DAY,
      NOW - 9000 * DAY,
      0,
      -NOW,
      Number.NaN,
      Infinity,
      '1',
      undefined,
    ])
      expect(mistakenUnit(time, NOW), String(time)).to.equal(undefined);
    expect(mistakenUnit((NOW - 400 * DAY) / 1000, NOW)).to.equal(undefined);
  });

  it('says nothing when the clock is near the epoch', () => {
    expect(mistakenUnit(1000, 5000)).to.equal(undefined);
  });
});

describe('unitHint', () => {
  it('names the unit, or is empty', () => {
    expect(unitHint(NOW * 1000, NOW)).to.equal('; it looks like microseconds, but timestamps are milliseconds');
    expect(unitHint(NOW - DAY, NOW)).to.equal('');
  });
});
