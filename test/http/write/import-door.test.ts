/** `POST /api/v1/import` and `/api/v1/import/prometheus`, on a real store. */
import { deflateSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { PagesServer } from '../../../src/http/server.ts';
import { openStore, type Store, systemClock } from '../../../src/index.ts';
import { runInProcess } from '../../cli/run-in-process.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../../support/temporary-directory.ts';
import { ask } from '../http-client.ts';

const noon = 1_700_000_000_000;

describe('the import endpoints', () => {
  let store: Store;
  let server: PagesServer;
  let name = '';
  let tests = 0;

  before(async () => {
    store = await openStore(temporaryDirectory(), { retention: 'off' });
    server = new PagesServer({ clock: systemClock, authorize: () => true, write: true });
    await server.listen();
    server.showStore(store);
  });

  beforeEach(() => {
    name = `imported_${++tests}`;
  });

  after(async () => {
    await server.close();
    await store.close();
    removeTemporaryDirectories();
  });

  const post = async (path: string, body: string | Buffer, headers: Record<string, string> = {}) => {
    const answer = await ask(server.port, path, { method: 'POST', body, headers });
    return { status: answer.status, ...JSON.parse(answer.body) };
  };
  const contentOf = async (selector: string) => {
    const found: [number, number][] = [];
    for await (const { timestamps, values } of store.select(selector))
      for (let i = 0; i < timestamps.length; i++) found.push([timestamps[i], values[i]]);
    return found;
  };

  it('take JSON lines, and count', async () => {
    const line = `{"metric":{"__name__":"${name}"},"values":[1,2,3],"timestamps":[${noon},${noon + 1},${noon + 2}]}\n`;
    expect(await post('/api/v1/import', line)).to.deep.equal({
      status: 'success',
      data: { lines: 1, series: 1, samples: 3, rejected: {}, badLines: 0, firstBadLines: [] },
    });
    expect(await contentOf(name)).to.have.length(3);
  });

  it('take what a dump with bits has, bit for bit', async () => {
    store.series({ __name__: name }).appendBits(noon, 0x7ff00000, 2);
    await store.flush();
    const dumped = await ask(server.port, `/api/v1/export?bits=1&match[]=${name}`);
    const other = dumped.body.replace(name, `${name}_copy`);
    expect((await post('/api/v1/import?bits=1', other)).data.samples).to.equal(1);
    const again = await ask(server.port, `/api/v1/export?bits=1&match[]=${name}_copy`);
    expect(again.body).to.equal(other).and.contain('7ff0000000000002');
  });

  it('take text in milliseconds and in seconds, by name, by content type and by themselves', async () => {
    const path = '/api/v1/import/prometheus';
    const text = (label: string, time: string | number) => `${name}{a="${label}"} 1 ${time}\n`;
    const openMetrics = { 'content-type': 'application/openmetrics-text; version=1.0.0' };
    const classic = { 'content-type': 'text/plain; version=0.0.4' };
    const sent = [
      await post(path, text('1', noon)),
      await post(path, `${text('2', noon / 1000)}# EOF\n`),
      await post(path, `${text('3', noon / 1000)}# EOF\n`, openMetrics),
      await post(path, text('4', 5000), classic),
      await post(`${path}?format=prometheus`, text('5', 5000), openMetrics),
    ];
    for (const { status } of sent) expect(status).to.equal('success');
    expect((await contentOf(name)).map(([time]) => time)).to.deep.equal([noon, noon, noon, 5000, 5000]);
    const unclear = await post(path, text('6', 5000));
    expect(unclear.data.firstBadLines).to.deep.equal([
      {
        line: 1,
        reason:
          'the timestamp 5000 may be seconds or milliseconds: name the format with format=openmetrics or format=prometheus',
      },
    ]);
  });

  it('give samples without a time the one of the address, or now', async () => {
    const path = '/api/v1/import/prometheus';
    await post(`${path}?timestamp=${noon}`, `${name} 1\n`);
    const before = Date.now();
    await post(path, `${name} 2\n`);
    const times = (await contentOf(name)).map(([time]) => time);
    expect(times[0]).to.equal(noon);
    expect(times[1]).to.be.within(before, Date.now());
  });

  it('take samples in any order, and the same ones again', async () => {
    const line = (times: readonly number[]) =>
      `{"metric":{"__name__":"${name}"},"values":${JSON.stringify(times)},"timestamps":${JSON.stringify(times)}}\n`;
    const mixed = line([noon + 5, noon + 1]) + line([noon + 3, noon + 9]);
    for (let i = 0; i < 2; i++) expect((await post('/api/v1/import', mixed)).data.samples).to.equal(4);
    expect((await contentOf(name)).map(([time]) => time - noon)).to.deep.equal([1, 3, 5, 9]);
  });

  it('answer 400 if something was refused, with counts by reason and the first ten bad lines, and keep the rest', async () => {
    const bad = Array.from({ length: 12 }, () => 'no sample\n').join('');
    const ahead = Date.now() + 3_600_000;
    const answer = await post(
      '/api/v1/import/prometheus',
      `${name} 1 ${noon}\n${bad}${name} 2 ${noon}\n${name} 3 ${ahead}\n${name} 4 ${noon + 1}\n`,
    );
    expect(answer).to.deep.include({
      status: 'error',
      errorType: 'bad_data',
      error: '2 samples were stored, 2 samples and 12 lines were refused.',
    });
    expect(answer.data).to.deep.include({
      samples: 2,
      rejected: { TIDEMARK_TOO_FAR_AHEAD: 1, TIDEMARK_DUPLICATE_TIMESTAMP: 1 },
      badLines: 12,
    });
    expect(answer.data.firstBadLines).to.have.length(10);
    expect(answer.data.firstBadLines[0]).to.deep.equal({ line: 2, reason: 'column 4: "sample" is not a number' });
  });

  it('undo gzip, named or recognised, and refuse other encodings', async () => {
    const text = gzipSync(`${name} 1 ${noon}\n`);
    expect((await post('/api/v1/import/prometheus', text, { 'content-encoding': 'gzip' })).data.samples).to.equal(1);
    expect((await post('/api/v1/import/prometheus', text)).data.samples).to.equal(1);
    const deflated = await ask(server.port, '/api/v1/import', {
      method: 'POST',
      body: deflateSync('x'),
      headers: { 'content-encoding': 'deflate' },
    });
    expect(deflated.status).to.equal(415);
    const zip = await post('/api/v1/import', Buffer.from('PK\x03\x04'));
    expect(zip.error).to.contain('ZIP');
  });

  it('refuse parameters that are none', async () => {
    for (const query of ['format=xml', 'timestamp=yesterday', 'timestamp=1.5', 'timestamp=99999999999999999'])
      expect((await post(`/api/v1/import?${query}`, '')).errorType, query).to.equal('bad_data');
  });

  it('read long lines without holding up the event loop', async () => {
    const times = Array.from({ length: 400_000 }, (_, i) => noon + i);
    const line = JSON.stringify({ metric: { __name__: name }, values: times.map(Math.sin), timestamps: times });
    expect(line.length).to.be.greaterThan(10_000_000);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const answer = await post('/api/v1/import', line).finally(() => clearInterval(timer));
    expect(answer.data.samples).to.equal(400_000);
    expect(turns).to.be.greaterThan(20);
  });

  it('end an import when the server closes, and keep what came', async () => {
    const own = new PagesServer({ clock: systemClock, authorize: () => true, write: true });
    await own.listen();
    own.showStore(store);
    const { request } = await import('node:http');
    const asking = request({ port: own.port, host: '127.0.0.1', path: '/api/v1/import/prometheus', method: 'POST' });
    const answered = new Promise<number>((resolve, reject) => {
      asking.on('response', (response) => {
        resolve(response.statusCode ?? 0);
        response.resume();
      });
      asking.on('error', reject);
    });
    asking.write(`${name} 1 ${noon}\n`);
    while ((await contentOf(name)).length === 0) await systemClock.breathe();
    const closing = own.close();
    expect(await answered).to.equal(503);
    asking.destroy();
    await closing;
    expect(await contentOf(name)).to.deep.equal([[noon, 1]]);
  });

  describe('are what tidemark import sends to', () => {
    const address = (path = '/') => `http://127.0.0.1:${server.port}${path}`;
    const run = (args: readonly string[], input: string | undefined = '') =>
      runInProcess(['import', ...args], { input, library: { systemClock } as never });

    it('in any format, with the counts of the store', async () => {
      const text = `${name} 1 ${noon}\n${name} 2 ${noon}\n${name}_b 3 ${noon + 1}\nbad\n`;
      const { exitCode, err, out } = await run([address(), '--json'], text);
      expect(exitCode).to.equal(3);
      expect(err).to.equal(
        'Imported 2 samples of 2 series.\n' +
          'line 4: column 4: expected a value\n' +
          '1 sample rejected: TIDEMARK_DUPLICATE_TIMESTAMP\n',
      );
      expect(JSON.parse(out)).to.deep.equal({
        lines: 4,
        series: 2,
        samples: 2,
        rejected: { TIDEMARK_DUPLICATE_TIMESTAMP: 1 },
        badLines: 1,
      });
    });

    it('in batches, bit for bit', async () => {
      const lines = Array.from({ length: 3 }, (_, part) => {
        const times = Array.from({ length: 90_000 }, (_, i) => noon + part * 90_000 + i);
        return JSON.stringify({ metric: { __name__: name }, values: times, timestamps: times });
      });
      lines.push(`{"metric":{"__name__":"${name}"},"values":[null],"timestamps":[${noon - 1}]}`);
      const { exitCode, err } = await run([address()], `${lines.join('\n')}\n`);
      expect({ exitCode, err }).to.deep.equal({ exitCode: 0, err: 'Imported 270,001 samples of 1 series.\n' });
      expect(await contentOf(name)).to.have.length(270_001);
    });

    it('with the token of the address, and behind a path', async () => {
      const locked = new PagesServer({ clock: systemClock, token: 'secret-token', write: true });
      await locked.listen();
      locked.showStore(store);
      const right = await run([locked.url], `${name} 1 ${noon}\n`);
      expect({ exitCode: right.exitCode, err: right.err }).to.deep.equal({
        exitCode: 0,
        err: 'Imported 1 sample of 1 series.\n',
      });
      const wrong = await run([locked.url.replace('secret', 'public')], `${name} 1 ${noon}\n`);
      expect(wrong.exitCode).to.equal(1);
      expect(wrong.err).to.contain('answered 401: The token is missing').and.not.contain('public-token');
      const elsewhere = await run(
        [`http://127.0.0.1:${locked.port}/prefix/?token=secret-token`],
        `${name} 1 ${noon}\n`,
      );
      expect(elsewhere.err).to.contain('answered 404: There is nothing at /prefix/api/v1/import');
      await locked.close();
      const gone = await run(['http://127.0.0.1:1/'], `${name} 1 ${noon}\n`);
      expect(gone.exitCode).to.equal(1);
      expect(gone.err).to.contain("http://127.0.0.1:1 can't be reached: ");
    });
  });
});
