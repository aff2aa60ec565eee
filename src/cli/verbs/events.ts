/** `tidemark events`: prints the journal of a directory as JSON lines; with `--follow`, new events, too. */

import { eventLine } from '../../text/json-events.ts';
import { exitCodes } from '../exit-codes.ts';
import { integerOption, type Verb } from '../verb.ts';

export const events: Verb = {
  name: 'events',
  summary: 'Print the journal as JSON lines.',
  positionals: [{ name: 'DIR', required: true, summary: 'The directory of the store.', completes: 'directory' }],
  options: {
    from: {
      type: 'string',
      placeholder: 'POSITION',
      summary: 'Begin at this position; default: the oldest event kept.',
    },
    follow: { type: 'boolean', summary: 'Continue with new events as they are written, until Ctrl-C.' },
    lifecycle: { type: 'boolean', summary: 'Leave out the batches of samples.' },
  },
  notes: [
    'The journal is read without opening the store, so another program may be using the directory; --follow then prints its events as they are written. Parts that cannot be read are reported on stderr; the exit code is then 3.',
    "An event's position is where it ends in the journal, so --from with the last printed position continues right after that event.",
  ],
  examples: ['tidemark events ./data --lifecycle', 'tidemark events ./data --follow --lifecycle | jq .type'],

  async run({ positionals: [directory], options, terminal, library, signal }) {
    const from = integerOption(options, 'from', { minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
    const follow = options['follow'] === true;
    const { readEvents } = await library();
    let problems = 0;
    const events = readEvents(directory, {
      ...(from === undefined ? {} : { from }),
      follow,
      lifecycle: options['lifecycle'] === true,
      signal,
      onProblem: (message) => {
        problems++;
        terminal.err.say(`${message}\n`);
      },
    });
    for await (const event of events) {
      await terminal.out.write(`${eventLine(event)}\n`);
      if (follow) await terminal.out.flush();
    }
    if (signal.aborted && !follow) return exitCodes.interrupted;
    return problems === 0 ? exitCodes.ok : exitCodes.problems;
  },
};
