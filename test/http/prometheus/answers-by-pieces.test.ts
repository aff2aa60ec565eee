/** Answers are streamed: compressed if the client accepts it, at the reader's pace, and no longer than it listens. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { gunzipSync, inflateSync } from 'node:zlib';
import { expect } from 'chai';
import type { QueryOptions, QueryResult } from '../../../src/api/api.ts';
import { resultPieces } from '../../../src/http/prometheus/result-json.ts';
import { TidemarkError } from '../../../src/model/errors.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { ask } from '../http-client.ts';
import { type ServerWithData, serve } from './server-with-data.ts';

const resultOf = (seriesCount: number, length: number): QueryResult => ({
  type: 'matrix',
  series: Array.from({ length: seriesCount }, (_, i) => ({
    labels: { __name__: 'm', i: String(i) },
    timestamps: Float64Array.from({ length }, (_, step) => 1000 * step),
    values: Float64Array.from({ length }, (_, step) => step + i / 7),
  })),
  warnings: [],
  infos: [],
});

/** A store whose queries give a result that the test has chosen, or wait for their end. */
class AnsweringStore extends FakeStore {
  result: QueryResult | undefined;
  asked: (() => void) | undefined;
  aborted: unknown;

  override query(_text?: string, options: QueryOptions = {}): Promise<never> {
    if (this.result !== undefined) return Promise.resolve(this.result as never);
    return new Promise((_, reject) => {
      options.signal?.addEventListener('abort', () => {
        this.aborted = true;
        reject(new TidemarkError('TIDEMARK_ABORTED', 'query was canceled in expression evaluation'));
      });
      this.asked?.();
    });
  }
}

describe('answers of the HTTP API', () => {
  let store: AnsweringStore;
  let server: ServerWithData;

  beforeEach(async () => {
    store = new AnsweringStore();
    server = await serve(store);
  });

  afterEach(() => server.stop());

  const query = (coding?: string) =>
    server.get('query', { query: 'x' }, coding === undefined ? {} : { 'accept-encoding': coding });

  it('are compressed when they are long, with the first coding that the client accepts', async () => {
    store.result = resultOf(3, 100);
    const plain = await query();
    expect(plain.headers['content-encoding']).to.equal(undefined);
    expect(plain.headers['vary']).to.equal('Accept-Encoding');
    expect(JSON.parse(plain.body).data.result[2].values[99]).to.deep.equal([99, String(99 + 2 / 7)]);
    for (const [accepted, coding] of [
      ['gzip', 'gzip'],
      ['deflate', 'deflate'],
      ['br, deflate;q=0.5, gzip', 'deflate'],
      ['gzip;q=0, deflate', 'deflate'],
      ['GZIP;q=1.0', 'gzip'],
    ]) {
      const answer = await query(accepted);
      expect(answer.headers['content-encoding'], accepted).to.equal(coding);
      expect(answer.headers['vary']).to.equal('Accept-Encoding');
      const body = coding === 'gzip' ? gunzipSync(answer.bytes) : inflateSync(answer.bytes);
      expect(body.toString(), accepted).to.equal(plain.body);
      expect(answer.bytes.length).to.be.below(plain.bytes.length / 2);
    }
    for (const accepted of ['br', 'gzip;q=0', 'identity', ''])
      expect((await query(accepted)).body, accepted).to.equal(plain.body);
  });

  it('are sent as they are when they are short', async () => {
    store.result = resultOf(1, 3);
    const answer = await query('gzip');
    expect(answer.headers['content-encoding']).to.equal(undefined);
    expect(answer.headers['vary']).to.equal('Accept-Encoding');
    expect(JSON.parse(answer.body).status).to.equal('success');
  });

  it('are compressed everywhere: lists, exports, the data of the pages', async () => {
    for (let i = 0; i < 200; i++) store.append({ __name__: 'many', id: `series-${i}` }, 1000, i);
    // The page's chart asks which of many series have the highest values.
    store.result = resultOf(0, 0);
    for (const path of [
      '/api/v1/series?match[]=many',
      '/api/v1/label/id/values?match[]=many',
      '/api/v1/export?match[]=many',
      '/federate?match[]=many',
      '/ui/range?match=many',
    ]) {
      const [plain, packed] = await Promise.all([
        ask(server.port, path),
        ask(server.port, path, { headers: { 'accept-encoding': 'gzip' } }),
      ]);
      expect(packed.headers['content-encoding'], path).to.equal('gzip');
      expect(gunzipSync(packed.bytes).toString(), path).to.equal(plain.body);
    }
    const head = await ask(server.port, '/api/v1/series?match[]=many', {
      method: 'HEAD',
      headers: { 'accept-encoding': 'gzip' },
    });
    expect(head.status).to.equal(200);
    expect(head.bytes).to.have.length(0);
  });

  it('are never one text: no piece of a result is long', () => {
    let length = 0;
    for (const piece of resultPieces(resultOf(2, 500_000), { at: 0 })) {
      expect(piece.length).to.be.below(64 * 1024);
      length += piece.length;
    }
    expect(length).to.be.above(20_000_000);
  });

  for (const coding of ['identity', 'gzip']) {
    it(`wait for a slow reader, and come whole (${coding})`, async () => {
      store.result = resultOf(50, 11_001);
      // Pieces of bytes are valid until the next one.
      const texts = Array.from(resultPieces(store.result, { at: 0 }), (piece) => Buffer.from(piece).toString());
      const expected = `{"status":"success","data":${texts.join('')}}`;
      const headers = { 'accept-encoding': coding };
      const path = '/api/v1/query?query=x';
      const request = get({ host: '127.0.0.1', port: server.port, path, headers, agent: false });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const chunks: Buffer[] = [];
      for await (const chunk of response) {
        chunks.push(chunk as Buffer);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const body = Buffer.concat(chunks);
      expect((coding === 'gzip' ? gunzipSync(body) : body).toString() === expected).to.equal(true);
    });

    it(`end when the reader hangs up, and the server goes on (${coding})`, async () => {
      store.result = resultOf(50, 11_001);
      const headers = { 'accept-encoding': coding };
      for (let i = 0; i < 3; i++) {
        const path = '/api/v1/query?query=x';
        const request = get({ host: '127.0.0.1', port: server.port, path, headers, agent: false });
        request.on('error', () => {});
        const [response] = (await once(request, 'response')) as [IncomingMessage];
        response.on('error', () => {});
        await once(response, 'data');
        request.destroy();
        await new Promise((resolve) => response.on('close', resolve));
      }
      store.result = resultOf(1, 1);
      expect((await query(coding)).status).to.equal(200);
    });
  }

  it('cancel their query when the client goes away', async () => {
    const asked = new Promise<void>((resolve) => {
      store.asked = resolve;
    });
    const request = get({ host: '127.0.0.1', port: server.port, path: '/api/v1/query?query=x', agent: false });
    request.on('error', () => {});
    await asked;
    request.destroy();
    while (store.aborted !== true) await new Promise((resolve) => setImmediate(resolve));
  });

  it('are 499 when the server is closed meanwhile', async () => {
    const asked = new Promise<void>((resolve) => {
      store.asked = resolve;
    });
    const answer = query();
    await asked;
    await server.stop();
    const { status, body } = await answer;
    expect(status).to.equal(499);
    expect(JSON.parse(body)).to.include({ status: 'error', errorType: 'canceled' });
  });
});
