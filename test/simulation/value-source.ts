/** Values and label sets of simulated samples, ordinary and special ones. Values are pairs of 32-bit words. */
import type { Labels } from '../../src/model/labels.ts';
import type { Prng } from './prng.ts';

/** How the values of appended samples follow each other. */
export const valuePatterns = ['constant', 'counter', 'gauge', 'float', 'random', 'special'] as const;
export type ValuePattern = (typeof valuePatterns)[number];

/** Bits of a double: high and low word, signed. */
export interface Bits {
  readonly high: number;
  readonly low: number;
}

/** Zeros of both signs, infinities, NaNs (quiet, signalling, stale, with payload), denormals, the largest numbers. */
const specials: readonly Bits[] = [
  [0x00000000, 0],
  [0x80000000, 0],
  [0x7ff00000, 0],
  [0xfff00000, 0],
  [0x7ff80000, 0],
  [0x7ff80000, 1],
  [0x7ff00000, 1],
  [0x7ff00000, 2],
  [0xfff80000, 0xdeadbeef],
  [0x7fffffff, 0xffffffff],
  [0x00000000, 1],
  [0x80000000, 1],
  [0x000fffff, 0xffffffff],
  [0x7fefffff, 0xffffffff],
  [0x41e00000, 0],
  [0x43e00000, 0],
  [0xc3e00000, 0],
].map(([high, low]) => ({ high: high | 0, low: low | 0 }));

const scratch = new DataView(new ArrayBuffer(8));

export const bitsOf = (value: number): Bits => {
  scratch.setFloat64(0, value);
  return { high: scratch.getInt32(0), low: scratch.getInt32(4) };
};

export const numberOf = ({ high, low }: Bits): number => {
  scratch.setInt32(0, high);
  scratch.setInt32(4, low);
  return scratch.getFloat64(0);
};

/** Whether the bits of a value survive in a JavaScript number. Those of a NaN may change. */
export const survivesAsNumber = ({ high, low }: Bits): boolean =>
  (high & 0x7ff00000) !== 0x7ff00000 || ((high & 0x000fffff) === 0 && low === 0);

/** Draws the values of one append. */
export class ValueSource {
  private readonly prng: Prng;
  private readonly pattern: ValuePattern;
  private value: number;

  constructor(prng: Prng, pattern: ValuePattern) {
    this.prng = prng;
    this.pattern = pattern;
    this.value = prng.below(1000);
  }

  next(): Bits {
    const { prng } = this;
    switch (this.pattern) {
      case 'constant':
        return bitsOf(this.value);
      case 'counter':
        this.value += prng.below(100);
        return bitsOf(this.value);
      case 'gauge':
        this.value = Math.round(this.value * 100 + prng.between(-1000, 1000)) / 100;
        return bitsOf(this.value);
      case 'float':
        return bitsOf(prng.next() * this.value);
      case 'random':
        return { high: prng.uint32() | 0, low: prng.uint32() | 0 };
      case 'special':
        return prng.chance(0.5) ? prng.pick(specials) : bitsOf(prng.between(-3, 3));
    }
  }
}

/** The label that all simulated series have. */
export const ALL_SERIES: Labels = { sim: '1' };

const labelSets: readonly Labels[] = [
  // These two have the same raw fingerprint (docs/formats gives the example): the second is stored under a mapped one.
  { ...ALL_SERIES, instance: 'ip-10-33-84-73.l05.ams5.s-cloud.net:24483', status: '503', __name__: 'collides' },
  { ...ALL_SERIES, instance: 'ip-10-33-84-73.l05.ams5.s-cloud.net:24480', status: '500', __name__: 'collides' },
  ...[2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((number) => ({
    ...ALL_SERIES,
    __name__: number % 3 === 0 ? 'requests_total' : 'temperature',
    id: String(number),
    ...(number % 4 === 0 ? { room: 'Küche ☃ "1"\n' } : {}),
  })),
];

export const SERIES_MAX = labelSets.length;

/** The labels of the series with this number. */
export const labelsOf = (series: number): Labels => labelSets[series];

/** Labels as a key that does not depend on the order of the names. */
export const keyOf = (labels: Labels): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

const numbers = new Map(labelSets.map((labels, number) => [keyOf(labels), number]));

/** The number of the series with these labels; `undefined` if the simulation has none. */
export const seriesOf = (labels: Labels): number | undefined => numbers.get(keyOf(labels));
