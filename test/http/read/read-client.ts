/** Asks `/api/v1/read`, and decodes both kinds of answers into series with exact bits. */
import { type IncomingHttpHeaders, request } from 'node:http';
import { crc32c } from '../../../src/wire/crc32c.ts';
import { ProtobufReader } from '../../../src/wire/protobuf-reader.ts';
import { ProtobufWriter } from '../../../src/wire/protobuf-writer.ts';
import { compress, uncompress } from '../../../src/wire/snappy.ts';
import { decodeXorChunk } from '../../wire/xor-decoder.ts';

export interface Query {
  readonly from: number;
  readonly through: number;
  readonly matchers: readonly (readonly [name: string, type: number, value: string])[];
  /** Adds hints for this function, whose range has nothing to do with the query's. */
  readonly hintedFunction?: string;
}

export const [EQ, NEQ, RE, NRE] = [0, 1, 2, 3];
export const SAMPLES = 0;
export const STREAMED = 1;

/** A request in snappy. The list of types is packed, as Prometheus writes it, or one field each. */
export const readRequest = (
  queries: readonly Query[],
  accepted: readonly number[] = [],
  { packed = true }: { packed?: boolean } = {},
): Buffer => {
  const writer = new ProtobufWriter();
  for (const { from, through, matchers, hintedFunction } of queries) {
    writer.begin(1);
    writer.int64(1, from);
    writer.int64(2, through);
    for (const [name, type, value] of matchers) {
      writer.begin(3);
      if (type !== EQ) writer.uint(1, type);
      writer.string(2, name);
      writer.string(3, value);
      writer.end();
    }
    if (hintedFunction !== undefined) {
      writer.begin(4);
      writer.int64(1, 15_000);
      writer.string(2, hintedFunction);
      writer.int64(3, 1);
      writer.int64(4, 2);
      writer.end();
    }
    writer.end();
  }
  if (packed && accepted.length > 0) {
    writer.begin(2);
    for (const type of accepted) writer.packed(type);
    writer.end();
  } else for (const type of accepted) writer.uint(2, type);
  return compress(writer.finish());
};

export interface Sent {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** The body in the pieces of HTTP's chunked encoding, as far as the client sees them. */
  readonly error: string;
}

const protocolHeaders = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-read-version': '0.1.0',
};

export const post = (
  port: number,
  body: Buffer,
  headers: Readonly<Record<string, string>> = protocolHeaders,
): Promise<Sent> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/api/v1/read', method: 'POST', headers, agent: false };
    const asking = request(options, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const whole = Buffer.concat(pieces);
        const isJson = response.headers['content-type']?.startsWith('application/json') === true;
        const error = isJson ? (JSON.parse(whole.toString()) as { error: string }).error : '';
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          trailers: response.trailers,
          body: whole,
          error,
        });
      });
    });
    asking.on('error', reject);
    asking.end(body);
  });

/** A series of an answer: its labels as text, and its samples as times and bit patterns. */
export interface Series {
  readonly labels: string;
  readonly samples: (readonly [time: number, bits: string])[];
}

const readLabel = (reader: ProtobufReader): string => {
  const outer = reader.enter();
  const parts = ['', ''];
  while (reader.next()) parts[reader.field - 1] = reader.readString();
  reader.leave(outer);
  return parts.join('=');
};

const hex = (bits: bigint): string => bits.toString(16).padStart(16, '0');

/** The series of each query's result. */
export const decodeSamples = (body: Buffer): Series[][] => {
  const reader = new ProtobufReader(uncompress(body, 1 << 30));
  const results: Series[][] = [];
  while (reader.next()) {
    const result: Series[] = [];
    const outer = reader.enter();
    while (reader.next()) result.push(readSeries(reader));
    reader.leave(outer);
    results.push(result);
  }
  return results;
};

const readSeries = (reader: ProtobufReader): Series => {
  const outer = reader.enter();
  const labels: string[] = [];
  const samples: [number, string][] = [];
  while (reader.next()) {
    if (reader.field === 1) labels.push(readLabel(reader));
    else samples.push(readSample(reader));
  }
  reader.leave(outer);
  return { labels: labels.join(','), samples };
};

const readSample = (reader: ProtobufReader): [number, string] => {
  const outer = reader.enter();
  let time = 0;
  let bits = 0n;
  while (reader.next()) {
    if (reader.field === 2) time = reader.readInt64();
    else {
      reader.readBits();
      bits = (BigInt(reader.high >>> 0) << 32n) | BigInt(reader.low >>> 0);
    }
  }
  reader.leave(outer);
  return [time, hex(bits)];
};

export interface Frame {
  readonly queryIndex: number;
  readonly labels: string;
  readonly chunks: readonly { readonly from: number; readonly through: number; readonly data: Buffer }[];
  readonly byteCount: number;
}

/** The frames of a stream. Throws at a wrong checksum, and if bytes are left. */
export const decodeFrames = (body: Buffer): Frame[] => {
  const frames: Frame[] = [];
  for (let at = 0; at < body.length; ) {
    let length = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = body[at++];
      length += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    const sum = body.readUInt32BE(at);
    const message = body.subarray(at + 4, at + 4 + length);
    if (message.length !== length) throw new Error('the stream ends within a frame');
    if (crc32c(message) !== sum) throw new Error('wrong checksum');
    frames.push(decodeFrame(message));
    at += 4 + length;
  }
  return frames;
};

const decodeFrame = (message: Buffer): Frame => {
  const reader = new ProtobufReader(message);
  const labels: string[] = [];
  const chunks: Frame['chunks'][number][] = [];
  let queryIndex = 0;
  let seriesCount = 0;
  while (reader.next()) {
    if (reader.field === 2) {
      queryIndex = reader.readInt64();
      continue;
    }
    seriesCount++;
    const outer = reader.enter();
    while (reader.next()) {
      if (reader.field === 1) labels.push(readLabel(reader));
      else chunks.push(readChunk(reader));
    }
    reader.leave(outer);
  }
  if (seriesCount !== 1) throw new Error(`${seriesCount} series in one frame`);
  return { queryIndex, labels: labels.join(','), chunks, byteCount: message.length };
};

const readChunk = (reader: ProtobufReader): Frame['chunks'][number] => {
  const outer = reader.enter();
  let from = 0;
  let through = 0;
  let type = 0;
  let data = Buffer.alloc(0);
  while (reader.next()) {
    if (reader.field === 1) from = reader.readInt64();
    else if (reader.field === 2) through = reader.readInt64();
    else if (reader.field === 3) type = reader.readUint32();
    else data = Buffer.from(reader.readBytes());
  }
  if (type !== 1) throw new Error(`chunk type ${type}`);
  reader.leave(outer);
  return { from, through, data };
};

/** The series of each query's result, put together from the frames. */
export const seriesOfFrames = (frames: readonly Frame[], queryCount: number): Series[][] => {
  const results: Series[][] = Array.from({ length: queryCount }, () => []);
  for (const { queryIndex, labels, chunks } of frames) {
    const result = results[queryIndex];
    let series = result.at(-1);
    if (series?.labels !== labels) {
      series = { labels, samples: [] };
      result.push(series);
    }
    for (const { from, through, data } of chunks) {
      const { times, bits } = decodeXorChunk(data);
      if (Number(times[0]) !== from || Number(times.at(-1)) !== through) throw new Error("a chunk's times are wrong");
      if (times.length > 120) throw new Error(`${times.length} samples in one chunk`);
      for (const [i, time] of times.entries()) series.samples.push([Number(time), hex(bits[i])]);
    }
  }
  return results;
};
