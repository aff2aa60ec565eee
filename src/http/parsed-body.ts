/**
 * A body that a framework has read before the handler was called. Express' `express.json()` and `express.urlencoded()`
 * leave what they parsed in `request.body`, and nothing to read in the request itself.
 */
import type { IncomingMessage } from 'node:http';
import { HttpError } from './reply.ts';

/** Whether a request announces content. */
export const announcesBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const parsedBy = (request: IncomingMessage): unknown => (request as { readonly body?: unknown }).body;

/** Whether the content of a request was already read, so that it can't be read here. */
export const wasReadBefore = (request: IncomingMessage): boolean =>
  announcesBody(request) && (request.readableEnded || request.readableDidRead);

const goneBody = (): HttpError =>
  new HttpError(
    500,
    'internal',
    'The body was read before it reached this handler: mount the handler before body parsers such as express.json().',
  );

/** Content that was read before, as bytes: what `express.raw()` and `express.text()` leave. Throws 500 for other content. */
export const contentReadBefore = (request: IncomingMessage): Buffer => {
  const body = parsedBy(request);
  if (Buffer.isBuffer(body)) return body;
  if (typeof body === 'string') return Buffer.from(body);
  throw goneBody();
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Buffer.isBuffer(value);

/** JSON that was read before: what `express.json()` leaves. `undefined` if the content was not read, or not as JSON. */
export const jsonReadBefore = (request: IncomingMessage): { readonly value: unknown } | undefined => {
  const body = parsedBy(request);
  return wasReadBefore(request) && isRecord(body) ? { value: body } : undefined;
};

/**
 * The fields of a form that was read before, or its text. A parser that supports lists (`qs`) makes `{ match: ['up'] }`
 * of `match[]=up`, so a list is found under both names. Throws 500 if the parser left nothing.
 */
export const formReadBefore = (request: IncomingMessage): string | URLSearchParams => {
  const body = parsedBy(request);
  if (!isRecord(body)) return contentReadBefore(request).toString();
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    if (!isRecord(value)) {
      fields.append(name, String(value));
      continue;
    }
    for (const item of Object.values(value)) {
      fields.append(name, String(item));
      if (!name.endsWith('[]')) fields.append(`${name}[]`, String(item));
    }
  }
  return fields;
};
