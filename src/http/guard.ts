/**
 * Decides which requests are answered. The server is bound to this machine by default, but other programs and web pages
 * run there too. So:
 *
 * - Host must name this server, so that a page of a foreign name that was re-bound to 127.0.0.1 gets no answer;
 * - Origin, if a browser sends it, must be this server's own, or one that was allowed;
 * - requests need a token, in the address that `tidemark serve` prints, then in a cookie, or in `Authorization`; or the
 *   program that mounts the handler decides about each request itself;
 * - the Content-Security-Policy allows no foreign source, so that no request can leave the machine.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CorsOrigins } from './cors.ts';
import type { ExternalAddress } from './external-address.ts';
import type { HostNames } from './host-names.ts';
import { HttpError, sendText } from './reply.ts';

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

/** Who may ask: those with the token, those that the program lets in, or every program that reaches the server. */
export type Access =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'authorize'; readonly authorize: (request: IncomingMessage) => boolean | Promise<boolean> }
  | { readonly kind: 'open' };

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

/** The token in `Authorization`: after Bearer or Token, or as the password of Basic, for clients that offer no more. */
const authorizationToken = ({ headers: { authorization = '' } }: IncomingMessage): string | undefined => {
  const [, scheme, value] = /^(bearer|token|basic) +(\S+) *$/i.exec(authorization) ?? [];
  if (scheme?.toLowerCase() !== 'basic') return value;
  return /^[^:]*:(.*)$/s.exec(Buffer.from(value, 'base64').toString())?.[1];
};

/** Name and port, without the port that the scheme implies. */
const hostOf = (scheme: string, host: string): string | undefined =>
  URL.canParse(`${scheme}//${host}`) ? new URL(`${scheme}//${host}`).host : undefined;

const isOwnOrigin = (origin: string, { host, scheme }: ExternalAddress): boolean => {
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: asked } = new URL(origin);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  return asked === hostOf(protocol, host) && (scheme === undefined || protocol === `${scheme}:`);
};

/** Whether a page of this server made a request that has an Origin. */
const isFromOwnPage = (headers: IncomingMessage['headers'], address: ExternalAddress): boolean =>
  isOwnOrigin(headers.origin ?? '', address) ||
  // Browsers set this header themselves. It also holds behind a proxy that changes Host.
  headers['sec-fetch-site'] === 'same-origin';

const refusals = {
  token:
    'The token is missing or not valid any more: open the address that `tidemark serve` prints, or send Authorization: Bearer ….',
  authorize: 'The program that serves this store did not allow the request: log in there, then load this page again.',
} as const;

const lockedPage = (
  text: string,
): string => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tidemark</title>
<h1>This address is locked</h1>
<p>${text.replace(/`(.*?)`/g, '<code>$1</code>')}</p></html>
`;

export interface GuardOptions {
  readonly access: Access;
  readonly hostNames: HostNames;
  readonly corsOrigins: CorsOrigins;
}

export class Guard {
  private readonly options: GuardOptions;

  constructor(options: GuardOptions) {
    this.options = options;
  }

  /** Throws 403 if the request's host is not a name of this server. */
  checkHost({ host }: ExternalAddress): void {
    if (this.options.hostNames.has(host)) return;
    throw new HttpError(
      403,
      'forbidden',
      `Host ${JSON.stringify(host ?? '')} is not a name of this server. Allow it with --allowed-host or the option allowedHosts.`,
    );
  }

  /** Throws 403 if a page of another origin made the request, and that origin was not allowed. */
  checkOrigin({ headers }: IncomingMessage, address: ExternalAddress): void {
    const { origin } = headers;
    if (origin === undefined || isFromOwnPage(headers, address) || this.options.corsOrigins.has(origin)) return;
    throw new HttpError(403, 'forbidden', `Requests from ${JSON.stringify(origin)} are not answered.`);
  }

  /** Throws 403 if a page of another origin made the request, also if that origin may ask for data. */
  checkOwnPage({ headers }: IncomingMessage, address: ExternalAddress): void {
    const { origin } = headers;
    if (origin === undefined || isFromOwnPage(headers, address)) return;
    throw new HttpError(403, 'forbidden', `Pages of ${JSON.stringify(origin)} may ask, but not change anything here.`);
  }

  /** Whether the request may be answered. Rejects with the error of the program's own authorization. */
  async isAllowed(request: IncomingMessage, url: URL): Promise<boolean> {
    const { access } = this.options;
    if (access.kind === 'open') return true;
    if (access.kind === 'authorize') return (await access.authorize(request)) === true;
    const candidates = [
      url.searchParams.get('token'),
      cookieOf(request, this.cookieName(request)),
      authorizationToken(request),
    ];
    return candidates.some((candidate) => typeof candidate === 'string' && sameText(candidate, access.token));
  }

  /** Answers a request that may not be answered: a page for people, otherwise an error. */
  turnAway(response: ServerResponse, isPage: boolean): void {
    const text = refusals[this.options.access.kind === 'authorize' ? 'authorize' : 'token'];
    if (!isPage) throw new HttpError(401, 'unauthorized', text);
    sendText(response, 401, 'text/html; charset=utf-8', lockedPage(text));
  }

  /** Whether a page was asked for with a token in its address. */
  hasTokenInAddress(url: URL): boolean {
    return this.options.access.kind === 'token' && url.searchParams.has('token');
  }

  /**
   * Moves the token from the address of a page to a cookie, so that it is neither shown nor bookmarked. The address and
   * the cookie's path are relative to the page, so that they hold under every path and behind every proxy.
   */
  redirectWithoutToken(
    request: IncomingMessage,
    response: ServerResponse,
    { url, isSecure }: { readonly url: URL; readonly isSecure: boolean },
  ): void {
    const { access } = this.options;
    const params = new URLSearchParams(url.search);
    params.delete('token');
    const page = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
    const attributes = `HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
    response.writeHead(303, {
      Location: `./${page}${params.size > 0 ? `?${params}` : ''}`,
      ...(access.kind === 'token'
        ? { 'Set-Cookie': `${this.cookieName(request)}=${access.token}; ${attributes}` }
        : {}),
    });
    response.end();
  }

  /** All ports of a host share cookies, so the port in the name keeps two servers apart. */
  private cookieName(request: IncomingMessage): string {
    return `tidemark-${request.socket.localPort}`;
  }
}
