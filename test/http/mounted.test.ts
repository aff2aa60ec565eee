/** The handler in servers that a program already has, each under a path of its own and with the program's authorization. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import express from 'express';
import Fastify from 'fastify';
import Koa from 'koa';
import { createHandler, type Handler, type HandlerOptions } from '../../src/http/index.ts';
import { FakeStore } from '../support/fake-store.ts';
import { type Answer, ask, listen } from './http-client.ts';

const authorize = ({ headers }: IncomingMessage): boolean => headers['x-user'] === 'ada';
const allowed = { 'x-user': 'ada' };
const form = { ...allowed, 'content-type': 'application/x-www-form-urlencoded' };

interface Running {
  readonly port: number;
  readonly handler: Handler;
  readonly close: () => Promise<void>;
}

const listening = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });

const closing = (server: Server, handler: Handler) => async (): Promise<void> => {
  handler.close();
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
};

const started = async (server: Server, handler: Handler): Promise<Running> => ({
  port: await listening(server),
  handler,
  close: closing(server, handler),
});

type Mount = (store: FakeStore) => Promise<Running>;

const onExpress =
  (build: (app: express.Express, handler: Handler) => void, options: HandlerOptions = {}): Mount =>
  (store) => {
    const app = express();
    const handler = createHandler(store, { authorize, ...options });
    build(app, handler);
    app.use((_request, response) => void response.status(418).send('the app itself'));
    return started(createServer(app), handler);
  };

const mounts: Readonly<Record<string, Mount>> = {
  'node:http': (store) => {
    const handler = createHandler(store, { basePath: '/deep/tidemark', authorize });
    const own = (request: IncomingMessage, response: Parameters<Handler>[1]): void =>
      handler(request, response, () => void response.writeHead(418).end('the app itself'));
    return started(createServer(own), handler);
  },
  'Express, which removes the path': onExpress((app, handler) => void app.use('/deep/tidemark', handler)),
  'Express with the path as an option': onExpress((app, handler) => void app.use(handler), {
    basePath: '/deep/tidemark/',
  }),
  'Express with the path in both places': onExpress((app, handler) => void app.use('/deep/tidemark', handler), {
    basePath: '/deep/tidemark',
  }),
  'a router of Express': onExpress((app, handler) => {
    const router = express.Router();
    router.use('/tidemark', handler);
    app.use('/deep', router);
  }),
  Fastify: async (store) => {
    const handler = createHandler(store, { basePath: '/deep/tidemark', authorize });
    const app = Fastify();
    await app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
      for (const url of ['/deep/tidemark', '/deep/tidemark/*'])
        scope.all(url, (request, reply) => {
          reply.hijack();
          handler(request.raw, reply.raw);
        });
    });
    app.setNotFoundHandler((_request, reply) => void reply.code(418).send('the app itself'));
    await app.listen({ port: 0, host: '127.0.0.1' });
    return {
      port: (app.server.address() as AddressInfo).port,
      handler,
      close: async () => {
        handler.close();
        app.server.closeAllConnections();
        await app.close();
      },
    };
  },
  Koa: (store) => {
    const handler = createHandler(store, { basePath: '/deep/tidemark', authorize });
    const app = new Koa();
    app.use(async (context, next) => {
      if (!/^\/deep\/tidemark(\/|$)/.test(context.path)) return next();
      context.respond = false;
      handler(context.req, context.res);
    });
    app.use((context) => {
      context.status = 418;
      context.body = 'the app itself';
    });
    return started(createServer(app.callback()), handler);
  },
};

/** The addresses that a page refers to, as a browser resolves them. */
const referencesOf = (html: string, page: string): string[] =>
  [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, reference]) => new URL(reference, `http://a${page}`).pathname);

for (const [name, mount] of Object.entries(mounts))
  describe(`the handler in ${name}`, () => {
    let store: FakeStore;
    let app: Running;
    const get = (path: string, headers: Record<string, string> = allowed): Promise<Answer> =>
      ask(app.port, path, { headers });

    beforeEach(async () => {
      store = new FakeStore();
      store.append({ __name__: 'up', job: 'node' }, 1000, 1);
      store.append({ __name__: 'load' }, 1000, 1);
      app = await mount(store);
    });

    afterEach(() => app.close());

    it('serves pages whose links all lead to the handler', async () => {
      for (const page of ['/deep/tidemark/', '/deep/tidemark/explore']) {
        const { status, body } = await get(page);
        expect(status, page).to.equal(200);
        const references = referencesOf(body, page);
        expect(references.length).to.be.greaterThan(8);
        for (const reference of references) expect((await get(reference)).status, reference).to.equal(200);
      }
    });

    it('redirects to the address from which the links are right', async () => {
      const noSlash = await get('/deep/tidemark?match=up');
      expect(noSlash.status).to.equal(302);
      expect(new URL(noSlash.headers.location!, 'http://a/deep/tidemark?match=up').href).to.equal(
        'http://a/deep/tidemark/?match=up',
      );
      const slash = await get('/deep/tidemark/explore/?match=up');
      expect(new URL(slash.headers.location!, 'http://a/deep/tidemark/explore/').href).to.equal(
        'http://a/deep/tidemark/explore?match=up',
      );
    });

    it("asks the program's own authorization, not for a token", async () => {
      expect(app.handler.token).to.equal(undefined);
      for (const path of ['/', '/explore', '/app.js', '/api/v1/labels', '/metrics'])
        expect((await get(`/deep/tidemark${path}`, {})).status, path).to.equal(401);
      expect((await get('/deep/tidemark/api/v1/labels', {})).body).to.contain('did not allow');
      expect((await get('/deep/tidemark/-/healthy', {})).status).to.equal(200);
      expect((await get('/deep/tidemark/metrics')).status).to.equal(200);
    });

    it('answers requests in the address and in a form', async () => {
      expect(JSON.parse((await get('/deep/tidemark/api/v1/label/job/values')).body).data).to.deep.equal(['node']);
      const posted = await ask(app.port, '/deep/tidemark/api/v1/series', {
        method: 'POST',
        headers: form,
        body: 'match[]=up&match[]=load',
      });
      expect(JSON.parse(posted.body).data).to.have.length(2);
    });

    it('streams, and ends its streams when it is closed', async () => {
      await listen(
        app.port,
        '/deep/tidemark/ui/actors',
        (text) => {
          if (text.includes('event: frame')) app.handler.close();
          return false;
        },
        allowed,
      );
      expect((await get('/deep/tidemark/api/v1/labels')).status).to.equal(503);
    });

    it('leaves every other address to the program', async () => {
      for (const path of ['/', '/deep', '/deep/tidemarks', '/explore', '/api/v1/labels'])
        expect((await get(path, {})).status, path).to.equal(418);
      if (!['Fastify', 'Koa'].includes(name)) expect((await get('/deep/tidemark/nothing', {})).status).to.equal(418);
      else expect((await get('/deep/tidemark/nothing')).status).to.equal(404);
    });
  });

describe("Express' body parsers before the handler", () => {
  let app: Running;
  const start = async (parser: express.RequestHandler): Promise<void> => {
    const store = new FakeStore();
    for (let i = 0; i < 30; i++) store.append({ __name__: `m${i}` }, 1000, 1);
    app = await onExpress((one, handler) => {
      one.use(parser);
      one.use('/tidemark', handler);
    })(store);
  };
  const post = (body: string, headers: Record<string, string> = form): Promise<Answer> =>
    ask(app.port, '/tidemark/api/v1/series', { method: 'POST', headers, body });

  afterEach(() => app.close());

  for (const extended of [false, true])
    it(`leave forms to it that still have every field: urlencoded, extended ${extended}`, async () => {
      await start(express.urlencoded({ extended }));
      expect(JSON.parse((await post('match[]=m1')).body).data).to.deep.equal([{ __name__: 'm1' }]);
      expect(JSON.parse((await post('match%5B%5D=m1&match[]=m2&limit=1')).body)).to.deep.equal({
        status: 'success',
        data: [{ __name__: 'm1' }],
        warnings: ['results truncated due to limit'],
      });
      const many = Array.from({ length: 30 }, (_, i) => `match[]=m${i}`).join('&');
      expect(JSON.parse((await post(many)).body).data).to.have.length(30);
    });

  it('leave forms as text to it', async () => {
    await start(express.text({ type: '*/*' }));
    expect(JSON.parse((await post('match[]=m1')).body).data).to.have.length(1);
  });

  it('get JSON refused as without them', async () => {
    await start(express.json());
    expect((await post('{"match[]":"m1"}', { ...allowed, 'content-type': 'application/json' })).status).to.equal(415);
  });

  it('that leave nothing are named in the error', async () => {
    await start((request, _response, next) => void request.resume().on('end', () => next()));
    const answer = await post('match[]=m1');
    expect(answer.status).to.equal(500);
    expect(JSON.parse(answer.body).error).to.contain('mount the handler before body parsers');
  });
});

describe('a handler without authorization of the program', () => {
  it('asks for its token, which is random or given', async () => {
    const store = new FakeStore();
    const [first, second] = [createHandler(store), createHandler(store)];
    expect(first.token)
      .to.match(/^[0-9a-f]{32}$/)
      .and.not.equal(second.token);
    const app = await started(createServer(first), first);
    expect((await ask(app.port, '/api/v1/labels')).status).to.equal(401);
    expect(
      (await ask(app.port, '/api/v1/labels', { headers: { authorization: `Bearer ${first.token}` } })).status,
    ).to.equal(200);
    await app.close();
    expect(createHandler(store, { token: 'a-token-of-mine' }).token).to.equal('a-token-of-mine');
  });

  it('keeps the token of two handlers on one port apart', async () => {
    const [a, b] = ['/a', '/b'].map((basePath) => createHandler(new FakeStore(), { basePath }));
    const app = await started(
      createServer((request, response) => a(request, response, () => b(request, response))),
      a,
    );
    for (const [path, { token }] of [
      ['/a', a],
      ['/b', b],
    ] as const) {
      const answer = await ask(app.port, `${path}/explore?token=${token}`);
      expect(answer.status).to.equal(303);
      // Without Path, a cookie holds for the folder of the page.
      expect(answer.headers['set-cookie']![0]).not.to.match(/path=/i);
      const cookie = answer.headers['set-cookie']![0].split(';')[0];
      expect((await ask(app.port, `${path}/api/v1/labels`, { headers: { cookie } })).status).to.equal(200);
    }
    b.close();
    await app.close();
  });

  it('refuses options that it cannot hold to, by name', () => {
    const store = new FakeStore();
    const wrong: readonly (readonly [HandlerOptions, string])[] = [
      [{ token: 'a token' }, 'token'],
      [{ token: 'a-token-of-mine', authorize: () => true }, 'authorize'],
      [{ basePath: 'tidemark' }, 'basePath'],
      [{ basePath: '//evil.example' }, 'basePath'],
      [{ allowedHosts: [''] }, 'allowedHosts'],
      [{ corsOrigins: ['tools.example.com'] }, 'corsOrigins'],
      [{ corsOrigins: ['https://tools.example.com/page'] }, 'corsOrigins'],
      [{ maxStreams: 0 }, 'maxStreams'],
    ];
    for (const [options, name] of wrong)
      expect(() => createHandler(store, options), JSON.stringify(options)).to.throw(name);
  });

  it('serves endpoints without pages if asked to', async () => {
    const handler = createHandler(new FakeStore(), { pages: false, authorize: () => true });
    const app = await started(createServer(handler), handler);
    expect((await ask(app.port, '/api/v1/labels')).status).to.equal(200);
    for (const path of ['/', '/explore', '/app.js', '/ui/store'])
      expect((await ask(app.port, path)).status, path).to.equal(404);
    await app.close();
  });
});
