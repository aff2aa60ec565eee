/** `tidemark info`: counts, sizes and the time range of a directory, without changing it. */
import type { StoreInfo } from '../../index.ts';
import { formatCount } from '../../text/quantities.ts';
import { formatTable } from '../columns.ts';
import { ReadingReport } from '../damage-report.ts';
import { describeRetention } from '../describe-retention.ts';
import { openForReading } from '../open-for-reading.ts';
import { formatBytes, formatTime } from '../units.ts';
import type { Verb } from '../verb.ts';

const conditions: Readonly<Record<StoreInfo['opened'], string>> = {
  created: 'empty',
  clean: 'clean: closed properly',
  journal: 'dirty: in use or crashed; the journal has what the checkpoint lacks',
  crashRecovery: 'dirty: crashed without a journal; recovered by scanning',
};

const describe = (info: StoreInfo): string =>
  formatTable([
    ['directory', info.directory],
    ['format version', String(info.version)],
    ['condition', conditions[info.opened]],
    ['series in memory', formatCount(info.seriesInMemory)],
    ['series archived', formatCount(info.seriesArchived)],
    ['series quarantined', formatCount(info.seriesQuarantined)],
    ['chunks in memory', formatCount(info.chunksInMemory)],
    ['chunks to persist', formatCount(info.chunksWaiting)],
    ['first sample', info.firstTime === undefined ? 'none' : formatTime(info.firstTime)],
    ['last sample', info.lastTime === undefined ? 'none' : formatTime(info.lastTime)],
    ...describeRetention(info.retention),
    ['series files', formatBytes(info.bytes.seriesFiles)],
    ['checkpoint', formatBytes(info.bytes.heads)],
    ['journal', `${formatBytes(info.bytes.journal)}, positions ${info.journal.first} to ${info.journal.end}`],
    ['indexes', formatBytes(info.bytes.indexes)],
    ['quarantine', formatBytes(info.bytes.quarantine)],
    ['total on disk', formatBytes(info.bytes.total)],
  ]);

export const info: Verb = {
  name: 'info',
  summary: 'Print counts, sizes, time range and condition of a directory.',
  positionals: [{ name: 'DIR', required: true, summary: 'The directory of the store.', completes: 'directory' }],
  options: { json: { type: 'boolean', summary: 'Print JSON.' } },
  notes: ['Damage is reported on stderr; the exit code is then 3.'],
  examples: ['tidemark info ./data'],

  async run({ positionals: [directory], options, terminal, library, signal }) {
    const report = new ReadingReport(terminal);
    await using store = await openForReading(directory, { terminal, library, signal }, report);
    const found = await store.info();
    await terminal.out.write(options['json'] === true ? `${JSON.stringify(found)}\n` : describe(found));
    return report.exitCode;
  },
};
