/**
 * Samples that a store refused because their series has newer ones: importing a file twice offers all of it again. A
 * sample that the series already holds, with the same bits, changes nothing and counts as taken.
 *
 * They are gathered and compared in batches, so that a series is read once for many samples.
 */
import type { SeriesHandle, Store } from '../index.ts';

/** Samples gathered before they are compared. */
const gatheredMax = 50_000;
/** A gap between two refused samples of a series is read over if it is shorter, or not many times their usual distance. */
const gapMsMin = 3_600_000;
const gapDistancesMax = 16;

interface Gathered {
  readonly handle: SeriesHandle;
  readonly timestamps: number[];
  readonly bits: bigint[];
}

/** What became of refused samples. */
export interface Comparison {
  /** The series holds exactly this sample. */
  readonly repeated: number;
  /** The series holds another value at this time. */
  readonly different: number;
  /** The series has no sample at this time. */
  readonly missing: number;
  /** The fingerprints of series that hold one of the samples. */
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

  /** Compares what was gathered with what the store has, and forgets it. */
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

  /** The bit patterns that the series has at each time of a range. */
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

/** The samples' places in order of time, in runs without a large gap. */
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
