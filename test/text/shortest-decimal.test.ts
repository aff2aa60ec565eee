import { expect } from 'chai';
import fc from 'fast-check';
import { DOUBLE_BYTES_MAX, writeDouble, writeInteger } from '../../src/text/shortest-decimal.ts';

const bytes = Buffer.alloc(2 * DOUBLE_BYTES_MAX);

const text = (value: number): string => bytes.toString('latin1', 1, writeDouble(bytes, 1, value));

const expectShortest = (value: number): void => {
  expect(text(value)).to.equal(Object.is(value, -0) ? '-0' : String(value));
};

/** The doubles beside a number. */
const around = (value: number): readonly number[] => {
  const words = new BigInt64Array(new Float64Array([value]).buffer);
  return [-2n, -1n, 0n, 1n, 2n].map((steps) => new Float64Array(new BigInt64Array([words[0] + steps]).buffer)[0]);
};

describe('numbers as decimal text in bytes', () => {
  it('are what String writes, for any double', () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), expectShortest), { numRuns: 20_000 });
  });

  it('are what String writes, for measured values', () => {
    const sizes = fc.integer({ min: -8, max: 16 }).map((exponent) => 10 ** exponent);
    const measured = fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), sizes).map(([part, size]) => part * size);
    const decimals = fc
      .tuple(fc.integer({ min: -(2 ** 31), max: 2 ** 31 }), fc.integer({ min: 0, max: 12 }))
      .map(([whole, digits]) => whole / 10 ** digits);
    const rates = fc.tuple(fc.nat(100_000), fc.nat(100_000)).map(([change, time]) => change / (time + 1));
    fc.assert(fc.property(fc.oneof(measured, decimals, rates), expectShortest), { numRuns: 50_000 });
  });

  it('are what String writes beside powers of ten and of two, where the spacing of doubles changes', () => {
    for (let exponent = -12; exponent <= 22; exponent++)
      for (const value of around(Number(`1e${exponent}`))) expectShortest(value);
    for (let exponent = -40; exponent <= 70; exponent++)
      for (const value of around(2 ** exponent)) expectShortest(value);
  });

  it('leave what is before them alone, and fit their room', () => {
    const longest = -1.2345678901234567e-308;
    bytes.fill(0);
    expect(writeDouble(bytes, 1, longest)).to.be.at.most(1 + DOUBLE_BYTES_MAX);
    expect(bytes[0]).to.equal(0);
  });

  it('are whole up to the largest time, in seconds', () => {
    for (const value of [0, 9, 10, 999_999_999, 1_000_000_000, 999_999_999_999_999, 9_223_372_036_854_776]) {
      expect(bytes.toString('latin1', 0, writeInteger(bytes, 0, value))).to.equal(String(value));
    }
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(bytes.toString('latin1', 0, writeInteger(bytes, 0, value))).to.equal(String(value));
      }),
    );
  });
});
