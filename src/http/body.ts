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

const decoders = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

const tooLarge = (bytesMax: number): HttpError =>
  new HttpError(413, 'bad_data', `The body is larger than ${bytesMax} bytes; send it in parts.`);

/** The rest of the body is not waited for. */
class SilentSenderError extends HttpError {
  override readonly headers = { Connection: 'close' };

  constructor(silenceMs: number) {
    super(408, 'timeout', `Nothing of the body arrived for ${silenceMs / 1000} seconds.`);
  }
}

/** How long a sender may be silent within a body. */
const SILENCE_MS = 30_000;

/** The next piece of a body; rejects with 408 if it does not arrive in time. */
const withinSilence = <T>(next: Promise<T>, silenceMs: number): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new SilentSenderError(silenceMs)), silenceMs);
    next.then(resolve, reject).finally(() => clearTimeout(timer));
  });

/**
 * The pieces of a body as they arrive. Throws 408 if the sender is silent for half a minute. When the caller stops
 * reading, the connection stays open, because the answer is sent on it.
 */
export async function* sentPieces(request: IncomingMessage, silenceMs = SILENCE_MS): AsyncGenerator<Buffer> {
  if (wasReadBefore(request)) {
    yield contentReadBefore(request);
    return;
  }
  const iterator = request.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const { done, value } = await withinSilence(iterator.next() as Promise<IteratorResult<Buffer>>, silenceMs);
      if (done) return;
      yield value;
    }
  } finally {
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
  for await (const piece of sentPieces(request, silenceMs)) {
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
