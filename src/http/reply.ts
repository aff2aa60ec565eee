/** Functions that answer a request: JSON, text, Prometheus' envelope, and streams that wait for a slow reader. */

import type { ServerResponse } from 'node:http';
import { codeOf, messageOf } from '../text/error-text.ts';

/** An error with its HTTP status and its `errorType` in Prometheus' envelope. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly errorType: string;

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

export const sendJson = (response: ServerResponse, status: number, body: unknown): void =>
  sendText(response, status, 'application/json; charset=utf-8', JSON.stringify(body));

/** Sends `{"status":"success","data":…}`, with warnings if there are any. */
export const sendData = (response: ServerResponse, data: unknown, warnings: readonly string[] = []): void =>
  sendJson(response, 200, warnings.length > 0 ? { status: 'success', data, warnings } : { status: 'success', data });

/** The HTTP status and `errorType` for an error of the store or of a handler. */
const classify = (error: unknown): { readonly status: number; readonly errorType: string } => {
  if (error instanceof HttpError) return error;
  const code = codeOf(error);
  if (code?.startsWith('TIDEMARK_INVALID_')) return { status: 400, errorType: 'bad_data' };
  if (code === 'TIDEMARK_ABORTED') return { status: 503, errorType: 'canceled' };
  if (code === 'TIDEMARK_CLOSED' || code === 'TIDEMARK_THROTTLED') return { status: 503, errorType: 'unavailable' };
  return { status: 500, errorType: 'internal' };
};

/** Sends `{"status":"error","errorType":"bad_data","error":"…"}`. If the response has begun, it is aborted instead. */
export const sendError = (response: ServerResponse, error: unknown): void => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, errorType } = classify(error);
  // Node refuses to send a response of known length that announces a trailer.
  response.removeHeader('Trailer');
  sendJson(response, status, {
    status: 'error',
    errorType,
    error: messageOf(error),
  });
};

/** How much text is collected before it is written. Each write is followed by a turn of the event loop. */
const gatheredMax = 64 * 1024;

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });

/** Writes pieces one after the other. Waits while the reader is slow, and stops when it has disconnected. */
export const sendPieces = async (
  { response, breathe }: { readonly response: ServerResponse; readonly breathe: () => Promise<void> },
  contentType: string,
  pieces: AsyncIterable<string>,
): Promise<void> => {
  let gathered = '';
  for await (const piece of pieces) {
    gathered += piece;
    if (gathered.length < gatheredMax) continue;
    if (response.destroyed) return;
    if (!response.headersSent) response.writeHead(200, { 'Content-Type': contentType });
    await (response.write(gathered) ? breathe() : drained(response));
    gathered = '';
  }
  if (!response.headersSent) response.writeHead(200, { 'Content-Type': contentType });
  response.end(gathered);
};
