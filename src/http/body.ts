/**
 * The content of a request that is no form, as bytes. Content-Encoding is undone; no more memory is taken than `bytesMax`
 * for what is sent and for what it becomes, whatever the sender announces.
 */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { codeOf, messageOf } from '../text/error-text.ts';
import { contentReadBefore, wasReadBefore } from './parsed-body.ts';
import { badData, HttpError } from './reply.ts';
import { mayTakeLonger } from './request-time.ts';

const decoders = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

const tooLarge = (bytesMax: number): HttpError =>
  new HttpError(413, 'bad_data', `The body is larger than ${bytesMax} bytes; send it in parts.`);

/** The rest of the body is not waited for. */
class SlowSenderError extends HttpError {
  override readonly headers = { Connection: 'close' };

  constructor(message: string) {
    super(408, 'timeout', message);
  }
}

/** How long a sender may be silent within a body. */
const SILENCE_MS = 30_000;
/** How long a sender may be waited for in all, beside the time that its bytes need at the slowest rate. */
const SLACK_MS = 60_000;
/** The slowest rate at which a long body may flow: a kilobyte a second. */
const BYTES_PER_MS = 1;

const withinTime = <T>(next: Promise<T>, timeMs: number, late: () => HttpError): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), Math.max(0, timeMs));
    next.then(resolve, reject).finally(() => clearTimeout(timer));
  });

interface Pace {
  /** How long the sender may be silent. Default: half a minute. */
  readonly silenceMs?: number;
  /** The body may take longer than `requestTimeout` as long as it flows at a kilobyte a second. Default false. */
  readonly flows?: boolean;
  readonly slackMs?: number;
}

/**
 * The pieces of a body as they arrive. Throws 408 if the sender is silent for half a minute. A body that `flows` also ends
 * with 408 if it comes so slowly that, together, more than a minute is lost on the slowest rate. Only time in which the
 * caller waits for the sender counts. When the caller stops reading, the connection stays open, because the answer is sent
 * on it.
 */
export async function* sentPieces(
  request: IncomingMessage,
  { silenceMs = SILENCE_MS, flows = false, slackMs = SLACK_MS }: Pace = {},
): AsyncGenerator<Buffer> {
  if (wasReadBefore(request)) {
    yield contentReadBefore(request);
    return;
  }
  mayTakeLonger(request, flows);
  const silent = (): HttpError => new SlowSenderError(`Nothing of the body arrived for ${silenceMs / 1000} seconds.`);
  const slow = (): HttpError =>
    new SlowSenderError(`The body came slower than ${BYTES_PER_MS * 1000} bytes a second for too long.`);
  let leftMs = flows ? slackMs : Number.POSITIVE_INFINITY;
  const iterator = request.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const next = iterator.next() as Promise<IteratorResult<Buffer>>;
      const begun = performance.now();
      const { done, value } = await (leftMs < silenceMs
        ? withinTime(next, leftMs, slow)
        : withinTime(next, silenceMs, silent));
      if (done) return;
      leftMs = Math.min(slackMs, leftMs - (performance.now() - begun) + value.length / BYTES_PER_MS);
      yield value;
    }
  } finally {
    mayTakeLonger(request, false);
    // A piece may be awaited still, so this does not wait for the end of the iterator.
    iterator.return?.().catch(() => {});
  }
}

interface ReadingOptions {
  /** Called with the size of each piece that arrives. If it throws, reading ends with that error. */
  readonly onBytes?: (count: number) => void;
  readonly silenceMs?: number;
}

/** The bytes as they were sent. Throws 413, and 408 if the sender is silent for half a minute. */
export const readSentBody = async (
  request: IncomingMessage,
  bytesMax: number,
  { onBytes = () => {}, silenceMs = SILENCE_MS }: ReadingOptions = {},
): Promise<Buffer> => {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of sentPieces(request, { silenceMs })) {
    bytes += piece.length;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    onBytes(piece.length);
    pieces.push(piece);
  }
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, bytes);
};

/** The bytes after Content-Encoding is undone: `identity`, `gzip` or `deflate`. Throws 400, 413 or 415. */
export const readBody = async (
  request: IncomingMessage,
  bytesMax: number,
  { onBytes = () => {} }: Pick<ReadingOptions, 'onBytes'> = {},
): Promise<Buffer> => {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const isPlain = encoding === 'identity' || encoding === '';
  if (!isPlain && encoding !== 'gzip' && encoding !== 'deflate')
    throw new HttpError(
      415,
      'bad_data',
      `The body may be sent as gzip or deflate, not as ${JSON.stringify(encoding)}.`,
    );
  // Parsers of frameworks undo the encoding, but leave the header.
  const isDecoded = isPlain || wasReadBefore(request);
  const sent = await readSentBody(request, bytesMax, { onBytes });
  if (isDecoded) return sent;
  // How much it becomes is known only afterwards.
  onBytes(bytesMax);
  try {
    return await decoders[encoding](sent, { maxOutputLength: bytesMax });
  } catch (error) {
    if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax);
    throw badData(`The body is not ${encoding}: ${messageOf(error)}.`);
  }
};
