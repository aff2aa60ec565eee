/** The simulator finds each of many deliberate defects, and the store without it passes the same sequence. */
import { expect } from 'chai';
import { checkDirectory, openStore } from '../../src/index.ts';
import { generate } from '../../src/simulation/generator.ts';
import { playSequence, simulate } from '../../src/simulation/simulate.ts';
import type { Sequence, Step } from '../../src/simulation/steps.ts';
import { commitsNoMore, mutations } from './support/mutations.ts';
import { outsideMutations } from './support/outside-mutations.ts';

const SEEDS_MAX = 500;
const STEPS = 60;

describe('A deliberate defect', () => {
  for (const { name, during } of [...mutations, ...outsideMutations]) {
    it(`is found within ${SEEDS_MAX} seeds: ${name}`, async function () {
      this.timeout(600_000);
      for (let seed = 1; seed <= SEEDS_MAX; seed++) {
        const { failure } = await during((doors) => simulate(seed, STEPS, doors));
        if (failure === undefined) continue;
        const sound = await simulate(seed, STEPS, { openStore, checkDirectory });
        if (sound.failure === undefined) return;
      }
      expect.fail(`${name}: not found`);
    });
  }

  it('is found where it shows only after the disk got well: nothing is committed unasked any more', async () => {
    const append: Step = {
      type: 'append',
      series: 2,
      count: 3,
      spacing: { everyMs: 1000 },
      values: 'counter',
      via: 'handle',
      seed: 1,
    };
    const sequence: Sequence = {
      ...generate(1, 1),
      setting: { ...generate(1, 1).setting, durability: 'interval', checkpointIntervalMs: 600_000, retentionMs: null },
      steps: [
        { type: 'command', command: 'ready', detached: false },
        { type: 'fault', fault: { fault: 'EIO', operation: 'dataSync', file: 'journal', skip: 0 } },
        append,
        { type: 'advance', byMs: 30_000 },
        append,
        { type: 'advance', byMs: 30_000 },
        { type: 'crash', kind: 'power', again: [] },
      ],
    };
    const { failure } = await commitsNoMore.during((doors) => playSequence(sequence, doors));
    expect(failure?.message).to.include('were acknowledged');
    expect((await playSequence(sequence, { openStore, checkDirectory })).failure).to.equal(undefined);
  });
});
