/**
 * The JSON lines of `dump`, `import` and `/api/v1/export`, in the shape that VictoriaMetrics exports and imports. A
 * long series is written as several lines, so that no reader needs it whole in memory.
 *
 *   {"metric":{"__name__":"up","job":"x"},"values":[1,null],"timestamps":[1000,2000]}
 *
 * NaN is `null`, the infinities are `"Infinity"` and `"-Infinity"`. VictoriaMetrics before 1.80 refuses a whole line
 * that contains one of these, so they are written in lines of their own. With bits, `values` are IEEE bit patterns of
 * 16 hex digits, so that values are read exactly as they were written.
 */
import type { Labels } from '../model/labels.ts';
import { repeatedKey } from './json-keys.ts';
import { sortedLabels } from './label-text.ts';
import { formatBits, formatJsonValue, parseBits, parseValue } from './values.ts';

/** The maximum number of samples in a line. Such a line is below 5 MB; VictoriaMetrics accepts lines of up to 10 MB. */
export const samplesPerLine = 100_000;

/** The maximum number of samples in one piece of a line; a piece has about 100 kB. */
const samplesPerPiece = 8192;

interface LineSamples {
  readonly labels: Labels;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** The series as lines, in pieces that include the line feeds. A series without samples gives nothing. */
export function* jsonLinePieces(series: LineSamples, options: { readonly bits?: boolean } = {}): Iterable<string> {
  const { values, timestamps } = series;
  const metric = JSON.stringify(sortedLabels(series.labels));
  for (let start = 0, end = 0; start < values.length; start = end) {
    end = options.bits ? Math.min(start + samplesPerLine, values.length) : endOfRun(values, start);
    yield `{"metric":${metric},"values":[`;
    yield* joinedPieces(start, end, (from, to) =>
      options.bits
        ? formatBits(values, from, to)
            .map((pattern) => `"${pattern}"`)
            .join(',')
        : Array.from(values.subarray(from, to), formatJsonValue).join(','),
    );
    yield '],"timestamps":[';
    yield* joinedPieces(start, end, (from, to) => timestamps.subarray(from, to).join(','));
    yield ']}\n';
  }
}

/** Index after the run of values that are all finite, or all not finite. */
const endOfRun = (values: Float64Array, start: number): number => {
  const limit = Math.min(start + samplesPerLine, values.length);
  const firstIsFinite = Number.isFinite(values[start]);
  let end = start + 1;
  while (end < limit && Number.isFinite(values[end]) === firstIsFinite) end++;
  return end;
};

function* joinedPieces(start: number, end: number, text: (from: number, to: number) => string): Iterable<string> {
  for (let from = start; from < end; from += samplesPerPiece)
    yield (from === start ? '' : ',') + text(from, Math.min(from + samplesPerPiece, end));
}

/** A parsed line. `bits` has the high and low half of each value's pattern in turn; it is present if requested. */
export interface ParsedLine {
  readonly labels: Labels;
  readonly timestamps: ArrayLike<number>;
  readonly values: ArrayLike<number>;
  readonly bits: ArrayLike<number> | undefined;
}

/** A line that can't be read; the message states the reason. */
export class LineError extends Error {
  override readonly name = 'LineError';
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const shownCharactersMax = 40;

/** A text from the input, formatted for a message: quoted, and shortened if it is long. */
export const quoteBriefly = (text: string): string =>
  text.length > shownCharactersMax ? `${JSON.stringify(text.slice(0, shownCharactersMax))}…` : JSON.stringify(text);

const show = (value: unknown): string => {
  if (typeof value === 'string') return quoteBriefly(value);
  if (Array.isArray(value)) return 'an array';
  return isRecord(value) ? 'an object' : String(value);
};

const readLabels = (metric: unknown): Labels => {
  if (!isRecord(metric)) throw new LineError('"metric" must be an object of label names and values');
  for (const name of Object.keys(metric))
    if (typeof metric[name] !== 'string')
      throw new LineError(`the value of label ${quoteBriefly(name)} must be a string`);
  return metric as Labels;
};

/** Checks timestamps; `first` is the index of the first one in its line. */
export const checkTimestamps = (given: readonly unknown[], first = 0): readonly number[] => {
  const bad = given.findIndex((timestamp) => !Number.isSafeInteger(timestamp));
  if (bad >= 0)
    throw new LineError(`timestamp ${first + bad + 1}, ${show(given[bad])}, is not an integer of milliseconds`);
  return given as readonly number[];
};

const readValue = (value: unknown): number | undefined => {
  // JSON has no infinity, so a number that was parsed as infinity was too large.
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (value === null) return Number.NaN;
  return typeof value === 'string' ? parseValue(value) : undefined;
};

const readValues = (given: readonly unknown[], first: number): number[] =>
  given.map((value, i) => {
    const number = readValue(value);
    if (number !== undefined) return number;
    throw new LineError(
      typeof value === 'number'
        ? `value ${first + i + 1} is out of range: no double can hold it`
        : `value ${first + i + 1}, ${show(value)}, is neither a number nor null, "NaN", "Infinity" or "-Infinity"`,
    );
  });

const readBits = (given: readonly unknown[], first: number): number[] =>
  given.flatMap((value, i) => {
    const halves = typeof value === 'string' ? parseBits(value) : undefined;
    if (halves === undefined)
      throw new LineError(`value ${first + i + 1}, ${show(value)}, is not a string of 16 hex digits`);
    return [halves.high, halves.low];
  });

/**
 * The values as numbers: one per value, or with `bits` its high and low half. `first` is the index of the first value.
 */
export const readNumbers = (given: readonly unknown[], { bits, first }: { bits: boolean; first: number }): number[] =>
  bits ? readBits(given, first) : readValues(given, first);

/** Parses JSON. Throws {@link LineError} if the text is not JSON. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    // V8's message quotes the text, which may be long.
    const { message } = error as Error;
    throw new LineError(`not JSON: ${message.length > 200 ? `${message.slice(0, 200)}…` : message}`, { cause: error });
  }
};

/** Throws if a key occurs twice: JSON.parse silently keeps the last value. */
const refuseRepeatedKeys = (line: string, metric: Labels): void => {
  const beginning = `{"metric":${JSON.stringify(metric)},"values":[`;
  // The usual line needs no search: JSON.stringify reproduces its labels, and only one key follows "values".
  if (line.startsWith(beginning) && line.indexOf(':', beginning.length) === line.lastIndexOf(':')) return;
  const key = repeatedKey(line);
  if (key !== undefined) throw new LineError(`${quoteBriefly(key)} occurs twice`);
};

/** Parses one line. Throws a {@link LineError} that states what is wrong with it. */
export const parseJsonLine = (line: string, options: { readonly bits?: boolean } = {}): ParsedLine => {
  const parsed = parseJson(line);
  if (!isRecord(parsed)) throw new LineError('a line must be an object with "metric", "values" and "timestamps"');
  const labels = readLabels(parsed['metric']);
  refuseRepeatedKeys(line, labels);
  const { values: given, timestamps: times } = parsed;
  if (!Array.isArray(times)) throw new LineError('"timestamps" must be an array of integer milliseconds');
  if (!Array.isArray(given)) throw new LineError('"values" must be an array');
  const timestamps = checkTimestamps(times);
  if (given.length !== timestamps.length)
    throw new LineError(`${given.length} values but ${timestamps.length} timestamps`);
  const numbers = readNumbers(given, { bits: options.bits === true, first: 0 });
  return options.bits
    ? { labels, timestamps, values: [], bits: numbers }
    : { labels, timestamps, values: numbers, bits: undefined };
};
