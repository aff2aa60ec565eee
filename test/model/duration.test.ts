import { expect } from 'chai';
import { formatDuration, parseDuration } from '../../src/model/duration.ts';

describe('parseDuration', () => {
  it('reads text with units, large ones first', () => {
    expect(parseDuration('100ms')).to.equal(100);
    expect(parseDuration('90s')).to.equal(90_000);
    expect(parseDuration('5m')).to.equal(300_000);
    expect(parseDuration('1h30m')).to.equal(5_400_000);
    expect(parseDuration('15d')).to.equal(15 * 86_400_000);
    expect(parseDuration('2w')).to.equal(14 * 86_400_000);
    expect(parseDuration('1y')).to.equal(365 * 86_400_000);
    expect(parseDuration('1y2w3d4h5m6s7ms')).to.equal(
      365 * 86_400_000 + 17 * 86_400_000 + 4 * 3_600_000 + 5 * 60_000 + 6007,
    );
    expect(parseDuration('0')).to.equal(0);
    expect(parseDuration('0s')).to.equal(0);
  });

  it('takes numbers as milliseconds', () => {
    expect(parseDuration(0)).to.equal(0);
    expect(parseDuration(1500)).to.equal(1500);
  });

  it('refuses everything else, showing it', () => {
    const wrong = ['', '5', 'm', '5 m', '1.5h', '30m1h', '5m5m', '-5m', '5M', '99999999999y', -1, Number.NaN, Infinity];
    for (const duration of [...wrong, undefined, null, {}, []] as (string | number)[]) {
      expect(() => parseDuration(duration), String(duration))
        .to.throw(`is not a duration`)
        .with.property('code', 'TIDEMARK_INVALID_OPTION');
    }
  });
});

describe('formatDuration', () => {
  it('shows days as the largest unit, and leaves out what is zero', () => {
    expect(formatDuration(15 * 86_400_000)).to.equal('15d');
    expect(formatDuration(400 * 86_400_000 + 1)).to.equal('400d1ms');
    expect(formatDuration(5_400_000)).to.equal('1h30m');
    expect(formatDuration(61_000)).to.equal('1m1s');
    expect(formatDuration(0)).to.equal('0');
  });

  it('shows what parseDuration reads', () => {
    for (const milliseconds of [0, 1, 999, 90_061_001, 2 ** 40]) {
      expect(parseDuration(formatDuration(milliseconds))).to.equal(milliseconds);
    }
  });
});
