import { expect } from 'chai';
import fc from 'fast-check';
import { DecodedSamples, decodeSamples } from '../../src/journal/format/decode-samples.ts';
import { encodeSamples, type SampleBatch, samplesBytesMax } from '../../src/journal/format/samples-codec.ts';
import { ReferenceTable, SegmentReferences } from '../../src/journal/format/segment-references.ts';
import { HIGH_WORD, LOW_WORD } from '../../src/model/byte-order.ts';
import { MalformedBytes } from '../../src/model/malformed-bytes.ts';
import { halvesOf } from './journal-fixture.ts';

interface Given {
  readonly reference: number;
  readonly timestamp: number;
  readonly high: number;
  readonly low: number;
}

const batchOf = (samples: readonly Given[]): SampleBatch => {
  const values = new Float64Array(samples.length);
  const words = new Int32Array(values.buffer);
  for (const [index, { high, low }] of samples.entries()) {
    words[2 * index + HIGH_WORD] = high;
    words[2 * index + LOW_WORD] = low;
  }
  return {
    count: samples.length,
    references: Int32Array.from(samples, ({ reference }) => reference),
    timestamps: Float64Array.from(samples, ({ timestamp }) => timestamp),
    values,
    words,
  };
};

const referencesUpTo = (count: number): SegmentReferences => {
  const references = new SegmentReferences();
  for (let reference = 0; reference < count; reference++) references.add(reference * 7, ~reference);
  return references;
};

const encode = (samples: readonly Given[], definedBefore = 0): Buffer => {
  const defined = referencesUpTo(Math.max(...samples.map(({ reference }) => reference)) + 1);
  const target = Buffer.alloc(samplesBytesMax(samples.length, defined.count));
  const end = encodeSamples(batchOf(samples), 1_700_000_000_123, defined, definedBefore, target, 0);
  return target.subarray(0, end);
};

const decode = (bytes: Buffer, table = new ReferenceTable()): { given: Given[]; out: DecodedSamples } => {
  const out = new DecodedSamples();
  decodeSamples(bytes, 0, bytes.length, table, 1 << 20, out);
  const given = Array.from({ length: out.count }, (_, index) => ({
    reference: out.references[index],
    timestamp: out.timestamps[index],
    high: out.words[2 * index + HIGH_WORD],
    low: out.words[2 * index + LOW_WORD],
  }));
  return { given, out };
};

const sample = (timestamp: number, value: number, reference = 0): Given => {
  const [high, low] = halvesOf(value);
  return { reference, timestamp, high, low };
};

/** What one sample adds to a batch that has one already, of the series before it at the same time. */
const bytesOf = (value: number, timestamp = 0): number =>
  encode([sample(0, 0), sample(timestamp, value, 1)]).length - encode([sample(0, 0), sample(0, 0, 1)]).length + 1;

const anyBits = fc.record({ high: fc.integer(), low: fc.integer() });
const anyValue = fc.oneof(
  anyBits,
  fc.double().map((value) => ({ high: halvesOf(value)[0], low: halvesOf(value)[1] })),
  fc.integer({ min: -3000, max: 20_000_000 }).map((value) => ({ high: halvesOf(value)[0], low: halvesOf(value)[1] })),
  fc.integer().map((value) => ({ high: halvesOf(value / 1000)[0], low: halvesOf(value / 1000)[1] })),
  fc.constantFrom(-0, Number.NaN, Infinity, -Infinity, 5e-324).map((value) => ({
    high: halvesOf(value)[0],
    low: halvesOf(value)[1],
  })),
  fc.constantFrom({ high: 0x7ff00000, low: 2 }, { high: -1, low: -1 }, { high: 0x7ff80000, low: 1 }),
);
const anyTimestamp = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
  fc.integer({ min: -20, max: 300 }),
  fc.maxSafeInteger(),
);
const anySamples = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 60 }), anyTimestamp, anyValue).map(([reference, timestamp, bits]) => ({
    reference,
    timestamp,
    ...bits,
  })),
  { minLength: 1, maxLength: 300 },
);

describe('the samples record', () => {
  it('gives back every bit of any batch', () => {
    fc.assert(
      fc.property(anySamples, (samples) => {
        expect(decode(encode(samples)).given).to.deep.equal(samples);
      }),
    );
  });

  it('takes nothing for a zero and a few bytes for what usually comes', () => {
    expect(bytesOf(0), '+0').to.equal(1);
    expect(bytesOf(-0), '-0').to.equal(2);
    expect(bytesOf(1), '1').to.equal(2);
    expect(bytesOf(65_535), '65535').to.equal(3);
    expect(bytesOf(1_000_000), '1e6').to.equal(4);
    expect(bytesOf(123_456_789), '123456789').to.equal(5);
    expect(bytesOf(21.5), '21.5').to.equal(4);
    expect(bytesOf(-3.07), '-3.07').to.equal(3);
    expect(bytesOf(0.001), '0.001').to.equal(3);
    expect(bytesOf(Math.PI), 'pi').to.equal(9);
    expect(bytesOf(Number.NaN), 'NaN').to.equal(3);
  });

  it('takes at most five bytes for a time within 24 days of the one before, and eight for any other', () => {
    expect(bytesOf(0, 5), '5 ms').to.equal(1);
    expect(bytesOf(0, -6), '-6 ms').to.equal(1);
    expect(bytesOf(0, 100), '100 ms').to.equal(2);
    expect(bytesOf(0, 15_000), '15 s').to.equal(3);
    expect(bytesOf(0, 86_400_000), 'a day').to.equal(5);
    expect(bytesOf(0, 2 ** 53 - 1), '2^53 - 1').to.equal(9);
  });

  it('takes no bytes for references that follow one another', () => {
    const inOrder = Array.from({ length: 1000 }, (_, reference) => sample(0, 0, reference));
    expect(encode(inOrder, 1000).length - 1000).to.be.below(30);
  });

  it('keeps times apart that differ by more than a double can tell', () => {
    const samples = [sample(2 ** 53 - 1, 1), sample(-(2 ** 53) + 1, 2), sample(0, 3)];
    expect(decode(encode(samples)).given).to.deep.equal(samples);
  });

  it('tells the wall time of the batch', () => {
    expect(decode(encode([sample(5, 1)])).out.time).to.equal(1_700_000_000_123);
  });

  it('leaves out and counts the samples of series that nothing names', () => {
    const bytes = encode([sample(1, 10, 0), sample(2, 20, 1), sample(3, 30, 2), sample(4, 40, 1)], 2);
    const table = new ReferenceTable();
    table.define(0, 5, 6);
    const { given, out } = decode(bytes, table);
    expect(given).to.deep.equal([sample(1, 10, 0), sample(3, 30, 2)]);
    expect(out.unresolved).to.equal(2);
    expect([out.highs[0], out.lows[0]]).to.deep.equal([5, 6]);
    expect([out.highs[1], out.lows[1]]).to.deep.equal([14, ~2]);
  });

  it('refuses bytes that are no batch, whatever they are, in bounded time and memory', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(decode(Buffer.from(bytes)).out.count).to.be.at.most(65_536);
        } catch (error) {
          expect(error).to.be.instanceOf(MalformedBytes);
        }
      }),
    );
  });

  it('refuses a batch with a byte changed, or reads another one, but never fails otherwise', () => {
    const bytes = encode(Array.from({ length: 40 }, (_, i) => sample(i * 1000, i * 1.37, i % 7)));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (offset, flip) => {
        const damaged = Buffer.from(bytes);
        damaged[offset] ^= flip;
        try {
          decode(damaged);
        } catch (error) {
          expect(error).to.be.instanceOf(MalformedBytes);
        }
      }),
    );
  });

  it('refuses every batch that is cut short', () => {
    const bytes = encode([sample(1, 1.1), sample(2 ** 40, Math.E, 1), sample(-5, 7, 3)]);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decode(Buffer.from(bytes.subarray(0, length))), `${length} bytes`).to.throw(MalformedBytes);
    }
  });
});
