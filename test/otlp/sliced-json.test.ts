/** JSON parsed in slices: what JSON.parse gives, for right and wrong documents, within its bounds. */
import { expect } from 'chai';
import fc from 'fast-check';
import { type JsonValue, parseSliced } from '../../src/otlp/sliced-json.ts';
import { WireError } from '../../src/wire/wire-error.ts';

const parse = (text: string | Buffer): { value: JsonValue; slices: number } => {
  const parsing = parseSliced(Buffer.from(text));
  for (let slices = 1; ; slices++) {
    const step = parsing.next();
    if (step.done === true) return { value: step.value, slices };
  }
};

/** With prototypes, for comparing. */
const plain = (value: JsonValue): unknown => structuredClone(value);

/** With large integers as text. */
const expectedOf = (document: string): unknown =>
  JSON.parse(document, (_, value: unknown) =>
    Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(String(value)) ? String(value) : value,
  );

describe('JSON in slices', () => {
  it('gives what JSON.parse gives', () => {
    fc.assert(
      fc.property(
        fc.json({ stringUnit: 'grapheme', noUnicodeString: false } as object),
        fc.constantFrom(0, 1, '\t'),
        (text, space) => {
          const document = JSON.stringify(JSON.parse(text), undefined, space);
          expect(plain(parse(document).value)).to.deep.equal(expectedOf(document));
        },
      ),
    );
  });

  it('refuses what JSON.parse refuses, and nothing else', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '1',
      '-',
      '0',
      '.5',
      'e3',
      'true',
      'nul',
      'null',
      ' ',
      '\\',
      '"\\n"',
      '"\\x"',
      '\u0001',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const document = parts.join('');
        let expected: unknown;
        try {
          expected = JSON.parse(document);
        } catch {
          expect(() => parse(document), document).to.throw(WireError);
          return;
        }
        expect(plain(parse(document).value), document).to.deep.equal(expected);
      }),
      { numRuns: 5000 },
    );
  });

  it('keeps the digits of large integers as text', () => {
    expect(parse('[9007199254740991,9007199254740993,-18446744073709551616,1e300,0.5]').value).to.deep.equal([
      9007199254740991,
      '9007199254740993',
      '-18446744073709551616',
      1e300,
      0.5,
    ]);
  });

  it('has no prototypes', () => {
    const { value } = parse('{"__proto__":{"a":1}}');
    expect(Object.keys(value as object)).to.deep.equal(['__proto__']);
    expect(({} as { a?: number }).a).to.equal(undefined);
  });

  it('divides a long document', () => {
    expect(parse(JSON.stringify(Array(100_000).fill(1))).slices).to.be.within(19, 22);
    expect(parse(JSON.stringify(Array(50).fill('x'.repeat(1_000_000)))).slices).to.be.above(2);
  });

  for (const [what, document, message] of [
    ['depth', '['.repeat(1000), /deeper than 300/],
    ['number of values', `[${'0,'.repeat(2_000_000)}0]`, /more than 2000000 values/],
    ['length of a text', `"${'x'.repeat(1_100_000)}"`, /text longer than 1048576/],
    ['white space', `${' '.repeat(1_100_000)}1`, /text longer than 1048576/],
    ['bytes that are no text', Buffer.from([0x22, 0xff, 0x22]), /not UTF-8/],
  ] as const)
    it(`is bounded: ${what}`, () => {
      expect(() => parse(document as string)).to.throw(WireError, message);
    });
});
