import { expect } from 'chai';
import { PagesServer } from '../../src/http/server.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { FakeStore } from '../support/fake-store.ts';
import { type Answer, ask, listen } from './http-client.ts';

const token = 'test-token';

const json = (answer: Answer) => JSON.parse(answer.body);

describe('the HTTP server', () => {
  let store: FakeStore;
  let server: PagesServer;
  const get = (path: string, headers: Record<string, string> = { authorization: `Bearer ${token}` }) =>
    ask(server.port, path, { headers });

  beforeEach(async () => {
    store = new FakeStore();
    server = new PagesServer({ port: 0, token, clock: systemClock });
    await server.listen();
    server.showStore(store);
    store.append({ __name__: 'up', job: 'node' }, 1000, 1);
    store.append({ __name__: 'up', job: 'node' }, 2000, Number.NaN);
    store.append({ __name__: 'up', job: 'api' }, 1500, 0);
    store.append({ __name__: 'load', host: 'a' }, 1000, -0);
  });

  afterEach(() => server.close());

  describe('lets nobody in but the person at this machine', () => {
    it('asks for the token on pages and endpoints', async () => {
      expect((await get('/explore', {})).status).to.equal(401);
      expect((await get('/api/v1/labels', {})).status).to.equal(401);
      expect((await get('/metrics', {})).status).to.equal(401);
      expect((await get('/app.js', {})).status).to.equal(401);
      expect((await get('/api/v1/labels?token=wrong-token', {})).status).to.equal(401);
    });

    it('takes the token from the address, then from the cookie that it sets for it', async () => {
      const first = await get(`/explore?match=up&token=${token}`, {});
      expect(first.status).to.equal(303);
      expect(first.headers.location).to.equal('./explore?match=up');
      const cookie = first.headers['set-cookie']![0];
      expect(cookie).to.match(/HttpOnly; SameSite=Strict$/);
      const second = await get('/explore', { cookie: cookie.split(';')[0] });
      expect(second.status).to.equal(200);
      expect(second.headers['content-type']).to.match(/^text\/html/);
    });

    it('answers endpoints with the token in the address without a detour', async () => {
      expect((await get(`/api/v1/labels?token=${token}`, {})).status).to.equal(200);
    });

    it('refuses a foreign name in Host, which a re-bound name would send', async () => {
      const headers = { authorization: `Bearer ${token}` };
      expect((await get('/api/v1/labels', { ...headers, host: 'evil.example' })).status).to.equal(403);
      expect((await get('/-/ready', { host: 'evil.example:80' })).status).to.equal(403);
      expect((await get('/api/v1/labels', { ...headers, host: `localhost:${server.port}` })).status).to.equal(200);
      expect((await get('/api/v1/labels', { ...headers, host: `[::1]:${server.port}` })).status).to.equal(200);
    });

    it("refuses another site's Origin, and answers its own", async () => {
      const headers = { authorization: `Bearer ${token}` };
      for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:1'])
        expect((await get('/api/v1/labels', { ...headers, origin })).status, origin).to.equal(403);
      expect((await get('/api/v1/labels', { ...headers, origin: `http://127.0.0.1:${server.port}` })).status).to.equal(
        200,
      );
    });

    it('forbids the pages every source but itself', async () => {
      const policy = (await get('/explore')).headers['content-security-policy'];
      expect(policy).to.contain("default-src 'none'").and.contain("frame-ancestors 'none'");
      expect(policy).not.to.match(/https?:|\*|unsafe/);
    });

    it('answers without a token where none is asked for', async () => {
      const open = new PagesServer({ port: 0, token: false, clock: systemClock });
      await open.listen();
      open.showStore(store);
      expect((await ask(open.port, '/api/v1/labels')).status).to.equal(200);
      expect(open.url).to.equal(`http://127.0.0.1:${open.port}/`);
      await open.close();
    });
  });

  describe('says how the store is', () => {
    it('is healthy, and ready when the store is open, for anyone', async () => {
      expect((await get('/-/healthy', {})).status).to.equal(200);
      expect(json(await get('/-/ready', {}))).to.deep.equal({ status: 'ready' });
    });

    it('reports the progress of recovery with 503 until then', async () => {
      const opening = new PagesServer({ port: 0, token: false, clock: systemClock });
      await opening.listen();
      opening.showProgress({ phase: 'scanning', done: 3, total: 12 });
      const ready = await ask(opening.port, '/-/ready');
      expect(ready.status).to.equal(503);
      expect(json(ready)).to.deep.equal({ status: 'opening', progress: { phase: 'scanning', done: 3, total: 12 } });
      expect(json(await ask(opening.port, '/api/v1/labels'))).to.include({ status: 'error', errorType: 'unavailable' });
      expect((await ask(opening.port, '/')).status).to.equal(200);
      await opening.close();
    });

    it('shows the metrics of the store', async () => {
      const answer = await get('/metrics');
      expect(answer.status).to.equal(200);
      expect(answer.headers['content-type']).to.contain('version=0.0.4');
    });
  });

  describe("speaks Prometheus' API", () => {
    it('lists series, labels and label values', async () => {
      expect(json(await get('/api/v1/series?match[]=up'))).to.deep.equal({
        status: 'success',
        data: [
          { __name__: 'up', job: 'api' },
          { __name__: 'up', job: 'node' },
        ],
      });
      expect(json(await get('/api/v1/labels')).data).to.deep.equal(['__name__', 'host', 'job']);
      expect(json(await get('/api/v1/labels?match[]=load')).data).to.deep.equal(['__name__', 'host']);
      expect(json(await get('/api/v1/label/job/values')).data).to.deep.equal(['api', 'node']);
      expect(json(await get('/api/v1/label/job/values?match[]=load')).data).to.deep.equal([]);
    });

    it('takes a posted form', async () => {
      const answer = await ask(server.port, '/api/v1/series', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-www-form-urlencoded' },
        body: 'match[]=up&match[]=load&limit=1',
      });
      expect(json(answer)).to.deep.equal({
        status: 'success',
        data: [{ __name__: 'load', host: 'a' }],
        warnings: ['results truncated due to limit'],
      });
    });

    it('answers errors in the envelope', async () => {
      const missing = await get('/api/v1/series');
      expect(missing.status).to.equal(400);
      expect(json(missing)).to.deep.equal({
        status: 'error',
        errorType: 'bad_data',
        error: 'no match[] parameter provided',
      });
      for (const path of [
        '/api/v1/series?match[]=%7B%7B',
        '/api/v1/series?match[]=up&start=soon',
        '/api/v1/series?match[]=up&limit=-1',
      ])
        expect(json(await get(path)), path).to.include({ status: 'error', errorType: 'bad_data' });
      expect((await get('/api/v1/nothing?query=up')).status).to.equal(404);
      expect(
        (await ask(server.port, '/federate', { method: 'DELETE', headers: { authorization: `Bearer ${token}` } }))
          .status,
      ).to.equal(405);
      expect((await get('//')).status).to.equal(400);
    });

    it('reports build information and the largest metrics', async () => {
      expect(json(await get('/api/v1/status/buildinfo')).data.application).to.equal('tidemark');
      const { data } = json(await get('/api/v1/status/tsdb'));
      expect(data.headStats.numSeries).to.equal(3);
      expect(data.seriesCountByMetricName[0]).to.deep.equal({ name: 'up', value: 2 });
    });

    it('exports a selector as JSON lines, and with bits exactly', async () => {
      expect((await get('/api/v1/export?match[]=up&start=1&end=1.5')).body).to.equal(
        '{"metric":{"__name__":"up","job":"api"},"values":[0],"timestamps":[1500]}\n' +
          '{"metric":{"__name__":"up","job":"node"},"values":[1],"timestamps":[1000]}\n',
      );
      expect((await get('/api/v1/export?match[]=load&bits=1')).body).to.contain('"values":["8000000000000000"]');
    });

    it('federates the newest samples grouped by metric', async () => {
      expect((await get('/federate?match[]=up&match[]=load&match[]=up')).body).to.equal(
        '# TYPE load untyped\nload{host="a",instance=""} -0 1000\n' +
          '# TYPE up untyped\nup{job="api",instance=""} 0 1500\nup{job="node",instance=""} NaN 2000\n',
      );
    });
  });

  describe('feeds the pages', () => {
    it('gives chart data with null where no number can be drawn', async () => {
      const { data } = json(await get('/ui/range?match=up'));
      expect(data.total).to.equal(2);
      expect(data.series[1]).to.deep.equal({
        labels: { __name__: 'up', job: 'node' },
        timestamps: [1000, 2000],
        values: [1, null],
        holes: [],
        specials: { 1: 'NaN' },
      });
    });

    it('draws the first fifty series of many if none has a value now, and says how many there are', async () => {
      for (let i = 99; i >= 0; i--) store.append({ __name__: 'many', id: String(100 + i) }, 1000, i);
      const { data } = json(await get('/ui/range?match=many'));
      expect(data.total).to.equal(100);
      expect(data.series.map(({ labels }: { labels: { id: string } }) => Number(labels.id))).to.deep.equal(
        Array.from({ length: 50 }, (_, i) => 100 + i),
      );
    });

    it('streams samples as they are appended', async () => {
      const heard = listen(server.port, `/ui/tail?match=up&token=${token}`, (text) => {
        if (text.includes('retry')) store.append({ __name__: 'up', job: 'node' }, 3000 + text.length, 7);
        return text.includes('event: samples');
      });
      expect(await heard).to.match(
        /data: \{"series":\[\{"labels":\{"__name__":"up","job":"node"\},"timestamps":\[\d+\],"values":\[7\]/,
      );
    });

    it('streams the statecharts, and observes the actors only meanwhile', async () => {
      expect(store.observers.size).to.equal(0);
      const text = await listen(server.port, `/ui/actors?token=${token}`, (soFar) => {
        if (soFar.includes('event: frame')) expect(store.observers.size).to.equal(1);
        return soFar.includes('event: frame');
      });
      expect(text).to.contain('"series":{"inMemory":3').and.contain('"store":"running"');
      while (store.observers.size > 0) await systemClock.breathe();
    });

    it('ends live streams when it closes', async () => {
      let closing: Promise<void> | undefined;
      await listen(server.port, `/ui/actors?token=${token}`, (text) => {
        if (text.includes('event: frame')) closing ??= server.close();
        return false;
      });
      await closing;
      server = new PagesServer({ port: 0, clock: systemClock });
      await server.listen();
    });

    it('describes one series', async () => {
      const labels = encodeURIComponent('{"__name__":"up","job":"node"}');
      const { data } = json(await get(`/ui/series?labels=${labels}`));
      expect(data).to.include({ state: 'inMemory' });
      expect((await get('/ui/series?labels=[1]')).status).to.equal(400);
    });

    it('serves its files with a tag that saves the second time', async () => {
      const first = await get('/style.css');
      expect(first.status).to.equal(200);
      const again = await get('/style.css', {
        authorization: `Bearer ${token}`,
        'if-none-match': String(first.headers.etag),
      });
      expect(again.status).to.equal(304);
      expect((await get('/app.js')).status).to.equal(200);
      expect((await get('/../package.json')).status).to.equal(404);
      expect((await get('/%2e%2e/package.json')).status).to.equal(404);
    });
  });
});
