import { expect } from 'chai';
import fc from 'fast-check';
import { ByteReader } from '../../src/model/byte-reader.ts';
import { ByteWriter } from '../../src/model/byte-writer.ts';
import { EARLIEST, fromHalves, highHalf, lowHalf, readInt64LE, writeInt64LE } from '../../src/model/int64.ts';
import { MalformedBytes, OutOfBytes } from '../../src/model/malformed-bytes.ts';
import { TextTable } from '../../src/model/text-table.ts';

const written = (write: (writer: ByteWriter) => void): Buffer => {
  const writer = new ByteWriter(1);
  write(writer);
  return writer.copy();
};

const readerOf = (bytes: Uint8Array): ByteReader => new ByteReader(new TextTable(), bytes);

describe('base-128 integers', () => {
  const zigzag: [number, string][] = [
    [0, '00'],
    [1, '02'],
    [-1, '01'],
    [63, '7e'],
    [64, '8001'],
    [-65, '8101'],
    [1735689600000, '80f0cbf28365'],
    [EARLIEST, 'ffffffffffffffffff01'],
    [2 ** 63, 'feffffffffffffffff01'],
  ];
  for (const [value, hex] of zigzag) {
    it(`write ${value} as ${hex} and read it back`, () => {
      expect(written((writer) => writer.svarint(value)).toString('hex')).to.equal(hex);
      expect(readerOf(Buffer.from(hex, 'hex')).svarint()).to.equal(value);
    });
  }

  it('keep every safe integer', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(readerOf(written((writer) => writer.svarint(value))).svarint()).to.equal(value);
        const positive = Math.abs(value);
        expect(readerOf(written((writer) => writer.uvarint(positive))).uvarint()).to.equal(positive);
      }),
    );
  });

  it('keep every 64-bit integer as a bigint', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const bytes = written((writer) => writer.svarintBig(value));
        expect(readerOf(bytes).svarintBig()).to.equal(value);
      }),
    );
  });

  it('refuse more than 64 bits', () => {
    expect(() => readerOf(Buffer.alloc(20, 0xff)).uvarint()).to.throw(MalformedBytes);
    expect(() => readerOf(Buffer.from('ffffffffffffffffff02', 'hex')).uvarint()).to.throw(MalformedBytes);
  });

  it('say when the bytes end within', () => {
    expect(() => readerOf(Buffer.from([0x80])).uvarint()).to.throw(OutOfBytes);
  });
});

describe('int64', () => {
  it('splits into halves and back', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(fromHalves(highHalf(value), lowHalf(value))).to.equal(value);
        const bytes = new Uint8Array(8);
        writeInt64LE(bytes, 0, value);
        expect(Buffer.from(bytes).readBigInt64LE()).to.equal(BigInt(value));
        expect(readInt64LE(bytes, 0)).to.equal(value);
      }),
    );
  });

  it('writes numbers beyond the range as its ends', () => {
    const bytes = Buffer.alloc(8);
    writeInt64LE(bytes, 0, Number.POSITIVE_INFINITY);
    expect(bytes.readBigInt64LE()).to.equal(2n ** 63n - 1n);
    writeInt64LE(bytes, 0, Number.NEGATIVE_INFINITY);
    expect(bytes.readBigInt64LE()).to.equal(-(2n ** 63n));
  });
});

describe('metrics', () => {
  it('keep labels in any script, of any length', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 100, minLength: 1 });
    fc.assert(
      fc.property(fc.dictionary(text, text), (labels) => {
        const pairs = Object.entries(labels).flat();
        const bytes = written((writer) => writer.metric(pairs));
        expect(readerOf(bytes).unsortedMetric()).to.deep.equal(pairs);
        expect(readerOf(bytes).metric()).to.deep.equal(
          Object.entries(labels)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .flat(),
        );
      }),
    );
  });

  it('are read sorted by name, without empty values', () => {
    const bytes = written((writer) => writer.metric(['job', 'node', 'empty', '', '__name__', 'up']));
    expect(readerOf(bytes).metric()).to.deep.equal(['__name__', 'up', 'job', 'node']);
  });

  it('refuse a name that occurs twice', () => {
    const bytes = written((writer) => writer.metric(['job', 'a', 'job', 'b']));
    expect(() => readerOf(bytes).metric()).to.throw(MalformedBytes, 'job occurs twice');
  });

  it('keep bytes that are no UTF-8, and write them again', () => {
    const bytes = Buffer.from([2, 4, 0xc3, 0x28, 2, 0xff]);
    const pairs = readerOf(bytes).metric();
    expect(pairs).to.deep.equal(['\udcc3(', '\udcff']);
    expect(written((writer) => writer.metric(pairs))).to.deep.equal(bytes);
  });

  it('do not allocate for counts and lengths that the bytes cannot hold', () => {
    expect(() => readerOf(Buffer.from('feffffffffffffffff01', 'hex')).metric()).to.throw(OutOfBytes);
    expect(() => readerOf(Buffer.from('02feffffffffffffffff01', 'hex')).metric()).to.throw(OutOfBytes);
    expect(() => readerOf(Buffer.from('01', 'hex')).metric()).to.throw(MalformedBytes, 'negative');
  });

  it('share the text objects that repeat', () => {
    const texts = new TextTable();
    const bytes = Buffer.from('instanceinstance');
    expect(texts.read(bytes, 0, 8)).to.equal('instance');
    expect(texts.read(bytes, 8, 16)).to.equal('instance');
    expect(texts.read(bytes, 3, 3)).to.equal('');
  });
});
