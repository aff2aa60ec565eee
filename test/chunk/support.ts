/** What the chunk tests share: the fixtures' samples, appending them, reading chunks back with all bits. */

import { ChunkAppender } from '../../src/chunk/append.ts';
import { DELTA, DOUBLE_DELTA, type Encoding, SampleColumns } from '../../src/chunk/chunk.ts';
import { decodeChunk, decodeChunkExactly } from '../../src/chunk/decode.ts';
import { deltaCount } from '../../src/chunk/delta.ts';
import { doubleDeltaCount } from '../../src/chunk/double-delta.ts';
import { ExactColumns } from '../../src/chunk/exact-columns.ts';
import { highWordOf, lowWordOf } from '../../src/chunk/float-bits.ts';
import { NO_SLOT, Slab, type Slot } from '../../src/chunk/slab.ts';
import { HIGH_WORD, LOW_WORD } from '../../src/model/byte-order.ts';
import { TidemarkError } from '../../src/model/errors.ts';

/**
 * Options of a property: the same inputs at every run. A failure prints the seed and the path to its smallest input;
 * another seed is tried with `TIDEMARK_SEED=n`, and more inputs with `TIDEMARK_RUNS=factor`.
 */
export const seeded = (numRuns: number): { seed: number; numRuns: number } => ({
  seed: Number(process.env['TIDEMARK_SEED'] ?? 20_250_101),
  numRuns: numRuns * Number(process.env['TIDEMARK_RUNS'] ?? 1),
});

/** A sample with all bits: int64 time, the halves of the value. */
export interface BitSample {
  readonly time: bigint;
  readonly high: number;
  readonly low: number;
}

/** A sample in the fixtures: time (text beyond ±2^53) and the value's bits as 16 hex digits. */
export type FixtureSample = readonly [number | string, string];

export interface Run {
  readonly t0: number;
  readonly dt: number;
  readonly n: number;
  readonly v0: number;
  readonly dv: number;
}

export const fromFixture = ([time, bits]: FixtureSample): BitSample => ({
  time: BigInt(time),
  high: Number.parseInt(bits.slice(0, 8), 16) | 0,
  low: Number.parseInt(bits.slice(8), 16) | 0,
});

export const sampleOf = (time: number | bigint, value: number): BitSample => ({
  time: BigInt(time),
  high: highWordOf(value),
  low: lowWordOf(value),
});

export const fromRuns = (runs: readonly Run[]): BitSample[] =>
  runs.flatMap(({ t0, dt, n, v0, dv }) => Array.from({ length: n }, (_, i) => sampleOf(t0 + i * dt, v0 + i * dv)));

/** `1735689600000 7ff0000000000002`: equal texts are equal bits. */
export const textOf = ({ time, high, low }: BitSample): string => `${time} ${hex(high)}${hex(low)}`;

const hex = (half: number): string => (half >>> 0).toString(16).padStart(8, '0');

export const highOfTime = (time: bigint): number => Number(BigInt.asIntN(32, time >> 32n));
export const lowOfTime = (time: bigint): number => Number(BigInt.asIntN(32, time));

/** A series' chunks and the samples that were refused, as the appender under test leaves them. */
export class Series {
  readonly slab = new Slab();
  readonly refused: { index: number; error: string }[] = [];
  readonly accepted: BitSample[] = [];
  readonly appender: ChunkAppender;
  first: Slot = NO_SLOT;
  head: Slot = NO_SLOT;
  private index = 0;

  constructor(defaultEncoding: Encoding, lossless: boolean) {
    this.appender = new ChunkAppender(this.slab, { defaultEncoding, lossless });
  }

  append(sample: BitSample): void {
    const { high, low } = sample;
    const timeHigh = highOfTime(sample.time);
    const timeLow = lowOfTime(sample.time);
    const index = this.index++;
    try {
      if (this.head === NO_SLOT) this.first = this.head = this.appender.startWide(timeHigh, timeLow, high, low);
      else this.head = this.appender.appendWide(this.head, timeHigh, timeLow, high, low);
      this.accepted.push(sample);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      this.refused.push({ index, error: error.message });
    }
  }

  appendAll(samples: Iterable<BitSample>): this {
    for (const sample of samples) this.append(sample);
    return this;
  }

  /** Slots from the first to the head. */
  slots(): Slot[] {
    const slots: Slot[] = [];
    for (let slot = this.first; slot !== NO_SLOT; slot = this.slab.next[slot]) slots.push(slot);
    return slots;
  }

  chunks(): { encoding: Encoding; bytes: Uint8Array }[] {
    return this.slots().map((slot) => ({
      encoding: this.slab.encoding[slot] as Encoding,
      bytes: this.slab.bytesOf(slot).slice(),
    }));
  }

  hexes(): string[] {
    return this.chunks().map(({ bytes }) => hexOf(bytes));
  }

  decoded(): BitSample[] {
    return this.chunks().flatMap(({ encoding, bytes }) => decodeBits(bytes, 0, encoding));
  }
}

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export const decodeBits = (block: Uint8Array, offset: number, encoding: number): BitSample[] => {
  const columns = new ExactColumns();
  decodeChunkExactly(block, offset, encoding, columns);
  return bitsOf(columns);
};

export const bitsOf = (columns: ExactColumns): BitSample[] =>
  Array.from({ length: columns.count }, (_, i) => ({
    time: columns.times[i],
    high: columns.samples.words[2 * i + HIGH_WORD],
    low: columns.samples.words[2 * i + LOW_WORD],
  }));

/** How many samples the chunk holds. For encodings 0 and 1 this follows from the header; a varbit chunk is decoded. */
export const sampleCountOf = (block: Uint8Array, offset: number, encoding: number): number => {
  if (encoding === DELTA) return Math.max(0, deltaCount(block, offset));
  if (encoding === DOUBLE_DELTA) return Math.max(0, doubleDeltaCount(block, offset));
  const columns = new SampleColumns();
  decodeChunk(block, offset, encoding, columns);
  return columns.count;
};
