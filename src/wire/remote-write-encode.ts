/**
 * Writes the messages of Prometheus' remote write: `WriteRequest` of 1.0, and `Request` of 2.0.
 * https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 *
 * The samples of a request are columns, grouped by series: a run is one series with the indexes of its samples. The same
 * runs give the same bytes.
 */
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/** The samples from index `start` to before `end` belong to one series. */
export interface SeriesRun {
  /** Name, value, name, value …, in the bytewise order of the names. */
  readonly labels: readonly string[];
  readonly start: number;
  readonly end: number;
}

export interface WriteColumns {
  /** Milliseconds since the epoch. */
  readonly timestamps: Float64Array;
  /** The bits of the values, two words each in the machine's order. */
  readonly words: Int32Array;
}

/** Message `prometheus.WriteRequest`. The buffer belongs to the writer until its next reset. */
export const encodeWriteRequest = (
  runs: readonly SeriesRun[],
  columns: WriteColumns,
  writer = new ProtobufWriter(),
): Buffer => {
  writer.reset();
  for (const { labels, start, end } of runs) {
    writer.begin(1);
    for (let i = 0; i < labels.length; i += 2) {
      writer.begin(1);
      writer.string(1, labels[i]);
      writer.string(2, labels[i + 1]);
      writer.end();
    }
    writeSamples(writer, columns, start, end);
    writer.end();
  }
  return writer.finish();
};

/** Message `io.prometheus.write.v2.Request`: every text is written once, and labels are references to texts. */
export const encodeWriteRequest2 = (
  runs: readonly SeriesRun[],
  columns: WriteColumns,
  writer = new ProtobufWriter(),
): Buffer => {
  writer.reset();
  const symbols = new Map<string, number>([['', 0]]);
  for (const { labels } of runs) for (const text of labels) if (!symbols.has(text)) symbols.set(text, symbols.size);
  for (const text of symbols.keys()) writer.string(4, text);
  for (const { labels, start, end } of runs) {
    writer.begin(5);
    writer.begin(1);
    for (const text of labels) writer.packed(symbols.get(text) as number);
    writer.end();
    writeSamples(writer, columns, start, end);
    writer.end();
  }
  return writer.finish();
};

/** Field 2 of a series in both versions: value and time. */
const writeSamples = (
  writer: ProtobufWriter,
  { timestamps, words }: WriteColumns,
  start: number,
  end: number,
): void => {
  for (let i = start; i < end; i++) {
    writer.begin(2);
    writer.doubleBits(1, words[2 * i + HIGH_WORD], words[2 * i + LOW_WORD]);
    writer.int64(2, timestamps[i]);
    writer.end();
  }
};
