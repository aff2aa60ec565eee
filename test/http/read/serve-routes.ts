/** A server with nothing but some routes, over anything that is like a store. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendError } from '../../../src/http/reply.ts';
import type { Route } from '../../../src/http/router.ts';
import { type Store, systemClock } from '../../../src/index.ts';

export interface ServedRoutes {
  readonly server: Server;
  readonly port: number;
  close(): Promise<void>;
}

export const serveRoutes = async (store: Store, routes: readonly Route[]): Promise<ServedRoutes> => {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const { signal } = gone;
    const exchange = { request, response, url, params: url.searchParams, path: {}, signal, store };
    try {
      const route = routes.find(({ path }) => path === url.pathname);
      await route?.handle({ ...exchange, breathe: () => systemClock.breathe() });
      if (!response.writableEnded) response.end();
    } catch (error) {
      sendError(response, error);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
};
