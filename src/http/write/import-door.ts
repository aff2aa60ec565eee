/**
 * `POST /api/v1/import` (JSON lines) and `/api/v1/import/prometheus` (the text formats): samples from files and scripts.
 * The body is read as it arrives, in bounded memory and for as long as it flows, and samples may be in any order. The answer counts what was stored
 * and what was refused; it is sent when the stored samples are on disk.
 */
import { ImportSession } from '../../import/import-session.ts';
import { LineSource } from '../../import/line-source.ts';
import type { Clock } from '../../index.ts';
import { messageOf } from '../../text/error-text.ts';
import { type ImportFormat, importFormats } from '../../text/import-lines.ts';
import { UnreadableInputError } from '../../text/lines.ts';
import { formatQuantity, verbFor } from '../../text/quantities.ts';
import { sentPieces } from '../body.ts';
import { quoteParam } from '../params.ts';
import { badData, HttpError, sendData, sendJson } from '../reply.ts';
import type { Route, StoreExchange } from '../router.ts';
import type { HeldBytes } from './held-bytes.ts';

/** A longer line is refused. `tidemark dump` writes lines of less than 5 MB. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;
/** Late samples that are gathered before they are merged. */
const GATHERED_MAX = 128 * 1024;
/** What one import may have in memory: a line and its columns, and the late samples. */
const IMPORT_BYTES = 48 * 1024 * 1024;

/** The format that Content-Type names, if it is one of a text format. */
const formatOfType = (contentType: string | undefined): ImportFormat | undefined => {
  const [type, ...parameters] = (contentType ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  if (type === 'application/openmetrics-text') return 'openmetrics';
  return type === 'text/plain' && parameters.includes('version=0.0.4') ? 'prometheus' : undefined;
};

const formatOf = ({ params, request }: StoreExchange, usual: ImportFormat): ImportFormat => {
  const given = params.get('format') ?? '';
  const named = importFormats.find((format) => format === given);
  if (named !== undefined) return named;
  if (given !== '') throw badData(`format takes one of ${importFormats.join(', ')}, not ${quoteParam(given)}.`);
  return usual === 'json' ? usual : (formatOfType(request.headers['content-type']) ?? usual);
};

const timestampOf = ({ params }: StoreExchange): number | undefined => {
  const text = params.get('timestamp');
  if (text === null || text === '') return undefined;
  const number = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number))
    throw badData(`timestamp takes milliseconds since the epoch, not ${quoteParam(text)}.`);
  return number;
};

const checkEncoding = (encoding: string | undefined): void => {
  if (encoding !== undefined && !['', 'identity', 'gzip'].includes(encoding.trim().toLowerCase()))
    throw new HttpError(415, 'bad_data', `The body may be sent as gzip, not as ${JSON.stringify(encoding)}.`);
};

const takeBody = async (exchange: StoreExchange, usual: ImportFormat, clock: Clock): Promise<void> => {
  const { request, response, params, signal, store, breathe } = exchange;
  const source = new LineSource({
    format: formatOf(exchange, usual),
    bits: params.get('bits') === '1',
    defaultTimestamp: timestampOf(exchange) ?? clock.now(),
    naming: 'format=',
    lineBytesMax: LINE_BYTES_MAX,
    breathe,
  });
  const session = new ImportSession(store, source, { clock, gatheredMax: GATHERED_MAX });
  try {
    await session.read(sentPieces(request, { flows: true }), { signal });
  } catch (error) {
    if (error instanceof UnreadableInputError) throw badData(messageOf(error));
    throw error;
  }
  await store.flush();
  const counts = session.counts();
  if (signal.aborted)
    throw new HttpError(503, 'canceled', `The import was ended after ${formatQuantity(counts.samples, 'sample')}.`);
  const first = source.badLines.first.map(({ lineNumber, reason }) => ({ line: lineNumber, reason }));
  const data = { ...counts, firstBadLines: first };
  const refused = Object.values(counts.rejected).reduce((sum, count) => sum + count, 0);
  if (refused + counts.badLines === 0) return sendData(response, data);
  const stored = `${formatQuantity(counts.samples, 'sample')} ${verbFor(counts.samples)} stored`;
  const error = `${stored}, ${formatQuantity(refused, 'sample')} and ${formatQuantity(counts.badLines, 'line')} were refused.`;
  return sendJson(response, 400, { status: 'error', errorType: 'bad_data', error, data });
};

const importRoute = (path: string, usual: ImportFormat, { clock, held }: ImportParts): Route => ({
  methods: ['POST'],
  path,
  body: 'content',
  writes: true,
  handle: async (exchange) => {
    checkEncoding(exchange.request.headers['content-encoding']);
    const share = held.share();
    try {
      share.take(IMPORT_BYTES);
      await takeBody(exchange, usual, clock);
    } finally {
      share.end();
    }
  },
});

interface ImportParts {
  readonly clock: Clock;
  readonly held: HeldBytes;
}

export const importRoutes = (parts: ImportParts): readonly Route[] => [
  importRoute('/api/v1/import', 'json', parts),
  importRoute('/api/v1/import/prometheus', 'text', parts),
];
