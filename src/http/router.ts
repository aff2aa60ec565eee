/** Routes: a method, a path with placeholders such as `/label/<name>/values`, and a handler. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import type { Store } from '../index.ts';
import { quoteParam } from './params.ts';
import { badData } from './reply.ts';
import type { RulesSource } from './rules-source.ts';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly params: URLSearchParams;
  /** The decoded values of the path's placeholders. */
  readonly path: Readonly<Record<string, string>>;
  /** Aborts when the client has disconnected. */
  readonly signal: AbortSignal;
}

export interface StoreExchange extends Exchange {
  readonly store: Store;
  /** Yields to the event loop. Handlers that loop over thousands of items call it regularly. */
  readonly breathe: () => Promise<void>;
  /** Registries besides the store's whose metrics this server shows. */
  readonly registries?: readonly Registry[] | undefined;
  /** The rules that are evaluated beside the store, if there are any. */
  readonly rules?: RulesSource | undefined;
}

export interface Route {
  readonly methods: readonly ('GET' | 'POST' | 'PUT' | 'DELETE')[];
  readonly path: string;
  /** What a POST or PUT carries: parameters as a form (default), or content that the handler reads itself. */
  readonly body?: 'form' | 'content';
  /** The request changes the store. Such routes exist only where writing was allowed. */
  readonly writes?: true;
  /** A browser may ask this only from a page of the server itself, whatever other origins are allowed. */
  readonly ownPagesOnly?: true;
  /** The answer goes on until the client hangs up. The number of such answers at the same time is limited. */
  readonly streams?: true;
  readonly handle: (exchange: StoreExchange) => Promise<void> | void;
}

interface Match {
  readonly route: Route;
  readonly path: Readonly<Record<string, string>>;
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badData(`The address cannot be read: ${quoteParam(text)} is not UTF-8 in percent-encoding.`);
  }
};

const matchPath = (pattern: string, pathname: string): Readonly<Record<string, string>> | undefined => {
  const expected = pattern.split('/');
  const given = pathname.split('/');
  if (expected.length !== given.length) return undefined;
  const values: Record<string, string> = {};
  for (let i = 0; i < expected.length; i++) {
    const name = /^<(\w+)>$/.exec(expected[i])?.[1];
    if (name !== undefined && given[i] !== '') values[name] = decode(given[i]);
    else if (expected[i] !== given[i]) return undefined;
  }
  return values;
};

/** The route for a path; `'method'` if the path exists, but not with this method. */
export const findRoute = (routes: readonly Route[], method: string, pathname: string): Match | 'method' | undefined => {
  let known = false;
  for (const route of routes) {
    const path = matchPath(route.path, pathname);
    if (path === undefined) continue;
    known = true;
    if ((route.methods as readonly string[]).includes(method === 'HEAD' ? 'GET' : method)) return { route, path };
  }
  return known ? 'method' : undefined;
};
