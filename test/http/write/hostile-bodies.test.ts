/** Bodies that announce, contain or withhold more than a sound sender would. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { readSentBody, sentPieces } from '../../../src/http/body.ts';
import { HttpError } from '../../../src/http/reply.ts';
import type { StoreExchange } from '../../../src/http/router.ts';
import { PagesServer } from '../../../src/http/server.ts';
import { HeldBytes } from '../../../src/http/write/held-bytes.ts';
import { remoteWriteRoute } from '../../../src/http/write/remote-write-door.ts';
import { systemClock } from '../../../src/index.ts';
import { ProtobufWriter } from '../../../src/wire/protobuf-writer.ts';
import { END, WriteRequest1Reader, WriteRequest2Reader } from '../../../src/wire/remote-write.ts';
import { compress } from '../../../src/wire/snappy.ts';
import { WireError } from '../../../src/wire/wire-error.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { ask } from '../http-client.ts';
import {
  headersOfOne,
  headersOfTwo,
  messageOfOne,
  messageOfTwo,
  type SentSeries,
  send,
  sendOne,
} from './write-requests.ts';

const up: SentSeries = { labels: [['__name__', 'up']], samples: [{ timestamp: 1000, value: 1 }] };

/** What a server answers to these bytes, until it closes the connection or has sent a whole head. */
const answerTo = async (socket: Socket, sent: string): Promise<string> => {
  socket.write(sent);
  let text = '';
  for await (const piece of socket as AsyncIterable<Buffer>) {
    text += piece.toString('latin1');
    if (text.includes('\r\n\r\n')) break;
  }
  return text;
};

describe('hostile bodies', () => {
  let store: FakeStore;
  let server: PagesServer;

  before(async () => {
    store = new FakeStore();
    server = new PagesServer({ clock: systemClock, authorize: () => true, write: true });
    await server.listen();
    server.showStore(store);
  });

  after(() => server.close());

  const head = (path: string, lines: readonly string[]): string =>
    [`POST ${path} HTTP/1.1`, 'Host: localhost', 'Content-Type: application/x-protobuf', ...lines, '', ''].join('\r\n');

  it('of a gigabyte are refused when they are announced', async () => {
    const socket = connect(server.port, '127.0.0.1');
    const answer = await answerTo(socket, head('/api/v1/write', ['Content-Length: 1000000000']));
    expect(answer).to.match(/^HTTP\/1\.1 413 /);
    expect(answer).to.match(/\r\nConnection: close\r\n/i);
  });

  it('beyond the limit are read over, announced or not, so that their senders get the answer', async () => {
    const body = Buffer.alloc(33 * 1024 * 1024);
    const announced = await send(server.port, body, headersOfTwo);
    expect({ status: announced.status, written: announced.written }).to.deep.equal({ status: 413, written: [0, 0, 0] });
    const chunked = await send(server.port, body, { ...headersOfTwo, 'transfer-encoding': 'chunked' });
    expect(chunked.status).to.equal(413);
    expect(JSON.parse(chunked.body).error).to.equal('The body is larger than 33554432 bytes; send it in parts.');
  });

  it('that are snappy bombs are refused before memory is taken', async () => {
    const gigabyte = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x04]);
    const bomb = await send(server.port, Buffer.concat([gigabyte, Buffer.alloc(1000)]), headersOfOne);
    expect(bomb.status).to.equal(413);
    expect(JSON.parse(bomb.body).error).to.contain('1073741824 bytes; at most 67108864');
    const liar = await send(
      server.port,
      Buffer.concat([Buffer.from([0x80, 0x80, 0x80, 0x10]), Buffer.alloc(10)]),
      headersOfTwo,
    );
    expect({ status: liar.status, written: liar.written }).to.deep.equal({ status: 400, written: [0, 0, 0] });
  });

  it('with millions of symbols, empty series or metadata are answered, and do not hold up the event loop', async () => {
    const symbols = new ProtobufWriter();
    for (let i = 0; i < 1_000_001; i++) symbols.string(4, '');
    const tooMany = await send(server.port, compress(Buffer.from(symbols.finish())), headersOfTwo);
    expect(tooMany.status).to.equal(400);
    expect(JSON.parse(tooMany.body).error).to.contain('more than 1000000 symbols');
    const series = Buffer.alloc(400_002, Buffer.from([10, 0]));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const empty = await send(server.port, compress(series), headersOfOne).finally(() => clearInterval(timer));
    expect(empty.status).to.equal(400);
    expect(JSON.parse(empty.body).error).to.contain('200001 series without samples were refused');
    expect(turns).to.be.greaterThan(0);
  });

  it('are held up to a bound over all requests; beyond it the answer is 429', async () => {
    const held = new HeldBytes(1000);
    const { port, close } = await serve(held, store);
    const small = compress(messageOfOne([up]));
    expect((await send(port, small, headersOfOne)).status).to.equal(204);
    // A sender that has sent a part of its body.
    const slow = connect(port, '127.0.0.1');
    slow.on('error', () => {});
    slow.write(head('/api/v1/write', ['Content-Length: 990']));
    slow.write(Buffer.alloc(960));
    while (held.count < 960) await systemClock.breathe();
    const refused = await send(port, small, headersOfTwo);
    expect(refused.status).to.equal(429);
    expect(refused.headers['retry-after']).to.equal('1');
    expect(refused.written).to.deep.equal([0, 0, 0]);
    // It goes away, and what it had is free again.
    slow.destroy();
    while (held.count > 0) await systemClock.breathe();
    expect((await send(port, small, headersOfOne)).status).to.equal(204);
    expect(held.count).to.equal(0);
    await close();
  });

  it('whose sender stops are given up', async () => {
    const request = Object.assign(new PassThrough(), { headers: {} }) as unknown as IncomingMessage;
    (request as unknown as PassThrough).write('a part');
    const error = await readSentBody(request, 1000, { silenceMs: 5 }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(HttpError).and.include({ status: 408 });
    expect((error as HttpError).headers).to.deep.equal({ Connection: 'close' });
  });

  it('whose sender goes on in time are read', async () => {
    const request = Object.assign(new PassThrough(), { headers: {} });
    request.end('all');
    const pieces: string[] = [];
    for await (const piece of sentPieces(request as unknown as IncomingMessage, { silenceMs: 1000 }))
      pieces.push(piece.toString());
    expect(pieces).to.deep.equal(['all']);
  });

  it('that should flow and trickle are given up, those that flow are read', async () => {
    const drip = async (bytesEach: number): Promise<unknown> => {
      const request = Object.assign(new PassThrough(), { headers: {} });
      const timer = setInterval(() => request.write(Buffer.alloc(bytesEach)), 2);
      let bytes = 0;
      try {
        const pace = { flows: true, silenceMs: 10_000, slackMs: 20 };
        for await (const piece of sentPieces(request as unknown as IncomingMessage, pace)) {
          bytes += piece.length;
          // Ten times the time that a sender may lose, at the slowest rate.
          if (bytes > 200 * bytesEach) request.end();
        }
        return bytes;
      } catch (error) {
        return error;
      } finally {
        clearInterval(timer);
      }
    };
    expect(await drip(10_000)).to.be.above(2_000_000);
    const error = await drip(1);
    expect(error).to.be.instanceOf(HttpError).and.include({ status: 408 });
    expect((error as HttpError).message).to.equal('The body came slower than 1000 bytes a second for too long.');
  });

  it('of any bytes are answered with 204 or 400, and the server goes on', async () => {
    const flip = fc.record({ at: fc.nat(), to: fc.nat({ max: 255 }) });
    const messages = [messageOfOne([up, { ...up, histograms: 1, exemplars: 1 }]), messageOfTwo([up, up])];
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 1 }), fc.array(flip, { minLength: 1, maxLength: 4 }), async (which, flips) => {
        const bytes = Buffer.from(messages[which]);
        for (const { at, to } of flips) bytes[at % bytes.length] = to;
        const { status } = await send(server.port, compress(bytes), which === 0 ? headersOfOne : headersOfTwo);
        expect(status).to.be.oneOf([204, 400]);
      }),
      { numRuns: 200 },
    );
    expect((await sendOne(server.port, [up])).status).to.be.oneOf([204, 400]);
  });

  it('of any bytes are read to an end or a WireError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isTwo) => {
        const reader = new (isTwo ? WriteRequest2Reader : WriteRequest1Reader)(Buffer.from(bytes));
        try {
          while (reader.scan());
        } catch (error) {
          expect(error).to.be.instanceOf(WireError);
          return;
        }
        // What was verified is read without an error.
        while (reader.step() !== END);
      }),
      { numRuns: 5000 },
    );
  });

  describe('of an import', () => {
    it('that are gzip bombs are read in bounded memory, and refused as one long line', async () => {
      const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 'x'));
      const answer = await ask(server.port, '/api/v1/import/prometheus', { method: 'POST', body: bomb });
      expect(answer.status).to.equal(400);
      expect(JSON.parse(answer.body).data.firstBadLines).to.deep.equal([
        { line: 1, reason: 'it is longer than 16777216 bytes; a long series can be given in several lines' },
      ]);
    });

    it('that are truncated gzip keep what came before', async () => {
      const text = Array.from({ length: 50_000 }, (_, i) => `m{n="${i * 7919}"} ${i} 1700000000000\n`).join('');
      const body = gzipSync(text).subarray(0, -100);
      const answer = await ask(server.port, '/api/v1/import/prometheus', { method: 'POST', body });
      const { status, data } = JSON.parse(answer.body);
      expect({ code: answer.status, status }).to.deep.equal({ code: 400, status: 'error' });
      expect(data.samples).to.be.within(20_000, 50_000);
      expect(data.firstBadLines[0].reason).to.contain('gzip data are damaged or cut off');
    });

    it('that announce a gigabyte and stop leave nothing behind', async () => {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(head('/api/v1/import', ['Content-Length: 1000000000']));
      socket.write('{"metric":{"__name__":"cut"},"values":[1],"timestamps":[1700000000000]}\n{"metric":');
      while ((await store.metrics('cut')).length === 0) await systemClock.breathe();
      const flushes = store.flushes;
      socket.destroy();
      while (store.flushes === flushes) await systemClock.breathe();
      expect((await ask(server.port, '/-/healthy')).status).to.equal(200);
    });
  });
});

/** A server with the remote-write door alone, whose bound of held bytes a test has. */
const serve = async (
  held: HeldBytes,
  store: FakeStore,
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> => {
  const route = remoteWriteRoute(held);
  const server: Server = createServer((request, response) => {
    const exchange = {
      request,
      response,
      url: new URL('http://localhost'),
      params: new URLSearchParams(),
      path: {},
      signal: new AbortController().signal,
      store,
      breathe: () => systemClock.breathe(),
    } satisfies StoreExchange;
    Promise.resolve(route.handle(exchange)).catch((error: unknown) => {
      const { status, headers } = error instanceof HttpError ? error : { status: 500, headers: {} };
      response.writeHead(status, { ...headers });
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
