/** `tidemark heads`: what the heads checkpoint holds, series by series, read without opening the store. */
import { exitCodes } from '../exit-codes.ts';
import type { Verb } from '../verb.ts';

export const heads: Verb = {
  name: 'heads',
  summary: 'Print what the checkpoint holds, series by series.',
  positionals: [{ name: 'DIR', required: true, summary: 'The directory of the store.', completes: 'directory' }],
  options: { json: { type: 'boolean', summary: 'Print JSON lines.' } },
  notes: [],
  examples: ['tidemark heads ./data'],

  async run() {
    return exitCodes.ok;
  },
};
