/**
 * The workload that every figure of the benchmark is measured on: N series that all get one sample a round, S rounds.
 *
 * Six labels a series; values of five kinds (constant, counter, gauge with two decimals, noise, step counter) from a
 * 32-bit xorshift generator of the series' own; a sample every 15 s, exactly for even series, up to 6 ms late for
 * odd ones. Fully determined by N, S and the time of the first round, so that whoever reads a store back can say of
 * every sample what it must be, series by series and bit by bit.
 */

export const roundMs = 15_000;

export interface WorkloadSize {
  readonly seriesCount: number;
  readonly rounds: number;
}

export interface Workload extends WorkloadSize {
  /** The time of the first round, milliseconds since the epoch. */
  readonly base: number;
}

/** A size from text such as `100000x240`. */
export const sizeFrom = (text: string): WorkloadSize => {
  const [seriesCount, rounds] = text.split(/[x,]/).map(Number);
  if (!Number.isInteger(seriesCount) || !Number.isInteger(rounds) || rounds < 2) {
    throw new Error(`a size is series and rounds, such as 100000x240, not ${text}`);
  }
  return { seriesCount, rounds };
};

export const sampleCount = ({ seriesCount, rounds }: WorkloadSize): number => seriesCount * rounds;

/** The label set of series `i`, every call a new object. */
export const labelsOf = (i: number): Record<string, string> => ({
  __name__: `metric_${i % 100}`,
  job: `job-${Math.floor(i / 100) % 10}`,
  instance: `10.0.${Math.floor(i / 1000) % 250}.${Math.floor(i / 250_000)}:9100`,
  path: `/api/v1/resource/${i % 1000}`,
  status: String(200 + (i % 5)),
  id: String(i),
});

/** Like {@link labelsOf}, but with flat strings that no other object shares, as a parser of network text makes them. */
export const freshLabelsOf = (i: number): Record<string, string> => {
  const labels = labelsOf(i);
  for (const name of Object.keys(labels)) labels[name] = Buffer.from(labels[name], 'latin1').toString('latin1');
  return labels;
};

const seedOf = (i: number): number => (Math.imul(i, 2654435761) + 1) | 1;

const nextState = (state: number): number => {
  let s = state;
  s ^= s << 13;
  s ^= s >>> 17;
  return s ^ (s << 5);
};

const nextValue = (kind: number, value: number, random: number): number => {
  switch (kind) {
    case 0:
      return 1;
    case 1:
      return value + (random % 100);
    case 2:
      return Math.round((value + ((random % 2001) - 1000) / 100) * 100) / 100;
    case 3:
      return random / 2 ** 32;
    default:
      return random % 10 === 0 ? value + 1 : value;
  }
};

const timeOf = (base: number, round: number, i: number, random: number): number =>
  base + round * roundMs + (i % 2 === 1 ? random % 7 : 0);

/**
 * Makes the samples round by round, into the same two arrays every time: index i is series i. Made before the clock
 * starts, so that what is timed is the store alone.
 */
export class Rounds {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly #workload: Workload;
  readonly #states: Int32Array;
  #round = 0;

  constructor(workload: Workload) {
    this.#workload = workload;
    this.timestamps = new Float64Array(workload.seriesCount);
    this.values = new Float64Array(workload.seriesCount);
    this.#states = Int32Array.from({ length: workload.seriesCount }, (_, i) => seedOf(i));
  }

  /** How many rounds have been made. */
  get made(): number {
    return this.#round;
  }

  next(): void {
    this.make(0, this.#workload.seriesCount);
  }

  /** A part of the next round, series `from` to `to`; parts follow one another, and the last one ends the round. */
  make(from: number, to: number): void {
    const { base, seriesCount } = this.#workload;
    for (let i = from; i < to; i++) {
      const state = nextState(this.#states[i]);
      const random = state >>> 0;
      this.#states[i] = state;
      this.values[i] = nextValue(i % 5, this.values[i], random);
      this.timestamps[i] = timeOf(base, this.#round, i, random);
    }
    if (to === seriesCount) this.#round += 1;
  }
}

export interface ExpectedSamples {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** All samples of series `i`, in order; `into` is filled and returned, so that millions of series cost no garbage. */
export const fillExpected = (workload: Workload, i: number, into: ExpectedSamples): ExpectedSamples => {
  let state = seedOf(i);
  let value = 0;
  for (let round = 0; round < workload.rounds; round++) {
    state = nextState(state);
    value = nextValue(i % 5, value, state >>> 0);
    into.timestamps[round] = timeOf(workload.base, round, i, state >>> 0);
    into.values[round] = value;
  }
  return into;
};

/** The queries that are timed after the rounds. */
export const queries = {
  /** 500 of 100,000 series, every sample read. */
  range: 'metric_7{job=~"job-[0-4]"}',
  /** The label sets of 18 % of all series. */
  lookup: '{status="202",job!="job-3"}',
  /** The very same label sets, by two regular expressions, one of them over the 1,000 values of a label. */
  regex: '{path=~"/api/v1/resource/.*[27]",job!~"job-[3]"}',
} as const;

/** What the queries must find, so that no figure is of a wrong answer. */
export const expectedCounts = ({ seriesCount }: WorkloadSize): Readonly<Record<keyof typeof queries, number>> => {
  let range = 0;
  let lookup = 0;
  for (let i = 0; i < seriesCount; i++) {
    const job = Math.floor(i / 100) % 10;
    if (i % 100 === 7 && job <= 4) range += 1;
    if (i % 5 === 2 && job !== 3) lookup += 1;
  }
  return { range, lookup, regex: lookup };
};
