/** Makes remote-write requests of both protocols, also ones that a sound sender would not make. */
import { ProtobufWriter } from '../../../src/wire/protobuf-writer.ts';
import { compress } from '../../../src/wire/snappy.ts';
import { type Answer, ask } from '../http-client.ts';

export interface SentSample {
  readonly timestamp: number;
  readonly value?: number;
  /** The value's halves, instead of `value`. */
  readonly bits?: readonly [high: number, low: number];
}

export interface SentSeries {
  /** Names and values, in the order in which they are sent. */
  readonly labels: readonly (readonly [string, string])[];
  readonly samples?: readonly SentSample[];
  readonly histograms?: number;
  readonly exemplars?: number;
  readonly metadata?: boolean;
  /** References in place of those of the labels; 2.0 only. */
  readonly references?: readonly number[];
}

const writeSamples = (writer: ProtobufWriter, samples: readonly SentSample[]): void => {
  for (const { timestamp, value = 0, bits } of samples) {
    writer.begin(2);
    if (bits !== undefined) writer.doubleBits(1, bits[0], bits[1]);
    else if (value !== 0 || Object.is(value, -0)) writer.double(1, value);
    if (timestamp !== 0) writer.int64(2, timestamp);
    writer.end();
  }
};

/** Messages whose content is not read: native histograms and exemplars. */
const writeOthers = (writer: ProtobufWriter, field: number, count: number): void => {
  for (let i = 0; i < count; i++) {
    writer.begin(field);
    writer.double(3, i);
    writer.int64(15, 1000);
    writer.end();
  }
};

export const messageOfOne = (series: readonly SentSeries[]): Buffer => {
  const writer = new ProtobufWriter();
  for (const { labels, samples = [], histograms = 0, exemplars = 0 } of series) {
    writer.begin(1);
    for (const [name, value] of labels) {
      writer.begin(1);
      writer.string(1, name);
      writer.string(2, value);
      writer.end();
    }
    writeSamples(writer, samples);
    writeOthers(writer, 3, exemplars);
    writeOthers(writer, 4, histograms);
    writer.end();
  }
  return Buffer.from(writer.finish());
};

export const messageOfTwo = (series: readonly SentSeries[]): Buffer => {
  const symbols = new Map<string, number>([['', 0]]);
  const referTo = (text: string): number => {
    const known = symbols.get(text) ?? symbols.size;
    symbols.set(text, known);
    return known;
  };
  const body = new ProtobufWriter();
  for (const { labels, samples = [], histograms = 0, exemplars = 0, metadata = false, references } of series) {
    body.begin(5);
    body.begin(1);
    for (const reference of references ?? labels.flat().map(referTo)) body.packed(reference);
    body.end();
    writeSamples(body, samples);
    writeOthers(body, 3, histograms);
    writeOthers(body, 4, exemplars);
    if (metadata) {
      body.begin(5);
      body.uint(1, 1);
      body.uint(3, referTo('help'));
      body.end();
    }
    body.end();
  }
  const writer = new ProtobufWriter();
  for (const symbol of symbols.keys()) writer.string(4, symbol);
  return Buffer.concat([writer.finish(), body.finish()]);
};

export const headersOfOne = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '0.1.0',
};
export const headersOfTwo = {
  ...headersOfOne,
  'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
  'x-prometheus-remote-write-version': '2.0.0',
};

/** An answer to remote write: `written` has the three counts of the headers, `null` if they are missing. */
export interface Written extends Answer {
  readonly written: readonly (number | null)[];
}

export const send = async (
  port: number,
  body: Buffer,
  headers: Readonly<Record<string, string>>,
  path = '/api/v1/write',
): Promise<Written> => {
  const answer = await ask(port, path, { method: 'POST', headers, body });
  const written = ['samples', 'histograms', 'exemplars'].map((what) => {
    const text = answer.headers[`x-prometheus-remote-write-${what}-written`];
    return text === undefined ? null : Number(text);
  });
  return { ...answer, written };
};

export const sendOne = (port: number, series: readonly SentSeries[]): Promise<Written> =>
  send(port, compress(messageOfOne(series)), headersOfOne);

export const sendTwo = (port: number, series: readonly SentSeries[]): Promise<Written> =>
  send(port, compress(messageOfTwo(series)), headersOfTwo);
