/** `tidemark dump`: prints every series as JSON lines. Opens the store read-only and never changes the directory. */
import { jsonLinePieces } from '../../text/json-lines.ts';
import { formatLabels } from '../../text/label-text.ts';
import { ReadingReport } from '../damage-report.ts';
import { openForReading } from '../open-for-reading.ts';
import { parseTimeRange } from '../time-argument.ts';
import type { Verb } from '../verb.ts';

export const dump: Verb = {
  name: 'dump',
  summary: 'Print every series as JSON lines; never writes to the directory.',
  positionals: [
    { name: 'DIR', required: true, summary: 'The directory of the store.', completes: 'directory' },
    { name: 'SELECTOR', required: false, summary: 'Which series, such as \'up{job="node"}\'. Default: all.' },
  ],
  options: {
    from: { type: 'string', placeholder: 'TIME', summary: 'Leave out samples before this time.' },
    through: { type: 'string', placeholder: 'TIME', summary: 'Leave out samples after this time.' },
    bits: { type: 'boolean', summary: 'Print values as 16-hex-digit IEEE bit patterns, so that the dump is exact.' },
  },
  notes: [
    'A line is {"metric":{…},"values":[…],"timestamps":[…]}, the shape that VictoriaMetrics exports and imports; timestamps are milliseconds. Series are sorted by labels; a long one has several lines. NaN is null, the infinities are "Infinity" and "-Infinity", in lines of their own.',
    'TIME is milliseconds since the epoch, a date such as 2026-01-31T12:00Z, or how long ago, such as 6h.',
    'Damage is reported on stderr and everything else is printed; the exit code is then 3.',
  ],
  examples: [
    'tidemark dump ./data > all.jsonl',
    'tidemark dump ./data \'up{job="node"}\' --from 6h',
    'tidemark dump ./data --bits | tidemark import ./copy --bits',
  ],

  async run({ positionals: [directory, selector], options, terminal, library, signal }) {
    const { systemClock } = await library();
    const { from, through } = parseTimeRange(options, systemClock.now());
    const report = new ReadingReport(terminal);
    await using store = await openForReading(directory, { terminal, library, signal }, report);
    for await (const series of store.select(selector ?? [], { from, through, signal })) {
      for (const problem of series.problems ?? []) report.note(`${formatLabels(series.labels)}: ${problem}`);
      if (series.timestamps.length === 0) continue;
      for (const piece of jsonLinePieces(series, { bits: options['bits'] === true })) await terminal.out.write(piece);
    }
    return report.exitCode;
  },
};
