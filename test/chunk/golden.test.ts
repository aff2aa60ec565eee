/** Chunks that Prometheus 1.8.2 wrote: the same samples give the same bytes, the same bytes give the same samples. */
import { expect } from 'chai';
import type { Encoding } from '../../src/chunk/chunk.ts';
import { SampleColumns } from '../../src/chunk/chunk.ts';
import {
  decodeChunk,
  decodeChunkExactly,
  firstTimeOf,
  lastTimeOf,
  usedBytesOf,
  validateChunk,
  writeForSeriesFile,
} from '../../src/chunk/decode.ts';
import { ExactColumns } from '../../src/chunk/exact-columns.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import { fixtureBytes, fixtureJson } from '../support/fixtures.ts';
import {
  type BitSample,
  bitsOf,
  decodeBits,
  type FixtureSample,
  fromFixture,
  fromRuns,
  hexOf,
  type Run,
  Series,
  sampleCountOf,
  textOf,
} from './support.ts';

interface FixtureChunk {
  readonly n: number;
  readonly hex: string;
  readonly firstTime: number | string;
  readonly lastTime: number | string;
  readonly usedLength?: number;
  readonly seriesFileHeaderHex: string;
  readonly binOffset: number;
  readonly decoded?: readonly FixtureSample[];
}

interface FixtureCase {
  readonly name: string;
  readonly encoding: Encoding;
  readonly samples?: readonly FixtureSample[];
  readonly runs?: readonly Run[];
  readonly numSamples: number;
  readonly errors?: readonly { index: number; error: string }[];
  readonly chunks: readonly FixtureChunk[];
  readonly decodedEqualsInput: boolean;
}

const { cases } = fixtureJson<{ cases: readonly FixtureCase[] }>('chunks.json');
const title = (fixture: { name: string; encoding: number }): string => `${fixture.name}, encoding ${fixture.encoding}`;
const inputOf = (fixture: FixtureCase): BitSample[] =>
  fixture.samples === undefined ? fromRuns(fixture.runs as readonly Run[]) : fixture.samples.map(fromFixture);
const texts = (samples: readonly BitSample[]): string[] => samples.map(textOf);
const isSame = (a: readonly BitSample[], b: readonly BitSample[]): boolean =>
  a.length === b.length &&
  a.every((sample, i) => sample.time === b[i].time && sample.high === b[i].high && sample.low === b[i].low);
const bodyOf = (chunk: FixtureChunk): Buffer => Buffer.from(chunk.hex, 'hex');

describe('chunks of the original', () => {
  for (const fixture of cases) {
    it(`gives the original's bytes and errors: ${title(fixture)}`, () => {
      const series = new Series(fixture.encoding, false).appendAll(inputOf(fixture));
      expect(series.refused).to.deep.equal(fixture.errors ?? []);
      expect(series.hexes()).to.deep.equal(fixture.chunks.map((chunk) => chunk.hex));
    });

    it(`reads what the original reads: ${title(fixture)}`, () => {
      const input = inputOf(fixture).filter((_, index) => !fixture.errors?.some((error) => error.index === index));
      let read = 0;
      for (const chunk of fixture.chunks) {
        const expected = chunk.decoded?.map(fromFixture) ?? input.slice(read, read + chunk.n);
        read += chunk.n;
        expect(texts(decodeBits(bodyOf(chunk), 0, fixture.encoding))).to.deep.equal(texts(expected));
        expect(sampleCountOf(bodyOf(chunk), 0, fixture.encoding)).to.equal(chunk.n);
        expect(firstTimeOf(bodyOf(chunk), 0, fixture.encoding)).to.equal(Number(chunk.firstTime));
        expect(lastTimeOf(bodyOf(chunk), 0, fixture.encoding)).to.equal(Number(chunk.lastTime));
        if (chunk.usedLength !== undefined) {
          expect(usedBytesOf(bodyOf(chunk), 0, fixture.encoding)).to.equal(chunk.usedLength);
        }
      }
    });

    it(`loses nothing when it must not: ${title(fixture)}`, () => {
      const series = new Series(fixture.encoding, true).appendAll(inputOf(fixture));
      expect(texts(series.decoded())).to.deep.equal(texts(series.accepted));
      const isOriginal = series.hexes().join() === fixture.chunks.map((chunk) => chunk.hex).join();
      expect(isOriginal, 'the bytes are those of the original').to.equal(fixture.decodedEqualsInput);
    });
  }

  for (const encoding of [0, 1, 2] as const) {
    it(`reads chunks of encoding ${encoding} in place, behind the headers of a series file`, () => {
      const file = fixtureBytes(`chunks-${encoding}.bin`);
      for (const fixture of cases.filter((candidate) => candidate.encoding === encoding)) {
        for (const chunk of fixture.chunks) {
          const body = chunk.binOffset + 17;
          expect(hexOf(file.subarray(chunk.binOffset, body))).to.equal(chunk.seriesFileHeaderHex);
          expect(isSame(decodeBits(file, body, encoding), decodeBits(bodyOf(chunk), 0, encoding))).to.equal(true);
          const written = new Uint8Array(1030).fill(0xaa);
          writeForSeriesFile(file, body, encoding, written, 3);
          expect(hexOf(written.subarray(3, 1027))).to.equal(chunk.hex);
          expect(hexOf(written.subarray(0, 3)) + hexOf(written.subarray(1027))).to.equal('aaaaaaaaaaaa');
        }
      }
    });
  }
});

describe('chunks of the original, sample by sample', () => {
  const prefixes = fixtureJson<{
    cases: readonly { name: string; encoding: Encoding; afterEachSample: readonly (readonly string[])[] }[];
  }>('chunks-prefixes.json');
  for (const fixture of prefixes.cases) {
    it(`has the original's bytes after each sample: ${title(fixture)}`, () => {
      const input = inputOf(
        cases.find(({ name, encoding }) => name === fixture.name && encoding === fixture.encoding) as FixtureCase,
      );
      const series = new Series(fixture.encoding, false);
      let accepted = 0;
      for (const sample of input) {
        series.append(sample);
        if (series.accepted.length === accepted) continue;
        expect(series.hexes()).to.deep.equal(fixture.afterEachSample[accepted]);
        accepted = series.accepted.length;
      }
      expect(accepted).to.equal(fixture.afterEachSample.length);
    });
  }
});

describe('damaged chunks', () => {
  const invalid = fixtureJson<{
    cases: readonly {
      encoding: Encoding;
      note: string;
      hex: string;
      unmarshalError?: string;
      decoded?: readonly FixtureSample[];
      iteratorError?: string;
      lastTimestamp?: number | string;
    }[];
    marshal: readonly {
      encoding: Encoding;
      samples: readonly FixtureSample[];
      streamHex: string;
      bufPrefilledWithAAHex: string;
    }[];
  }>('chunks-invalid.json');

  for (const fixture of invalid.cases) {
    it(`answers as the original does: encoding ${fixture.encoding}, ${fixture.note}`, () => {
      const bytes = Buffer.from(fixture.hex, 'hex');
      if (fixture.unmarshalError !== undefined) {
        expect(() => validateChunk(bytes, 0, fixture.encoding)).to.throw(TidemarkError, fixture.unmarshalError);
        expect(() => decodeChunk(bytes, 0, fixture.encoding, new SampleColumns())).to.throw(
          TidemarkError,
          fixture.unmarshalError,
        );
        return;
      }
      validateChunk(bytes, 0, fixture.encoding);
      const columns = new ExactColumns();
      const decode = (): void => decodeChunkExactly(bytes, 0, fixture.encoding, columns);
      if (fixture.iteratorError === undefined) decode();
      else
        expect(decode).to.throw(TidemarkError, fixture.iteratorError).with.property('code', 'TIDEMARK_CORRUPT_CHUNK');
      expect(texts(bitsOf(columns))).to.deep.equal(texts((fixture.decoded ?? []).map(fromFixture)));
      expect(lastTimeOf(bytes, 0, fixture.encoding)).to.equal(Number(fixture.lastTimestamp));
    });
  }

  for (const fixture of invalid.marshal) {
    it(`writes to a series file what the original does: encoding ${fixture.encoding}, ${fixture.samples.length} samples`, () => {
      const [bytes] = new Series(fixture.encoding, false).appendAll(fixture.samples.map(fromFixture)).chunks();
      expect(hexOf(bytes.bytes)).to.equal(fixture.streamHex);
      const written = new Uint8Array(1024).fill(0xaa);
      writeForSeriesFile(bytes.bytes, 0, fixture.encoding, written, 0);
      const used = usedBytesOf(bytes.bytes, 0, fixture.encoding);
      expect(hexOf(written.subarray(0, used))).to.equal(fixture.bufPrefilledWithAAHex.slice(0, 2 * used));
      expect(written.subarray(used).every((byte) => byte === 0)).to.equal(true);
    });
  }
});
