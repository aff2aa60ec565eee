/**
 * Answers a request whose content is not read to its end, because it is refused. If the connection were closed at once,
 * the system would reset it while the client is still sending, and the client would not see the answer. So the answer
 * is sent first, then the rest of the content is read and discarded, up to a limit.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { announcesBody } from './parsed-body.ts';
import { errorReply, sendError } from './reply.ts';

/** How much of a refused body is read and discarded. The connection of a client that sends more is cut. */
const discardedBytesMax = 64 * 1024 * 1024;

/** Resolves when the body has ended, was cut off, or is longer than `bytesMax`. Returns whether it has ended. */
const discard = (request: IncomingMessage, bytesMax: number): Promise<boolean> =>
  new Promise((resolve) => {
    if (request.destroyed) {
      resolve(request.complete);
      return;
    }
    let bytes = 0;
    const finish = (): void => {
      request.off('data', count).off('end', finish).off('close', finish).off('error', finish);
      resolve(request.complete);
    };
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > bytesMax) finish();
    };
    request.on('data', count).on('end', finish).on('close', finish).on('error', finish);
    request.resume();
  });

/** Sends an error. Resolves when the answer is complete. */
export const refuse = async (request: IncomingMessage, response: ServerResponse, error: unknown): Promise<void> => {
  if (response.headersSent || response.destroyed || request.complete || !announcesBody(request))
    return sendError(response, error);
  if (Number(request.headers['content-length'] ?? 0) > discardedBytesMax) response.setHeader('Connection', 'close');
  const { status, headers, body } = errorReply(response, error);
  if (headers['Connection'] === 'close') {
    // The rest is not waited for.
    response.writeHead(status, headers).end(body);
    return;
  }
  response.writeHead(status, headers);
  // The client has the whole answer with this, because its length is known.
  response.write(body);
  if (await discard(request, discardedBytesMax)) response.end();
  else response.destroy();
};
