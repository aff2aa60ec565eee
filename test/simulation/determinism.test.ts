/** The whole store takes time and randomness only from its ports, so that a seed always gives the same history. */
import { expect } from 'chai';
import { checkDirectory, openStore } from '../../src/index.ts';
import { simulate } from './simulate.ts';

const STEPS = 60;

describe('A simulated store', () => {
  for (const seed of [1, 2, 3]) {
    it(`makes the same calls when seed ${seed} is played again`, async () => {
      const play = (): ReturnType<typeof simulate> => simulate(seed, STEPS, { openStore, checkDirectory });
      const first = await play();
      const second = await play();
      expect(first.failure?.message).to.equal(undefined);
      expect(second.traceHash).to.equal(first.traceHash);
      expect(second.calls).to.equal(first.calls);
    }).timeout(60_000);
  }
});
