/** `tidemark check`: verifies a directory without writing to it, and prints one line per problem. */
import type { CheckProblem } from '../../index.ts';
import { formatCount, formatQuantity } from '../../text/quantities.ts';
import { exitCodes } from '../exit-codes.ts';
import { createProgressBar } from '../progress-bar.ts';
import type { Verb } from '../verb.ts';

export const check: Verb = {
  name: 'check',
  summary: 'Verify everything in a directory without writing to it; one line per problem.',
  positionals: [{ name: 'DIR', required: true, summary: 'The directory of the store.', completes: 'directory' }],
  options: {
    pedantic: { type: 'boolean', summary: 'Read every chunk of every series file, even if nothing looks wrong.' },
    json: { type: 'boolean', summary: 'Print problems as JSON lines.' },
  },
  notes: ['The exit code is 3 when there are problems, and 0 when there are none.'],
  examples: ['tidemark check ./data', 'tidemark check ./data --pedantic --json'],

  async run({ positionals: [directory], options, terminal, library, signal }) {
    const { checkDirectory, systemClock } = await library();
    const bar = createProgressBar(terminal, systemClock);
    const { out } = terminal;
    const readerGone = new AbortController();
    let printed = Promise.resolve();
    /**
     * Prints each problem as soon as it is found, because a check can take long and the reader may want only the first.
     */
    const print = (problem: CheckProblem): void => {
      printed = printed.then(async () => {
        bar.clear();
        await out.write(options['json'] === true ? `${JSON.stringify(problem)}\n` : `${problem.message}\n`);
        await out.flush();
      });
      printed.catch((error: unknown) => readerGone.abort(error));
    };
    const report = await checkDirectory(directory, {
      pedantic: options['pedantic'] === true,
      onProblem: print,
      onProgress: bar.update,
      signal: AbortSignal.any([signal, readerGone.signal]),
    })
      .finally(bar.clear)
      .catch(async (error: unknown) => {
        await printed;
        throw error;
      });
    await printed;
    for (const { message } of report.settled ?? [])
      terminal.err.say(`Already handled when the store was opened: ${message}\n`);
    const { length } = report.problems;
    if (report.dirty)
      terminal.err.say(
        'The store is in use or was not closed cleanly. Data that is only in the journal is checked by the next opening.\n',
      );
    terminal.err.say(
      `Checked ${formatCount(report.series)} series: ${length === 0 ? 'no problems' : formatQuantity(length, 'problem')}.\n`,
    );
    return length === 0 ? exitCodes.ok : exitCodes.problems;
  },
};
