/** `tidemark drop`: deletes series, or their samples in a time range. On a terminal it asks first. */

import { formatCount } from '../../text/quantities.ts';
import { isConfirmed } from '../ask.ts';
import { exitCodes } from '../exit-codes.ts';
import { openForReading } from '../open-for-reading.ts';
import { openExisting } from '../open-for-writing.ts';
import { parseTimeRange } from '../time-argument.ts';
import { UsageError, type Verb } from '../verb.ts';

export const drop: Verb = {
  name: 'drop',
  summary: 'Delete series, or their samples in a time range.',
  positionals: [
    { name: 'DIR', required: true, summary: 'The directory of the store.', completes: 'directory' },
    { name: 'SELECTOR', required: true, summary: 'Which series, such as \'up{job="node"}\'.' },
  ],
  options: {
    from: { type: 'string', placeholder: 'TIME', summary: 'Keep samples before this time.' },
    through: { type: 'string', placeholder: 'TIME', summary: 'Keep samples after this time.' },
    yes: { type: 'boolean', summary: 'Do not ask. Needed if stdin is not a terminal.' },
  },
  notes: [
    'Without --from and --through the series are deleted for good. With one of them, only their samples in this range are; both ends are included. The number of series is printed.',
    'TIME is milliseconds since the epoch, a date such as 2026-01-31T12:00Z, or how long ago, such as 6h.',
  ],
  examples: [
    'tidemark drop ./data \'up{job="test"}\'',
    'tidemark drop ./data temperature --from 6h --through 5h --yes',
  ],

  async run({ positionals: [directory, selector], options, terminal, library, signal }) {
    const { systemClock } = await library();
    const range = parseTimeRange(options, systemClock.now());
    const isWhole = range.from === undefined && range.through === undefined;
    const isSure = options['yes'] === true;
    if (!isSure && terminal.input.isTTY !== true)
      throw new UsageError('drop asks before it deletes, and stdin is not a terminal: repeat the command with --yes.');
    if (!isSure) {
      // A directory that is only looked at is not changed, whatever the answer is.
      await using store = await openForReading(directory, { terminal, library, signal });
      const found = `${formatCount((await store.metrics(selector, range)).length)} series`;
      const question = isWhole ? `Delete ${found}?` : `Delete the samples of ${found} in this time range?`;
      if (!(await isConfirmed(terminal, question, signal))) {
        terminal.err.say('Nothing was deleted.\n');
        return signal.aborted ? exitCodes.interrupted : exitCodes.ok;
      }
    }
    await using opened = await openExisting(directory, { terminal, library, signal }, { applyRetention: false });
    const dropped = `${formatCount(await opened.store.drop(selector, range))} series`;
    await terminal.out.write(isWhole ? `Deleted ${dropped}.\n` : `Deleted samples of ${dropped}.\n`);
    return exitCodes.ok;
  },
};
