/** `tidemark events`: the journal of a directory as JSON lines, and with `--follow` what is written to it from now on. */
import { exitCodes } from '../exit-codes.ts';
import { eventLine } from '../json-events.ts';
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
    follow: { type: 'boolean', summary: 'Go on with what is written from now on, until Ctrl-C.' },
    lifecycle: { type: 'boolean', summary: 'Leave out the batches of samples.' },
  },
  notes: [
    'The journal is read as it lies there: the directory may be in use, and with --follow its events are seen as they are written. What cannot be read is said on stderr, with exit code 3.',
    "An event's position is where it ends in the journal: --from with the last position that was printed continues right after it.",
  ],
  examples: ['tidemark events ./data --lifecycle', 'tidemark events ./data --follow --lifecycle | jq .type'],

  async run({ positionals: [directory], options, terminal, engine, signal }) {
    const from = integerOption(options, 'from', { minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
    const follow = options['follow'] === true;
    const { readEvents } = await engine();
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
