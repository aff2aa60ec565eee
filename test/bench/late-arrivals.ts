/** The samples of `npm run bench:late`: an hour of many series, of which a share arrives late by up to an hour. */
import { seeded } from '../support/seeded.ts';

export const SHARES = [0, 0.01, 0.1, 1];
export const ROUND_MS = 15_000;
export const BASE = 1_700_000_000_000;
const ROUNDS = 240;

/** For each round, the samples that arrive in it: series and time, in turn. */
export const arrivals = (seriesCount: number, share: number): Float64Array[] => {
  const random = seeded(7);
  const rounds = Array.from({ length: 2 * ROUNDS }, () => [] as number[]);
  for (let round = 0; round < ROUNDS; round++) {
    for (let id = 0; id < seriesCount; id++) {
      const delay = random.next() < share ? random.int(ROUNDS) : 0;
      rounds[round + delay].push(id, BASE + round * ROUND_MS);
    }
  }
  return rounds.map((round) => Float64Array.from(round));
};
