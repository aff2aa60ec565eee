/**
 * The answer to remote read that has plain samples: one protobuf message in one snappy block. Both begin with their
 * length, so the answer is sent only when it is complete. Until then its parts are kept compressed.
 *
 *   ReadResponse  1 repeated QueryResult, in the order of the queries
 *   QueryResult   1 repeated TimeSeries, sorted by labels
 *   TimeSeries    1 repeated Label   2 repeated Sample
 *   Sample        1 value, a double   2 timestamp in ms
 *
 *   const answer = new SamplesAnswer(bytesMax);
 *   answer.beginQuery();
 *   answer.beginSeries(series);
 *   answer.addSamples(series, 0, series.timestamps.length);
 *   for (const part of answer.finish()) …
 */
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { firstAtOrAfter } from '../model/search-times.ts';
import { LENGTH_DELIMITED } from './protobuf-reader.ts';
import { ProtobufWriter, varintBytes } from './protobuf-writer.ts';
import { type ReadSeries, wordsOf, writeLabels } from './read-messages.ts';
import { blockElements, blockHeader, LENGTH_MAX, TooLargeError } from './snappy.ts';

/** Bytes that are compressed at once. A snappy block finds repetitions within as many. */
const PART_BYTES = 65_536;
/** A length-delimited field 1: of a query's result in the response, and of a series in the result. */
const FIRST_FIELD = 1 * 8 + LENGTH_DELIMITED;
/** A sample without its timestamp: the tag and the eight bytes of the value, and the timestamp's tag. */
const SAMPLE_BYTES = 10;

/** The parts of one query's result. */
interface Result {
  byteCount: number;
  readonly parts: Buffer[];
}

export class SamplesAnswer {
  private readonly bytesMax: number;
  private readonly results: Result[] = [];
  /** What has not been compressed yet. */
  private readonly pending = new ProtobufWriter(2 * PART_BYTES);
  private readonly labels = new ProtobufWriter();
  private heldBytes = 0;
  private contentBytes = 0;

  /** `bytesMax` bounds the compressed bytes that are kept. */
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Begins the result of the next query. */
  beginQuery(): void {
    this.compressPending();
    this.results.push({ byteCount: 0, parts: [] });
  }

  /** Begins a series. All its samples must follow. */
  beginSeries({ pairs, timestamps }: ReadSeries): void {
    const { labels, pending } = this;
    labels.reset();
    writeLabels(labels, pairs);
    pending.packed(FIRST_FIELD);
    pending.packed(labels.length + samplesBytes(timestamps));
    pending.raw(labels.finish());
  }

  /** Adds some of a series' samples. Throws `TooLargeError` when the answer becomes too large to be kept or sent. */
  addSamples({ timestamps, values }: ReadSeries, start: number, end: number): void {
    const { pending } = this;
    const words = wordsOf(values);
    for (let i = start; i < end; i++) {
      const time = timestamps[i];
      pending.packed(2 * 8 + LENGTH_DELIMITED);
      pending.packed(SAMPLE_BYTES + timeBytes(time));
      pending.doubleBits(1, words[2 * i + HIGH_WORD], words[2 * i + LOW_WORD]);
      pending.int64(2, time);
    }
    if (pending.length >= PART_BYTES) this.compressPending();
  }

  /** The parts of the whole answer. Nothing can be added any more. */
  finish(): Buffer[] {
    this.compressPending();
    const parts: Buffer[] = [];
    let byteCount = 0;
    for (const result of this.results) {
      const header = this.labels;
      header.reset();
      header.packed(FIRST_FIELD);
      header.packed(result.byteCount);
      byteCount += header.length + result.byteCount;
      parts.push(Buffer.from(blockElements(header.finish())), ...result.parts);
    }
    return [blockHeader(byteCount), ...parts];
  }

  private compressPending(): void {
    const result = this.results.at(-1);
    const { length } = this.pending;
    if (result === undefined || length === 0) return;
    // The copy is as long as its content; what it is copied from has room for content that can't be compressed.
    const part = Buffer.from(blockElements(this.pending.finish()));
    this.pending.reset();
    result.parts.push(part);
    result.byteCount += length;
    this.heldBytes += part.length;
    this.contentBytes += length;
    if (this.heldBytes > this.bytesMax) throw new TooLargeError(this.heldBytes, this.bytesMax);
    if (this.contentBytes > CONTENT_BYTES_MAX) throw new TooLargeError(this.contentBytes, CONTENT_BYTES_MAX);
  }
}

/** A block's content without the headers of the queries' results. */
const CONTENT_BYTES_MAX = LENGTH_MAX - 65_536;

/** Bytes of a timestamp as a varint. A negative one has ten. */
const timeBytes = (time: number): number => (time < 0 ? 10 : varintBytes(time));

/** Bytes of all samples with their tags and lengths. Times are ascending, so each length of varints is one range. */
const samplesBytes = (timestamps: Float64Array): number => {
  const count = timestamps.length;
  let at = firstAtOrAfter(timestamps, 0, 0, count);
  let bytes = count * (2 + SAMPLE_BYTES) + at * 10;
  for (let size = 1; at < count; size++) {
    const next = firstAtOrAfter(timestamps, 2 ** (7 * size), at, count);
    bytes += (next - at) * size;
    at = next;
  }
  return bytes;
};
