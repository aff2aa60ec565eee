/** The simulator finds each of ten deliberate defects, and the store without it passes the same sequence. */
import { expect } from 'chai';
import { checkDirectory, openStore } from '../../src/index.ts';
import { simulate } from '../../src/simulation/simulate.ts';
import { mutations } from './support/mutations.ts';

const SEEDS_MAX = 500;
const STEPS = 60;

describe('A deliberate defect', () => {
  for (const { name, during } of mutations) {
    it(`is found within ${SEEDS_MAX} seeds: ${name}`, async function () {
      this.timeout(600_000);
      for (let seed = 1; seed <= SEEDS_MAX; seed++) {
        const { failure } = await during((open) => simulate(seed, STEPS, { openStore: open, checkDirectory }));
        if (failure === undefined) continue;
        const sound = await simulate(seed, STEPS, { openStore, checkDirectory });
        if (sound.failure === undefined) return;
      }
      expect.fail(`${name}: not found`);
    });
  }
});
