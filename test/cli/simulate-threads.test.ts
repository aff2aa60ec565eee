import { expect } from 'chai';
import type { SeedOutcome } from '../../src/cli/verbs/simulate-seed.ts';
import { playOnThreads } from '../../src/cli/verbs/simulate-threads.ts';

describe('seeds on several threads', () => {
  const told = async (until: number): Promise<number[]> => {
    const seeds: number[] = [];
    let isTelling = false;
    const onOutcome = async ({ seed }: SeedOutcome): Promise<boolean> => {
      expect(isTelling, 'one at a time').to.equal(false);
      isTelling = true;
      await new Promise((resolve) => setImmediate(resolve));
      isTelling = false;
      seeds.push(seed);
      return seed < until;
    };
    await playOnThreads({ seed: 40, runs: 12, steps: 10, threads: 4, onOutcome });
    return seeds;
  };

  it('tells the outcomes in the order of the seeds, one at a time', async () => {
    expect(await told(51)).to.deep.equal([40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51]);
  });

  it('tells nothing more when it is ended', async () => {
    expect(await told(43)).to.deep.equal([40, 41, 42, 43]);
  });
});
