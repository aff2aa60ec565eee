/** A full disk as clients of the server see it: 503 until the disk takes writes again. */
import { Agent, createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { createHandler, type Handler } from '../../src/http/index.ts';
import { DAY_MS, type Machine, openMachine, START_MS } from '../store/support.ts';
import { ask } from './http-client.ts';

const noise = (n: number): number => (Math.imul(n + 1, 2654435761) >>> 0) / 7;

/** Appends until the store refuses. */
const fill = async ({ store, pass }: Machine): Promise<void> => {
  try {
    for (let n = 0; n < 400_000; n++) {
      store.append({ __name__: 'm', id: String(n % 32) }, START_MS + Math.floor(n / 32), noise(n));
      if (n % 2000 === 1999) await pass(250);
    }
  } catch {
    return;
  }
  throw new Error('all samples were taken');
};

describe('a server on a full disk', () => {
  let machine: Machine;
  let handler: Handler;
  let server: Server;
  let port: number;

  before(async () => {
    machine = await openMachine({ retention: 'off', futureTolerance: 'off', checkpointInterval: '1h' });
    handler = createHandler(machine.store, { authorize: () => true, write: true });
    server = createServer(handler).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    port = (server.address() as AddressInfo).port;
    await machine.pass(20_000);
    const { fileSystem } = machine;
    const used = fileSystem.paths().reduce((sum, path) => sum + fileSystem.content(path).length, 0);
    fileSystem.capacityBytes = used + 512 * 1024;
    await fill(machine);
  });

  after(async () => {
    handler.close();
    server.close();
    machine.fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    await machine.store.close();
  });

  const send = (path: string, body: string, headers: Record<string, string> = {}) =>
    ask(port, path, { method: 'POST', body, headers });

  it('answers 503 with Retry-After to requests with samples, and says why', async () => {
    const line = `{"metric":{"__name__":"new"},"values":[1],"timestamps":[${START_MS + DAY_MS}]}\n`;
    const otlp = JSON.stringify({
      resourceMetrics: [
        {
          scopeMetrics: [
            {
              metrics: [
                { name: 'new', gauge: { dataPoints: [{ asDouble: 1, timeUnixNano: `${START_MS + DAY_MS}000000` }] } },
              ],
            },
          ],
        },
      ],
    });
    const answers = [
      await send('/api/v1/import', line),
      await send('/api/v1/import/prometheus', `new 1 ${START_MS + DAY_MS}\n`, {
        'content-type': 'text/plain; version=0.0.4',
      }),
      await send('/api/v1/otlp/v1/metrics', otlp, { 'content-type': 'application/json' }),
    ];
    for (const { status, headers, body } of answers) {
      expect(status, body).to.equal(503);
      expect(headers['retry-after']).to.match(/^\d+$/);
      expect(body).to.contain('the disk is full');
    }
  });

  it('a connection on which a long body was refused takes further requests', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const times = Array.from({ length: 20_000 }, (_, i) => START_MS + DAY_MS + i);
    const lines = Array.from(
      { length: 8 },
      (_, i) => `{"metric":{"__name__":"new","i":"${i}"},"values":[${times.map(() => 1)}],"timestamps":[${times}]}\n`,
    );
    try {
      const options = { method: 'POST', body: lines.join(''), agent };
      expect((await ask(port, '/api/v1/import', options)).status).to.equal(503);
      expect((await ask(port, '/-/healthy', { agent })).status).to.equal(200);
    } finally {
      agent.destroy();
    }
  });

  it('is not ready, says why, and names no file of the machine', async () => {
    const { status, headers, body } = await ask(port, '/-/ready');
    expect(status).to.equal(503);
    expect(headers['retry-after']).to.match(/^\d+$/);
    expect(JSON.parse(body)).to.deep.equal({ status: 'readOnly', reason: 'the disk is full' });
  });

  it('still answers queries', async () => {
    expect((await ask(port, `/api/v1/query?query=count(m)&time=${START_MS / 1000}`)).status).to.equal(200);
  });

  it('is ready again when the disk takes writes', async () => {
    machine.fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    await machine.pass(61_000);
    expect((await ask(port, '/-/ready')).status).to.equal(200);
  });
});

describe('createHandler', () => {
  it('refuses what is no store, and says what it takes', () => {
    for (const wrong of [undefined, null, {}, 'data'])
      expect(() => createHandler(wrong as never))
        .to.throw('store is')
        .with.property('code', 'TIDEMARK_INVALID_OPTION');
    expect(() => createHandler(undefined as never)).to.throw('allowed: a store of openStore');
  });
});
