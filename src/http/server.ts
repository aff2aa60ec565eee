/**
 * The HTTP server of `tidemark serve`: the handler of the pages and endpoints on a port of its own. It listens before
 * the store is open, so that a long recovery can be watched.
 */
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Clock, type Progress, type Store, systemClock } from '../index.ts';
import type { Access } from './guard.ts';
import { randomToken } from './handler.ts';
import { checkToken, countOption, type HandlerOptions } from './handler-options.ts';
import type { Readiness } from './health.ts';
import { RequestHandler } from './request-handler.ts';
import { shownHost } from './shown-address.ts';
import { checkTls, type TlsFiles } from './tls-files.ts';

export interface ServerOptions extends Omit<HandlerOptions, 'basePath' | 'token'> {
  /** The address to bind. Default `'127.0.0.1'`. */
  readonly host?: string;
  /** The port to bind; 0 selects a free port. Default 0. */
  readonly port?: number;
  /** The token that requests must carry; `false` for none. Default: a random token. */
  readonly token?: string | false;
  /** Certificate and key of a server that speaks HTTPS. Default: HTTP. */
  readonly tls?: TlsFiles;
  /** Milliseconds within which a client must have sent the headers of a request. Default 15,000. */
  readonly headersTimeout?: number;
}

/** Connections that are still busy this long after `close` are closed by force. */
const closeMs = 1000;

/** Connections beyond this number are closed at once. */
const connectionsMax = 1000;

const accessOf = ({ token, authorize }: ServerOptions): Access => {
  if (authorize !== undefined) return { kind: 'authorize', authorize };
  if (token === false) return { kind: 'open' };
  if (token !== undefined) checkToken(token);
  return { kind: 'token', token: token ?? randomToken() };
};

const createAnyServer = (options: ServerOptions): Server | TlsServer => {
  const { tls } = options;
  const headersTimeout = countOption('headersTimeout', options.headersTimeout, 15_000);
  const limits = {
    headersTimeout,
    // The handler has a limit of its own, which lets long imports go on.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(5000, Math.ceil(headersTimeout / 2)),
  };
  if (tls === undefined) return createServer(limits);
  checkTls(tls);
  return createTlsServer({ ...limits, ...tls, handshakeTimeout: headersTimeout });
};

export class PagesServer {
  private readonly options: ServerOptions;
  private readonly clock: Clock;
  private readonly token: string | undefined;
  private readonly handler: RequestHandler;
  private readonly server: Server | TlsServer;
  private readiness: Readiness = { store: undefined, progress: undefined };

  /** Throws `TIDEMARK_INVALID_OPTION`. */
  constructor(options: ServerOptions = {}) {
    const access = accessOf(options);
    const { token, ...rest } = options;
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.token = access.kind === 'token' ? access.token : undefined;
    this.handler = new RequestHandler(
      typeof token === 'string' ? { ...rest, token } : rest,
      access,
      () => this.readiness,
    );
    this.server = createAnyServer(options);
    this.server.maxConnections = connectionsMax;
    this.server.on('request', (request, response) => this.handler.handle(request, response));
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

  /** The address of the pages, with the token. If the server listens on every address, one of the machine's own. */
  get url(): string {
    const { address } = this.server.address() as AddressInfo;
    const scheme = this.options.tls === undefined ? 'http' : 'https';
    return `${scheme}://${shownHost(address)}:${this.port}/${this.token === undefined ? '' : `?token=${this.token}`}`;
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
    this.handler.close();
    const timer = this.clock.setTimeout(() => this.server.closeAllConnections(), closeMs);
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeIdleConnections();
    });
    this.clock.clearTimeout(timer);
  }
}
