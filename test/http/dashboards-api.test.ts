/** The endpoints of the page Dashboards: what is kept, what is refused, and what a damaged file or a full disk does. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { DashboardFiles } from '../../src/disk/dashboard-files.ts';
import type { FileSystem } from '../../src/files/file-system.ts';
import { nodeFileSystem } from '../../src/files/node-file-system.ts';
import { createHandler, PagesServer } from '../../src/http/index.ts';
import { KeptDashboards } from '../../src/http/kept-dashboards.ts';
import { checkDirectory, openStore, type Store, systemClock } from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { type Answer, ask } from './http-client.ts';
import { dataOf } from './prometheus/server-with-data.ts';

const token = 'test-token';
const rooms = { version: 1, title: 'Rooms', panels: [{ title: 'All', queries: [{ expr: 'room_celsius' }] }] };

interface Asking {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly content?: unknown;
}

const askAt = (port: number, path: string, { method = 'GET', headers = {}, content }: Asking = {}): Promise<Answer> =>
  ask(port, path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(content === undefined ? {} : { body: typeof content === 'string' ? content : JSON.stringify(content) }),
  });

const errorOf = ({ body }: Answer): string => JSON.parse(body).error;

describe('the endpoints of the page Dashboards', () => {
  let directory: string;
  let store: Store;
  let server: PagesServer;

  const serve = async (readOnly = false): Promise<void> => {
    store = await openStore(directory, { retention: 'off', readOnly });
    server = new PagesServer({ port: 0, token, clock: systemClock, corsOrigins: ['https://tools.example.com'] });
    await server.listen();
    server.showStore(store);
  };

  const stop = async (): Promise<void> => {
    await server.close();
    await store.close();
  };

  const get = (path: string, asking?: Asking): Promise<Answer> => askAt(server.port, path, asking);
  const put = (id: string, content: unknown, asking: Asking = {}): Promise<Answer> =>
    askAt(server.port, `/ui/dashboards/${id}`, { method: 'PUT', content, ...asking });

  beforeEach(async () => {
    directory = temporaryDirectory();
    await serve();
  });

  afterEach(async () => {
    await stop();
    removeTemporaryDirectories();
  });

  it('list the ready-made ones, and show them', async () => {
    const { dashboards, readOnly } = dataOf(await get('/ui/dashboards'));
    expect(readOnly).to.equal(false);
    expect(dashboards.map(({ id, readyMade }: { id: string; readyMade: boolean }) => [id, readyMade])).to.deep.equal([
      ['this-process', true],
      ['this-machine', true],
      ['the-store', true],
    ]);
    const { dashboard, readyMade } = dataOf(await get('/ui/dashboards/the-store'));
    expect([dashboard.title, readyMade]).to.deep.equal(['The store', true]);
  });

  it('keep a dashboard over a restart, without --write', async () => {
    const { revision } = dataOf(await put('rooms', rooms));
    await stop();
    await serve();
    const kept = dataOf(await get('/ui/dashboards/rooms'));
    expect(kept.dashboard.panels[0].queries[0].expr).to.equal('room_celsius');
    expect(kept.revision).to.equal(revision);
    expect(dataOf(await get('/ui/dashboards')).dashboards[3]).to.deep.equal({
      id: 'rooms',
      title: 'Rooms',
      readyMade: false,
      panels: 1,
    });
    expect(readdirSync(join(directory, 'dashboards'))).to.deep.equal(['rooms.json']);
  });

  it('replace only what the sender has seen', async () => {
    const first = dataOf(await put('rooms?revision=', rooms)).revision;
    const again = await put('rooms?revision=', rooms);
    expect([again.status, errorOf(again)]).to.deep.equal([
      409,
      'There is a dashboard rooms already; nothing was saved.',
    ]);
    const second = await put(`rooms?revision=${first}`, { ...rooms, title: 'All rooms' });
    expect(second.status).to.equal(200);
    const late = await put(`rooms?revision=${first}`, { ...rooms, title: 'Late' });
    expect([late.status, errorOf(late)]).to.deep.equal([
      409,
      'The dashboard rooms was changed meanwhile; nothing was saved.',
    ]);
    expect(dataOf(await get('/ui/dashboards/rooms')).dashboard.title).to.equal('All rooms');
    await get('/ui/dashboards/rooms', { method: 'DELETE' });
    expect(errorOf(await put(`rooms?revision=${first}`, rooms))).to.contain('was removed meanwhile');
  });

  it('let one of two senders win who replace the same content at the same time', async () => {
    const { revision } = dataOf(await put('rooms', rooms));
    const answers = await Promise.all(
      ['a', 'b'].map((title) => put(`rooms?revision=${revision}`, { ...rooms, title })),
    );
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 409]);
  });

  it('remove a dashboard, and say that there is none', async () => {
    await put('rooms', rooms);
    expect((await get('/ui/dashboards/rooms', { method: 'DELETE' })).status).to.equal(200);
    expect(existsSync(join(directory, 'dashboards', 'rooms.json'))).to.equal(false);
    expect((await get('/ui/dashboards/rooms')).status).to.equal(404);
    expect((await get('/ui/dashboards/rooms', { method: 'DELETE' })).status).to.equal(404);
  });

  it('neither replace nor remove a ready-made one', async () => {
    const answers = [await put('the-store', rooms), await get('/ui/dashboards/the-store', { method: 'DELETE' })];
    expect(answers.map(({ status }) => status)).to.deep.equal([403, 403]);
    expect(errorOf(answers[0])).to.equal(
      "The ready-made dashboard the-store can't be replaced; save it under another name.",
    );
    expect(existsSync(join(directory, 'dashboards'))).to.equal(false);
  });

  it('say what is wrong with a dashboard that is sent', async () => {
    const wrong = await put('rooms', { ...rooms, panels: [{ width: 99 }] });
    expect([wrong.status, errorOf(wrong)]).to.deep.equal([
      400,
      "The dashboard can't be saved: panels[0].width is 99; allowed: a whole number from 1 to 12.",
    ]);
    expect((await put('rooms', '{')).status).to.equal(400);
    expect((await put('rooms', ' '.repeat(300_000))).status).to.equal(413);
    expect((await put('rooms', '['.repeat(200_000))).status).to.equal(400);
    for (const id of ['Rooms', '..%2Fheads', '%2e%2e', 'a.b'])
      expect([400, 404, 405], id).to.include((await put(id, rooms)).status);
    expect(existsSync(join(directory, 'dashboards'))).to.equal(false);
  });

  it('need the token, and refuse pages of other origins, also of those that may ask', async () => {
    expect((await put('rooms', rooms, { headers: { authorization: 'Bearer wrong' } })).status).to.equal(401);
    for (const origin of ['https://elsewhere.example.com', 'https://tools.example.com', 'null'])
      expect((await put('rooms', rooms, { headers: { origin } })).status, origin).to.equal(403);
    expect((await get('/ui/dashboards', { headers: { origin: 'https://tools.example.com' } })).status).to.equal(200);
    expect((await put('rooms', rooms, { headers: { origin: `http://127.0.0.1:${server.port}` } })).status).to.equal(
      200,
    );
    expect((await get('/ui/dashboards', { method: 'PUT' })).status).to.equal(405);
  });

  it('show damaged files with what is wrong, beside the others, and remove them', async () => {
    await put('rooms', rooms);
    const folder = join(directory, 'dashboards');
    writeFileSync(join(folder, 'torn.json'), '{"version":1,"tit');
    writeFileSync(join(folder, 'bytes.json'), Buffer.from([0xff, 0xfe]));
    writeFileSync(join(folder, 'later.json'), '{"version":2}');
    writeFileSync(join(folder, 'large.json'), ' '.repeat(300_000));
    writeFileSync(join(folder, 'The Store.json'), JSON.stringify(rooms));
    writeFileSync(join(folder, 'rooms.json.tmp'), '{');
    mkdirSync(join(folder, 'folder.json'));
    const { dashboards } = dataOf(await get('/ui/dashboards'));
    const problems = Object.fromEntries(
      dashboards.slice(3).map(({ id, problem }: { id: string; problem?: string }) => [id, problem ?? '']),
    );
    expect(Object.keys(problems)).to.deep.equal(['The Store', 'bytes', 'large', 'later', 'rooms', 'torn']);
    expect(problems['The Store']).to.contain('the name of the file is no id');
    expect(problems['bytes']).to.equal('the file is not UTF-8');
    expect(problems['large']).to.equal('the file is larger than 262144 bytes');
    expect(problems['later']).to.contain('a later version of Tidemark wrote this dashboard');
    expect(problems['rooms']).to.equal('');
    expect(problems['torn']).to.contain('the text is no JSON');
    const torn = await get('/ui/dashboards/torn');
    expect([torn.status, errorOf(torn)]).to.deep.equal([
      422,
      `dashboards/torn.json can't be shown: ${problems['torn']}.`,
    ]);
    expect((await get('/ui/dashboards/torn', { method: 'DELETE' })).status).to.equal(200);
  });

  it('of a store that only reads, show dashboards and change none', async () => {
    await put('rooms', rooms);
    await stop();
    await serve(true);
    expect(dataOf(await get('/ui/dashboards')).readOnly).to.equal(true);
    expect((await get('/ui/dashboards/rooms')).status).to.equal(200);
    for (const answer of [await put('rooms', rooms), await get('/ui/dashboards/rooms', { method: 'DELETE' })])
      expect([answer.status, errorOf(answer)]).to.deep.equal([
        403,
        'The store was opened read-only, so its dashboards can be shown and exported, but not changed.',
      ]);
  });

  it('are in a backup, and no problem of a check', async () => {
    await put('rooms', rooms);
    writeFileSync(join(directory, 'dashboards', 'torn.json.tmp'), '{');
    const copy = join(temporaryDirectory(), 'copy');
    await store.backup(copy);
    expect(readdirSync(join(copy, 'dashboards'))).to.deep.equal(['rooms.json']);
    expect(readFileSync(join(copy, 'dashboards', 'rooms.json'), 'utf8')).to.contain('"title": "Rooms"');
    expect((await checkDirectory(copy)).problems).to.deep.equal([]);
    const opened = await openStore(copy, { retention: 'off' });
    await opened.close();
    expect((await checkDirectory(copy)).problems).to.deep.equal([]);
  });

  describe('of a handler in a program', () => {
    let host: Server;
    const start = async (listener: Parameters<typeof createServer>[1]): Promise<number> => {
      host = createServer(listener);
      await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
      return (host.address() as AddressInfo).port;
    };

    afterEach(() => {
      host.close();
      host.closeAllConnections();
    });

    it('work the same, and the program may let some people only look', async () => {
      const authorize = ({ method, headers }: IncomingMessage): boolean =>
        headers['x-user'] === 'ada' || method === 'GET';
      const handler = createHandler(store, { basePath: '/tidemark', authorize });
      const port = await start(handler);
      const path = '/tidemark/ui/dashboards/rooms';
      const asking = { method: 'PUT', content: rooms };
      expect((await askAt(port, path, asking)).status).to.equal(401);
      expect((await askAt(port, path, { ...asking, headers: { 'x-user': 'ada' } })).status).to.equal(200);
      expect((await askAt(port, path)).status).to.equal(200);
      handler.close();
    });

    it('work behind a parser of JSON', async () => {
      const handler = createHandler(store, { token });
      const port = await start(async (request, response) => {
        const pieces: Buffer[] = [];
        for await (const piece of request) pieces.push(piece);
        Object.assign(request, { body: JSON.parse(Buffer.concat(pieces).toString()) });
        handler(request, response);
      });
      expect((await askAt(port, '/ui/dashboards/rooms', { method: 'PUT', content: rooms })).status).to.equal(200);
      handler.close();
    });

    it('do not exist without pages', async () => {
      const handler = createHandler(store, { token, pages: false });
      const port = await start(handler);
      expect((await askAt(port, '/ui/dashboards')).status).to.equal(404);
      handler.close();
    });
  });

  describe('on a disk that refuses', () => {
    const refusing = (code: string, call: 'write' | 'sync' | 'replace'): FileSystem =>
      Object.assign(Object.create(nodeFileSystem), {
        [call]: () => {
          throw Object.assign(new Error(`${code}: no`), { code });
        },
      });

    for (const [code, call] of [
      ['ENOSPC', 'write'],
      ['ENOSPC', 'sync'],
      ['EIO', 'replace'],
    ] as const)
      it(`keep what was there, and leave nothing behind: ${code} of ${call}`, async () => {
        await put('rooms', rooms);
        const kept = new KeptDashboards(new DashboardFiles(refusing(code, call), directory), false);
        const { dashboard } = kept.get('rooms');
        const error = await kept.put('rooms', { ...dashboard, title: 'New' }, undefined).catch((reason) => reason);
        expect(error.status).to.equal(503);
        expect(error.message).to.match(/^The dashboards are as they were: /);
        expect(kept.get('rooms').dashboard.title).to.equal('Rooms');
        expect(readdirSync(join(directory, 'dashboards'))).to.deep.equal(['rooms.json']);
      });
  });
});
