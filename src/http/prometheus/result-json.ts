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
import { formatApiValue } from '../../text/values.ts';

type Series = QueryResult['series'][number];

/** Samples in one piece: about 25 kB. */
const SAMPLES_PER_PIECE = 1024;

/** Milliseconds as seconds: `1700000000`, `1700000000.500`, `-0.001`. */
const formatSeconds = (milliseconds: number): string => {
  const rest = Math.abs(milliseconds % 1000);
  if (rest === 0) return String(milliseconds / 1000);
  const whole = Math.trunc(Math.abs(milliseconds) / 1000);
  const fraction = rest < 10 ? `00${rest}` : rest < 100 ? `0${rest}` : `${rest}`;
  return `${milliseconds < 0 ? '-' : ''}${whole}.${fraction}`;
};

const sampleText = (seconds: string, value: number): string => `[${seconds},"${formatApiValue(value)}"]`;

/** The texts of times. The series of a matrix have the same ones. */
class SecondsTexts {
  private readonly texts = new Map<number, string>();

  of(milliseconds: number): string {
    const known = this.texts.get(milliseconds);
    if (known !== undefined) return known;
    const text = formatSeconds(milliseconds);
    this.texts.set(milliseconds, text);
    return text;
  }
}

const samplesText = ({ timestamps, values }: Series, seconds: SecondsTexts, from: number, to: number): string => {
  let text = '';
  for (let i = from; i < to; i++) {
    text += `${i === from ? '' : ','}${sampleText(seconds.of(timestamps[i]), values[i])}`;
  }
  return text;
};

function* matrixPieces(series: Series, seconds: SecondsTexts): Generator<string> {
  const { length } = series.timestamps;
  yield `{"metric":${JSON.stringify(sortedLabels(series.labels))},"values":[`;
  for (let from = 0; from < length; from += SAMPLES_PER_PIECE) {
    yield (from === 0 ? '' : ',') + samplesText(series, seconds, from, Math.min(from + SAMPLES_PER_PIECE, length));
  }
  yield ']}';
}

const vectorText = ({ labels, timestamps, values }: Series): string =>
  `{"metric":${JSON.stringify(sortedLabels(labels))},"value":${sampleText(formatSeconds(timestamps[0]), values[0])}}`;

export interface ResultOptions {
  /** The time of the query in milliseconds: that of a string. */
  readonly at: number;
  /** The member `stats` that follows the result. */
  readonly stats?: unknown;
}

/** The pieces of the object `data`. */
export function* resultPieces(result: QueryResult, { at, stats }: ResultOptions): Generator<string> {
  const { type, series, text = '' } = result;
  yield `{"resultType":"${type}","result":`;
  if (type === 'string') yield `[${at / 1000},${JSON.stringify(text)}]`;
  else if (type === 'scalar') yield `[${series[0].timestamps[0] / 1000},"${printNumber(series[0].values[0])}"]`;
  else {
    const seconds = new SecondsTexts();
    yield '[';
    for (let i = 0; i < series.length; i++) {
      if (i > 0) yield ',';
      if (type === 'vector') yield vectorText(series[i]);
      else yield* matrixPieces(series[i], seconds);
    }
    yield ']';
  }
  yield stats === undefined ? '}' : `,"stats":${JSON.stringify(stats)}}`;
}
