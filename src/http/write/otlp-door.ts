/**
 * Takes OpenTelemetry's metrics at the path of Prometheus' OTLP receiver, `POST /api/v1/otlp/v1/metrics`, in Protocol
 * Buffers or JSON. Points that can't be kept are refused one by one and counted in the answer; samples that were taken are
 * on disk when the answer is sent. A sender may repeat a request: samples that are there change nothing.
 */
import type { ServerResponse } from 'node:http';
import { type ConversionSettings, conversionSettings, type OtlpOptions } from '../../otlp/conversion-options.ts';
import { DeltaStreams } from '../../otlp/delta-streams.ts';
import { exportResponse, type OtlpFormat } from '../../otlp/export-response.ts';
import { decodeJson } from '../../otlp/json-decoder.ts';
import { PointConverter, type SampleTarget } from '../../otlp/point-converter.ts';
import { decodeProtobuf } from '../../otlp/protobuf-decoder.ts';
import { WireError } from '../../wire/wire-error.ts';
import { readBody } from '../body.ts';
import { badData, HttpError } from '../reply.ts';
import type { Route, StoreExchange } from '../router.ts';
import { HeldBytes } from './held-bytes.ts';
import { SampleIntake } from './sample-intake.ts';

/** Bytes of requests, as sent and as restored, that are in memory at one time. */
const HELD_BYTES_MAX = 192 * 1024 * 1024;
/** Of a request, as it is sent and after decompression. */
const BODY_BYTES_MAX = 32 * 1024 * 1024;

const contentTypes: Readonly<Record<OtlpFormat, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

const decoders = { protobuf: decodeProtobuf, json: decodeJson } as const;

const formatOf = (contentType: string | undefined): OtlpFormat => {
  const [type] = (contentType ?? '').split(';');
  const name = type.trim().toLowerCase();
  if (name === contentTypes.protobuf) return 'protobuf';
  if (name === contentTypes.json) return 'json';
  const given = name === '' ? 'without Content-Type' : `as ${JSON.stringify(name)}`;
  throw new HttpError(
    415,
    'bad_data',
    `Metrics may be sent as ${contentTypes.protobuf} or ${contentTypes.json}, not ${given}.`,
  );
};

const targetOf = (intake: SampleIntake): SampleTarget => ({
  append: (labels, timestamp, high, low) => {
    const series = intake.series(labels, 1);
    return series !== undefined && intake.append(series, timestamp, high, low) ? undefined : intake.firstProblem;
  },
});

const sendAnswer = (response: ServerResponse, format: OtlpFormat, { refusals }: PointConverter): void => {
  const body = exportResponse(format, refusals.points, refusals.message);
  response.writeHead(200, { 'Content-Type': contentTypes[format], 'Content-Length': body.length });
  response.end(body);
};

interface Conversion {
  readonly settings: ConversionSettings;
  readonly deltas: DeltaStreams | undefined;
}

const takeMetrics = async (
  { response, store, breathe }: StoreExchange,
  format: OtlpFormat,
  body: Buffer,
  { settings, deltas }: Conversion,
): Promise<void> => {
  const intake = new SampleIntake(store);
  const converter = new PointConverter(settings, targetOf(intake), deltas);
  const run = async (steps: Iterable<void>): Promise<void> => {
    const iterator = steps[Symbol.iterator]();
    while (intake.together(() => iterator.next().done !== true)) await breathe();
  };
  try {
    await run(decoders[format](body, converter));
    await run(converter.finish());
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw badData(`The body is not an OTLP request: ${error.message}.`);
  } finally {
    if (intake.accepted > 0) await intake.settle();
  }
  const { refusals } = converter;
  if (converter.accepted === 0 && refusals.points > 0)
    throw badData(`None of ${refusals.points} data points was taken: ${refusals.message}.`);
  sendAnswer(response, format, converter);
};

/**
 * The route. With `deltaToCumulative` it keeps running totals, so a server makes it once.
 *
 * @throws {TidemarkError} `TIDEMARK_INVALID_OPTION`, `TIDEMARK_INVALID_LABELS`
 */
export const otlpRoute = (options: OtlpOptions = {}): Route => {
  const settings = conversionSettings(options);
  const deltas = options.deltaToCumulative === true ? new DeltaStreams() : undefined;
  const held = new HeldBytes(HELD_BYTES_MAX);
  return {
    methods: ['POST'],
    path: '/api/v1/otlp/v1/metrics',
    body: 'content',
    writes: true,
    handle: async (exchange) => {
      const format = formatOf(exchange.request.headers['content-type']);
      const share = held.share();
      try {
        const body = await readBody(exchange.request, BODY_BYTES_MAX, { onBytes: (count) => share.take(count) });
        // The values of a JSON text take more memory than the text.
        if (format === 'json') share.take(2 * body.length);
        await takeMetrics(exchange, format, body, { settings, deltas });
      } finally {
        share.end();
      }
    },
  };
};
