/**
 * The result of a query as the `data` of Prometheus' API, in pieces:
 *
 *   {"resultType":"vector","result":[{"metric":{"__name__":"up"},"value":[1700000000.500,"1"]}]}
 *
 * `resultType` comes first, because Grafana reads the answer as a stream. Times of vectors and matrices are seconds, with
 * exactly three digits after the point or none; times and values of scalars and strings are written as Go writes any
 * number.
 */
import type { QueryResult } from '../../index.ts';
import { printNumber } from '../../promql/syntax/numbers.ts';
import { sortedLabels } from '../../text/label-text.ts';
import { DOUBLE_BYTES_MAX, writeInteger } from '../../text/shortest-decimal.ts';
import { writeApiValue } from '../../text/values.ts';

type Series = QueryResult['series'][number];

/** Samples in one piece: about 25 kB. */
const SAMPLES_PER_PIECE = 1024;

/** The longest text of a sample: its time in 16 bytes, four more for milliseconds, its value, and what is around them. */
const SAMPLE_BYTES_MAX = 20 + DOUBLE_BYTES_MAX + 8;

const [COMMA, OPEN, CLOSE, QUOTE, POINT, MINUS, ZERO] = Buffer.from(',[]".-0');

/** Whole milliseconds as seconds: `1700000000`, `1700000000.500`, `-0.001`. Returns the position behind them. */
const writeSeconds = (bytes: Uint8Array, at: number, milliseconds: number): number => {
  let position = at;
  if (milliseconds < 0) bytes[position++] = MINUS;
  const size = Math.abs(milliseconds);
  const whole = Math.floor(size / 1000);
  position = writeInteger(bytes, position, whole);
  const rest = size - whole * 1000;
  if (rest === 0) return position;
  bytes[position++] = POINT;
  if (rest < 100) bytes[position++] = ZERO;
  if (rest < 10) bytes[position++] = ZERO;
  return writeInteger(bytes, position, rest);
};

/** What is between the value of a sample and that of the next one: `"],[1700000000,"`. */
const writeSeparator = (bytes: Uint8Array, at: number, milliseconds: number): number => {
  bytes[at] = QUOTE;
  bytes[at + 1] = CLOSE;
  bytes[at + 2] = COMMA;
  return writeOpening(bytes, at + 3, milliseconds);
};

/** How the text of a sample begins, up to its value: `[1700000000,"`. */
const writeOpening = (bytes: Uint8Array, at: number, milliseconds: number): number => {
  bytes[at] = OPEN;
  let position = writeSeconds(bytes, at + 1, milliseconds);
  bytes[position++] = COMMA;
  bytes[position++] = QUOTE;
  return position;
};

/**
 * What is between samples at these times, one after the other. Series that have a value at each step share the times. What
 * comes before the first time is not used.
 */
class Separators {
  readonly timestamps: Float64Array;
  readonly bytes: Uint8Array;
  /** Where each ends. */
  readonly ends: Int32Array;

  constructor(timestamps: Float64Array) {
    this.timestamps = timestamps;
    this.bytes = new Uint8Array(timestamps.length * SAMPLE_BYTES_MAX);
    this.ends = new Int32Array(timestamps.length);
    let at = 0;
    for (let i = 0; i < timestamps.length; i++) {
      at = writeSeparator(this.bytes, at, timestamps[i]);
      this.ends[i] = at;
    }
  }

  /** Writes the one before sample `i`, from 1 on. Returns the position behind it. */
  write(into: Uint8Array, at: number, i: number): number {
    const { bytes, ends } = this;
    const end = ends[i];
    let position = at;
    for (let from = ends[i - 1]; from < end; from++) into[position++] = bytes[from];
    return position;
  }
}

/** The samples from `from` to before `to`, separated by commas: `[1700000000,"1"],[1700000060,"2"]`. */
const samplesBytes = (
  scratch: Buffer,
  { timestamps, values }: Series,
  from: number,
  to: number,
  separators?: Separators,
): Buffer => {
  let at = writeOpening(scratch, 0, timestamps[from]);
  at = writeApiValue(scratch, at, values[from]);
  for (let i = from + 1; i < to; i++) {
    at = separators === undefined ? writeSeparator(scratch, at, timestamps[i]) : separators.write(scratch, at, i);
    at = writeApiValue(scratch, at, values[i]);
  }
  scratch[at++] = QUOTE;
  scratch[at++] = CLOSE;
  return scratch.subarray(0, at);
};

function* matrixPieces(
  scratch: Buffer,
  series: Series,
  separators: Separators | undefined,
): Generator<string | Uint8Array> {
  const { length } = series.timestamps;
  yield `{"metric":${JSON.stringify(sortedLabels(series.labels))},"values":[`;
  for (let from = 0; from < length; from += SAMPLES_PER_PIECE) {
    if (from > 0) yield ',';
    yield samplesBytes(scratch, series, from, Math.min(from + SAMPLES_PER_PIECE, length), separators);
  }
  yield ']}';
}

const longest = (series: readonly Series[]): number => {
  let length = 0;
  for (const { timestamps } of series) length = Math.max(length, timestamps.length);
  return length;
};

const vectorText = (scratch: Buffer, series: Series): string =>
  `{"metric":${JSON.stringify(sortedLabels(series.labels))},"value":${samplesBytes(scratch, series, 0, 1).toString('latin1')}}`;

export interface ResultOptions {
  /** The time of the query in milliseconds: that of a string. */
  readonly at: number;
  /** The member `stats` that follows the result. */
  readonly stats?: unknown;
}

/** The pieces of the object `data`: text, and bytes that are valid until the next piece is asked for. */
export function* resultPieces(result: QueryResult, { at, stats }: ResultOptions): Generator<string | Uint8Array> {
  const { type, series, text = '' } = result;
  yield `{"resultType":"${type}","result":`;
  if (type === 'string') yield `[${at / 1000},${JSON.stringify(text)}]`;
  else if (type === 'scalar') yield `[${series[0].timestamps[0] / 1000},"${printNumber(series[0].values[0])}"]`;
  else {
    yield '[';
    // Each answer has its own buffer, because another answer may be written meanwhile.
    const scratch = Buffer.allocUnsafe(Math.min(longest(series), SAMPLES_PER_PIECE) * SAMPLE_BYTES_MAX);
    let separators: Separators | undefined;
    for (let i = 0; i < series.length; i++) {
      if (i > 0) yield ',';
      const { timestamps } = series[i];
      if (separators?.timestamps !== timestamps)
        separators = timestamps === series[i + 1]?.timestamps ? new Separators(timestamps) : undefined;
      if (type === 'vector') yield vectorText(scratch, series[i]);
      else yield* matrixPieces(scratch, series[i], separators);
    }
    yield ']';
  }
  yield stats === undefined ? '}' : `,"stats":${JSON.stringify(stats)}}`;
}
