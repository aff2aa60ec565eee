import { expect } from 'chai';
import fc from 'fast-check';
import {
  decodeFingerprint,
  encodeFingerprint,
  encodeLabelName,
  encodeLabelPair,
  encodeMetric,
  encodeTimeRange,
  IndexDecoder,
} from '../../src/indexes/codable.ts';
import { decodeFingerprintSet, encodeFingerprintSet, FingerprintSet } from '../../src/indexes/fingerprint-set.ts';
import { ValueSet } from '../../src/indexes/value-set.ts';
import { fingerprintText, parseFingerprint } from '../../src/model/fingerprint.ts';
import { toLabelPairs } from '../../src/model/labels.ts';
import { TextTable } from '../../src/model/text-table.ts';
import { fixtureJson } from '../support/fixtures.ts';

interface CodableFixture {
  readonly values: readonly { readonly type: string; readonly input: unknown; readonly encodings: readonly string[] }[];
  readonly indexEntries: readonly {
    readonly index: string;
    readonly input: Record<string, unknown>;
    readonly keyHex: string;
    readonly valueHexAnyOf: readonly string[];
  }[];
}

const decoder = new IndexDecoder(new TextTable());
const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex');
const out = new Int32Array(2);

const setOf = (texts: readonly string[]): FingerprintSet =>
  FingerprintSet.of(
    texts.flatMap((text) => {
      const { high, low } = parseFingerprint(text)!;
      return [high, low];
    }),
  );

const textsOf = (set: FingerprintSet): string[] =>
  Array.from({ length: set.size }, (_, i) => fingerprintText(set.high(i), set.low(i)));

const valueSetOf = (values: readonly string[]): ValueSet => {
  const set = new ValueSet();
  for (const value of values) set.add(value);
  return set;
};

const valuesOf = (set: ValueSet): string[] => decoder.values(set).sort();

/** How each type of the fixture is written and read; the fixture's type without what it says about order. */
const types: Readonly<Record<string, (input: never, encodings: readonly string[]) => void>> = {
  fingerprint: (input: string, [hex]) => {
    const { high, low } = parseFingerprint(input)!;
    expect(encodeFingerprint(high, low).toString('hex')).to.equal(hex);
    decodeFingerprint(bytesOf(hex), out);
    expect(fingerprintText(out[0], out[1])).to.equal(input);
  },
  fingerprintSet: (input: string[], encodings) => {
    expect(encodings).to.include(encodeFingerprintSet(setOf(input)).toString('hex'));
    for (const hex of encodings) expect(textsOf(decodeFingerprintSet(bytesOf(hex)))).to.deep.equal([...input].sort());
  },
  fingerprints: (input: string[], [hex]) => {
    expect(textsOf(decodeFingerprintSet(bytesOf(hex)))).to.deep.equal([...new Set(input)].sort());
  },
  labelName: (input: string, [hex]) => {
    expect(encodeLabelName(input).toString('hex')).to.equal(hex);
    expect(decoder.labelName(bytesOf(hex))).to.equal(input);
  },
  labelPair: (input: { name: string; value: string } | string[], [hex]) => {
    const [name, value] = Array.isArray(input) ? input : [input.name, input.value];
    expect(encodeLabelPair(name, value).toString('hex')).to.equal(hex);
    expect(decoder.labelPair(bytesOf(hex))).to.deep.equal([name, value]);
  },
  labelValueSet: (input: string[], encodings) => {
    // More than the orders listed are valid, so ours is decoded again.
    expect(encodings.map((hex) => hex.length)).to.include(valueSetOf(input).encode().length * 2);
    for (const hex of [...encodings, valueSetOf(input).encode().toString('hex')]) {
      expect(valuesOf(ValueSet.decode(bytesOf(hex)))).to.deep.equal([...input].sort());
    }
  },
  labelValues: (input: string[], [hex]) => {
    expect(valuesOf(ValueSet.decode(bytesOf(hex)))).to.deep.equal([...new Set(input)].sort());
  },
  metric: (input: [string, string][] | Record<string, string>, encodings) => {
    const pairs = Array.isArray(input) ? input.flat() : Object.entries(input).flat();
    const sorted =
      pairs.length === 0 ? [] : toLabelPairs(Object.fromEntries(Array.isArray(input) ? input : Object.entries(input)));
    expect(encodings).to.include(encodeMetric(pairs).toString('hex'));
    for (const hex of encodings) expect(decoder.metric(bytesOf(hex))).to.deep.equal(sorted);
  },
  timeRange: (input: (number | string)[], [hex]) => {
    const [first, last] = input.map(Number);
    expect(encodeTimeRange(first, last).toString('hex')).to.equal(hex);
    expect(decoder.timeRange(bytesOf(hex))).to.deep.equal({ firstTime: first, lastTime: last });
  },
};

describe('encodings of the indexes', () => {
  const { values, indexEntries } = fixtureJson<CodableFixture>('codable.json');

  for (const [index, { type, input, encodings }] of values.entries()) {
    const check = types[type.replace(/ .*/, '')];
    // Integers are test/model/bytes.test.ts's.
    if (check === undefined) continue;
    it(`are the original's: ${index}, ${type}, ${JSON.stringify(input).slice(0, 60)}`, () =>
      check(input as never, encodings));
  }

  for (const { index, input, keyHex, valueHexAnyOf } of indexEntries) {
    it(`are the original's: an entry of ${index}`, () => {
      const check = (type: string, value: unknown, encodings: readonly string[]): void =>
        types[type](value as never, encodings);
      if (index.startsWith('archived')) check('fingerprint', input['fp'], [keyHex]);
      if (index === 'archived_fingerprint_to_metric') check('metric', input['metric'], valueHexAnyOf);
      if (index === 'archived_fingerprint_to_timerange') {
        check('timeRange', [input['first'], input['last']], valueHexAnyOf);
      }
      if (index === 'labelname_to_labelvalues') {
        check('labelName', input['name'], [keyHex]);
        check('labelValueSet', input['values'], valueHexAnyOf);
      }
      if (index === 'labelpair_to_fingerprints') {
        check('labelPair', input, [keyHex]);
        check('fingerprintSet', input['fps'], valueHexAnyOf);
      }
    });
  }

  it('give every time range back, unknown first times included', () => {
    const times = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-(2 ** 63), 2 ** 63, 0));
    fc.assert(
      fc.property(times, times, (firstTime, lastTime) => {
        expect(decoder.timeRange(encodeTimeRange(firstTime, lastTime))).to.deep.equal({ firstTime, lastTime });
      }),
    );
  });

  it('fail with their own error on any bytes, in no time', () => {
    const lengths = fc.constantFrom(
      [],
      [0xff],
      [0xff, 0xff, 0xff, 0xff, 0x0f],
      [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
      [1],
      [0x80, 0],
    );
    fc.assert(
      fc.property(lengths, fc.uint8Array({ maxLength: 40 }), (start, rest) => {
        const bytes = Uint8Array.from([...start, ...rest]);
        const decoders: (() => unknown)[] = [
          () => decodeFingerprint(bytes, out),
          () => decoder.labelName(bytes),
          () => decoder.labelPair(bytes),
          () => decoder.metric(bytes),
          () => decoder.timeRange(bytes),
          () => decoder.fingerprintSet(bytes),
          () => decoder.values(decoder.valueSet(bytes)),
        ];
        for (const decode of decoders) {
          try {
            decode();
          } catch (error) {
            expect(error).to.have.property('code', 'TIDEMARK_CORRUPT_INDEX');
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
