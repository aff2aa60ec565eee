/**
 * `POST /api/v1/write`: Prometheus' remote write, protocols 1.0 and 2.0.
 * https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 *
 * What the store can take is stored, also if the rest of the request is refused. The answer is sent when the stored
 * samples are on disk: 204, or 400 if something was refused, with the number of stored samples in 2.0's headers. After
 * 429 and 5xx a sender repeats the request; samples that the store has by then change nothing.
 *
 * Metadata and exemplars are taken and dropped. Native histograms are refused.
 */
import type { ServerResponse } from 'node:http';
import type { SeriesHandle, Store } from '../../index.ts';
import { formatQuantity, verbFor } from '../../text/quantities.ts';
import {
  END,
  type PAUSE,
  SAMPLE,
  SERIES,
  SERIES_END,
  WriteRequest1Reader,
  WriteRequest2Reader,
  type WriteRequestReader,
} from '../../wire/remote-write.ts';
import { TooLargeError, Uncompression } from '../../wire/snappy.ts';
import { WireError } from '../../wire/wire-error.ts';
import { readSentBody } from '../body.ts';
import { badData, HttpError } from '../reply.ts';
import type { Route, StoreExchange } from '../router.ts';
import type { HeldBytes, ShareOfBytes } from './held-bytes.ts';
import { KnownSeries } from './known-series.ts';
import { labelsFromPairs } from './labels-from-pairs.ts';
import { SampleIntake } from './sample-intake.ts';

const SENT_BYTES_MAX = 32 * 1024 * 1024;
const CONTENT_BYTES_MAX = 64 * 1024 * 1024;

const protocols: Readonly<Record<string, 1 | 2>> = {
  'prometheus.WriteRequest': 1,
  'io.prometheus.write.v2.Request': 2,
};

const unsupported = (message: string): HttpError => new HttpError(415, 'bad_data', message);

/** The protocol that a Content-Type names; a missing one means 1.0. Throws 415. */
const protocolOf = (contentType: string | undefined): 1 | 2 => {
  if (contentType === undefined || contentType.trim() === '') return 1;
  const [type, ...parameters] = contentType.split(';').map((part) => part.trim());
  if (type.toLowerCase() !== 'application/x-protobuf')
    throw unsupported(`Remote write takes application/x-protobuf, not ${JSON.stringify(contentType)}.`);
  const message = parameters
    .map((parameter) => /^proto\s*=\s*"?([^"]*)"?$/i.exec(parameter)?.[1])
    .find((name) => name !== undefined);
  if (message === undefined) return 1;
  if (Object.hasOwn(protocols, message)) return protocols[message];
  throw unsupported(
    `Remote write takes the messages ${Object.keys(protocols).join(' and ')}, not ${JSON.stringify(message)}.`,
  );
};

const checkEncoding = (encoding: string | undefined): void => {
  if (encoding !== undefined && encoding !== '' && encoding.trim().toLowerCase() !== 'snappy')
    throw unsupported(`Remote write takes snappy, not ${JSON.stringify(encoding)}.`);
};

const knownSeries = new WeakMap<Store, KnownSeries>();

const knownSeriesOf = (store: Store): KnownSeries => {
  const known = knownSeries.get(store) ?? new KnownSeries();
  knownSeries.set(store, known);
  return known;
};

/** One request that is being stored. */
class Receiving {
  private readonly exchange: StoreExchange;
  private readonly intake: SampleIntake;
  private readonly known: KnownSeries;
  /** The series that is being read; `undefined` if its labels are refused. */
  private series: SeriesHandle | undefined;
  /** What is wrong with the labels of the series that is being read. */
  private problem: string | undefined;
  /** Refused series without samples and histograms. */
  private seriesWithoutSamples = 0;
  private histograms = 0;
  /** Series with wrong references in exemplars or metadata. */
  private besides = 0;
  private firstProblem: string | undefined;

  constructor(exchange: StoreExchange) {
    this.exchange = exchange;
    this.intake = new SampleIntake(exchange.store);
    this.known = knownSeriesOf(exchange.store);
  }

  /** Stores what can be stored; resolves to the number of samples when they are on disk. Throws `WireError`, 429. */
  async store(reader: WriteRequestReader): Promise<number> {
    const { exchange, intake } = this;
    while (reader.scan()) await exchange.breathe();
    try {
      while (intake.together(() => this.takeUntilPause(reader)) !== END) await exchange.breathe();
    } finally {
      if (intake.accepted > 0) await intake.settle();
    }
    return intake.accepted;
  }

  private takeUntilPause(reader: WriteRequestReader): typeof END | typeof PAUSE {
    for (;;) {
      const step = reader.step();
      if (step === SAMPLE) {
        if (this.series !== undefined) this.intake.append(this.series, reader.timestamp, reader.high, reader.low);
      } else if (step === SERIES) this.series = this.begin(reader);
      else if (step === SERIES_END) this.end(reader, this.series !== undefined);
      else return step;
    }
  }

  /** Throws 400 if something was refused. */
  check(): void {
    const { intake, histograms, besides, seriesWithoutSamples: series } = this;
    const refused = intake.rejectedCount;
    const parts: string[] = [];
    if (refused > 0) {
      const total = refused + intake.accepted;
      const reasons = [...intake.rejected].map(([code, count]) => `${code} ${count}`).join(', ');
      parts.push(`${refused} of ${formatQuantity(total, 'sample')} ${verbFor(total)} refused (${reasons})`);
    }
    if (histograms > 0) parts.push(`${formatQuantity(histograms, 'native histogram')} ${verbFor(histograms)} refused`);
    if (series > 0) parts.push(`${series} series without samples ${verbFor(series)} refused`);
    if (besides > 0) parts.push(`exemplars or metadata of ${besides} series ${verbFor(besides)} refused`);
    if (parts.length > 0) throw badData(`${parts.join('; ')}. First: ${this.firstProblem ?? intake.firstProblem}`);
  }

  private begin(reader: WriteRequestReader): SeriesHandle | undefined {
    const { content, labelsStart, labelsEnd } = reader;
    const known = labelsEnd === 0 ? undefined : this.known.find(content, labelsStart, labelsEnd);
    if (known !== undefined) return known;
    reader.readSeriesLabels();
    const labels = reader.problem ?? labelsFromPairs(reader.labels);
    if (typeof labels !== 'string') {
      this.problem = undefined;
      // The samples of refused labels are counted when the series ends.
      const series = this.intake.series(labels, 0);
      if (series !== undefined && labelsEnd > 0) this.known.add(content, labelsStart, labelsEnd, series);
      return series;
    }
    this.problem = labels;
    return undefined;
  }

  private end({ samples, histograms, exemplars, besides }: WriteRequestReader, isSeries: boolean): void {
    if (!isSeries) this.intake.note('TIDEMARK_INVALID_LABELS', this.problem ?? '', samples);
    if (histograms > 0) {
      this.histograms += histograms;
      this.note('native histograms are not supported, classic ones are');
    } else if (samples === 0 && (!isSeries || exemplars === 0)) {
      this.seriesWithoutSamples += 1;
      this.note(this.problem ?? 'a series has neither samples nor histograms');
    }
    if (besides !== undefined) {
      this.besides += 1;
      this.note(besides);
    }
  }

  private note(problem: string): void {
    this.firstProblem ??= this.intake.firstProblem ?? problem;
  }
}

const written = (response: ServerResponse, samples: number): void => {
  response.setHeader('X-Prometheus-Remote-Write-Samples-Written', samples);
  response.setHeader('X-Prometheus-Remote-Write-Histograms-Written', 0);
  response.setHeader('X-Prometheus-Remote-Write-Exemplars-Written', 0);
};

/** The content of the body. Holds its bytes in `share`. Throws 408, 413, 429, `WireError`. */
const readContent = async ({ request, breathe }: StoreExchange, share: ShareOfBytes): Promise<Buffer> => {
  const sent = await readSentBody(request, SENT_BYTES_MAX, { onBytes: (count) => share.take(count) });
  const uncompression = new Uncompression(sent, CONTENT_BYTES_MAX, (length) => share.take(length));
  while (uncompression.step()) await breathe();
  share.give(sent.length);
  return uncompression.content;
};

const receive = async (exchange: StoreExchange, held: HeldBytes): Promise<void> => {
  const { request, response } = exchange;
  const isTwo = protocolOf(request.headers['content-type']) === 2;
  // An error's answer has the headers, too.
  if (isTwo) written(response, 0);
  checkEncoding(request.headers['content-encoding']);
  const share = held.share();
  const receiving = new Receiving(exchange);
  try {
    const content = await readContent(exchange, share);
    const samples = await receiving.store(isTwo ? new WriteRequest2Reader(content) : new WriteRequest1Reader(content));
    if (isTwo) written(response, samples);
  } catch (error) {
    if (error instanceof TooLargeError)
      throw new HttpError(413, 'bad_data', `The request is too large: ${error.message}.`);
    if (error instanceof WireError) throw badData(`The request can't be read: ${error.message}.`);
    throw error;
  } finally {
    share.end();
  }
  receiving.check();
  response.writeHead(204);
  response.end();
};

export const remoteWriteRoute = (held: HeldBytes): Route => ({
  methods: ['POST'],
  path: '/api/v1/write',
  body: 'content',
  writes: true,
  handle: (exchange) => receive(exchange, held),
});
