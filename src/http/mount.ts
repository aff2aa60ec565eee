/**
 * Where a request is, seen from a handler that is mounted under a path. Express and Connect remove the path under which
 * they mount a handler from `request.url` and keep the whole in `request.originalUrl`. Other frameworks leave
 * `request.url` as it is; then the option `basePath` names the path.
 */
import type { IncomingMessage } from 'node:http';
import { TidemarkError } from '../index.ts';

export interface Place {
  /** The address below the handler's own path. Its host has no meaning. */
  readonly url: URL;
  /** The path of the handler on its server: empty, or `/like/this`. */
  readonly base: string;
  /** The request is for the handler's own path, without a slash at its end: relative links would miss the handler. */
  readonly lacksSlash: boolean;
}

const parse = (target: string): URL | undefined =>
  URL.canParse(target, 'http://localhost') ? new URL(target, 'http://localhost') : undefined;

/** The option `basePath` as `/like/this`; empty for the root. Throws `TIDEMARK_INVALID_OPTION`. */
export const basePathOption = (basePath: string): string => {
  const url = basePath === '' || /^\/(?!\/)[^?#]*$/.test(basePath) ? parse(basePath || '/') : undefined;
  if (url !== undefined) return url.pathname.replace(/\/+$/, '');
  throw new TidemarkError(
    'TIDEMARK_INVALID_OPTION',
    `basePath is ${JSON.stringify(basePath)}; allowed: a path that begins with a slash, such as "/tidemark"`,
    { details: { option: 'basePath', value: basePath } },
  );
};

/** The path that a framework has removed from the front of `request.url`. */
const removedByFramework = (path: string, original: string): string => {
  if (original.endsWith(path)) return original.slice(0, original.length - path.length);
  return path === '/' ? original : '';
};

/** The path below `base`; `undefined` if the path is elsewhere. */
const below = (path: string, base: string): string | undefined => {
  if (path === base) return '';
  return path.startsWith(`${base}/`) ? path.slice(base.length) : undefined;
};

/**
 * The place of a request; `undefined` if it is not below the handler's path, `'unreadable'` if its address cannot be
 * parsed. `prefix`: a path that a trusted proxy names. If the proxy has not removed it, it is removed here.
 */
export const locate = (
  request: IncomingMessage,
  basePath: string,
  prefix: string,
): Place | 'unreadable' | undefined => {
  const target = request.url ?? '/';
  const { originalUrl } = request as { readonly originalUrl?: unknown };
  const url = parse(target);
  const original = typeof originalUrl === 'string' ? parse(originalUrl) : url;
  if (url === undefined || original === undefined) return 'unreadable';
  const removed = removedByFramework(url.pathname, original.pathname);
  // Express compares paths without regard to case.
  const isRemoved = removed !== '' && removed.toLowerCase().endsWith(basePath.toLowerCase());
  const base = isRemoved ? removed : removed + basePath;
  const path = isRemoved ? url.pathname : below(url.pathname, basePath);
  if (path === undefined) return undefined;
  const inner = (prefix === '' ? undefined : below(path, prefix)) ?? path;
  const lacksSlash = inner === '' ? path !== '/' : inner === '/' && !original.pathname.endsWith('/');
  url.pathname = inner === '' ? '/' : inner;
  return { url, base, lacksSlash };
};

/** From the handler's own path without a slash to the same path with it, relative to the last part of the path. */
export const locationWithSlash = (request: IncomingMessage): string => {
  const { originalUrl } = request as { readonly originalUrl?: unknown };
  const original = typeof originalUrl === 'string' ? originalUrl : (request.url ?? '/');
  const [path, ...query] = original.split('?');
  return `./${path.slice(path.lastIndexOf('/') + 1)}/${query.length > 0 ? `?${query.join('?')}` : ''}`;
};
