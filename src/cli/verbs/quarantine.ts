/** `tidemark quarantine`: lists the quarantined series with the reason, and prints the readable samples of one. */
import type { QuarantinedSeries, Store } from '../../index.ts';
import { jsonLinePieces } from '../../text/json-lines.ts';
import { formatLabels } from '../../text/label-text.ts';
import { ReadingReport } from '../damage-report.ts';
import { openForReading } from '../open-for-reading.ts';
import type { Terminal } from '../terminal.ts';
import { formatTime } from '../units.ts';
import { textOption, UsageError, type Verb } from '../verb.ts';

const describe = ({ fingerprint, labels, reason, time, file }: QuarantinedSeries): string =>
  [
    `${fingerprint}  ${labels === undefined ? '(labels unknown)' : formatLabels(labels)}`,
    `    since   ${formatTime(time)}`,
    `    reason  ${reason}`,
    `    file    ${file ?? '(none)'}`,
    '',
  ].join('\n');

const list = async (store: Store, { out, err }: Terminal, json: boolean): Promise<void> => {
  const series = await store.quarantined();
  for (const one of series) await out.write(json ? `${JSON.stringify(one)}\n` : describe(one));
  if (series.length === 0 && !json) err.say('Nothing is quarantined.\n');
};

const read = async (
  store: Store,
  report: ReadingReport,
  { fingerprint, bits, out }: { readonly fingerprint: string; readonly bits: boolean; readonly out: Terminal['out'] },
): Promise<void> => {
  const series = await store.readQuarantined(fingerprint);
  for (const piece of jsonLinePieces(series, { bits })) await out.write(piece);
  for (const problem of series.problems) report.note(problem);
};

export const quarantine: Verb = {
  name: 'quarantine',
  summary: 'List the quarantined series, or print what can still be read of one.',
  positionals: [{ name: 'DIR', required: true, summary: 'The directory of the store.', completes: 'directory' }],
  options: {
    read: {
      type: 'string',
      placeholder: 'FINGERPRINT',
      summary: 'Print the readable samples of this series as a JSON line; problems are reported on stderr.',
    },
    bits: { type: 'boolean', summary: 'With --read: values as 16-hex-digit bit patterns.' },
    json: { type: 'boolean', summary: 'List as JSON lines.' },
  },
  notes: [],
  examples: ['tidemark quarantine ./data', 'tidemark quarantine ./data --read 0dcdc7ca9e6652a6'],

  async run({ positionals: [directory], options, terminal, library, signal }) {
    const fingerprint = textOption(options, 'read');
    if (fingerprint !== undefined && !/^[0-9a-f]{16}$/.test(fingerprint))
      throw new UsageError(`--read takes a fingerprint of 16 hex digits, not ${JSON.stringify(fingerprint)}.`);
    const report = new ReadingReport(terminal);
    await using store = await openForReading(directory, { terminal, library, signal }, report);
    if (fingerprint === undefined) await list(store, terminal, options['json'] === true);
    else await read(store, report, { fingerprint, bits: options['bits'] === true, out: terminal.out });
    return report.exitCode;
  },
};
