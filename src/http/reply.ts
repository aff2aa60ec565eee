/**
 * Functions that answer a request: JSON, text, Prometheus' envelope, and streams that wait for a slow reader. JSON and
 * streams are compressed if the client accepts it.
 */
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { TidemarkError } from '../index.ts';
import { codeOf, messageOf } from '../text/error-text.ts';
import { COMPRESSED_BYTES_MIN, codingFor, encoderOf } from './compression.ts';

/** An error with its HTTP status and its `errorType` in Prometheus' envelope. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly errorType: string;
  /** Headers that the answer has besides, such as Retry-After. */
  readonly headers: Readonly<Record<string, string>> = {};

  constructor(status: number, errorType: string, message: string) {
    super(message);
    this.status = status;
    this.errorType = errorType;
  }
}

export const badData = (message: string): HttpError => new HttpError(400, 'bad_data', message);

export const sendText = (
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string | Buffer,
): void => {
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
};

const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * Sends JSON, compressed if it is long and the client accepts that. Resolves when the answer has been handed over:
 * handlers return or await it.
 */
export const sendJson = async (response: ServerResponse, status: number, body: unknown): Promise<void> => {
  const text = JSON.stringify(body);
  response.appendHeader('Vary', 'Accept-Encoding');
  if (text.length <= COMPRESSED_BYTES_MIN || codingFor(response) === undefined) {
    sendText(response, status, JSON_TYPE, text);
    return;
  }
  await startBody(response, { status, contentType: JSON_TYPE, isCompressed: true }).end(Buffer.from(text));
};

/** Sends `{"status":"success","data":…}`, with warnings if there are any. */
export const sendData = (response: ServerResponse, data: unknown, warnings: readonly string[] = []): Promise<void> =>
  sendJson(response, 200, warnings.length > 0 ? { status: 'success', data, warnings } : { status: 'success', data });

const isTimeout = (error: unknown): boolean =>
  error instanceof TidemarkError && error.details?.['limit'] === 'timeoutMs';

/** The HTTP status and `errorType` for an error of the store or of a handler. */
const classify = (error: unknown): { readonly status: number; readonly errorType: string } => {
  if (error instanceof HttpError) return error;
  const code = codeOf(error);
  if (code?.startsWith('TIDEMARK_INVALID_') || code === 'TIDEMARK_QUERY_SYNTAX')
    return { status: 400, errorType: 'bad_data' };
  if (code === 'TIDEMARK_QUERY_LIMIT' && isTimeout(error)) return { status: 503, errorType: 'timeout' };
  if (code === 'TIDEMARK_QUERY_LIMIT' || code === 'TIDEMARK_QUERY_FAILED')
    return { status: 422, errorType: 'execution' };
  if (code === 'TIDEMARK_ABORTED') return { status: 499, errorType: 'canceled' };
  if (code === 'TIDEMARK_CLOSED' || code === 'TIDEMARK_THROTTLED') return { status: 503, errorType: 'unavailable' };
  return { status: 500, errorType: 'internal' };
};

/** The status, headers and body of the answer to an error. Removes headers that such an answer must not have. */
export const errorReply = (
  response: ServerResponse,
  error: unknown,
): { readonly status: number; readonly headers: Readonly<Record<string, string | number>>; readonly body: string } => {
  const { status, errorType } = classify(error);
  const body = JSON.stringify({ status: 'error', errorType, error: messageOf(error) });
  // Node refuses to send a response of known length that announces a trailer.
  response.removeHeader('Trailer');
  const headers = {
    ...(error instanceof HttpError ? error.headers : {}),
    'Content-Type': JSON_TYPE,
    'Content-Length': Buffer.byteLength(body),
  };
  return { status, headers, body };
};

/** Sends `{"status":"error","errorType":"bad_data","error":"…"}`. If the response has begun, it is aborted instead. */
export const sendError = (response: ServerResponse, error: unknown): void => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, headers, body } = errorReply(response, error);
  response.writeHead(status, headers);
  response.end(body);
};

/** Bytes that are collected before they are written. Each write is followed by a turn of the event loop. */
const GATHERED_MAX = 64 * 1024;
/** Room for the first bytes of a body; most are no longer. */
const SMALL_BODY = 4096;
/** A piece of text takes at most so many bytes for each of its UTF-16 units. */
const UTF8_BYTES_MAX = 3;

/** Where the parts of a body go, one after the other. */
interface Body {
  /** False if the caller must wait for {@link drained}. */
  write(bytes: Uint8Array): boolean;
  /** Resolves when there is room again, or when the client has disconnected. */
  drained(): Promise<void>;
  end(bytes: Uint8Array): Promise<void>;
  /** Cuts the response off. */
  abandon(): void;
}

interface BodyOptions {
  readonly status: number;
  readonly contentType: string;
  readonly isCompressed: boolean;
}

const eventOf = (stream: NodeJS.WritableStream, response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    if (response.destroyed) {
      resolve();
      return;
    }
    const done = (): void => {
      stream.off('drain', done);
      response.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    response.on('close', done);
  });

const startBody = (response: ServerResponse, { status, contentType, isCompressed }: BodyOptions): Body => {
  const coding = isCompressed ? codingFor(response) : undefined;
  response.writeHead(status, {
    'Content-Type': contentType,
    ...(coding === undefined ? {} : { 'Content-Encoding': coding }),
  });
  if (coding === undefined) {
    return {
      write: (bytes) => response.write(bytes),
      drained: () => eventOf(response, response),
      end: async (bytes) => {
        response.end(bytes);
      },
      abandon: () => response.destroy(),
    };
  }
  const encoder = encoderOf(coding);
  // A client that disconnects destroys both streams. That is no error of the answer.
  const sent = pipeline(encoder, response).catch(() => {});
  return {
    write: (bytes) => encoder.write(bytes),
    drained: () => eventOf(encoder, response),
    end: (bytes) => {
      encoder.end(bytes);
      return sent;
    },
    abandon: () => encoder.destroy(),
  };
};

/** Collects pieces of a body as bytes. */
class Gathering {
  private buffer = Buffer.allocUnsafe(SMALL_BODY);
  private length = 0;

  get isFull(): boolean {
    return this.length >= GATHERED_MAX;
  }

  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  add(piece: string | Uint8Array): void {
    const isText = typeof piece === 'string';
    this.reserve(isText ? UTF8_BYTES_MAX * piece.length : piece.length);
    if (isText) this.length += this.buffer.write(piece, this.length);
    else {
      this.buffer.set(piece, this.length);
      this.length += piece.length;
    }
  }

  /** Starts the next part. `isFree`: the bytes have been sent, so the buffer is used again. */
  clear(isFree: boolean): void {
    if (!isFree) this.buffer = Buffer.allocUnsafe(this.buffer.length);
    this.length = 0;
  }

  private reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.buffer.length));
    larger.set(this.bytes);
    this.buffer = larger;
  }
}

/**
 * Writes pieces one after the other, text as UTF-8, compressed if the client accepts that. Waits while the reader is slow,
 * and stops when it has disconnected. A piece of bytes is copied before the next one is asked for.
 */
export const sendPieces = async (
  { response, breathe }: { readonly response: ServerResponse; readonly breathe: () => Promise<void> },
  contentType: string,
  pieces: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
): Promise<void> => {
  const gathered = new Gathering();
  let body: Body | undefined;
  response.appendHeader('Vary', 'Accept-Encoding');
  try {
    for await (const piece of pieces) {
      gathered.add(piece);
      if (!gathered.isFull) continue;
      if (response.destroyed) return;
      body ??= startBody(response, { status: 200, contentType, isCompressed: true });
      const isTaken = body.write(gathered.bytes);
      await (isTaken ? breathe() : body.drained());
      // When the body has drained, nothing that was written before waits any more.
      gathered.clear(!isTaken);
    }
  } catch (error) {
    body?.abandon();
    throw error;
  }
  const rest = gathered.bytes;
  body ??= startBody(response, { status: 200, contentType, isCompressed: rest.length > COMPRESSED_BYTES_MIN });
  await body.end(rest);
};

/** Writes bytes, and waits while the reader is slow. Returns false when the reader has disconnected. */
export const writeBytes = async (response: ServerResponse, bytes: Uint8Array): Promise<boolean> => {
  if (response.destroyed) return false;
  if (!response.write(bytes)) await eventOf(response, response);
  return !response.destroyed;
};
