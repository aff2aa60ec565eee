import { expect } from 'chai';
import fc from 'fast-check';
import {
  formatApiValue,
  formatBits,
  formatJsonValue,
  formatValue,
  parseBits,
  parseValue,
} from '../../src/text/values.ts';

describe('sample values as text', () => {
  it('writes special values as Prometheus does, and keeps the sign of zero', () => {
    const texts = [0, -0, Number.NaN, Infinity, -Infinity, 1e21, 1e-7, 21.5].map(formatValue);
    expect(texts).to.deep.equal(['0', '-0', 'NaN', '+Inf', '-Inf', '1e+21', '1e-7', '21.5']);
  });

  it("writes values for Prometheus' API with two digits of exponent", () => {
    const texts = [-0, Number.NaN, Infinity, -Infinity, 1e21, 1e-6, 1e-7, -1.5e-9, 1.5e300].map(formatApiValue);
    expect(texts).to.deep.equal(['-0', 'NaN', '+Inf', '-Inf', '1e+21', '0.000001', '1e-07', '-1.5e-09', '1.5e+300']);
  });

  it('writes values with few digits after the point like all others', () => {
    const hundredths = fc.integer({ min: -(2 ** 31), max: 2 ** 31 }).map((whole) => whole / 100);
    const thousandths = fc.integer({ min: -(2 ** 31), max: 2 ** 31 }).map((whole) => whole / 1000);
    const neighbours = hundredths.map((value) => value * (1 + Number.EPSILON));
    fc.assert(
      fc.property(fc.oneof(hundredths, thousandths, neighbours), (value) => {
        expect(formatValue(value)).to.equal(Object.is(value, -0) ? '-0' : String(value));
      }),
      { numRuns: 20_000 },
    );
  });

  it('reads every finite double back from its text, bit for bit', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        expect(Object.is(parseValue(formatValue(value)), value)).to.equal(true);
      }),
    );
  });

  it('writes JSON tokens that a JSON parser reads back', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Object.is(JSON.parse(formatJsonValue(value)), value)).to.equal(true);
      }),
    );
    const special = [Number.NaN, Infinity, -Infinity].map(formatJsonValue);
    expect(special).to.deep.equal(['null', '"Infinity"', '"-Infinity"']);
  });

  it('keeps the payload of a signalling NaN in its bit pattern', () => {
    const values = new Float64Array(BigUint64Array.of(0x7ff0000000000002n, 0x8000000000000000n, 1n).buffer);
    expect(formatBits(values, 0, 3)).to.deep.equal(['7ff0000000000002', '8000000000000000', '0000000000000001']);
    expect(parseBits('7ff0000000000002')).to.deep.equal({ high: 0x7ff00000, low: 2 });
  });

  it('refuses what is no number and no bit pattern', () => {
    for (const text of [
      '',
      '.',
      '1e',
      'e5',
      '0x10',
      '1_000',
      '1 ',
      'infi',
      '++1',
      '--Inf',
      '+NaN',
      '-nan',
      '0x1p4',
      '1e999',
      '-1e999',
    ])
      expect(parseValue(text), text).to.equal(undefined);
    for (const text of ['', '7ff', '7ff000000000000g', '7ff00000000000021'])
      expect(parseBits(text)).to.equal(undefined);
  });

  it('reads the spellings of infinity and NaN that are in use', () => {
    expect(['Inf', '+Inf', '-inf', 'Infinity', '-Infinity'].map(parseValue)).to.deep.equal([
      Infinity,
      Infinity,
      -Infinity,
      Infinity,
      -Infinity,
    ]);
    expect(parseValue('1e-999')).to.equal(0);
    expect(['NaN', 'nan'].map(parseValue)).to.deep.equal([Number.NaN, Number.NaN]);
  });
});
