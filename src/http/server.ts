/**
 * The HTTP server of `tidemark serve`, based on node:http: pages for people, endpoints for programs. It listens before
 * the store is open, so that a long recovery can be watched.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { Clock, Progress, Store } from '../index.ts';
import { Guard, securityHeaders } from './guard.ts';
import { type Readiness, sendHealthy, sendMetrics, sendReady } from './health.ts';
import { pageRoutes } from './page-api.ts';
import { readParams } from './params.ts';
import { prometheusRoutes } from './prometheus-api.ts';
import { badData, HttpError, sendError, sendText } from './reply.ts';
import { findRoute, type Route } from './router.ts';
import { readStaticFiles, sendStatic } from './static-files.ts';

const pagePaths = new Set(['/', '/explore', '/actors', '/storage', '/replay']);

const lockedPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tidemark</title>
<h1>This address needs its token</h1>
<p>Open the address that <code>tidemark serve</code> printed: it ends in <code>?token=…</code>.</p></html>
`;

export interface ServerOptions {
  /** The address to bind. Default `'127.0.0.1'`. */
  readonly host?: string;
  /** The port to bind; 0 selects a free port. Default 0. */
  readonly port?: number;
  /** The token that requests must carry; `false` for none. Default: a random token. */
  readonly token?: string | false;
  /** Names of this machine that are allowed in requests besides its host name. */
  readonly allowedHosts?: readonly string[];
  /** Registries that `/metrics` includes besides the store's. */
  readonly registries?: readonly Registry[];
  readonly clock: Clock;
}

/** The requested address; its host does not matter here. */
const parseTarget = (target: string): URL => {
  if (!URL.canParse(target, 'http://localhost')) throw badData('The address cannot be read.');
  return new URL(target, 'http://localhost');
};

/** Connections that are still busy this long after `close` are closed by force. */
const closeMs = 1000;

export class PagesServer {
  private readonly options: ServerOptions;
  private readonly token: string | undefined;
  private readonly guard: Guard;
  private readonly routes: readonly Route[];
  private readonly files = readStaticFiles();
  private readonly server: Server;
  private readonly underWay = new Set<AbortController>();
  private readiness: Readiness = { store: undefined, progress: undefined };

  constructor(options: ServerOptions) {
    this.options = options;
    this.token = options.token === false ? undefined : (options.token ?? randomBytes(16).toString('hex'));
    this.guard = new Guard({ token: this.token, allowedHosts: options.allowedHosts ?? [] });
    this.routes = [...prometheusRoutes, ...pageRoutes(options.clock)];
    this.server = createServer((request, response) => {
      this.answer(request, response).catch((error: unknown) => sendError(response, error));
    });
  }

  /** Binds the port; rejects with the system's error if the port is in use. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.options.port ?? 0, this.options.host ?? '127.0.0.1', () => {
        this.server.off('error', reject);
        resolve();
      });
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The address of the pages, with the token. */
  get url(): string {
    const { family, address } = this.server.address() as AddressInfo;
    const host = family === 'IPv6' ? `[${address}]` : address;
    return `http://${host}:${this.port}/${this.token === undefined ? '' : `?token=${this.token}`}`;
  }

  showProgress(progress: Progress): void {
    this.readiness = { ...this.readiness, progress };
  }

  /** Makes the store available to its endpoints. */
  showStore(store: Store): void {
    this.readiness = { store, progress: undefined };
  }

  /** Ends the live streams and every connection. */
  async close(): Promise<void> {
    for (const exchange of this.underWay) exchange.abort();
    const timer = this.options.clock.setTimeout(() => this.server.closeAllConnections(), closeMs);
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeIdleConnections();
    });
    this.options.clock.clearTimeout(timer);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    this.guard.checkOrigin(request);
    const url = parseTarget(request.url ?? '/');
    if (url.pathname === '/-/healthy') return sendHealthy(response);
    if (url.pathname === '/-/ready') return sendReady(response, this.readiness);
    const isPage = pagePaths.has(url.pathname);
    if (!this.guard.hasToken(request, url)) {
      if (isPage) return sendText(response, 401, 'text/html; charset=utf-8', lockedPage);
      throw new HttpError(401, 'unauthorized', 'The token is missing: add ?token=… or Authorization: Bearer ….');
    }
    if (isPage && url.searchParams.has('token')) return this.guard.redirectWithoutToken(request, response, url);
    if (this.answerStatic(request, response, isPage ? '/index.html' : url.pathname)) return;
    await this.answerRoute(request, response, url);
  }

  private answerStatic(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    const file = request.method === 'GET' || request.method === 'HEAD' ? this.files.get(path) : undefined;
    if (file !== undefined) sendStatic(request, response, file);
    return file !== undefined;
  }

  private async answerRoute(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { store } = this.readiness;
    if (url.pathname === '/metrics')
      return sendMetrics(response, [
        ...(store === undefined ? [] : [store.registry]),
        ...(this.options.registries ?? []),
      ]);
    const found = findRoute(this.routes, request.method ?? 'GET', url.pathname);
    if (found === undefined) throw new HttpError(404, 'not_found', `There is nothing at ${url.pathname}.`);
    if (found === 'method') throw new HttpError(405, 'bad_data', `${url.pathname} does not take ${request.method}.`);
    if (store === undefined) throw new HttpError(503, 'unavailable', 'The store is still opening; see /-/ready.');
    const exchange = new AbortController();
    this.underWay.add(exchange);
    response.on('close', () => {
      exchange.abort();
      this.underWay.delete(exchange);
    });
    const params = await readParams(request, url);
    const breathe = (): Promise<void> => this.options.clock.breathe();
    const { signal } = exchange;
    await found.route.handle({ request, response, url, params, path: found.path, signal, store, breathe });
    if (!response.writableEnded) response.end();
  }
}
