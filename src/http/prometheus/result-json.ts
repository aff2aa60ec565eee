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

/** How the text of a sample begins, up to its value: `[1700000000,"`. */
const writeOpening = (bytes: Uint8Array, at: number, milliseconds: number): number => {
  bytes[at] = OPEN;
  let position = writeSeconds(bytes, at + 1, milliseconds);
  bytes[position++] = COMMA;
  bytes[position++] = QUOTE;
  return position;
};

/** The openings of samples at these times, one after the other. Series that have a value at each step share the times. */
class Openings {
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
      at = writeOpening(this.bytes, at, timestamps[i]);
      this.ends[i] = at;
    }
  }

  write(into: Uint8Array, at: number, i: number): number {
    const { bytes, ends } = this;
    const end = ends[i];
    let position = at;
    for (let from = i === 0 ? 0 : ends[i - 1]; from < end; from++) into[position++] = bytes[from];
    return position;
  }
}

/** The samples from `from` to before `to`, separated by commas: `[1700000000,"1"],[1700000060,"2"]`. */
const samplesBytes = (
  scratch: Buffer,
  { timestamps, values }: Series,
  from: number,
  to: number,
  openings?: Openings,
): Buffer => {
  let at = 0;
  for (let i = from; i < to; i++) {
    if (i > from) scratch[at++] = COMMA;
    at = openings === undefined ? writeOpening(scratch, at, timestamps[i]) : openings.write(scratch, at, i);
    at = writeApiValue(scratch, at, values[i]);
    scratch[at++] = QUOTE;
    scratch[at++] = CLOSE;
  }
  return scratch.subarray(0, at);
};

function* matrixPieces(
  scratch: Buffer,
  series: Series,
  openings: Openings | undefined,
): Generator<string | Uint8Array> {
  const { length } = series.timestamps;
  yield `{"metric":${JSON.stringify(sortedLabels(series.labels))},"values":[`;
  for (let from = 0; from < length; from += SAMPLES_PER_PIECE) {
    if (from > 0) yield ',';
    yield samplesBytes(scratch, series, from, Math.min(from + SAMPLES_PER_PIECE, length), openings);
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
    let openings: Openings | undefined;
    for (let i = 0; i < series.length; i++) {
      if (i > 0) yield ',';
      const { timestamps } = series[i];
      if (openings?.timestamps !== timestamps)
        openings = timestamps === series[i + 1]?.timestamps ? new Openings(timestamps) : undefined;
      if (type === 'vector') yield vectorText(scratch, series[i]);
      else yield* matrixPieces(scratch, series[i], openings);
    }
    yield ']';
  }
  yield stats === undefined ? '}' : `,"stats":${JSON.stringify(stats)}}`;
}
