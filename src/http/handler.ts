/** The pages and endpoints of a store as a function for a server that a program already has. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Store } from '../index.ts';
import { checkStore } from '../model/invalid-option.ts';
import { checkToken, type HandlerOptions } from './handler-options.ts';
import { RequestHandler } from './request-handler.ts';

export interface Handler {
  /**
   * Answers a request. With `next`, as from Express, a request for which there is nothing here is passed on; without it,
   * such a request gets 404. Returns at once and never throws.
   */
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void;
  /** The token that requests must carry; `undefined` with `authorize`. */
  readonly token: string | undefined;
  /** Ends the live streams; further requests for data get 503. Call it before the store is closed. */
  close(): void;
}

/** A token that cannot be guessed. */
export const randomToken = (): string => randomBytes(16).toString('hex');

/**
 * The pages and endpoints of a store as a function for node:http, Express, Fastify, Koa and others. Requests need a
 * token unless the option `authorize` decides about them.
 *
 * @throws {TidemarkError} `TIDEMARK_INVALID_OPTION` for an argument that is no store, and for an option that has no allowed
 * value.
 */
export const createHandler = (store: Store, options: HandlerOptions = {}): Handler => {
  checkStore(store);
  const { authorize, token = randomToken() } = options;
  checkToken(token);
  const handler = new RequestHandler(
    options,
    authorize === undefined ? { kind: 'token', token } : { kind: 'authorize', authorize },
    () => ({ store, progress: undefined }),
  );
  const answer = (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void =>
    handler.handle(request, response, next);
  return Object.assign(answer, {
    token: authorize === undefined ? token : undefined,
    close: () => handler.close(),
  });
};
