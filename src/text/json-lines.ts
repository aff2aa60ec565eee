/**
 * The JSON lines of `dump`, `import` and `/api/v1/export`: one series a line, in the shape that VictoriaMetrics exports
 * and imports.
 *
 *   {"metric":{"__name__":"up","job":"x"},"values":[1,"NaN"],"timestamps":[1000,2000]}
 *
 * With bits, `values` are 16-hex-digit IEEE bit patterns, so that what is read is exactly what was written.
 */
import type { Labels } from '../model/labels.ts';
import { sortedLabels } from './labels.ts';
import { formatBits, formatJsonValue, parseBits, parseValue } from './values.ts';

/** Samples that one piece of a line holds at most: a line of any length is written in pieces of about 100 kB. */
const samplesPerPiece = 8192;

interface LineSamples {
  readonly labels: Labels;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** The pieces of one line, its line feed included. */
export function* jsonLinePieces(series: LineSamples, options: { readonly bits?: boolean } = {}): Iterable<string> {
  const { values, timestamps } = series;
  yield `{"metric":${JSON.stringify(sortedLabels(series.labels))},"values":[`;
  for (let start = 0; start < values.length; start += samplesPerPiece) {
    const end = Math.min(start + samplesPerPiece, values.length);
    const texts = options.bits
      ? formatBits(values, start, end).map((pattern) => `"${pattern}"`)
      : Array.from(values.subarray(start, end), formatJsonValue);
    yield (start === 0 ? '' : ',') + texts.join(',');
  }
  yield '],"timestamps":[';
  for (let start = 0; start < timestamps.length; start += samplesPerPiece)
    yield (start === 0 ? '' : ',') + timestamps.subarray(start, start + samplesPerPiece).join(',');
  yield ']}\n';
}

/** One line, read. `bits` has the high and low half of each value's pattern in turn, and is present if asked for. */
export interface ParsedLine {
  readonly labels: Labels;
  readonly timestamps: readonly number[];
  readonly values: readonly number[];
  readonly bits: readonly number[] | undefined;
}

/** A line that cannot be read; the message says why. */
export class LineError extends Error {
  override readonly name = 'LineError';
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const readLabels = (metric: unknown): Labels => {
  if (!isRecord(metric)) throw new LineError('"metric" must be an object of label names and values');
  for (const [name, value] of Object.entries(metric))
    if (typeof value !== 'string') throw new LineError(`the value of label ${JSON.stringify(name)} must be a string`);
  return metric as Labels;
};

const show = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
};

const readTimestamps = (given: unknown): number[] => {
  if (!Array.isArray(given)) throw new LineError('"timestamps" must be an array of integer milliseconds');
  const bad = given.findIndex((timestamp) => !Number.isSafeInteger(timestamp));
  if (bad >= 0) throw new LineError(`timestamp ${bad + 1}, ${show(given[bad])}, is not an integer of milliseconds`);
  return given as number[];
};

const readValues = (given: readonly unknown[]): number[] =>
  given.map((value, i) => {
    const number = typeof value === 'number' ? value : value === null ? Number.NaN : parseValue(String(value));
    if (number === undefined || (typeof value !== 'number' && typeof value !== 'string' && value !== null))
      throw new LineError(`value ${i + 1}, ${show(value)}, is neither a number nor one of "NaN", "+Inf", "-Inf"`);
    return number;
  });

const readBits = (given: readonly unknown[]): number[] =>
  given.flatMap((value, i) => {
    const halves = typeof value === 'string' ? parseBits(value) : undefined;
    if (halves === undefined) throw new LineError(`value ${i + 1}, ${show(value)}, is not a string of 16 hex digits`);
    return [halves.high, halves.low];
  });

const parseJson = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new LineError(`not JSON: ${(error as Error).message}`, { cause: error });
  }
};

/** Reads one line; throws a {@link LineError} that says what is wrong with it. */
export const parseJsonLine = (line: string, options: { readonly bits?: boolean } = {}): ParsedLine => {
  const parsed = parseJson(line);
  if (!isRecord(parsed)) throw new LineError('a line must be an object with "metric", "values" and "timestamps"');
  const labels = readLabels(parsed['metric']);
  const timestamps = readTimestamps(parsed['timestamps']);
  const given = parsed['values'];
  if (!Array.isArray(given)) throw new LineError('"values" must be an array');
  if (given.length !== timestamps.length)
    throw new LineError(`${given.length} values but ${timestamps.length} timestamps`);
  return options.bits
    ? { labels, timestamps, values: [], bits: readBits(given) }
    : { labels, timestamps, values: readValues(given), bits: undefined };
};
