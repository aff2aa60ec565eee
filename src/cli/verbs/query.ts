/** `tidemark query`: evaluates a PromQL expression over a directory, which is opened read-only and never changed. */
import type { QueryOptions, QueryResult, Store } from '../../index.ts';
import { durationMs } from '../../text/durations.ts';
import { codeOf } from '../../text/error-text.ts';
import { ReadingReport } from '../damage-report.ts';
import { openForReading } from '../open-for-reading.ts';
import { formatResult, type QueryFormat, queryFormats } from '../query-formats.ts';
import type { Output } from '../terminal.ts';
import { parseTimeArgument, parseTimeRange } from '../time-argument.ts';
import { formatTime } from '../units.ts';
import { type GivenOptions, textOption, UsageError, type Verb } from '../verb.ts';

const DEFAULT_LOOKBACK = '5m';

/** Values of a series over a range when no step is given. */
const DEFAULT_STEPS = 100;

interface When {
  readonly at: number | undefined;
  readonly range: { readonly from: number; readonly through: number; readonly step: string } | undefined;
}

const whenOf = (options: GivenOptions, now: number): When => {
  const at = parseTimeArgument('at', textOption(options, 'at'), now);
  const { from, through = now } = parseTimeRange(options, now);
  const step = textOption(options, 'step');
  if (from === undefined) {
    for (const name of ['through', 'step'])
      if (options[name] !== undefined) throw new UsageError(`--${name} needs --from.`);
    return { at, range: undefined };
  }
  if (at !== undefined) throw new UsageError('--at and --from exclude each other.');
  if (through < from) throw new UsageError(`--from, ${from}, is after now; --through is missing.`);
  return { at, range: { from, through, step: step ?? `${defaultStep(through - from)}ms` } };
};

/** A hundredth of the range; whole seconds unless it is shorter than a second. */
const defaultStep = (rangeMs: number): number => {
  const step = rangeMs / DEFAULT_STEPS;
  return step < 1000 ? Math.max(1, Math.floor(step)) : Math.floor(step / 1000) * 1000;
};

const formatOf = (options: GivenOptions): QueryFormat => {
  const format = textOption(options, 'format');
  if (options['json'] !== true) return (format ?? 'table') as QueryFormat;
  if (format !== undefined && format !== 'json') throw new UsageError('--json and --format exclude each other.');
  return 'json';
};

/** The line of the expression with the mistake, and a caret below its place. */
const excerptOf = (text: string, offset: number): string => {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  const line = text.slice(start, end < 0 ? text.length : end);
  return `  ${line}\n  ${text.slice(start, offset).replace(/[^\t]/g, ' ')}^\n`;
};

const sayPlace = (error: unknown, text: string, err: Output): void => {
  if (!err.isTerminal || codeOf(error) !== 'TIDEMARK_QUERY_SYNTAX') return;
  const { offset } = error as { offset?: unknown };
  if (typeof offset === 'number') err.say(excerptOf(text, offset));
};

/** The annotations of the language begin like this. Every other warning is about something that could not be read. */
const isAnnotation = (warning: string): boolean => warning.startsWith('PromQL ');

export const query: Verb = {
  name: 'query',
  summary: 'Evaluate a PromQL expression; never writes to the directory.',
  positionals: [
    { name: 'DIR', required: true, summary: 'The directory of the store.', completes: 'directory' },
    { name: 'EXPR', required: true, summary: "The expression, such as 'sum by (job) (rate(requests_total[5m]))'." },
  ],
  options: {
    at: { type: 'string', placeholder: 'TIME', summary: 'Evaluate at this time.' },
    from: { type: 'string', placeholder: 'TIME', summary: 'Evaluate at every step from this time on.' },
    through: { type: 'string', placeholder: 'TIME', summary: 'The last time for --from. Default: now.' },
    step: { type: 'string', placeholder: 'D', summary: 'The step for --from. Default: a hundredth of the range.' },
    lookback: {
      type: 'string',
      placeholder: 'D',
      summary: `How far back a selector looks for a sample. Default: ${DEFAULT_LOOKBACK}.`,
    },
    'closed-ranges': { type: 'boolean', summary: 'Ranges include their left end, as in Prometheus 2.' },
    experimental: { type: 'boolean', summary: 'Allow the functions that Prometheus calls experimental.' },
    format: {
      type: 'string',
      placeholder: 'FORMAT',
      summary: "table (default), json (the data of Prometheus' API) or csv.",
      choices: queryFormats,
    },
    json: { type: 'boolean', summary: 'The same as --format json.' },
  },
  notes: [
    'Without --at and --from the time is now. If the newest sample of the directory is older than the lookback, the time is that of the newest sample, and stderr says so; --at now keeps to now.',
    'TIME is milliseconds since the epoch, a date such as 2026-01-31T12:00Z, now, or how long ago, such as 6h. D is a duration such as 15s.',
    'With --from, the table has one line for each series: labels, a chart of its values from the smallest to the largest, and the last value.',
    'Warnings go to stderr. The exit code is 2 if the expression is wrong, 1 if it has no result, and 3 if something could not be read.',
  ],
  examples: [
    "tidemark query ./data 'sum by (job) (rate(http_requests_total[5m]))'",
    "tidemark query ./data 'avg_over_time(temperature[1h])' --from 1d --step 1h",
    "tidemark query ./data 'topk(10, up)' --at 2026-01-31T12:00Z --json",
  ],

  async run({ positionals: [directory, text], options, terminal, library, signal }) {
    const { systemClock } = await library();
    const now = systemClock.now();
    const { at, range } = whenOf(options, now);
    const format = formatOf(options);
    const { out, err } = terminal;
    const report = new ReadingReport(terminal);
    const lookback = textOption(options, 'lookback');
    const common: QueryOptions = {
      signal,
      closedRanges: options['closed-ranges'] === true,
      experimental: options['experimental'] === true,
      ...(lookback === undefined ? {} : { lookback }),
    };
    await using store = await openForReading(directory, { terminal, library, signal }, report);
    const newest = at === undefined && range === undefined ? await timeOfNewest(store, now, lookback) : undefined;
    const time = at ?? newest ?? now;
    const ask = (): Promise<QueryResult> =>
      range === undefined
        ? store.query(text, { ...common, at: time })
        : store.queryRange(text, { ...common, ...range });
    const result = await ask().catch((error: unknown) => {
      sayPlace(error, text, err);
      throw error;
    });
    // An expression that can't be evaluated has only its error told.
    if (newest !== undefined)
      err.say(
        `Evaluated at ${formatTime(newest)}, the time of the newest sample. --at now evaluates at the present.\n`,
      );
    const { from, through } = range ?? { from: time, through: time };
    const steps = range === undefined ? 1 : Math.floor((through - from) / (durationMs(range.step) ?? 1)) + 1;
    const layout = { columns: out.columns, from, through, steps };
    for (const piece of formatResult(result, format, layout)) await out.write(piece);
    for (const warning of result.warnings) {
      if (isAnnotation(warning)) err.say(`${warning}\n`);
      else report.note(warning);
    }
    for (const info of result.infos) err.say(`${info}\n`);
    return report.exitCode;
  },
};

/** The time of the newest sample if all are too old for a selector to find one now. */
const timeOfNewest = async (store: Store, now: number, lookback: string | undefined): Promise<number | undefined> => {
  const { lastTime } = await store.info();
  const lookbackMs = durationMs(lookback ?? DEFAULT_LOOKBACK);
  return lastTime === undefined || lookbackMs === undefined || lastTime > now - lookbackMs ? undefined : lastTime;
};
