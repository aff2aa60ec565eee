/** XOR chunks: bytes worked out by hand from the format, and all columns through an independent decoder. */
import { expect } from 'chai';
import fc from 'fast-check';
import { CHUNK_BYTES_MAX, CHUNK_SAMPLES_MAX, XorChunkWriter } from '../../src/wire/xor-chunk.ts';
import { decodeXorChunk } from './xor-decoder.ts';

const columns = (samples: readonly (readonly [number, bigint])[]) => ({
  timestamps: Float64Array.from(samples, ([time]) => time),
  words: new Int32Array(BigUint64Array.from(samples, ([, bits]) => bits).buffer),
});

const bitsOf = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0];

/** Every chunk of these samples. */
const chunksOf = (samples: readonly (readonly [number, bigint])[]): Buffer[] => {
  const writer = new XorChunkWriter();
  const { timestamps, words } = columns(samples);
  const chunks: Buffer[] = [];
  for (let start = 0; start < samples.length; ) {
    start = writer.write(timestamps, words, start);
    chunks.push(Buffer.from(writer.chunk));
  }
  return chunks;
};

/** Bytes from groups of zeros and ones, with zeros at the end. */
const bytesOf = (...groups: readonly string[]): Buffer => {
  const text = groups.join('').replaceAll(' ', '');
  const bytes = text.padEnd(Math.ceil(text.length / 8) * 8, '0').match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
};

const inBits = (value: bigint | number, width: number): string =>
  BigInt.asUintN(width, BigInt(value)).toString(2).padStart(width, '0');

const value = (text: string): string => inBits(BigInt(`0x${text}`), 64);

const interesting = fc.oneof(
  fc.constantFrom(
    0n,
    bitsOf(-0),
    bitsOf(1),
    bitsOf(1.5),
    bitsOf(Number.POSITIVE_INFINITY),
    0x7ff0000000000002n,
    0x7ff8000000000001n,
    0xfff8dead_beef0000n,
    0xffffffffffffffffn,
    1n,
    1n << 63n,
  ),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.double().map(bitsOf),
);

/** Steps on both sides of every width, and others. */
const step = fc.oneof(
  fc.constantFrom(1, 15_000, 8191, 8192, 8193, 8194, 16_384, 65_535, 65_536, 65_537, 65_538, 131_072, 524_288, 524_289),
  fc.constantFrom(524_290, 1_048_577, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 51, 2 ** 52),
  fc.integer({ min: 1, max: 3_000_000 }),
);

const series = fc
  .tuple(
    fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.maxSafeInteger(), fc.constant(1_700_000_000_000)),
    fc.array(fc.tuple(step, interesting), { minLength: 1, maxLength: 400, size: 'max' }),
  )
  .map(([first, rest]) => {
    let time = first;
    const samples: (readonly [number, bigint])[] = [];
    for (const [by, bits] of rest) {
      if (time > Number.MAX_SAFE_INTEGER) break;
      samples.push([time, bits]);
      time += by;
    }
    return samples;
  });

describe('XOR chunks', () => {
  it('begin with the number of samples, the first time and the first value', () => {
    expect(chunksOf([[1000, bitsOf(1)]])[0].toString('hex')).to.equal('0001d00f3ff0000000000000');
    expect(chunksOf([[-1, bitsOf(-0)]])[0].toString('hex')).to.equal('0001018000000000000000');
    // Twice the largest time is beyond 53 bits.
    expect(chunksOf([[Number.MAX_SAFE_INTEGER, 0n]])[0].toString('hex')).to.equal(
      '0001feffffffffffff1f0000000000000000',
    );
    expect(chunksOf([[Number.MIN_SAFE_INTEGER, 0n]])[0].toString('hex')).to.equal(
      '0001fdffffffffffff1f0000000000000000',
    );
  });

  it('have the second time as a step, and equal values as one bit', () => {
    const chunk = bytesOf(
      inBits(3, 16),
      inBits(0xd0, 8),
      inBits(0x0f, 8),
      value('3ff0000000000000'),
      '0111 1000',
      '0',
      '0',
      '0',
    );
    const one = bitsOf(1);
    const samples = [1000, 1120, 1240].map((time): [number, bigint] => [time, one]);
    expect(chunksOf(samples)[0].equals(chunk)).to.equal(true);
  });

  it('have a change of the step in 14, 17, 20 or 64 bits, whichever is enough', () => {
    const prefixes: readonly (readonly [number, string, number])[] = [
      [0, '0', 0],
      [1, '10', 14],
      [-8191, '10', 14],
      [8192, '10', 14],
      [-8192, '110', 17],
      [8193, '110', 17],
      [-65_535, '110', 17],
      [65_536, '110', 17],
      [-65_536, '1110', 20],
      [65_537, '1110', 20],
      [-524_287, '1110', 20],
      [524_288, '1110', 20],
      [-524_288, '1111', 64],
      [524_289, '1111', 64],
      [2 ** 40 + 5, '1111', 64],
    ];
    for (const [change, prefix, width] of prefixes) {
      const first = 2 ** 20;
      const chunk = bytesOf(
        inBits(3, 16),
        inBits(0x00, 8), // the first time, 0
        value('0'),
        '10000000 10000000 01000000', // the step of 2^20 as a uvarint
        '0',
        prefix,
        width === 0 ? '' : inBits(change, width),
        '0',
      );
      const times = [0, first, 2 * first + change];
      expect(chunksOf(times.map((time) => [time, 0n] as const))[0].toString('hex'), `${change}`).to.equal(
        chunk.toString('hex'),
      );
    }
  });

  it('have a new window for bits outside the last one, else only the bits in it', () => {
    // 1.0 is 3ff0…, 2.0 is 4000…: they differ in 7ff0…, one zero before eleven bits.
    const start = [inBits(4, 16), inBits(0, 8), value('3ff0000000000000'), inBits(1, 8)];
    const chunk = bytesOf(
      ...start,
      `11 ${inBits(1, 5)} ${inBits(11, 6)} ${'1'.repeat(11)}`,
      '0', // the same step
      `10 ${'1'.repeat(11)}`, // back to 1.0, in the same window
      '0',
      `11 ${inBits(0, 5)} ${inBits(0, 6)} ${inBits((0x3ff0000000000000n ^ 0x8000000000000001n) & ((1n << 64n) - 1n), 64)}`,
    );
    const patterns = [bitsOf(1), bitsOf(2), bitsOf(1), 0x8000000000000001n];
    expect(chunksOf(patterns.map((bits, i) => [i, bits] as const))[0].toString('hex')).to.equal(chunk.toString('hex'));
  });

  it('count at most 31 zeros before a window', () => {
    const chunk = bytesOf(
      inBits(2, 16),
      inBits(0, 8),
      value('0'),
      inBits(1, 8),
      `11 ${inBits(31, 5)} ${inBits(33, 6)} ${inBits(1, 33)}`,
    );
    expect(
      chunksOf([
        [0, 0n],
        [1, 1n],
      ])[0].toString('hex'),
    ).to.equal(chunk.toString('hex'));
  });

  it('give back every time and every bit, in chunks of at most 120 samples', () => {
    fc.assert(
      fc.property(series, (samples) => {
        const chunks = chunksOf(samples);
        const decoded = chunks.map(decodeXorChunk);
        expect(decoded.flatMap(({ times }) => times)).to.deep.equal(samples.map(([time]) => BigInt(time)));
        expect(decoded.flatMap(({ bits }) => bits)).to.deep.equal(samples.map(([, bits]) => bits));
        for (const [i, { times, spare }] of decoded.entries()) {
          expect(spare.length).to.equal(0);
          expect(times.length).to.be.within(1, CHUNK_SAMPLES_MAX);
          expect(chunks[i].length).to.be.at.most(CHUNK_BYTES_MAX);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are full when the steps are ordinary, and never larger than announced', () => {
    const regular = Array.from({ length: 241 }, (_, i) => [1_700_000_000_000 + 15_000 * i, bitsOf(i)] as const);
    expect(chunksOf(regular).map((chunk) => decodeXorChunk(chunk).times.length)).to.deep.equal([120, 120, 1]);
    // The most expensive samples: the step changes by a lot each time, and all bits of the value.
    const costly = Array.from(
      { length: 120 },
      (_, i) => [i * 2 ** 30 + (i % 2) * 2 ** 29, i % 2 === 0 ? 0n : (1n << 64n) - 1n] as const,
    );
    const chunks = chunksOf(costly);
    expect(chunks).to.have.length(1);
    expect(chunks[0].length).to.be.within(2000, CHUNK_BYTES_MAX);
    expect(decodeXorChunk(chunks[0]).bits).to.deep.equal(costly.map(([, bits]) => bits));
  });
});
