/**
 * `tidemark retention`: prints the retention that a directory remembers, sets it, or counts what another one would
 * delete.
 */
import type { RetentionPreview, RetentionSettings, StoreOptions } from '../../index.ts';
import { formatCount } from '../../text/quantities.ts';
import { formatTable } from '../columns.ts';
import { ReadingReport } from '../damage-report.ts';
import { describeRetention } from '../describe-retention.ts';
import { exitCodes } from '../exit-codes.ts';
import { openForReading } from '../open-for-reading.ts';
import { openExisting } from '../open-for-writing.ts';
import { type GivenOptions, type Invocation, integerOption, textOptions, UsageError, type Verb } from '../verb.ts';

type GivenRetention = Extract<NonNullable<StoreOptions['retention']>, object>;

const BYTES_MIN = 16 * 1024 * 1024;

/** A selector may have equals signs, a time has none. */
const ruleOf = (text: string): NonNullable<GivenRetention['rules']>[number] => {
  const at = text.lastIndexOf('=');
  const [selector, time] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  if (at < 1 || selector === '' || time === '')
    throw new UsageError(`--rule takes SELECTOR=TIME, such as 'up=30d', not ${JSON.stringify(text)}.`);
  return { selector, time };
};

/** The retention that the arguments name; `undefined` when they name none. */
const retentionOf = (time: string | undefined, options: GivenOptions): GivenRetention | undefined => {
  const bytes = integerOption(options, 'bytes', { minimum: BYTES_MIN, maximum: Number.MAX_SAFE_INTEGER });
  const rules = textOptions(options, 'rule').map(ruleOf);
  const withoutRules = options['no-rules'] === true;
  if (withoutRules && rules.length > 0) throw new UsageError('--rule and --no-rules exclude each other.');
  if (time === undefined && bytes === undefined && rules.length === 0 && !withoutRules) return undefined;
  return {
    ...(time === undefined ? {} : { time }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(rules.length === 0 && !withoutRules ? {} : { rules }),
  };
};

const describePreview = ({ retention, samples, series, whole, part, unreadable }: RetentionPreview): string =>
  formatTable([
    ...describeRetention(retention),
    ['samples that go', formatCount(samples)],
    ['series that go as a whole', formatCount(whole)],
    ['series that lose samples', formatCount(part)],
    ['series in the directory', formatCount(series)],
    ...(unreadable === 0 ? [] : [['series that can not be read in full', formatCount(unreadable)]]),
  ]);

/** Sets the retention of an existing directory, and returns what is remembered then. */
const remember = async (
  given: GivenRetention,
  directory: string,
  parts: Pick<Invocation, 'terminal' | 'library' | 'signal'>,
): Promise<RetentionSettings> => {
  await using opened = await openExisting(directory, parts, { retention: given });
  const { retention: remembered } = await opened.store.info();
  if (remembered !== undefined) return remembered;
  throw new Error('A newer version of Tidemark wrote RETENTION; this version does not change it.');
};

export const retention: Verb = {
  name: 'retention',
  summary: 'Print or set how long a directory keeps samples, or count what would be deleted.',
  positionals: [
    { name: 'DIR', required: true, summary: 'The directory of the store.', completes: 'directory' },
    { name: 'TIME', required: false, summary: 'How long samples are kept, such as 30d, or off.' },
  ],
  options: {
    rule: {
      type: 'string',
      placeholder: 'SELECTOR=TIME',
      summary:
        'Keep the series that match for this time; may be repeated. The longest time of the matching rules counts.',
      repeatable: true,
    },
    'no-rules': { type: 'boolean', summary: 'Remove all rules.' },
    bytes: { type: 'string', placeholder: 'N', summary: 'Also limit the size of the directory to N bytes.' },
    'dry-run': { type: 'boolean', summary: 'Write nothing; count the samples and series that would be deleted.' },
    json: { type: 'boolean', summary: 'Print JSON.' },
  },
  notes: [
    'Without TIME, --rule, --no-rules and --bytes the verb prints what the directory remembers. What is not given stays as it is remembered; given rules replace all rules. The directory must not be in use when its retention is set.',
    '--dry-run counts by age only, not by the limit on the size. Exit code 3 says that some series could not be read in full.',
  ],
  examples: [
    'tidemark retention ./data',
    'tidemark retention ./data 30d --dry-run',
    'tidemark retention ./data 15d --rule \'{__name__=~"rollup:.*"}=5y\'',
  ],

  async run({ positionals: [directory, time], options, terminal, library, signal }) {
    const given = retentionOf(time, options);
    const isDryRun = options['dry-run'] === true;
    if (isDryRun && given === undefined) throw new UsageError('--dry-run needs TIME, --rule, --no-rules or --bytes.');
    const json = options['json'] === true;
    const print = async (remembered: RetentionSettings | undefined): Promise<void> =>
      terminal.out.write(json ? `${JSON.stringify(remembered ?? null)}\n` : formatTable(describeRetention(remembered)));
    if (given !== undefined && !isDryRun) {
      await print(await remember(given, directory, { terminal, library, signal }));
      return exitCodes.ok;
    }
    const report = new ReadingReport(terminal);
    await using store = await openForReading(directory, { terminal, library, signal }, report);
    if (given === undefined) {
      await print((await store.info()).retention);
      return report.exitCode;
    }
    const preview = await store.previewRetention(given);
    await terminal.out.write(json ? `${JSON.stringify(preview)}\n` : describePreview(preview));
    return preview.unreadable === 0 ? report.exitCode : exitCodes.problems;
  },
};
