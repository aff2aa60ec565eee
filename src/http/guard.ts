/**
 * Decides which requests are answered. The server is bound to this machine by default, but other programs and web pages
 * run there too. So:
 *
 * - Host must name this server, so that a page of a foreign name that was re-bound to 127.0.0.1 gets no answer;
 * - Origin, if a browser sends it, must be this server's own;
 * - requests need a random token: in the address that `tidemark serve` prints, then in a cookie, or as a bearer token;
 * - the Content-Security-Policy allows no foreign source, so that no request can leave the machine.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { HttpError } from './reply.ts';

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

export const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': contentSecurityPolicy,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-store',
};

/** The name in a Host header without its port, and without the brackets of an IPv6 address. */
const hostNameOf = (host: string): string =>
  host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();

/** Only names can be re-bound, addresses cannot. So Host may be any address, but only a name of this machine. */
const isOwnHost = (host: string | undefined, allowed: readonly string[]): boolean => {
  if (host === undefined) return false;
  const name = hostNameOf(host);
  return isIP(name) !== 0 || name === 'localhost' || name === hostname().toLowerCase() || allowed.includes(name);
};

const sameText = (a: string, b: string): boolean => {
  const bytesA = Buffer.from(a);
  const bytesB = Buffer.from(b);
  return bytesA.length === bytesB.length && timingSafeEqual(bytesA, bytesB);
};

const cookieOf = (request: IncomingMessage, name: string): string | undefined =>
  request.headers.cookie
    ?.split(';')
    .map((part) => part.trim().split('='))
    .find(([key]) => key === name)?.[1];

export interface GuardOptions {
  /** `undefined` if no token is required. */
  readonly token: string | undefined;
  /** Names that are allowed in Host besides this machine's own. */
  readonly allowedHosts: readonly string[];
}

export class Guard {
  private readonly options: GuardOptions;

  constructor(options: GuardOptions) {
    this.options = options;
  }

  /** Throws if another site made the request, or if the request's Host is not a name of this server. */
  checkOrigin({ headers }: IncomingMessage): void {
    if (!isOwnHost(headers.host, this.options.allowedHosts))
      throw new HttpError(403, 'forbidden', `Host ${JSON.stringify(headers.host ?? '')} is not this server's name.`);
    const { origin } = headers;
    if (origin !== undefined && origin !== `http://${headers.host}`)
      throw new HttpError(403, 'forbidden', `Requests from ${JSON.stringify(origin)} are not answered.`);
  }

  /** Whether the request carries the token: in the address, in the cookie, or as `Authorization: Bearer`. */
  hasToken(request: IncomingMessage, url: URL): boolean {
    const { token } = this.options;
    if (token === undefined) return true;
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const candidates = [url.searchParams.get('token'), cookieOf(request, this.cookieName(request)), bearer];
    return candidates.some((candidate) => typeof candidate === 'string' && sameText(candidate, token));
  }

  /** Moves the token from the address to a cookie, so that it is neither shown nor bookmarked. */
  redirectWithoutToken(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const clean = new URL(url);
    clean.searchParams.delete('token');
    response.writeHead(303, {
      Location: clean.pathname + clean.search,
      'Set-Cookie': `${this.cookieName(request)}=${this.options.token}; Path=/; HttpOnly; SameSite=Strict`,
    });
    response.end();
  }

  /** All ports of a host share cookies, so the port in the name keeps two servers apart. */
  private cookieName(request: IncomingMessage): string {
    return `tidemark-${request.socket.localPort}`;
  }
}
