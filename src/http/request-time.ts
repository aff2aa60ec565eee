/**
 * How long a client may take to send a body. It has `requestTimeout` for all of it; an import has as much time as it
 * needs while it keeps flowing (`sentPieces`). Node's own limit ends every upload that takes longer, so `PagesServer`
 * turns it off.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../index.ts';
import { announcesBody } from './parsed-body.ts';
import { HttpError, sendError } from './reply.ts';

const flowing = new WeakSet<IncomingMessage>();

/** Lifts the limit of a request while its body is read with a limit of its own. */
export const mayTakeLonger = (request: IncomingMessage, may: boolean): void => {
  if (may) flowing.add(request);
  else flowing.delete(request);
};

class LateBodyError extends HttpError {
  override readonly headers = { Connection: 'close' };

  constructor(timeoutMs: number) {
    super(408, 'timeout', `The body did not arrive within ${timeoutMs / 1000} seconds.`);
  }
}

/** Answers a request with 408 and disconnects its client if its body has not arrived in time. */
export const limitTime = (
  request: IncomingMessage,
  response: ServerResponse,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): void => {
  if (request.complete || !announcesBody(request)) return;
  const look = (): void => {
    if (request.complete || request.destroyed) return;
    if (flowing.has(request)) timer = clock.setTimeout(look, timeoutMs);
    else if (!response.headersSent) sendError(response, new LateBodyError(timeoutMs));
    // The answer was sent without the rest of the body. The connection still waits for the rest.
    else request.socket.destroy();
  };
  let timer = clock.setTimeout(look, timeoutMs);
  request.once('close', () => clock.clearTimeout(timer));
};
