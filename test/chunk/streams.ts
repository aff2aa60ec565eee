/**
 * Streams of samples for property tests. A stream mixes phases of one kind of value and one kind of interval each, from a
 * seed, so that it is long enough to fill chunks and a failure is named by a few numbers.
 */

import fc from 'fast-check';
import { HIGH_WORD, LOW_WORD } from '../../src/model/byte-order.ts';
import type { BitSample } from './support.ts';

const valueKinds = [
  'constant',
  'counter',
  'gauge',
  'decimals',
  'random',
  'bits',
  'special',
  'zeros',
  'halves',
  'steps',
] as const;
const intervalKinds = ['steady', 'jitter', 'bursts', 'gaps', 'limits'] as const;

export interface Phase {
  readonly values: (typeof valueKinds)[number];
  readonly intervals: (typeof intervalKinds)[number];
  readonly length: number;
}

export interface StreamPlan {
  readonly seed: number;
  readonly start: number;
  readonly phases: readonly Phase[];
}

/** Plans of streams up to some thousand samples long. */
export const streamPlans = (longestPhase = 400): fc.Arbitrary<StreamPlan> =>
  fc.record({
    seed: fc.integer({ min: 1, max: 0x7fffffff }),
    start: fc.oneof(
      { weight: 4, arbitrary: fc.constant(1_735_689_600_000) },
      { weight: 1, arbitrary: fc.integer({ min: -1e6, max: 1e6 }) },
      { weight: 1, arbitrary: fc.integer({ min: -8.64e15, max: 8e15 }) },
    ),
    phases: fc.array(
      fc.record({
        values: fc.constantFrom(...valueKinds),
        intervals: fc.constantFrom(...intervalKinds),
        length: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: longestPhase })),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  });

/** Marsaglia's xorshift: the same stream for the same seed, on every machine. */
class XorShift {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 1;
  }

  /** 32 random bits, signed. */
  word(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return this.state;
  }

  below(limit: number): number {
    return (this.word() >>> 0) % limit;
  }
}

const specials = [
  [0x7ff80000, 0x00000001],
  [0x7ff00000, 0x00000002],
  [0xfff80000, 0],
  [0x7ff00000, 0],
  [0xfff00000, 0],
  [0x80000000, 0],
  [0, 0],
  [0, 1],
  [0x80000000, 1],
  [0x7fefffff, 0xffffffff],
  [0x3ff00000, 0],
  [0x41dfffff, 0xffc00000],
  [0xc1e00000, 0],
] as const;

const limits = [0, 1, 255, 256, 32, 65535, 65536, 4194303, 4194304, 16777215, 16777216, 16777217, 4294967296] as const;

/** The samples of a plan. The columns of bits are written as words: a signalling NaN would not survive as a number. */
export const samplesOf = (plan: StreamPlan): BitSample[] => {
  const random = new XorShift(plan.seed);
  const double = new Float64Array(1);
  const words = new Int32Array(double.buffer);
  const samples: BitSample[] = [];
  let time = plan.start;
  let count = 0;
  for (const phase of plan.phases) {
    const steady = 1 + random.below(60000);
    for (let i = 0; i < phase.length; i++) {
      if (samples.length > 0) time += intervalOf(phase.intervals, steady, random);
      if (time > Number.MAX_SAFE_INTEGER) return samples;
      count += nextStep(phase.values, random);
      writeValue(phase.values, count, random, double, words);
      samples.push({ time: BigInt(time), high: words[HIGH_WORD], low: words[LOW_WORD] });
    }
  }
  return samples;
};

const intervalOf = (kind: Phase['intervals'], steady: number, random: XorShift): number => {
  switch (kind) {
    case 'steady':
      return steady;
    case 'jitter':
      return steady + random.below(7);
    case 'bursts':
      return random.below(40) === 0 ? steady + random.below(100000) : steady;
    case 'gaps':
      return random.below(60) === 0 ? steady * random.below(5000) : steady + random.below(200000);
    case 'limits':
      return limits[random.below(limits.length)];
  }
};

const nextStep = (kind: Phase['values'], random: XorShift): number => {
  if (kind === 'constant' || kind === 'zeros') return 0;
  if (kind === 'steps') return random.below(10) === 0 ? random.word() >> random.below(31) : 1;
  return random.below(100);
};

const writeValue = (
  kind: Phase['values'],
  count: number,
  random: XorShift,
  double: Float64Array,
  words: Int32Array,
): void => {
  switch (kind) {
    case 'constant':
    case 'counter':
    case 'steps':
      double[0] = count;
      return;
    case 'gauge':
      double[0] = random.below(2000) - 1000;
      return;
    case 'decimals':
      double[0] = Math.round((count + random.below(100) / 100) * 100) / 100;
      return;
    case 'random':
      double[0] = (random.word() >>> 0) / 2 ** 32;
      return;
    case 'bits':
      words[0] = random.word();
      words[1] = random.word();
      return;
    case 'special': {
      const [high, low] = specials[random.below(specials.length)];
      words[HIGH_WORD] = high;
      words[LOW_WORD] = low;
      return;
    }
    case 'zeros':
      double[0] = random.below(20) === 0 ? -0 : 0;
      return;
    case 'halves':
      double[0] = random.below(8) / 2 + 1e15 * random.below(2) + (random.below(50) === 0 ? 0.1 : 0);
  }
};
