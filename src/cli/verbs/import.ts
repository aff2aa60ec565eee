/**
 * `tidemark import`: imports JSON lines, Prometheus text or CSV from stdin or files into a directory, or into a running
 * store. It reads a line at a time, in bounded memory and in any order of time, waits while the store is throttled, and
 * ends when everything is on disk. Samples that can't be imported are counted by reason, bad lines are reported with
 * their numbers.
 */
import { type CsvMapping, parseCsvMapping } from '../../import/csv-columns.ts';
import { CsvSource } from '../../import/csv-source.ts';
import { type ImportCounts, ImportSession } from '../../import/import-session.ts';
import { LineSource } from '../../import/line-source.ts';
import type { ImportInput, SampleSource } from '../../import/sample-source.ts';
import type { Clock } from '../../index.ts';
import { messageOf } from '../../text/error-text.ts';
import { type ImportFormat, importFormats } from '../../text/import-lines.ts';
import { formatCount } from '../../text/quantities.ts';
import { CsvHint } from '../csv-hint.ts';
import { checkDirectoryName } from '../directory-argument.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { describeTaken, importSummary } from '../import-summary.ts';
import { checkInputs, nameOfInput, openInput, readingError } from '../input-files.ts';
import { openForWriting } from '../open-for-writing.ts';
import { createProgressBar, type ProgressBar } from '../progress-bar.ts';
import { RemoteImport } from '../remote-import.ts';
import { type GivenOptions, type Invocation, textOption, UsageError, type Verb } from '../verb.ts';

/** Chunks of the store in memory, in bytes: an import needs few of them again. */
const MEMORY_TARGET = 64 * 1024 * 1024;

/** An import that reads one input. */
interface Import {
  readonly waiting: number;
  read(input: ImportInput, options: { readonly signal: AbortSignal; readonly onProgress: () => void }): Promise<void>;
  counts(): ImportCounts;
}

const csvOption = (options: GivenOptions): CsvMapping | undefined => {
  const text = textOption(options, 'csv');
  if (text === undefined) return undefined;
  if (options['bits'] === true || options['format'] !== undefined)
    throw new UsageError('--csv is a format of its own: leave out --format and --bits.');
  try {
    return parseCsvMapping(text);
  } catch (error) {
    throw new UsageError(`--csv takes time=COLUMN,value=COLUMN,labels=COLUMN;COLUMN: ${messageOf(error)}.`);
  }
};

/** Makes the source of an input in the format that the options name. */
const sourceMaker = (options: GivenOptions, clock: Clock): (() => SampleSource) => {
  const mapping = csvOption(options);
  if (mapping !== undefined) return () => new CsvSource(mapping);
  const lines = {
    format: (textOption(options, 'format') ?? 'auto') as ImportFormat,
    bits: options['bits'] === true,
    defaultTimestamp: clock.now(),
    naming: '--format ',
    breathe: () => clock.breathe(),
  };
  return () => new LineSource(lines);
};

interface Run extends Pick<Invocation, 'terminal' | 'options' | 'signal'> {
  readonly files: readonly string[];
  readonly bar: ProgressBar;
  readonly makeSource: () => SampleSource;
  readonly makeImport: (source: SampleSource) => Import;
  /** Makes durable what was imported. */
  readonly finish: () => Promise<void>;
}

/** Imports one input after the other, each with a result of its own. Returns what to print when the store is closed. */
const importInputs = async (run: Run): Promise<{ readonly texts: string[]; readonly isClean: boolean }> => {
  const { terminal, options, signal, files, bar } = run;
  const texts: string[] = [];
  let isClean = true;
  for (const file of files.length > 0 ? files : ['-']) {
    if (signal.aborted) break;
    const input = await openInput(file, terminal);
    const hint = new CsvHint();
    const source = run.makeSource();
    const one = run.makeImport(source);
    const onProgress = (): void => {
      const more = one.waiting === 0 ? '' : `, ${formatCount(one.waiting)} more read`;
      bar.show(`${describeTaken(one.counts())}${more}`);
    };
    await one.read(named(file, hint.watch(input)), { signal, onProgress });
    bar.show('writing to the disk');
    await run.finish();
    const counts = one.counts();
    isClean &&= counts.badLines === 0 && Object.keys(counts.rejected).length === 0;
    texts.push(importSummary(counts, source.badLines, { interrupted: signal.aborted, name: nameOf(file, files) }));
    const isUnread = counts.samples === 0 && counts.badLines > 0 && options['csv'] === undefined;
    if (isUnread && hint.text !== undefined) texts.push(`${hint.text}\n`);
    if (options['json'] === true)
      await terminal.out.write(`${JSON.stringify({ ...(files.length === 0 ? {} : { file }), ...counts })}\n`);
  }
  return { texts, isClean };
};

/** The input's name in messages; `undefined` when stdin is the only input. */
const nameOf = (file: string, files: readonly string[]): string | undefined =>
  files.length === 0 || (files.length === 1 && file === '-') ? undefined : nameOfInput(file);

/** An input whose errors name the file. */
async function* named(file: string, input: ImportInput): AsyncGenerator<Uint8Array | string> {
  try {
    yield* input;
  } catch (error) {
    throw readingError(file, error);
  }
}

const exitCodeOf = ({ aborted }: AbortSignal, isClean: boolean): ExitCode =>
  aborted ? exitCodes.interrupted : isClean ? exitCodes.ok : exitCodes.problems;

/** The address of a running store; `undefined` if the target is a directory. */
const addressOf = (target: string): URL | undefined => {
  if (!/^https?:\/\//i.test(target)) {
    checkDirectoryName(target);
    return undefined;
  }
  if (!URL.canParse(target)) throw new UsageError(`${JSON.stringify(target)} is not an address.`);
  return new URL(target);
};

export const importVerb: Verb = {
  name: 'import',
  summary: 'Read JSON lines, Prometheus/OpenMetrics text or CSV into a store.',
  positionals: [
    {
      name: 'TARGET',
      required: true,
      summary: 'The directory of the store, created if missing; or the address that a running tidemark serve printed.',
      completes: 'directory',
    },
    {
      name: 'FILE',
      required: false,
      summary: 'What to read, one after the other; stdin by default, and for -. gzip is undone.',
      completes: 'file',
      repeatable: true,
    },
  ],
  options: {
    format: {
      type: 'string',
      placeholder: 'FORMAT',
      summary: 'auto (default), json, text, prometheus (timestamps in milliseconds) or openmetrics (in seconds).',
      choices: importFormats,
    },
    bits: { type: 'boolean', summary: 'JSON lines have 16-hex-digit bit patterns as values, as dump --bits writes.' },
    csv: {
      type: 'string',
      placeholder: 'COLUMNS',
      summary:
        "Read CSV with a header: 'time=COLUMN,value=COLUMN;…,labels=COLUMN;…', and name=TEXT, unit=s or unit=ms.",
    },
    json: { type: 'boolean', summary: 'Print the final counts as JSON to stdout.' },
  },
  notes: [
    'Samples without a timestamp get the time at which the import began. With auto, the first line shows whether the input is JSON or text. Text is read as OpenMetrics if it has something that the older format cannot have, such as a timestamp with a fraction or # EOF at the end. If nothing shows whether timestamps are seconds or milliseconds, they are refused; name the FORMAT then.',
    'The samples may be in any order. A directory takes them whatever their age, a running store within its retention. A sample that the store already has changes nothing. Lines that cannot be read and samples that the store rejects (another value at the same time, …) are counted by reason on stderr; the exit code is then 3. Ctrl-C keeps the imported samples.',
  ],
  examples: [
    'tidemark import ./data < samples.jsonl',
    'curl -s localhost:9100/metrics | tidemark import ./data',
    "tidemark import ./data rooms.csv --csv 'time=ts,value=celsius,labels=room'",
    "tidemark import 'http://127.0.0.1:7480/?token=…' samples.jsonl",
  ],

  async run({ positionals: [target, ...files], options, terminal, library, signal }) {
    if (files.filter((file) => file === '-').length > 1) throw new UsageError('- is stdin: name it once.');
    if (files.length === 0 && terminal.input.isTTY)
      throw new UsageError('import reads from stdin: name a FILE, redirect one or pipe a command into it.');
    const address = addressOf(target);
    await checkInputs(files);
    const { systemClock: clock } = await library();
    const makeSource = sourceMaker(options, clock);
    const run = { terminal, options, signal, files, makeSource };
    const conclude = ({ texts, isClean }: Awaited<ReturnType<typeof importInputs>>): ExitCode => {
      for (const text of texts) terminal.err.say(text);
      return exitCodeOf(signal, isClean);
    };
    if (address !== undefined) {
      const makeImport = (source: SampleSource): Import => new RemoteImport(address, source, { clock });
      const bar = createProgressBar(terminal, clock);
      const imported = importInputs({ ...run, bar, makeImport, finish: async () => {} });
      return conclude(await imported.finally(() => bar.clear()));
    }
    const { store, bar, close } = await openForWriting(
      target,
      { terminal, library, signal },
      { applyRetention: false, futureTolerance: 'off', memoryTarget: MEMORY_TARGET },
    );
    const makeImport = (source: SampleSource): Import => new ImportSession(store, source, { clock });
    return conclude(await importInputs({ ...run, bar, makeImport, finish: () => store.flush() }).finally(close));
  },
};
