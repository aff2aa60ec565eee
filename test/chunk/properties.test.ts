/** What must hold for any stream of samples and for any bytes. */

import { expect } from 'chai';
import fc from 'fast-check';
import { ChunkAppender } from '../../src/chunk/append.ts';
import { type Encoding, SampleColumns } from '../../src/chunk/chunk.ts';
import {
  decodeChunk,
  decodeChunkExactly,
  decodeStoredRange,
  firstTimeOf,
  isFaithfulHead,
  lastTimeOf,
  lastValueOf,
  usedBytesOf,
  validateChunk,
  writeForSeriesFile,
} from '../../src/chunk/decode.ts';
import { ExactColumns } from '../../src/chunk/exact-columns.ts';
import { CHUNK_BYTES, Slab } from '../../src/chunk/slab.ts';
import { appendToHead, HEAD_REGISTERS, loadHead, storeHead } from '../../src/chunk/varbit-head.ts';
import { HIGH_WORD, LOW_WORD } from '../../src/model/byte-order.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import { samplesOf, streamPlans } from './streams.ts';
import { type BitSample, bitsOf, decodeBits, hexOf, Series, sampleCountOf, seeded, textOf } from './support.ts';

const encodings = fc.constantFrom<Encoding>(0, 1, 2);
/** The densest a chunk can be, as docs/formats/chunks.md works out. */
const MOST_SAMPLES = 126_211;
const texts = (samples: readonly BitSample[]): string[] => samples.map(textOf);

/** Streams over the whole range of int64, and of all bit patterns. */
const wideStreams = fc
  .tuple(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.array(
      fc.record({
        step: fc.oneof(
          fc.constant(15_000n),
          fc.bigInt({ min: 1n, max: 300n }),
          fc.bigInt({ min: 1n, max: 2n ** 33n }),
          fc.bigInt({ min: 1n, max: 2n ** 62n }),
        ),
        high: fc.oneof(fc.constant(0x3ff00000), fc.integer()),
        low: fc.oneof(fc.constant(0), fc.integer()),
      }),
      { minLength: 1, maxLength: 60 },
    ),
  )
  .map(([start, steps]) => {
    const samples: BitSample[] = [];
    let time = start;
    for (const { step, high, low } of steps) {
      if (time >= 2n ** 63n) break;
      samples.push({ time, high, low });
      time += step;
    }
    return samples;
  });

describe('any stream of samples', () => {
  it('is read as it was appended, bit for bit', () => {
    fc.assert(
      fc.property(encodings, streamPlans(), (encoding, plan) => {
        const samples = samplesOf(plan);
        const series = new Series(encoding, true).appendAll(samples);
        expect(series.refused).to.deep.equal([]);
        expect(texts(series.decoded())).to.deep.equal(texts(samples));
      }),
      seeded(300),
    );
  });

  it('is read as it was appended with times beyond doubles, or refused', () => {
    fc.assert(
      fc.property(encodings, wideStreams, (encoding, samples) => {
        const series = new Series(encoding, true).appendAll(samples);
        expect(texts(series.decoded())).to.deep.equal(texts(series.accepted));
        const spread = samples[samples.length - 1].time - samples[0].time;
        if (spread < 2n ** 63n) expect(series.refused).to.deep.equal([]);
      }),
      seeded(500),
    );
  });

  it("gives the original's bytes wherever the original loses nothing", () => {
    fc.assert(
      fc.property(encodings, streamPlans(), (encoding, plan) => {
        const samples = samplesOf(plan);
        // The original misreads what follows an interval of 2^24 ms, not what ends with it.
        fc.pre(samples.every(({ time }, i) => i === 0 || time - samples[i - 1].time !== 2n ** 24n));
        const original = new Series(encoding, false).appendAll(samples);
        const isFaithful = texts(original.decoded()).join() === texts(samples).join();
        const lossless = new Series(encoding, true).appendAll(samples);
        if (isFaithful) expect(lossless.hexes()).to.deep.equal(original.hexes());
        else expect(lossless.hexes()).not.to.deep.equal(original.hexes());
      }),
      seeded(200),
    );
  });

  it('knows of each chunk the first and last time, the last value and the number of samples', () => {
    fc.assert(
      fc.property(encodings, streamPlans(), (encoding, plan) => {
        const series = new Series(encoding, true).appendAll(samplesOf(plan));
        for (const { encoding: of, bytes } of series.chunks()) {
          const samples = decodeBits(bytes, 0, of);
          const last = samples[samples.length - 1];
          expect(firstTimeOf(bytes, 0, of)).to.equal(Number(samples[0].time));
          expect(lastTimeOf(bytes, 0, of)).to.equal(Number(last.time));
          expect(lastValueOf(bytes, 0, of)).to.deep.equal({ high: last.high, low: last.low });
          expect(sampleCountOf(bytes, 0, of)).to.equal(samples.length);
          expect(isFaithfulHead(bytes, 0, of)).to.equal(true);
          expect(bytes.subarray(usedBytesOf(bytes, 0, of)).every((byte) => byte === 0)).to.equal(true);
        }
      }),
      seeded(100),
    );
  });

  it('is read between two times as if read whole and cut, behind what the columns hold already', () => {
    fc.assert(
      fc.property(encodings, streamPlans(), fc.nat(), fc.nat(), (encoding, plan, a, b) => {
        // In a store no two samples of a series have the same time.
        const samples = samplesOf(plan).filter(({ time }, index, all) => index === 0 || time !== all[index - 1].time);
        const from = Number(samples[a % samples.length].time) - (a % 3) + 1;
        const through = Number(samples[b % samples.length].time) + (b % 3) - 1;
        const series = new Series(encoding, true).appendAll(samples);
        const columns = new SampleColumns(2);
        columns.timestamps[0] = 17;
        columns.count = 1;
        for (const { encoding: of, bytes } of series.chunks()) decodeStoredRange(bytes, 0, of, from, through, columns);
        const expected = samples.filter(({ time }) => Number(time) >= from && Number(time) <= through);
        expect(columns.timestamps[0]).to.equal(17);
        expect([...columns.timestamps.subarray(1, columns.count)]).to.deep.equal(
          expected.map(({ time }) => Number(time)),
        );
        const read = expected.map(({ time }, i) => ({
          time,
          high: columns.words[2 * (i + 1) + HIGH_WORD],
          low: columns.words[2 * (i + 1) + LOW_WORD],
        }));
        expect(texts(read)).to.deep.equal(texts(expected));
      }),
      seeded(150),
    );
  });

  it('refuses a sample from before the newest without a trace, in varbit', () => {
    fc.assert(
      fc.property(streamPlans(60), fc.integer({ min: 1, max: 1e9 }), (plan, back) => {
        const samples = samplesOf(plan);
        const series = new Series(2, true).appendAll(samples);
        const before = series.hexes();
        const isClosed = (series.chunks().at(-1)?.bytes[35] as number) >= 0x80;
        fc.pre(!isClosed);
        series.append({ ...samples[samples.length - 1], time: samples[samples.length - 1].time - BigInt(back) });
        // A chunk that is full is closed by any sample; only before that is its time looked at.
        if (series.refused.length === 0) expect(series.chunks().at(-1)?.bytes[35]).to.be.at.least(0x80);
        else expect(series.hexes()).to.deep.equal(before);
      }),
      seeded(100),
    );
  });
});

/** Chunks with some bytes changed, and bytes that never were a chunk. */
const damagedChunks = fc.oneof(
  fc
    .tuple(
      encodings,
      streamPlans(200),
      fc.array(fc.tuple(fc.oneof(fc.nat(60), fc.integer({ min: 1010, max: 1023 }), fc.nat(1023)), fc.nat(255)), {
        minLength: 1,
        maxLength: 8,
      }),
    )
    .map(([encoding, plan, changes]) => {
      const bytes = new Series(encoding, true).appendAll(samplesOf(plan)).chunks()[0].bytes;
      for (const [at, byte] of changes) bytes[at] = byte;
      return { encoding, bytes };
    }),
  fc
    .tuple(encodings, fc.uint8Array({ minLength: CHUNK_BYTES, maxLength: CHUNK_BYTES }))
    .map(([encoding, bytes]) => ({ encoding, bytes })),
);

/** Calls what may only throw a {@link TidemarkError}; whether it did. */
const isRefused = (call: () => unknown): boolean => {
  try {
    call();
    return false;
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    expect(error.code).to.equal('TIDEMARK_CORRUPT_CHUNK');
    return true;
  }
};

describe('any 1,024 bytes', () => {
  it('are read to the end or to the damage, never without bounds, and the same in both ways', () => {
    fc.assert(
      fc.property(damagedChunks, ({ encoding, bytes }) => {
        const columns = new SampleColumns(1);
        const exact = new ExactColumns();
        const refused = isRefused(() => decodeChunk(bytes, 0, encoding, columns));
        expect(isRefused(() => decodeChunkExactly(bytes, 0, encoding, exact))).to.equal(refused);
        expect(columns.count).to.be.at.most(MOST_SAMPLES);
        expect(columns.count).to.equal(exact.count);
        const samples = bitsOf(exact);
        for (let i = 0; i < columns.count; i++) {
          if (columns.timestamps[i] === Number(samples[i].time)) continue;
          expect(`sample ${i}: ${columns.timestamps[i]}`).to.equal(`sample ${i}: ${samples[i].time}`);
        }
      }),
      seeded(600),
    );
  });

  it('tell times, counts and lengths without being read as samples', () => {
    fc.assert(
      fc.property(damagedChunks, ({ encoding, bytes }) => {
        for (const look of [firstTimeOf, lastTimeOf, usedBytesOf, lastValueOf, sampleCountOf, isFaithfulHead]) {
          isRefused(() => look(bytes, 0, encoding));
        }
        const target = new Uint8Array(CHUNK_BYTES + 2).fill(0xaa);
        writeForSeriesFile(bytes, 0, encoding, target, 1);
        expect([target[0], target[CHUNK_BYTES + 1]]).to.deep.equal([0xaa, 0xaa]);
      }),
      seeded(200),
    );
  });

  it('that load take samples or refuse them, and the slots around stay as they are', () => {
    fc.assert(
      fc.property(damagedChunks, streamPlans(40), fc.boolean(), ({ encoding, bytes }, plan, usesRegisters) => {
        fc.pre(!isRefused(() => validateChunk(bytes, 0, encoding)));
        const slab = new Slab();
        const appender = new ChunkAppender(slab, { defaultEncoding: encoding });
        const slots = [0, 1, 2].map(() => slab.allocate(encoding));
        const around = [slots[0], slots[2]].map((slot) => slab.bytesOf(slot).fill(0x5a));
        slab.bytesOf(slots[1]).set(bytes);
        let head = slots[1];
        const rows = new Int32Array(HEAD_REGISTERS);
        let last: BitSample = { time: 0n, high: 0, low: 0 };
        for (const sample of samplesOf(plan)) {
          const block = slab.blockOf(head);
          const offset = slab.offsetOf(head);
          const time = Number(sample.time);
          const { high, low } = sample;
          if (usesRegisters && encoding === 2 && loadHead(rows, 0, block, offset, CHUNK_BYTES)) {
            appendToHead(rows, 0, block, offset, Number(last.time), last.high, last.low, time, high, low);
            storeHead(rows, 0, block, offset, time, high, low);
          } else {
            const before = hexOf(slab.bytesOf(head));
            const refused = isRefused(() => {
              head = appender.append(head, time, high, low);
            });
            if (refused) expect(hexOf(slab.bytesOf(head))).to.equal(before);
          }
          last = sample;
        }
        for (const neighbour of around) expect(neighbour.every((byte) => byte === 0x5a)).to.equal(true);
      }),
      seeded(300),
    );
  });
});

describe('isFaithfulHead', () => {
  it('finds the heads in which the original loses what is appended', () => {
    const start = 1_735_689_600_000n;
    const at = (...times: bigint[]): BitSample[] =>
      times.map((time) => ({ time: start + time, high: 0x3ff00000, low: 0 }));
    const isFaithful = (samples: BitSample[], lossless: boolean): boolean => {
      const chunk = new Series(2, lossless).appendAll(samples).chunks().at(-1);
      return isFaithfulHead(chunk?.bytes as Uint8Array, 0, 2);
    };
    expect(isFaithful(at(0n, 2n ** 24n), false)).to.equal(false);
    expect(isFaithful(at(0n, 2n ** 24n), true)).to.equal(true);
    expect(isFaithful(at(0n, 2n ** 24n - 1n, 2n ** 25n - 1n), false)).to.equal(false);
    expect(isFaithful(at(0n, 2n ** 24n - 1n), false)).to.equal(true);
    const negativeZero = [...at(0n, 1n, 2n).map((sample) => ({ ...sample, high: 0 }))];
    negativeZero.push({ time: start + 3n, high: 0x80000000 | 0, low: 0 });
    expect(isFaithful(negativeZero, false)).to.equal(false);
    expect(isFaithful(negativeZero, true)).to.equal(true);
  });
});
