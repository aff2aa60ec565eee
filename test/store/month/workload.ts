/**
 * The month's samples: so many series at a time, one sample each every five minutes, some of them replaced by new ones
 * every round. Every sample is a function of its series and its round, so that it can be checked without being kept.
 */
export const ROUND_MS = 300_000;
export const ROUNDS_PER_DAY = 86_400_000 / ROUND_MS;

export interface MonthlySeries {
  readonly id: number;
  readonly firstRound: number;
  /** The last round that has a sample; Infinity while the series lives. */
  lastRound: number;
}

export const labelsOf = (id: number): Record<string, string> => ({
  __name__: `metric_${id % 20}`,
  job: `job-${id % 7}`,
  instance: `10.0.${(id >> 8) & 255}.${id & 255}:9100`,
  id: String(id),
});

const mixed = (id: number, round: number): number => {
  let word = Math.imul(id ^ 0x5bd1e995, 0x9e3779b1) ^ Math.imul(round + 1, 0x85ebca6b);
  word ^= word >>> 15;
  word = Math.imul(word, 0xc2b2ae35);
  return (word ^ (word >>> 13)) >>> 0;
};

/** A constant, a counter, a gauge with two decimals, a slow step. */
export const valueAt = (id: number, round: number): number => {
  switch (id & 3) {
    case 0:
      return 1;
    case 1:
      return round * 60 + (mixed(id, round) % 60);
    case 2:
      return (2000 + (mixed(id, round) % 500)) / 100;
    default:
      return Math.floor(round / 50) + id;
  }
};

/** The series there are: some live, the others have ended. */
export class Population {
  readonly live: MonthlySeries[] = [];
  readonly all: MonthlySeries[] = [];
  private readonly churnPerRound: number;
  private due = 0;
  private oldest = 0;

  constructor(count: number, churnPerDay: number) {
    for (let i = 0; i < count; i++) this.add(i, 0);
    this.churnPerRound = (count * churnPerDay) / ROUNDS_PER_DAY;
  }

  /** Replaces the series that end before this round. Returns the places that have a new one. */
  churn(round: number): number[] {
    const replaced: number[] = [];
    this.due += this.churnPerRound;
    for (; this.due >= 1; this.due--) {
      // The stride visits every place before it comes back to one.
      const place = (this.oldest++ * 7919) % this.live.length;
      this.live[place].lastRound = round - 1;
      this.add(place, round);
      replaced.push(place);
    }
    return replaced;
  }

  private add(place: number, round: number): void {
    const series = { id: this.all.length, firstRound: round, lastRound: Number.POSITIVE_INFINITY };
    this.all.push(series);
    this.live[place] = series;
  }
}
