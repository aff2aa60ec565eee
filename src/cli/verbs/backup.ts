/**
 * `tidemark backup`: a consistent copy of a directory that no program has open. A running program calls `store.backup`.
 */

import { formatCount } from '../../text/quantities.ts';
import { ReadingReport } from '../damage-report.ts';
import { openForReading } from '../open-for-reading.ts';
import { formatBytes } from '../units.ts';
import type { Verb } from '../verb.ts';

export const backup: Verb = {
  name: 'backup',
  summary: 'Make a consistent copy of a directory.',
  positionals: [
    { name: 'DIR', required: true, summary: 'The directory of the store.', completes: 'directory' },
    {
      name: 'TO',
      required: true,
      summary: 'The directory of the copy; it must be new or empty.',
      completes: 'directory',
    },
  ],
  options: { json: { type: 'boolean', summary: 'Print the counts as JSON to stdout.' } },
  notes: [
    'The directory itself is not changed. If another program has it open, the copy is refused with exit code 4: that program must make it, with store.backup(directory).',
    'Damage is reported on stderr; the exit code is then 3.',
  ],
  examples: ['tidemark backup ./data ./data-copy'],

  async run({ positionals: [directory, to], options, terminal, library, signal }) {
    const report = new ReadingReport(terminal);
    await using store = await openForReading(directory, { terminal, library, signal }, report);
    const result = await store.backup(to);
    terminal.err.say(`Copied ${formatCount(result.series)} series, ${formatBytes(result.bytes)}, to ${to}.\n`);
    if (options['json'] === true) await terminal.out.write(`${JSON.stringify(result)}\n`);
    return report.exitCode;
  },
};
