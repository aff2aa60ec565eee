import { expect } from 'chai';
import fc from 'fast-check';
import { CsvRecords } from '../../src/text/csv.ts';
import { LineError } from '../../src/text/json-lines.ts';

const recordsOf = (text: string): (readonly string[])[] => {
  const records = new CsvRecords();
  const found: (readonly string[])[] = [];
  for (const line of text.split('\n')) {
    const fields = records.add(line);
    if (fields !== undefined) found.push(fields);
  }
  return found;
};

const quoted = (field: string): string => `"${field.replaceAll('"', '""')}"`;

describe('CSV', () => {
  it('has fields between commas, empty ones too, and quoted ones', () => {
    expect(recordsOf('a,b,c')).to.deep.equal([['a', 'b', 'c']]);
    expect(recordsOf(',,')).to.deep.equal([['', '', '']]);
    expect(recordsOf('"a,b","c ""d""",""')).to.deep.equal([['a,b', 'c "d"', '']]);
    expect(recordsOf('"one\ntwo\n\nfour",b\nc,d')).to.deep.equal([
      ['one\ntwo\n\nfour', 'b'],
      ['c', 'd'],
    ]);
  });

  it('gives back what was written', () => {
    const field = fc.string().map((text) => text.replaceAll('\r', ''));
    fc.assert(
      fc.property(fc.array(fc.array(field, { minLength: 1 }), { minLength: 1 }), (records) => {
        const text = records.map((fields) => fields.map(quoted).join(',')).join('\n');
        expect(recordsOf(text)).to.deep.equal(records);
      }),
    );
  });

  it('refuses a quote in the middle and text behind a quote, and goes on with the next line', () => {
    const records = new CsvRecords();
    expect(() => records.add('a,b"c')).to.throw(LineError, 'column 4: a quote within a field');
    expect(() => records.add('"a"b,c')).to.throw(LineError, 'column 4: text after the end of a quoted field');
    expect(records.add('d,e')).to.deep.equal(['d', 'e']);
  });

  it('bounds a record whose quote is never closed', () => {
    const records = new CsvRecords();
    records.add('"open');
    expect(records.isOpen).to.equal(true);
    const line = 'x'.repeat(300_000);
    expect(() => {
      for (let i = 0; i < 4; i++) records.add(line);
    }).to.throw(LineError, 'is a quote not closed?');
    expect(records.isOpen).to.equal(false);
  });
});
