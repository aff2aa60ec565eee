/**
 * Handles samples that the store refused because their series has newer ones. Importing a file twice, for example,
 * appends all its samples again. A sample that the series already has, with the same bits, changes nothing and counts
 * as imported.
 *
 * The samples are collected and compared in batches, so that a series is read once for many samples.
 */
import type { SeriesHandle, Store } from '../index.ts';

/** How many samples are collected before they are compared. */
const gatheredMax = 50_000;
/**
 * Refused samples of a series are read as one range if the gaps between them are at most an hour, or at most 16 times
 * their average distance.
 */
const gapMsMin = 3_600_000;
const gapDistancesMax = 16;

interface Gathered {
  readonly handle: SeriesHandle;
  readonly timestamps: number[];
  readonly bits: bigint[];
}

/** The result of comparing refused samples. */
export interface Comparison {
  /** Samples that the series has exactly so. */
  readonly repeated: number;
  /** Samples for whose time the series has another value. */
  readonly different: number;
  /** Samples for whose time the series has no sample. */
  readonly missing: number;
  /** Fingerprints of the series that have one of the samples. */
  readonly series: ReadonlySet<string>;
}

const word = new BigUint64Array(1);
const wordAsValue = new Float64Array(word.buffer);

/** The bit pattern of a value. */
export const bitsOf = (value: number): bigint => {
  wordAsValue[0] = value;
  return word[0];
};

export class RepeatedSamples {
  private readonly store: Store;
  private gathered = new Map<string, Gathered>();
  private count = 0;

  constructor(store: Store) {
    this.store = store;
  }

  get isFull(): boolean {
    return this.count >= gatheredMax;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  add(handle: SeriesHandle, timestamp: number, bits: bigint): void {
    let known = this.gathered.get(handle.fingerprint);
    if (known === undefined) {
      known = { handle, timestamps: [], bits: [] };
      this.gathered.set(handle.fingerprint, known);
    }
    known.timestamps.push(timestamp);
    known.bits.push(bits);
    this.count++;
  }

  /** Compares the collected samples with those in the store, and empties the collection. */
  async compare(): Promise<Comparison> {
    const { gathered } = this;
    this.gathered = new Map();
    this.count = 0;
    const sum = { repeated: 0, different: 0, missing: 0, series: new Set<string>() };
    for (const one of gathered.values())
      for (const run of runsOf(one)) {
        const found = await this.read(one.handle, one.timestamps[run[0]], one.timestamps[run[run.length - 1]]);
        for (const i of run) {
          const bits = found.get(one.timestamps[i]);
          if (bits === undefined) sum.missing++;
          else if (bits.includes(one.bits[i])) {
            sum.repeated++;
            sum.series.add(one.handle.fingerprint);
          } else sum.different++;
        }
      }
    return sum;
  }

  /** The bit patterns of the series' values at each time in a range. */
  private async read({ labels, fingerprint }: SeriesHandle, from: number, through: number) {
    const found = new Map<number, bigint[]>();
    const matchers = Object.keys(labels).map((name) => ({ name, op: '=' as const, value: labels[name] }));
    for await (const series of this.store.select(matchers, { from, through })) {
      if (series.fingerprint !== fingerprint) continue;
      const { timestamps, values } = series;
      const words = new BigUint64Array(values.buffer, values.byteOffset, values.length);
      timestamps.forEach((timestamp, i) => {
        const known = found.get(timestamp);
        if (known === undefined) found.set(timestamp, [words[i]]);
        else known.push(words[i]);
      });
    }
    return found;
  }
}

/** The samples' indexes in order of time, in runs without a large gap. */
function* runsOf({ timestamps }: Gathered): Iterable<readonly number[]> {
  const order = timestamps.map((_, i) => i).sort((a, b) => timestamps[a] - timestamps[b]);
  const span = timestamps[order[order.length - 1]] - timestamps[order[0]];
  const gapMs = Math.max(gapMsMin, (gapDistancesMax * span) / order.length);
  let run: number[] = [];
  for (const i of order) {
    if (run.length > 0 && timestamps[i] - timestamps[run[run.length - 1]] > gapMs) {
      yield run;
      run = [];
    }
    run.push(i);
  }
  if (run.length > 0) yield run;
}
