import { expect } from 'chai';
import { formatG, formatTwoDigits, labelsText, parseGoFloat } from '../../../src/promql/engine/go-text.ts';
import { printNumber } from '../../../src/promql/syntax/numbers.ts';

describe('text as Go writes it', () => {
  it('%g has an exponent below -4 and from 6 on', () => {
    const table = [
      [0, '0'],
      [-0, '-0'],
      [1.5, '1.5'],
      [123456, '123456'],
      [1e6, '1e+06'],
      [1.25e-5, '1.25e-05'],
      [0.0001, '0.0001'],
      [1e100, '1e+100'],
      [Number.NaN, 'NaN'],
      [Number.POSITIVE_INFINITY, '+Inf'],
      [Number.NEGATIVE_INFINITY, '-Inf'],
    ] as const;
    for (const [number, text] of table) expect(formatG(number)).to.equal(text);
  });

  it("'f' has no exponent", () => {
    const table = [
      [0, '0'],
      [-1.5e-7, '-0.00000015'],
      [1e21, '1000000000000000000000'],
      [1234.5, '1234.5'],
      [100, '100'],
    ] as const;
    for (const [number, text] of table) expect(printNumber(number)).to.equal(text);
  });

  it('%.2g has two digits', () => {
    const table = [
      [0, '0'],
      [10, '10'],
      [0.0123, '0.012'],
      [123, '1.2e+02'],
      [0.00001, '1e-05'],
      [1, '1'],
    ] as const;
    for (const [number, text] of table) expect(formatTwoDigits(number)).to.equal(text);
  });

  it('reads the numbers that ParseFloat reads', () => {
    const table = [
      ['1', 1],
      ['+1.50', 1.5],
      ['.5e1', 5],
      ['-Inf', Number.NEGATIVE_INFINITY],
      ['infinity', Number.POSITIVE_INFINITY],
      ['NaN', Number.NaN],
      ['0x1p-2', 0.25],
      ['0x1.8p1', 3],
      ['', undefined],
      ['0x10', undefined],
      ['1e999', undefined],
      ['1 ', undefined],
      ['one', undefined],
    ] as const;
    for (const [text, number] of table) expect(parseGoFloat(text), text).to.deep.equal(number);
  });

  it('quotes the values of labels, and names that are no plain names', () => {
    expect(labelsText(['a', 'x"\n', 'b.c', 'ü'])).to.equal('{a="x\\"\\n", "b.c"="ü"}');
    expect(labelsText([])).to.equal('{}');
  });
});
