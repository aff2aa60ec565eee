/**
 * `POST /api/v1/read`: Prometheus' remote read 0.1. The reader chooses between two answers:
 *
 * - plain samples: one message in one snappy block, built in memory before it is sent, so it is bounded;
 * - streamed XOR chunks: frames that are written as they are made, so one series at a time is in memory.
 *
 * Both have every sample from the start of a query through its end, or the labels alone if the hints ask for no more. Stale markers and NaN keep their bits. Parts of
 * series that cannot be read are named in `Tidemark-Warnings`: a header of the first answer, a trailer of the second.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { Semaphore } from '../../async/semaphore.ts';
import type { SeriesSamples } from '../../index.ts';
import { sortByLabels, sortedPairs } from '../../text/label-text.ts';
import { ChunkFrames } from '../../wire/chunk-frames.ts';
import {
  decodeReadRequest,
  type ReadQuery,
  type ReadRequest,
  type ReadSeries,
  SAMPLES,
  STREAMED_XOR_CHUNKS,
} from '../../wire/read-messages.ts';
import { SamplesAnswer } from '../../wire/samples-answer.ts';
import { TooLargeError, uncompress } from '../../wire/snappy.ts';
import { WireError } from '../../wire/wire-error.ts';
import { readSentBody } from '../body.ts';
import { badData, HttpError, writeBytes } from '../reply.ts';
import type { Route, StoreExchange } from '../router.ts';
import { encodeWarnings, warningsHeader, warningsMax, warningsOf } from '../warnings.ts';

export interface ReadLimits {
  /** Samples of an answer that is built in memory. */
  readonly samples: number;
  /** Compressed bytes of such an answer. */
  readonly answerBytes: number;
}

const defaultLimits: ReadLimits = { samples: 50_000_000, answerBytes: 256 * 1024 * 1024 };

/** Answers that are built in memory at a time. Other readers wait. */
const ANSWERS_AT_ONCE = 2;

/** Bytes of a request, both as sent and after snappy. A request has a few hundred. */
const REQUEST_BYTES_MAX = 4 * 1024 * 1024;
const requestLimits = { queries: 1000, matchers: 10_000 };

/** Samples that are encoded between two turns of the event loop: a millisecond or two. */
const SAMPLES_PER_TURN = 16_384;
/** Samples that are added to an answer at a time: about 64 KiB. */
const SAMPLES_PER_PART = 3072;
/** The cost of a series itself, counted in samples. */
const SAMPLES_PER_SERIES = 64;

const noSamples = new Float64Array(0);

const requestType = 'application/x-protobuf';
const streamType = 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse';

/** Both headers may be missing, because the protocol knows only one value of each. */
const checkHeaders = (headers: IncomingHttpHeaders): void => {
  const type = (headers['content-type'] ?? requestType).split(';', 1)[0].trim().toLowerCase();
  if (type !== requestType)
    throw new HttpError(415, 'bad_data', `Remote read takes ${requestType}, not ${JSON.stringify(type)}.`);
  const encoding = (headers['content-encoding'] ?? 'snappy').trim().toLowerCase();
  if (encoding !== 'snappy')
    throw new HttpError(415, 'bad_data', `Remote read takes the encoding snappy, not ${JSON.stringify(encoding)}.`);
};

const decodeRequest = (sent: Buffer): ReadRequest => {
  try {
    return decodeReadRequest(uncompress(sent, REQUEST_BYTES_MAX), requestLimits);
  } catch (error) {
    if (error instanceof TooLargeError)
      throw new HttpError(413, 'bad_data', `The request is too large: ${error.message}.`);
    if (error instanceof WireError) throw badData(`The request cannot be read: ${error.message}.`);
    throw error;
  }
};

/** The first type of answer in the reader's list that exists here. Readers without a list take plain samples. */
const chooseType = (accepted: readonly number[]): number => {
  if (accepted.length === 0) return SAMPLES;
  const chosen = accepted.find((type) => type === SAMPLES || type === STREAMED_XOR_CHUNKS);
  if (chosen === undefined)
    throw badData(
      `None of the accepted response types is supported: ${accepted.join(', ')}; supported: 0 (SAMPLES), 1 (STREAMED_XOR_CHUNKS).`,
    );
  return chosen;
};

/** Answers the queries of one request. */
class Reading {
  readonly exchange: StoreExchange;
  readonly warnings: string[] = [];
  private sinceTurn = 0;

  constructor(exchange: StoreExchange) {
    this.exchange = exchange;
  }

  /** The series of a query, sorted by labels. As in Prometheus, a query without matchers has none. */
  async *series({ from, through, matchers, labelsOnly }: ReadQuery): AsyncGenerator<ReadSeries> {
    if (through < from || matchers.length === 0) return;
    const { store, signal } = this.exchange;
    if (labelsOnly) {
      for (const labels of sortByLabels(await store.metrics(matchers, { from, through }), (each) => each))
        yield { pairs: sortedPairs(labels), timestamps: noSamples, values: noSamples };
      return;
    }
    for await (const one of store.select(matchers, { from, through, signal })) {
      this.noteProblems(one);
      if (one.timestamps.length === 0) continue;
      yield { pairs: sortedPairs(one.labels), timestamps: one.timestamps, values: one.values };
    }
  }

  /** Counts work, and yields to the event loop when it is time. Throws when the reader has gone. */
  async worked(samples: number): Promise<void> {
    this.sinceTurn += samples;
    if (this.sinceTurn < SAMPLES_PER_TURN) return;
    this.sinceTurn = 0;
    await this.exchange.breathe();
    this.exchange.signal.throwIfAborted();
  }

  private noteProblems(one: SeriesSamples): void {
    if (this.warnings.length < warningsMax) this.warnings.push(...warningsOf(one));
  }
}

const buildAnswer = async (reading: Reading, queries: readonly ReadQuery[], limits: ReadLimits): Promise<Buffer[]> => {
  const answer = new SamplesAnswer(limits.answerBytes);
  let sampleCount = 0;
  for (const query of queries) {
    answer.beginQuery();
    for await (const series of reading.series(query)) {
      const { length } = series.timestamps;
      sampleCount += length;
      if (sampleCount > limits.samples) throw badData(`exceeded sample limit (${limits.samples})`);
      answer.beginSeries(series);
      await reading.worked(SAMPLES_PER_SERIES);
      for (let start = 0; start < length; start += SAMPLES_PER_PART) {
        const end = Math.min(start + SAMPLES_PER_PART, length);
        answer.addSamples(series, start, end);
        await reading.worked(end - start);
      }
    }
  }
  return answer.finish();
};

const sendSamples = async (reading: Reading, queries: readonly ReadQuery[], limits: ReadLimits): Promise<void> => {
  const { response } = reading.exchange;
  let parts: Buffer[];
  try {
    parts = await buildAnswer(reading, queries, limits);
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
    throw badData(
      `The answer is larger than ${limits.answerBytes} bytes. Ask for fewer series or less time, or accept STREAMED_XOR_CHUNKS.`,
    );
  }
  if (reading.warnings.length > 0) response.setHeader(warningsHeader, encodeWarnings(reading.warnings));
  response.writeHead(200, {
    'Content-Type': requestType,
    'Content-Encoding': 'snappy',
    'Content-Length': parts.reduce((sum, { length }) => sum + length, 0),
  });
  for (const part of parts) if (!(await writeBytes(response, part))) return;
};

const sendFrames = async (reading: Reading, queries: readonly ReadQuery[]): Promise<void> => {
  const { response, request } = reading.exchange;
  const frames = new ChunkFrames();
  // Damage may be found only after the answer has begun. HTTP/1.0 has no trailers.
  if (request.httpVersion === '1.1') response.setHeader('Trailer', warningsHeader);
  response.setHeader('Content-Type', streamType);
  for (const [index, query] of queries.entries()) {
    for await (const series of reading.series(query)) {
      const { length } = series.timestamps;
      // A series without samples is a frame, too.
      let start = 0;
      do {
        frames.begin(series.pairs);
        await reading.worked(SAMPLES_PER_SERIES);
        while (start < length && frames.hasRoom) {
          const end = frames.addChunk(series, start);
          await reading.worked(end - start);
          start = end;
        }
        if (!(await writeBytes(response, frames.end(index)))) return;
      } while (start < length);
    }
  }
  if (reading.warnings.length > 0 && request.httpVersion === '1.1')
    response.addTrailers({ [warningsHeader]: encodeWarnings(reading.warnings) });
  response.end();
};

/** The routes of remote read. */
export const readRoutes = (limits: ReadLimits = defaultLimits): readonly Route[] => {
  const answering = new Semaphore(ANSWERS_AT_ONCE);
  const handle = async (exchange: StoreExchange): Promise<void> => {
    const { request, signal } = exchange;
    checkHeaders(request.headers);
    const { queries, accepted } = decodeRequest(await readSentBody(request, REQUEST_BYTES_MAX));
    const reading = new Reading(exchange);
    if (chooseType(accepted) === STREAMED_XOR_CHUNKS) return sendFrames(reading, queries);
    await answering.acquire(signal);
    try {
      await sendSamples(reading, queries, limits);
    } finally {
      answering.release();
    }
  };
  return [{ methods: ['POST'], path: '/api/v1/read', body: 'content', handle }];
};
