/** Routes: a method, a path with placeholders such as `/label/<name>/values`, and what answers it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Store } from '../index.ts';
import { quoteParam } from './params.ts';
import { badData } from './reply.ts';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly params: URLSearchParams;
  /** What stood in the place of the path's placeholders, decoded. */
  readonly path: Readonly<Record<string, string>>;
  /** Aborts when the asker has gone. */
  readonly signal: AbortSignal;
}

export interface StoreExchange extends Exchange {
  readonly store: Store;
  /** Gives the event loop to the others; whoever has thousands of things to go through calls it now and then. */
  readonly breathe: () => Promise<void>;
}

export interface Route {
  readonly methods: readonly ('GET' | 'POST')[];
  readonly path: string;
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

/** The route for a path; `'method'` when the path is known but not with this method. */
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
