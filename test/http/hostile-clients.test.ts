/** Clients that send slowly, read slowly, send too much, or ask for too much at once. */

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createHandler, PagesServer } from '../../src/http/index.ts';
import { sendPieces, sendText } from '../../src/http/reply.ts';
import { RequestHandler } from '../../src/http/request-handler.ts';
import type { Route } from '../../src/http/router.ts';
import { openStore } from '../../src/index.ts';
import { FakeStore } from '../support/fake-store.ts';
import { ask } from './http-client.ts';

const open = { kind: 'open' } as const;

/** Sends text, and gathers what comes back until the connection ends. */
const exchange = async (port: number, text: string): Promise<string> => {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString();
  });
  socket.on('error', () => {});
  socket.write(text);
  await once(socket, 'close');
  return received;
};

describe('hostile clients', () => {
  describe('that send', () => {
    let server: PagesServer;
    const start = async (limits: { headersTimeout?: number; requestTimeout?: number } = {}): Promise<void> => {
      server = new PagesServer({ token: false, ...limits });
      await server.listen();
      server.showStore(new FakeStore());
    };

    afterEach(() => server.close());

    it('headers without an end are answered with 408 and disconnected', async () => {
      await start({ headersTimeout: 100 });
      expect(await exchange(server.port, 'GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')).to.match(/^HTTP\/1.1 408/);
    });

    it('a body without an end are answered with 408 and disconnected', async () => {
      await start({ headersTimeout: 100, requestTimeout: 200 });
      const text = [
        'POST /api/v1/series HTTP/1.1',
        'Host: localhost',
        'Content-Type: application/x-www-form-urlencoded',
        'Content-Length: 100',
        '',
        'match',
      ].join('\r\n');
      expect(await exchange(server.port, text)).to.match(/^HTTP\/1.1 408/);
    });

    const uploadHead = (path: string): string =>
      [`POST ${path} HTTP/1.1`, 'Host: localhost', 'Transfer-Encoding: chunked', '', ''].join('\r\n');
    const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

    for (const isMounted of [false, true])
      it(`a long import that keeps flowing are served, ${isMounted ? 'mounted' : 'by our own server'}`, async () => {
        const directory = await mkdtemp(join(tmpdir(), 'tidemark-'));
        const store = await openStore(directory, { retention: 'off' });
        const limits = { headersTimeout: 40, requestTimeout: 50, write: true, authorize: () => true };
        server = new PagesServer(limits);
        await server.listen();
        server.showStore(store);
        const handler = createHandler(store, limits);
        const own = createServer({ requestTimeout: 0 }, handler);
        await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
        const socket = connect(isMounted ? (own.address() as AddressInfo).port : server.port, '127.0.0.1');
        let answer = '';
        socket.on('data', (piece: Buffer) => {
          answer += piece.toString();
        });
        socket.write(uploadHead('/api/v1/import'));
        const begun = Date.now();
        let samples = 0;
        for (; Date.now() - begun < 250 && answer === ''; samples++) {
          socket.write(chunk(`{"metric":{"__name__":"up"},"values":[1],"timestamps":[${1e12 + samples}]}\n`));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        socket.write('0\r\n\r\n');
        while (!answer.includes('"samples"') && !socket.closed) await once(socket, 'data');
        expect(answer)
          .to.match(/^HTTP\/1.1 200/)
          .and.contain(`"samples":${samples}`);
        socket.destroy();
        handler.close();
        own.closeAllConnections();
        own.close();
        await store.close();
        await rm(directory, { recursive: true });
      });

    it('a body that nobody reads are disconnected when it does not end', async () => {
      await start({ requestTimeout: 50 });
      const text = ['GET /-/healthy HTTP/1.1', 'Host: localhost', 'Content-Length: 100', '', 'a part'].join('\r\n');
      expect(await exchange(server.port, text)).to.match(/^HTTP\/1.1 200/);
    });

    it('a body that is refused are disconnected when it does not end', async () => {
      await start({ requestTimeout: 50 });
      expect(await exchange(server.port, uploadHead('/api/v1/import'))).to.match(/^HTTP\/1.1 403/);
    });

    /** Sends a gigabyte as fast as it is taken, and returns the answer with the number of bytes that were sent. */
    const sendGigabyte = (
      headers: Record<string, string>,
    ): Promise<{ readonly status: number; readonly text: string; readonly sent: number }> =>
      new Promise((resolve, reject) => {
        const piece = Buffer.alloc(1024 * 1024, 'a');
        let sent = 0;
        let answer: { status: number; text: string } | undefined;
        const asking = httpRequest({
          port: server.port,
          path: '/api/v1/series',
          method: 'POST',
          headers,
          agent: false,
        });
        asking.on('response', (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          response.on('end', () => {
            answer = { status: response.statusCode ?? 0, text };
          });
        });
        asking.on('error', (error) => {
          if (answer === undefined) reject(error);
        });
        asking.on('close', () => {
          if (answer !== undefined) resolve({ ...answer, sent });
        });
        const send = (): void => {
          while (sent < 1024 && !asking.destroyed) {
            sent++;
            if (!asking.write(piece)) {
              asking.once('drain', send);
              return;
            }
          }
          asking.end();
        };
        send();
      });

    for (const [name, headers] of Object.entries({
      'announced by its length': { 'content-length': String(2 ** 30) },
      'sent in chunks': { 'transfer-encoding': 'chunked' },
    }))
      it(`a gigabyte, ${name}, see the refusal and are cut off`, async () => {
        await start();
        const before = process.memoryUsage().arrayBuffers;
        const type = { 'content-type': 'application/x-www-form-urlencoded' };
        const { status, text, sent } = await sendGigabyte({ ...type, ...headers });
        expect(status).to.equal(413);
        expect(JSON.parse(text).error).to.contain('larger than 1048576 bytes');
        expect(sent).to.be.below(200);
        expect(process.memoryUsage().arrayBuffers - before).to.be.below(150 * 1024 * 1024);
        expect((await ask(server.port, '/-/healthy')).status).to.equal(200);
      });
  });

  describe('that read nothing', () => {
    const line = 'x'.repeat(1024);
    const ended: string[] = [];
    const routes: readonly Route[] = [
      {
        methods: ['GET'],
        path: '/pieces',
        handle: async (all) => {
          const endless = async function* (): AsyncIterable<string> {
            while (!all.signal.aborted) yield line;
          };
          await sendPieces(all, 'text/plain', endless());
          ended.push('pieces');
        },
      },
      {
        methods: ['GET'],
        path: '/whole',
        handle: ({ response, signal }) => {
          signal.addEventListener('abort', () => ended.push('whole'));
          sendText(response, 200, 'text/plain', Buffer.alloc(64 * 1024 * 1024));
        },
      },
    ];
    let server: Server;
    let sockets: Socket[];
    const start = async (options: { stalledTimeout?: number; maxStreams?: number }): Promise<number> => {
      const store = new FakeStore();
      const handler = new RequestHandler(options, open, () => ({ store, progress: undefined }), routes);
      server = createServer((request, response) => handler.handle(request, response));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as AddressInfo).port;
    };
    const askAndWait = (port: number, path: string): Socket => {
      const socket = connect(port, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => {});
      socket.pause();
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      return socket;
    };

    beforeEach(() => {
      sockets = [];
      ended.length = 0;
    });

    afterEach(() => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
    });

    for (const path of ['/pieces', '/whole'])
      it(`are disconnected: ${path}`, async () => {
        const port = await start({ stalledTimeout: 50 });
        const closed = new Promise<void>((resolve) => {
          server.on('connection', (socket) => socket.on('close', () => resolve()));
        });
        askAndWait(port, path);
        await closed;
        while (ended.length === 0) await new Promise((resolve) => setImmediate(resolve));
        expect(ended).to.deep.equal([path.slice(1)]);
      });

    it('get no more live streams than the limit', async () => {
      const port = await start({ maxStreams: 2 });
      const streaming = ['a', 'b'].map(() => askAndWait(port, '/ui/actors'));
      for (const socket of streaming) {
        socket.resume();
        await once(socket, 'data');
      }
      const refused = await ask(port, '/ui/actors');
      expect(refused.status).to.equal(503);
      expect(refused.body).to.contain('live streams');
      expect((await ask(port, '/api/v1/labels')).status).to.equal(200);
      streaming[0].destroy();
      // The server sees the end of a connection a moment later.
      for (;;) {
        const again = askAndWait(port, '/ui/actors');
        again.resume();
        const [text] = (await once(again, 'data')) as [Buffer];
        if (text.toString().startsWith('HTTP/1.1 200')) break;
      }
    });
  });
});
