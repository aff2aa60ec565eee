/**
 * The request of Prometheus' remote read 0.1, and what both forms of its answer share. samples-answer.ts has the answer
 * with plain samples, chunk-frames.ts the one with chunks.
 * https://prometheus.io/docs/prometheus/latest/querying/remote_read_api/
 *
 *   ReadRequest   1 repeated Query   2 repeated type of answer: 0 plain samples, 1 streamed XOR chunks
 *   Query         1 start_ms   2 end_ms   3 repeated LabelMatcher   4 hints
 *   LabelMatcher  1 type: 0 =, 1 !=, 2 =~, 3 !~   2 name   3 value
 *   ReadHints     1 step_ms   2 func   3 start_ms   4 end_ms   and others
 *   Label         1 name   2 value
 *
 * The hints say what the samples are for. Their range is not read: an answer has all samples of the query's own range.
 * With the function `series`, Prometheus asks for labels and ignores the samples.
 */
import { LENGTH_DELIMITED, ProtobufReader } from './protobuf-reader.ts';
import type { ProtobufWriter } from './protobuf-writer.ts';
import { WireError } from './wire-error.ts';

const matcherOps = ['=', '!=', '=~', '!~'] as const;

/** Types of answers by number. Others may exist; a reader names them in the order of its preference. */
export const SAMPLES = 0;
export const STREAMED_XOR_CHUNKS = 1;

export interface ReadMatcher {
  readonly name: string;
  readonly op: (typeof matcherOps)[number];
  readonly value: string;
}

export interface ReadQuery {
  /** Milliseconds since the epoch, both ends included. */
  readonly from: number;
  readonly through: number;
  readonly matchers: readonly ReadMatcher[];
  /** The reader needs the series' labels and no samples. */
  readonly labelsOnly: boolean;
}

export interface ReadRequest {
  readonly queries: readonly ReadQuery[];
  /** The types of answers that the reader takes, the best first. */
  readonly accepted: readonly number[];
}

/** One series of an answer. */
export interface ReadSeries {
  /** Names and values in turn, sorted by name. */
  readonly pairs: readonly string[];
  /** Milliseconds since the epoch, oldest first; integers within 53 bits. */
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** What one request may ask. Each query and each matcher becomes an object, far larger than its two bytes. */
export interface RequestLimits {
  readonly queries: number;
  /** Of all queries together. */
  readonly matchers: number;
}

/** A list of more types of answers than this is cut; nobody has defined so many. */
const ACCEPTED_MAX = 16;

/** Throws `WireError`. */
export const decodeReadRequest = (bytes: Uint8Array, limits: RequestLimits): ReadRequest => {
  const reader = new ProtobufReader(bytes);
  const queries: ReadQuery[] = [];
  const accepted: number[] = [];
  let matchersLeft = limits.matchers;
  while (reader.next()) {
    if (reader.field === 1) {
      if (queries.length === limits.queries) throw new WireError(`more than ${limits.queries} queries in one request`);
      const query = decodeQuery(reader, matchersLeft);
      if (query === undefined) throw new WireError(`more than ${limits.matchers} matchers in one request`);
      matchersLeft -= query.matchers.length;
      queries.push(query);
    } else if (reader.field === 2) decodeAccepted(reader, accepted);
    else reader.skip();
  }
  return { queries, accepted };
};

/** The numbers of an enumeration: one field, or several in a packed one. */
const decodeAccepted = (reader: ProtobufReader, accepted: number[]): void => {
  const take = (type: number): void => {
    if (accepted.length < ACCEPTED_MAX) accepted.push(type);
  };
  if (reader.wireType !== LENGTH_DELIMITED) {
    take(reader.readUint32());
    return;
  }
  const outer = reader.enter();
  while (!reader.isAtEnd) take(reader.nextUint32());
  reader.leave(outer);
};

/** `undefined` if there are more matchers than allowed. */
const decodeQuery = (reader: ProtobufReader, matchersMax: number): ReadQuery | undefined => {
  const outer = reader.enter();
  let from = 0;
  let through = 0;
  const matchers: ReadMatcher[] = [];
  let labelsOnly = false;
  while (reader.next()) {
    if (reader.field === 1) from = reader.readInt64();
    else if (reader.field === 2) through = reader.readInt64();
    else if (reader.field === 3) {
      if (matchers.length === matchersMax) return undefined;
      matchers.push(decodeMatcher(reader));
    } else if (reader.field === 4) labelsOnly = decodeFunction(reader) === 'series';
    else reader.skip();
  }
  reader.leave(outer);
  return { from, through, matchers, labelsOnly };
};

/** The function that the hints name. */
const decodeFunction = (reader: ProtobufReader): string => {
  const outer = reader.enter();
  let name = '';
  while (reader.next()) {
    if (reader.field === 2) name = reader.readString();
    else reader.skip();
  }
  reader.leave(outer);
  return name;
};

const decodeMatcher = (reader: ProtobufReader): ReadMatcher => {
  const outer = reader.enter();
  let type = 0;
  let name = '';
  let value = '';
  while (reader.next()) {
    if (reader.field === 1) type = reader.readUint32();
    else if (reader.field === 2) name = reader.readString();
    else if (reader.field === 3) value = reader.readString();
    else reader.skip();
  }
  const op = matcherOps[type];
  if (op === undefined) throw reader.error(`matcher type ${type}, which is none of 0 to ${matcherOps.length - 1},`);
  reader.leave(outer);
  return { name, op, value };
};

/** Writes labels as repeated field 1. Both TimeSeries and ChunkedSeries have them there. */
export const writeLabels = (writer: ProtobufWriter, pairs: readonly string[]): void => {
  for (let i = 0; i < pairs.length; i += 2) {
    writer.begin(1);
    writer.string(1, pairs[i]);
    writer.string(2, pairs[i + 1]);
    writer.end();
  }
};

/** The memory of values as words of 32 bits, two for each value. */
export const wordsOf = (values: Float64Array): Int32Array =>
  new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
