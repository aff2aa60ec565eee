/** Who may ask: names and origins, proxies, CORS, the program's own authorization, and routes that write. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { expect } from 'chai';
import { readBody } from '../../src/http/body.ts';
import type { Access } from '../../src/http/guard.ts';
import type { HandlerOptions } from '../../src/http/index.ts';
import { PagesServer, type ServerOptions } from '../../src/http/index.ts';
import { sendData } from '../../src/http/reply.ts';
import { RequestHandler } from '../../src/http/request-handler.ts';
import type { Route } from '../../src/http/router.ts';
import { FakeStore } from '../support/fake-store.ts';
import { type Answer, ask } from './http-client.ts';

const token = 'test-token';
const bearer = { authorization: `Bearer ${token}` };

describe('the server and the name it is asked by', () => {
  let server: PagesServer | undefined;
  const start = async (options: Partial<ServerOptions> = {}): Promise<PagesServer> => {
    server = new PagesServer({ token, ...options });
    await server.listen();
    server.showStore(new FakeStore());
    return server;
  };
  const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(server!.port, path, { headers: { ...bearer, ...headers } });
  const statusOf = async (headers: Record<string, string>, path = '/api/v1/labels'): Promise<number> =>
    (await get(path, headers)).status;

  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  it('answers for health whatever the name', async () => {
    await start();
    expect((await ask(server!.port, '/-/healthy', { headers: { host: 'probe.example' } })).status).to.equal(200);
    expect(await statusOf({ host: 'probe.example' }, '/-/ready')).to.equal(403);
  });

  it("answers for the machine's name, also with .local, in any case and with a final dot", async () => {
    await start();
    const [short] = hostname().split('.');
    for (const host of [hostname(), `${short}.local`, `${short.toUpperCase()}.LOCAL:7480`, `${short}.local.`])
      expect(await statusOf({ host }), host).to.equal(200);
    expect(await statusOf({ host: `${short}.local.evil.example` })).to.equal(403);
    expect(await statusOf({ host: 'other.local' })).to.equal(403);
  });

  it('answers for allowed names, and names the option in the refusal of another one', async () => {
    await start({ allowedHosts: ['Metrics.example.com', 'bücher.example'] });
    for (const host of ['metrics.example.com', 'METRICS.example.com:8443', 'xn--bcher-kva.example'])
      expect(await statusOf({ host }), host).to.equal(200);
    const refused = await get('/api/v1/labels', { host: 'evil.example' });
    expect(refused.status).to.equal(403);
    expect(refused.body).to.contain('evil.example').and.contain('--allowed-host').and.contain('allowedHosts');
  });

  it('answers for every name if told to', async () => {
    await start({ allowedHosts: ['*'] });
    expect(await statusOf({ host: 'any.example' })).to.equal(200);
  });

  describe('behind a proxy that adds TLS', () => {
    it('compares Origin with Host, whatever the scheme, where it knows none', async () => {
      await start({ allowedHosts: ['metrics.example.com'] });
      for (const [host, origin] of [
        ['metrics.example.com', 'https://metrics.example.com'],
        ['metrics.example.com:443', 'https://metrics.example.com'],
        ['metrics.example.com:8443', 'https://metrics.example.com:8443'],
        ['metrics.example.com', 'http://metrics.example.com'],
        ['metrics.example.com', 'HTTPS://Metrics.example.com'],
      ])
        expect(await statusOf({ host, origin }), `${origin} at ${host}`).to.equal(200);
      for (const [host, origin] of [
        ['metrics.example.com', 'https://metrics.example.com:8443'],
        ['metrics.example.com:8443', 'https://metrics.example.com'],
        ['metrics.example.com', 'https://evil.example'],
        ['metrics.example.com', 'file://metrics.example.com'],
        ['metrics.example.com', 'null'],
      ])
        expect(await statusOf({ host, origin }), `${origin} at ${host}`).to.equal(403);
    });

    it('believes a browser that says the request is of the same origin, where the proxy changes Host', async () => {
      await start();
      const origin = 'https://metrics.example.com';
      expect(await statusOf({ origin, 'sec-fetch-site': 'same-origin' })).to.equal(200);
      expect(await statusOf({ origin, 'sec-fetch-site': 'same-site' })).to.equal(403);
      expect(await statusOf({ origin, 'sec-fetch-site': 'same-origin', host: 'evil.example' })).to.equal(403);
    });

    const forwarded = {
      'x-forwarded-host': 'metrics.example.com',
      'x-forwarded-proto': 'https',
      'x-forwarded-prefix': '/tidemark',
    };

    it('ignores forwarded headers unless it trusts the proxy', async () => {
      await start({ allowedHosts: ['metrics.example.com'] });
      expect(await statusOf({ ...forwarded, origin: 'https://metrics.example.com' })).to.equal(403);
      expect(await statusOf({ ...forwarded, host: 'evil.example' })).to.equal(403);
      expect(await statusOf({ ...forwarded, 'x-forwarded-host': 'evil.example' })).to.equal(200);
      expect((await get('/', forwarded)).status).to.equal(200);
      const first = await ask(server!.port, `/explore?token=${token}`, { headers: forwarded });
      expect(first.headers['set-cookie']![0]).not.to.contain('Secure');
    });

    it('takes host, scheme and prefix from a proxy that it trusts', async () => {
      await start({ allowedHosts: ['metrics.example.com'], trustProxy: true });
      const headers = { ...forwarded, host: 'tidemark:7480' };
      expect(await statusOf({ ...headers, origin: 'https://metrics.example.com' })).to.equal(200);
      expect(await statusOf({ ...headers, origin: 'http://metrics.example.com' })).to.equal(403);
      expect(await statusOf({ ...headers, 'x-forwarded-host': 'evil.example' })).to.equal(403);
      expect(await statusOf({ ...headers, 'x-forwarded-host': 'metrics.example.com, inner' })).to.equal(200);
      const first = await ask(server!.port, `/explore?token=${token}`, { headers });
      expect(first.headers['set-cookie']![0]).to.match(/; Secure$/);
      // The proxy may have removed a slash together with its prefix.
      expect((await get('/?a=b', headers)).headers.location).to.equal('/tidemark/explore?a=b');
      expect(await statusOf(headers, '/tidemark/api/v1/labels')).to.equal(200);
    });

    it('redirects nowhere else, whatever the prefix', async () => {
      await start({ trustProxy: true });
      for (const prefix of ['//evil.example', 'https://evil.example', '/\\evil.example', '/a\tb'])
        expect((await get('/', { 'x-forwarded-prefix': prefix })).status, prefix).to.equal(200);
    });
  });

  describe('asked by pages of other origins', () => {
    const origin = 'https://tools.example.com';

    it('answers those that were allowed, without cookies', async () => {
      await start({ corsOrigins: [origin] });
      const answer = await get('/api/v1/labels', { origin });
      expect(answer.status).to.equal(200);
      expect(answer.headers).to.include({
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'Date',
        vary: 'Origin, Accept-Encoding',
      });
      expect(answer.headers).not.to.have.property('access-control-allow-credentials');
      const other = await get('/api/v1/labels', { origin: 'https://evil.example' });
      expect(other.status).to.equal(403);
      expect(other.headers).not.to.have.property('access-control-allow-origin');
      expect((await get('/api/v1/labels')).headers.vary).to.equal('Origin, Accept-Encoding');
    });

    it('answers what a browser asks before, without a token', async () => {
      await start({ corsOrigins: [origin] });
      const headers = { origin, 'access-control-request-method': 'GET' };
      const preflight = await ask(server!.port, '/api/v1/labels', { method: 'OPTIONS', headers });
      expect(preflight.status).to.equal(204);
      expect(preflight.headers).to.include({
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'GET, POST, OPTIONS',
        'access-control-allow-headers': 'Accept, Authorization, Content-Type, Origin',
      });
      // A script must be able to read that the token is missing.
      const refused = await ask(server!.port, '/api/v1/labels', { headers: { origin } });
      expect(refused.status).to.equal(401);
      expect(refused.headers['access-control-allow-origin']).to.equal(origin);
    });

    it('answers all with a star, and none by default', async () => {
      await start({ corsOrigins: ['*'] });
      expect((await get('/api/v1/labels', { origin })).headers['access-control-allow-origin']).to.equal('*');
      await server!.close();
      await start();
      expect(await statusOf({ origin })).to.equal(403);
      expect((await ask(server!.port, '/api/v1/labels', { method: 'OPTIONS', headers: bearer })).status).to.equal(405);
    });
  });

  it('takes the token in every form that clients send it in', async () => {
    await start();
    for (const authorization of [
      `bearer ${token}`,
      `Token ${token}`,
      `Basic ${Buffer.from(`anyone:${token}`).toString('base64')}`,
    ])
      expect(await statusOf({ authorization }), authorization).to.equal(200);
    for (const authorization of ['Bearer other', `Basic ${Buffer.from(token).toString('base64')}`, token, ''])
      expect(await statusOf({ authorization }), authorization).to.equal(401);
    expect((await get('/api/v1/labels', { authorization: '' })).body).to.contain(
      'open the address that `tidemark serve` prints',
    );
  });

  it('prints an address that can be opened where it listens on all of them', async () => {
    await start({ host: '0.0.0.0' });
    const url = new URL(server!.url);
    expect(url.hostname).not.to.equal('0.0.0.0');
    expect((await fetch(new URL(`/api/v1/labels${url.search}`, url))).status).to.equal(200);
  });
});

describe('routes that write', () => {
  const received: string[] = [];
  const route: Route = {
    methods: ['POST'],
    path: '/api/v1/put',
    body: 'content',
    writes: true,
    handle: async ({ request, response }) => {
      received.push((await readBody(request, 1000)).toString());
      await sendData(response, 'put');
    },
  };
  let server: Server;
  let port: number;
  const start = async (options: HandlerOptions, access: Access): Promise<void> => {
    const store = new FakeStore();
    const handler = new RequestHandler(options, access, () => ({ store, progress: undefined }), [route]);
    server = createServer((request, response) => handler.handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  };
  const put = (headers: Record<string, string> = bearer): Promise<Answer> =>
    ask(port, '/api/v1/put', { method: 'POST', headers, body: 'up 1\n' });

  afterEach(() => {
    received.length = 0;
    server?.close();
    server?.closeAllConnections();
  });

  it('are refused with the name of the option where writing was not allowed', async () => {
    await start({}, { kind: 'token', token });
    expect((await put({})).status).to.equal(401);
    const refused = await put();
    expect(refused.status).to.equal(403);
    expect(refused.body).to.contain('serve --write').and.contain('write: true');
    expect(received).to.deep.equal([]);
  });

  it('are answered where it was, with the token or by authorization, and never without', async () => {
    await start({ write: true }, { kind: 'token', token });
    expect((await put({})).status).to.equal(401);
    expect((await put()).status).to.equal(200);
    expect((await put({ ...bearer, origin: 'https://evil.example' })).status).to.equal(403);
    expect(received).to.deep.equal(['up 1\n']);
    expect(() => new PagesServer({ token: false, write: true })).to.throw('only with a token');
  });

  it('ask the authorization, whatever it returns or throws', async () => {
    const outcomes: (() => unknown)[] = [
      () => Promise.resolve(true),
      () => 'yes',
      () => {
        throw new Error('the password of the database is 1234');
      },
    ];
    const authorize = (): boolean => outcomes.shift()!() as boolean;
    await start({ write: true, authorize }, { kind: 'authorize', authorize });
    expect((await put()).status).to.equal(200);
    expect((await put()).status).to.equal(401);
    const failed = await put();
    expect(failed.status).to.equal(500);
    expect(failed.body).to.contain('authorization').and.not.contain('1234');
    expect(received).to.have.length(1);
  });
});
