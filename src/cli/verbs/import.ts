/**
 * `tidemark import`: imports JSON lines or Prometheus text from stdin into a store. It reads a line at a time, in
 * bounded memory and in any order of time, waits while the store is throttled, and ends when everything is on disk. Samples that can't be imported are counted by
 * reason, bad lines are reported with their numbers.
 */
import { exitCodes } from '../exit-codes.ts';
import { type ImportFormat, importFormats } from '../import-lines.ts';
import { ImportSession } from '../import-session.ts';
import { createProgressBar } from '../progress-bar.ts';
import { textOption, UsageError, type Verb } from '../verb.ts';

/** Chunks of the store in memory, in bytes: an import needs few of them again. */
const MEMORY_TARGET = 64 * 1024 * 1024;

export const importVerb: Verb = {
  name: 'import',
  summary: 'Read JSON lines or Prometheus/OpenMetrics text from stdin into a store.',
  positionals: [
    { name: 'DIR', required: true, summary: 'The directory of the store; created if missing.', completes: 'directory' },
  ],
  options: {
    format: {
      type: 'string',
      placeholder: 'FORMAT',
      summary: 'auto (default), json, prometheus (timestamps in milliseconds) or openmetrics (in seconds).',
      choices: importFormats,
    },
    bits: { type: 'boolean', summary: 'JSON lines have 16-hex-digit bit patterns as values, as dump --bits writes.' },
    json: { type: 'boolean', summary: 'Print the final counts as JSON to stdout.' },
  },
  notes: [
    'Samples without a timestamp get the time at which the import began. With auto, the first line shows whether the input is JSON or text. Text is read as OpenMetrics if it has something that the older format cannot have, such as a timestamp with a fraction or # EOF at the end. If nothing shows whether timestamps are seconds or milliseconds, they are refused; name the FORMAT then.',
    'The samples may be in any order. None is refused because of its age or because it is in the future, and a sample that the store already has changes nothing. Lines that cannot be read and samples that the store rejects (another value at the same time, …) are counted by reason on stderr; the exit code is then 3. Ctrl-C keeps the imported samples.',
  ],
  examples: ['tidemark import ./data < samples.jsonl', 'curl -s localhost:9100/metrics | tidemark import ./data'],

  async run({ positionals: [directory], options, terminal, library, signal }) {
    if (terminal.input.isTTY)
      throw new UsageError('import reads from stdin: redirect a file or pipe a command into it.');
    const { openStore, systemClock } = await library();
    const bar = createProgressBar(terminal, systemClock);
    const store = await openStore(directory, {
      applyRetention: false,
      futureTolerance: 'off',
      memoryTarget: MEMORY_TARGET,
      onProgress: bar.update,
      signal,
    });
    const format = (textOption(options, 'format') ?? 'auto') as ImportFormat;
    const session = new ImportSession(store, { format, bits: options['bits'] === true, clock: systemClock });
    try {
      await session.read(terminal.input, { signal, onProgress: (text) => bar.show(text) });
      bar.show('writing to the disk');
      await store.flush();
    } finally {
      bar.clear();
      await store.close();
    }
    terminal.err.say(session.summary({ interrupted: signal.aborted }));
    if (options['json'] === true) await terminal.out.write(`${JSON.stringify(session.counts())}\n`);
    if (signal.aborted) return exitCodes.interrupted;
    return session.clean ? exitCodes.ok : exitCodes.problems;
  },
};
