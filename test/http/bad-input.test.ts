import { Agent } from 'node:http';
import { expect } from 'chai';
import { PagesServer } from '../../src/http/index.ts';
import { openStore, type Store, systemClock } from '../../src/index.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../support/temporary-directory.ts';
import { type Answer, ask } from './http-client.ts';

const start = 1_700_000_000_000;

describe('parameters of requests', () => {
  let store: Store;
  let server: PagesServer;

  before(async () => {
    store = await openStore(temporaryDirectory(), { retention: 'off' });
    server = new PagesServer({ clock: systemClock, token: false });
    await server.listen();
    server.showStore(store);
    store.append({ __name__: 'up', job: 'a' }, start, 1);
    store.append({ __name__: 'up', job: 'b', 'my.label': 'x' }, start + 10_000, 1);
    store.append({ __name__: 'half' }, 500, 1);
  });

  after(async () => {
    await server.close();
    await store.close();
    removeTemporaryDirectories();
  });

  const get = (path: string): Promise<Answer> => ask(server.port, path);
  const post = (path: string, headers: Record<string, string>, body?: string | Buffer): Promise<Answer> =>
    ask(server.port, path, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });
  const data = async (path: string): Promise<unknown> => JSON.parse((await get(path)).body).data;
  const statusOf = async (path: string): Promise<number> => (await get(path)).status;

  it('bound label names and values by time', async () => {
    expect(await data('/api/v1/labels?start=1800000000')).to.deep.equal([]);
    expect(await data('/api/v1/labels?end=1')).to.deep.equal(['__name__']);
    expect(await data('/api/v1/label/job/values?end=1600000000')).to.deep.equal([]);
    expect(await data('/api/v1/label/job/values?start=1700000005')).to.deep.equal(['b']);
    expect(await data('/api/v1/label/job/values')).to.deep.equal(['a', 'b']);
  });

  it('take the times of Prometheus, its own boundary times too', async () => {
    const query = `start=${encodeURIComponent('-292273086-05-16T16:47:06Z')}&end=${encodeURIComponent('292277025-08-18T07:12:54.999999999Z')}`;
    expect(await data(`/api/v1/label/job/values?${query}`)).to.deep.equal(['a', 'b']);
    for (const time of ['.5', '5e-1', '+0.5', '1970-01-01T00:00:00.5Z', '1970-01-01T01:00:00.500%2B01:00'])
      expect(
        await data(`/api/v1/series?match[]=half&start=${time.replace('+0', '%2B0')}&end=0.5`),
        time,
      ).to.have.length(1);
    for (const time of ['1700000000000', '1e300'])
      expect(await data(`/api/v1/series?match[]=up&end=${time}`), time).to.have.length(2);
  });

  it('refuse times that are none, on every endpoint that takes them', async () => {
    const paths = ['series?match[]=up', 'labels?', 'label/job/values?', 'export?match[]=up'].map(
      (path) => `/api/v1/${path}`,
    );
    for (const path of [...paths, '/ui/range?match=up'])
      for (const time of [
        '2023-02-30T00:00:00Z',
        '2023-11-14',
        'Nov 14 2023',
        'NaN',
        'Inf',
        '0x10',
        '1_0',
        '1e999',
        'x',
      ])
        expect(await statusOf(`${path}&start=${encodeURIComponent(time)}`), `${path} ${time}`).to.equal(400);
  });

  it('refuse a range that ends before it starts', async () => {
    for (const path of [
      '/api/v1/series?match[]=up',
      '/api/v1/labels?',
      '/api/v1/export?match[]=up',
      '/ui/range?match=up',
    ]) {
      const answer = await get(`${path}&start=2&end=1`);
      expect(answer.status, path).to.equal(400);
      expect(JSON.parse(answer.body).error).to.contain('end timestamp must not be before start time');
    }
  });

  it('come in a posted form by whatever case its media type has, or in the address of a POST without a body', async () => {
    const form = await post(
      '/api/v1/series',
      { 'content-type': 'Application/X-WWW-Form-Urlencoded; charset=UTF-8' },
      'match[]=up',
    );
    expect(JSON.parse(form.body).data).to.have.length(2);
    for (const headers of [{}, { 'content-type': 'application/json' }]) {
      const answer = await post('/api/v1/series?match[]=half', headers);
      expect({ status: answer.status, found: JSON.parse(answer.body).data.length }).to.deep.equal({
        status: 200,
        found: 1,
      });
    }
    expect((await post('/api/v1/series', { 'content-type': 'application/json' }, '{"match[]":"up"}')).status).to.equal(
      415,
    );
  });

  it('count in a form before those in the address', async () => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await post('/api/v1/series?match[]=up&limit=9', type, 'limit=1');
    expect(JSON.parse(answer.body).data).to.have.length(1);
  });

  it('may be UTF-8 without percent-encoding in a form, as curl sends them', async () => {
    store.append({ __name__: 'cafe', name: 'café' }, start, 1);
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const form = await post('/api/v1/series', type, 'match[]={name="café"}');
    expect(JSON.parse(form.body).data).to.have.length(1);
    expect((await post('/api/v1/series', type, Buffer.from('match[]={name="caf\xe9"}', 'latin1'))).status).to.equal(
      400,
    );
  });

  it('are refused when they are not UTF-8, in the address, in a form and in a path', async () => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    for (const bad of ['%ff', '%zz', '%', '%e9']) {
      expect(
        await statusOf(
          `/api/v1/series?match[]=up{job="${bad}"}`.replaceAll('"', '%22').replace(/[{}]/g, encodeURIComponent),
        ),
        bad,
      ).to.equal(400);
      expect((await post('/api/v1/series', type, `match[]=up{job="${bad}"}`)).status, bad).to.equal(400);
      expect(await statusOf(`/api/v1/label/${bad}/values`), bad).to.equal(400);
    }
  });

  it('name labels that every object inherits, and labels escaped by value', async () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
      expect(await data(`/api/v1/label/${name}/values?match[]=up`), name).to.deep.equal([]);
    store.append({ __name__: 'own', constructor: 'c', ['__proto__']: 'p' }, start, 1);
    expect(await data('/api/v1/label/constructor/values?match[]=own')).to.deep.equal(['c']);
    expect(await data('/api/v1/label/__proto__/values?match[]=own')).to.deep.equal(['p']);
    expect(await data('/api/v1/label/U__my_2e_label/values')).to.deep.equal(['x']);
    expect((await get('/api/v1/series?match[]=own')).body).to.contain('"__proto__":"p"');
    expect((await get('/api/v1/export?match[]=own')).body).to.contain('"__proto__":"p"');
  });

  it('do not keep a label with an equals sign in its name from being counted under it', async () => {
    store.append({ __name__: 'equals', 'a=b': 'c' }, start, 1);
    const counted = JSON.parse((await get('/api/v1/status/tsdb')).body).data.labelValueCountByLabelName;
    expect(counted).to.deep.include({ name: 'a=b', value: 1 });
  });

  it('are heeded in an export that is only asked for its head', async () => {
    expect((await ask(server.port, '/api/v1/export?match[]=up', { method: 'HEAD' })).status).to.equal(200);
    expect((await ask(server.port, '/api/v1/export?match[]={{', { method: 'HEAD' })).status).to.equal(400);
  });

  it('are shown in messages only so far', async () => {
    const long = 'x'.repeat(10_000);
    for (const path of [
      `/api/v1/labels?start=${long}`,
      `/api/v1/series?match[]=up&limit=${long}`,
      `/api/v1/series?match[]={a=${long}`,
    ])
      expect((await get(path)).body.length, path.slice(0, 40)).to.be.below(1000);
  });

  it('get an answer when their form is too large, whose connection goes on', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    try {
      for (let i = 0; i < 5; i++) {
        const large = await ask(server.port, '/api/v1/series', {
          method: 'POST',
          headers,
          body: 'match[]=up&'.repeat(300_000),
          agent,
        });
        expect(large.status).to.equal(413);
        expect((await ask(server.port, '/api/v1/series?match[]=up', { agent })).status).to.equal(200);
      }
    } finally {
      agent.destroy();
    }
  });
});
