import { expect } from 'chai';
import fc from 'fast-check';
import { parseRfc3339 } from '../../src/text/dates.ts';

describe('RFC 3339 times', () => {
  it('are read as JavaScript reads them', () => {
    const date = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, (given) => {
        expect(parseRfc3339(given.toISOString())).to.equal(given.getTime());
      }),
    );
  });

  it('have offsets, and fractions of any length of which milliseconds count', () => {
    expect(parseRfc3339('2023-11-14T23:13:20.1239999+01:00')).to.equal(1_700_000_000_123);
    expect(parseRfc3339('2023-11-14T16:43:20-05:30')).to.equal(1_700_000_000_000);
    expect(parseRfc3339('0050-01-01T00:00:00Z')).to.equal(Date.parse('0050-01-01T00:00:00Z'));
    expect(parseRfc3339('2024-02-29T00:00:00Z')).to.equal(Date.parse('2024-02-29T00:00:00Z'));
  });

  for (const text of [
    '2023-11-14',
    '2023-11-14T22:13:20',
    '2023-11-14T22:13Z',
    '2023-11-14 22:13:20Z',
    '2023-11-14t22:13:20z',
    '2023-02-30T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2023-04-31T00:00:00Z',
    '2023-13-01T00:00:00Z',
    '2023-00-01T00:00:00Z',
    '2023-01-00T00:00:00Z',
    '2023-11-14T24:00:00Z',
    '2023-11-14T23:60:00Z',
    '2023-11-14T23:59:60Z',
    '2023-11-14T23:59:59+24:00',
    '2023-11-14T23:59:59.Z',
    '+002023-11-14T23:59:59Z',
    'Nov 14 2023',
    ' 2023-11-14T22:13:20Z',
  ])
    it(`are not ${text}`, () => {
      expect(parseRfc3339(text)).to.equal(undefined);
    });
});
