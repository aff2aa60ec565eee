/**
 * Answers the requests to a store. The same code is behind `createHandler`, which programs mount in their own server, and
 * behind the server of `tidemark serve`, which gets its store later than its first request.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, systemClock } from '../index.ts';
import { CorsOrigins } from './cors.ts';
import { type ExternalAddress, externalAddress } from './external-address.ts';
import { type Access, Guard, securityHeaders } from './guard.ts';
import { checkCombination, countOption, type HandlerOptions } from './handler-options.ts';
import { type Readiness, sendHealthy, sendMetrics, sendReady } from './health.ts';
import { HostNames } from './host-names.ts';
import { basePathOption, locate, locationWithSlash, type Place } from './mount.ts';
import { OpenExchanges } from './open-exchanges.ts';
import { pageRoutes } from './page-api.ts';
import { readParams } from './params.ts';
import { prometheusRoutes } from './prometheus/prometheus-routes.ts';
import { readRoutes } from './read/remote-read.ts';
import { orRefusingDisk } from './refusing-disk.ts';
import { badData, HttpError } from './reply.ts';
import { limitTime } from './request-time.ts';
import { findRoute, type Route } from './router.ts';
import { readStaticFiles, sendStatic } from './static-files.ts';
import { refuse } from './unread-body.ts';
import { otlpRoute } from './write/otlp-door.ts';
import { writeRoutes } from './write/write-routes.ts';

const pagePaths: ReadonlySet<string> = new Set([
  '/',
  '/explore',
  '/dashboards',
  '/actors',
  '/alerts',
  '/storage',
  '/replay',
]);
const indexFile = '/index.html';

export type Next = (error?: unknown) => void;

/** A request with everything that was found out about it before it is answered. */
interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly address: ExternalAddress;
  readonly place: Place;
}

const isReading = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD';

const redirect = (response: ServerResponse, location: string): void => {
  response.writeHead(302, { Location: location }).end();
};

/** The error that a program's own authorization threw. */
class AuthorizationFailure extends Error {
  override readonly name = 'AuthorizationFailure';
}

export class RequestHandler {
  private readonly options: HandlerOptions;
  private readonly readiness: () => Readiness;
  private readonly basePath: string;
  private readonly corsOrigins: CorsOrigins;
  private readonly guard: Guard;
  private readonly routes: readonly Route[];
  private readonly files: ReturnType<typeof readStaticFiles>;
  private readonly clock: Clock;
  private readonly exchanges: OpenExchanges;
  private readonly requestTimeout: number;
  private isClosed = false;

  /** Throws `TIDEMARK_INVALID_OPTION`. `moreRoutes`: routes besides the product's own. */
  constructor(
    options: HandlerOptions,
    access: Access,
    readiness: () => Readiness,
    moreRoutes: readonly Route[] = [...writeRoutes, otlpRoute(options.otlp)],
  ) {
    checkCombination(options, access);
    this.options = options;
    this.readiness = readiness;
    this.basePath = basePathOption(options.basePath ?? '');
    this.clock = options.clock ?? systemClock;
    this.corsOrigins = new CorsOrigins(options.corsOrigins ?? []);
    this.guard = new Guard({
      access,
      hostNames: new HostNames(options.allowedHosts ?? []),
      corsOrigins: this.corsOrigins,
    });
    const hasPages = options.pages !== false;
    this.files = hasPages ? readStaticFiles() : new Map();
    this.routes = [...prometheusRoutes, ...readRoutes(), ...(hasPages ? pageRoutes(this.clock) : []), ...moreRoutes];
    this.requestTimeout = countOption('requestTimeout', options.requestTimeout, 300_000);
    this.exchanges = new OpenExchanges({
      clock: this.clock,
      stalledTimeout: countOption('stalledTimeout', options.stalledTimeout, 30_000),
      maxStreams: countOption('maxStreams', options.maxStreams, 100),
    });
  }

  /** Answers a request, or calls `next` for one that is for another handler. Never throws. */
  handle(request: IncomingMessage, response: ServerResponse, next?: Next): void {
    const address = externalAddress(request, this.options.trustProxy === true);
    const place = locate(request, this.basePath, address.prefix);
    if (next !== undefined && !this.isOwn(place)) {
      next();
      return;
    }
    limitTime(request, response, { clock: this.clock, timeoutMs: this.requestTimeout });
    this.answer(request, response, address, place).catch((error: unknown) => {
      if (error instanceof AuthorizationFailure && next !== undefined) next(error.cause);
      else refuse(request, response, error).catch(() => response.destroy());
    });
  }

  /** Ends the live streams. Further requests get 503. */
  close(): void {
    this.isClosed = true;
    this.exchanges.abortAll();
  }

  /** Whether there is something at a place, for this method or another one. */
  private isOwn(place: Place | 'unreadable' | undefined): boolean {
    if (place === undefined || place === 'unreadable') return false;
    const path = place.url.pathname;
    if (path === '/-/healthy' || path === '/-/ready' || path === '/metrics') return true;
    if (place.lacksSlash || this.pageOf(path) !== undefined || this.files.has(path)) return this.files.size > 0;
    try {
      return findRoute(this.routes, 'GET', path) !== undefined;
    } catch {
      // A path whose placeholder can't be decoded.
      return true;
    }
  }

  /** The page at a path, also with a slash at its end. */
  private pageOf(path: string): string | undefined {
    if (this.files.size === 0) return undefined;
    const page = path === '/' ? path : path.replace(/\/$/, '');
    return pagePaths.has(page) ? page : undefined;
  }

  private async answer(
    request: IncomingMessage,
    response: ServerResponse,
    address: ExternalAddress,
    place: Place | 'unreadable' | undefined,
  ): Promise<void> {
    // Koa sets 404 before the handler is called.
    response.statusCode = 200;
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    if (place === 'unreadable') throw badData('The address cannot be read.');
    if (place === undefined) throw new HttpError(404, 'not_found', `There is nothing here; see ${this.basePath}/.`);
    const call = { request, response, address, place };
    const path = place.url.pathname;
    if (path === '/-/healthy') return sendHealthy(response);
    this.guard.checkHost(address);
    this.corsOrigins.setHeaders(request, response);
    this.guard.checkOrigin(request, address);
    if (request.method === 'OPTIONS' && !this.corsOrigins.isEmpty) {
      response.writeHead(204).end();
      return;
    }
    if (path === '/-/ready') return sendReady(response, this.readiness());
    if (isReading(request) && this.redirectToPage(call)) return;
    const page = this.pageOf(path);
    if (!(await this.isAllowed(request, place.url))) return this.guard.turnAway(response, page !== undefined);
    if (page !== undefined && this.guard.hasTokenInAddress(place.url)) {
      this.guard.redirectWithoutToken(request, response, { url: place.url, isSecure: address.scheme === 'https' });
      return;
    }
    const file = isReading(request) ? this.files.get(page === undefined ? path : indexFile) : undefined;
    if (file !== undefined) sendStatic(request, response, file);
    else await this.answerRoute(call);
  }

  /** Redirects to the address of a page from which relative links are right. Returns whether it did. */
  private redirectToPage({ request, response, address, place }: Call): boolean {
    const { pathname, search } = place.url;
    const page = this.pageOf(pathname);
    if (page === undefined) return false;
    // The proxy has removed its prefix, perhaps with the slash after it.
    if (page === '/' && address.prefix !== '') redirect(response, `${address.prefix}${place.base}/explore${search}`);
    else if (place.lacksSlash) redirect(response, locationWithSlash(request));
    else if (page !== pathname) redirect(response, `..${page}${search}`);
    else return false;
    return true;
  }

  private async isAllowed(request: IncomingMessage, url: URL): Promise<boolean> {
    try {
      return await this.guard.isAllowed(request, url);
    } catch (error) {
      throw new AuthorizationFailure('The authorization of this request failed.', { cause: error });
    }
  }

  private async answerRoute({ request, response, address, place: { url } }: Call): Promise<void> {
    const { store } = this.readiness();
    if (url.pathname === '/metrics')
      return sendMetrics(response, [
        ...(store === undefined ? [] : [store.registry]),
        ...(this.options.registries ?? []),
      ]);
    const found = findRoute(this.routes, request.method ?? 'GET', url.pathname);
    if (found === undefined) throw new HttpError(404, 'not_found', `There is nothing at ${url.pathname}.`);
    if (found === 'method') throw new HttpError(405, 'bad_data', `${url.pathname} does not take ${request.method}.`);
    const { route, path } = found;
    if (route.ownPagesOnly === true) this.guard.checkOwnPage(request, address);
    if (route.writes === true && this.options.write !== true)
      throw new HttpError(
        403,
        'forbidden',
        `${url.pathname} writes to the store, which is not allowed here. Allow it with \`serve --write\` or the option write: true.`,
      );
    if (store === undefined) throw new HttpError(503, 'unavailable', 'The store is still opening; see /-/ready.');
    if (this.isClosed) throw new HttpError(503, 'unavailable', 'The server is closing.');
    const signal = this.exchanges.enter(response, route.streams === true);
    const params = await readParams(request, url, route.body);
    const breathe = (): Promise<void> => this.clock.breathe();
    const { registries, rules } = this.options;
    try {
      await route.handle({ request, response, url, params, path, signal, store, breathe, registries, rules });
    } catch (error) {
      throw route.writes === true ? orRefusingDisk(error, store) : error;
    }
    if (!response.writableEnded) response.end();
  }
}
