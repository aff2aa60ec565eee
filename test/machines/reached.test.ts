/** The statecharts have no transition that the store never takes. */
import { expect } from 'chai';
import { checkDirectory, openStore } from '../../src/index.ts';
import { generate } from '../simulation/generator.ts';
import { playSequence } from '../simulation/simulate.ts';
import { smallRuns } from './small-runs.ts';
import { allTransitions, TakenTransitions } from './taken-transitions.ts';

/**
 * Seeds of the simulator: sequences of 60 and of 200 steps. A change of the store changes
 * what happens in a sequence. If a transition is then missing, find another seed that reaches it, or add a small run.
 */
const wholeSeeds = [1, 114, 194];
const longSeeds = [3, 8, 9, 12, 18, 42, 63, 72, 108, 144, 214, 237];
const WHOLE_STEPS = 60;
const LONG_STEPS = 200;

/** Transitions that only a defect of the store would cause, and what they are for. */
const forDefects: Readonly<Record<string, string>> = {
  'store | running | fail | 0': 'a background stream ended with an error: the store must not go on',
  'store | closing.finishing | fail | 0': 'the same while the store closes',
  'store | closing.releasing | xstate.error.actor.releaseUnopened | 0':
    'the release catches the errors of each of its steps; without the transition, a new one would end the actor',
  'store | failing | xstate.error.actor.releaseFailed | 0': 'the same after a failure',
};

describe('the transitions of the statecharts', () => {
  it('are all caused by the store, except for those that answer a defect', async () => {
    const taken = new TakenTransitions();
    const subject = {
      checkDirectory,
      openStore: (directory: string, options: Parameters<typeof openStore>[1]) =>
        openStore(directory, {
          ...options,
          inspect: (event) => {
            taken.inspect(event);
            options?.inspect?.(event);
          },
        }),
    };
    for (const run of smallRuns) await run(taken.inspect);
    const sequences = [
      ...wholeSeeds.map((seed) => generate(seed, WHOLE_STEPS)),
      ...longSeeds.map((seed) => generate(seed, LONG_STEPS)),
    ];
    for (const sequence of sequences) {
      const { failure } = await playSequence(sequence, subject);
      expect(failure?.message, `seed ${sequence.seed}`).to.equal(undefined);
    }
    const missing = allTransitions.filter((key) => !taken.keys.has(key));
    expect(missing.sort()).to.deep.equal(Object.keys(forDefects).sort());
  }).timeout(300_000);
});
