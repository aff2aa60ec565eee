/**
 * Debian's Prometheus 2.42 and remote read, from both sides: Prometheus answers queries with the samples of a store, and
 * a store's answers are compared with those of Prometheus over the same series. Skipped where `prometheus` and
 * `promtool` are not installed.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { PagesServer } from '../../../src/http/index.ts';
import { type Labels, openStore, type QueryResult, type Store, systemClock } from '../../../src/index.ts';
import { formatLabels } from '../../../src/text/label-text.ts';
import { decodeReadRequest } from '../../../src/wire/read-messages.ts';
import { uncompress } from '../../../src/wire/snappy.ts';
import { XorChunkWriter } from '../../../src/wire/xor-chunk.ts';
import { columnsOf, differenceOf, randomQuery } from '../../promql/answers.ts';
import type { ObviousSeries } from '../../promql/obvious.ts';
import {
  hasPrometheus,
  type PrometheusAnswer,
  type PrometheusServer,
  startConfigured,
  startPrometheus,
} from '../../promql/prometheus-server.ts';
import { commonRangeFunctions, randomExpression, textOf } from '../../promql/random-expressions.ts';
import { randomSeries } from '../../promql/random-series.ts';
import { seeded } from '../../support/seeded.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../../support/temporary-directory.ts';
import { decodeXorChunk } from '../../wire/xor-decoder.ts';
import {
  decodeFrames,
  decodeSamples,
  EQ,
  NEQ,
  NRE,
  post,
  type Query,
  RE,
  readRequest,
  SAMPLES,
  type Series,
  STREAMED,
  seriesOfFrames,
} from './read-client.ts';

const EXPRESSIONS = 400;
const hour = 3_600_000;
/** The beginning of a block of two hours. */
const start = Math.floor(1_600_000_000_000 / (2 * hour)) * 2 * hour;
const span = { start, end: start + hour };
const token = 'the-token-of-this-test';

const fill = async (store: Store, series: readonly ObviousSeries[]): Promise<void> => {
  for await (const batch of columnsOf(series).select({ matchers: [], from: -Infinity, through: Infinity } as never)) {
    const columns = batch.map(({ labels, timestamps, values }) => {
      const named: Record<string, string> = {};
      for (let i = 0; i < labels.length; i += 2) named[labels[i]] = labels[i + 1];
      const bits = new BigUint64Array(values.buffer, values.byteOffset, values.length);
      // The text "NaN" is this NaN to Prometheus.
      bits.forEach((pattern, i) => {
        if (pattern === 0x7ff8000000000000n) bits[i] = 0x7ff8000000000001n;
      });
      return { labels: named, timestamps, values };
    });
    const { rejected } = await store.backfill(columns);
    expect(rejected).to.deep.equal([]);
  }
};

const answerOf = ({ series }: QueryResult) => ({
  series: series.map(({ labels, timestamps, values }) => ({
    labels,
    points: [...timestamps].map((time, i) => ({ time, value: values[i] })),
  })),
});

const pointsOf = (answer: PrometheusAnswer): number => {
  if ('error' in answer) throw new Error(answer.error);
  return answer.series.reduce((sum, { points }) => sum + points.length, 0);
};

/** Prometheus leaves out values that are equal to 0 from its plain answer, so that -0 becomes 0. */
const withoutSignOfZero = (result: readonly Series[]): readonly Series[] =>
  result.map(({ labels, samples }) => ({
    labels,
    samples: samples.map(([time, bits]) => [time, bits === '8000000000000000' ? '0000000000000000' : bits] as const),
  }));

/** Expressions whose numbers are the same in both engines when ranges are closed; rate is not among them. */
const expressions = [
  'a',
  'a{x=~"2.*",y!="p"}',
  '{__name__=~"a|b",y!~"p|q"}',
  's',
  'irate(c_total[5m])',
  'sum by (x) (resets(c_total[20m] offset 5m))',
  'delta(a[10m])',
  'max_over_time(a[15m:1m])',
  'count({__name__=~".+"})',
  'histogram_quantile(0.9, sum by (le, x) (delta(h_bucket[10m])))',
  `last_over_time(b[10m] @ ${start / 1000 + 1800})`,
  'a - on (x, y) b',
];

describe('remote read and Prometheus 2.42', () => {
  let store: Store;
  let pages: PagesServer;
  const running: PrometheusServer[] = [];
  const cleanUps: (() => void)[] = [];

  before(function () {
    if (!hasPrometheus()) this.skip();
  });

  beforeEach(async () => {
    store = await openStore(temporaryDirectory(), { retention: 'off' });
    pages = new PagesServer({ clock: systemClock, token });
    await pages.listen();
    pages.showStore(store);
  });

  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0)) cleanUp();
    for (const server of running.splice(0)) await server.stop();
    await pages.close();
    await store.close();
    removeTemporaryDirectories();
  });

  const keep = async (starting: Promise<PrometheusServer>): Promise<PrometheusServer> => {
    const server = await starting;
    running.push(server);
    return server;
  };

  /** A Prometheus without samples of its own that reads the store. */
  const reader = (more: { global?: string; remote?: string } = {}): Promise<PrometheusServer> =>
    keep(
      startConfigured(
        `global: ${more.global ?? '{}'}
remote_read:
  - url: http://127.0.0.1:${pages.port}/api/v1/read
    read_recent: true
    authorization: { credentials: ${token} }
${more.remote ?? ''}`,
        temporaryDirectory(),
      ),
    );

  const authorized = {
    'content-type': 'application/x-protobuf',
    'content-encoding': 'snappy',
    authorization: `Bearer ${token}`,
  };

  for (const seed of [1, 2]) {
    it(`Prometheus gives the same answers from a store as from its own blocks (seed ${seed})`, async function () {
      this.timeout(300_000);
      const random = seeded(2000 + seed);
      const series = randomSeries(random, { ...span, withStaleMarkers: false });
      await fill(store, series);
      const local = await keep(startPrometheus(series, temporaryDirectory()));
      const remote = await reader();
      const flavour = { around: start / 1000 + 1800, rangeFunctions: commonRangeFunctions, unpinned: [] };
      const failures: string[] = [];
      let points = 0;
      for (let i = 0; i < EXPRESSIONS; i++) {
        const text = textOf(randomExpression(random, flavour));
        const query = randomQuery(random, span);
        const ask = (server: PrometheusServer): Promise<PrometheusAnswer> =>
          query.isInstant ? server.query(text, query.start) : server.queryRange(text, query);
        const [expected, got] = [await ask(local), await ask(remote)];
        if (!('error' in expected)) points += pointsOf(expected);
        const difference = differenceOf(expected, got);
        if (difference !== undefined) failures.push(`${text} ${JSON.stringify(query)}: ${difference}`);
      }
      expect(failures.join('\n')).to.equal('');
      expect(points).to.be.above(EXPRESSIONS);
    });
  }

  it('Prometheus gives the numbers of store.query, also where series end with stale markers', async function () {
    this.timeout(120_000);
    await fill(store, randomSeries(seeded(7), { ...span, withStaleMarkers: true }));
    const remote = await reader();
    const range = { from: start + 600_000, through: span.end, step: 60_000 };
    for (const text of expressions) {
      const got = await remote.queryRange(text, { start: range.from, end: range.through, stepMs: range.step });
      const own = answerOf(await store.queryRange(text, { ...range, closedRanges: true }));
      expect(differenceOf(own, got), text).to.equal(undefined);
      expect(pointsOf(got), text).to.be.above(0);
      const at = start + 1_800_123;
      const instant = answerOf(await store.query(text, { at, closedRanges: true }));
      expect(differenceOf(instant, await remote.query(text, at)), text).to.equal(undefined);
    }
  });

  it('Prometheus lists the series of a store', async function () {
    this.timeout(120_000);
    const series = randomSeries(seeded(9), { ...span, withStaleMarkers: false });
    await fill(store, series);
    const remote = await reader();
    const answer = await fetch(`http://127.0.0.1:${remote.port}/api/v1/series?match[]={__name__=~".%2B"}`);
    const { data } = (await answer.json()) as { data: Labels[] };
    const texts = (list: readonly Labels[]): string[] => list.map(formatLabels).sort();
    expect(texts(data)).to.deep.equal(texts(series.map(({ labels }) => labels)));
  });

  it('Prometheus 2.42 reads plain samples: it has no reader of streamed chunks, as 3.x has', async function () {
    this.timeout(120_000);
    const at = start + 60_000;
    await store.backfill({ labels: { __name__: 'm' }, timestamps: [at], values: [7] });
    const asked: { readonly accepted: readonly number[]; readonly type: string | undefined }[] = [];
    // Between the two, a server that notes what is asked and what is answered.
    const between = createServer(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
      const body = Buffer.concat(pieces);
      const { status, headers, body: answer } = await post(pages.port, body, authorized);
      const { accepted } = decodeReadRequest(uncompress(body, 1e6), { queries: 10, matchers: 100 });
      asked.push({ accepted, type: headers['content-type'] });
      response.writeHead(status, { 'content-type': headers['content-type'], 'content-encoding': 'snappy' });
      response.end(answer);
    }).listen(0, '127.0.0.1');
    await once(between, 'listening');
    cleanUps.push(() => {
      between.close();
      between.closeAllConnections();
    });
    const { port } = between.address() as AddressInfo;
    const remote = await keep(
      startConfigured(
        `remote_read: [{ url: 'http://127.0.0.1:${port}/api/v1/read', read_recent: true }]\n`,
        temporaryDirectory(),
      ),
    );
    expect(pointsOf(await remote.query('m', at))).to.equal(1);
    expect(asked).to.deep.equal([{ accepted: [], type: 'application/x-protobuf' }]);
    // What a reader of 3.x asks for: streamed chunks first, samples otherwise.
    const both = readRequest([{ from: at, through: at, matchers: [['__name__', EQ, 'm']] }], [STREAMED, SAMPLES]);
    for (const server of [pages.port, remote.port]) {
      const { headers } = await post(server, both, authorized);
      expect(headers).to.include({
        'content-type': 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse',
        'transfer-encoding': 'chunked',
      });
      expect(headers['content-encoding']).to.equal(undefined);
    }
  });

  it('Prometheus with external labels finds the series that have them, or all of them if it does not filter', async function () {
    this.timeout(120_000);
    const at = start + 60_000;
    await store.backfill([
      { labels: { __name__: 'm', cluster: 'eu', job: 'a' }, timestamps: [at], values: [1] },
      { labels: { __name__: 'm', cluster: 'us', job: 'a' }, timestamps: [at], values: [2] },
      { labels: { __name__: 'm', job: 'a' }, timestamps: [at], values: [3] },
    ]);
    const global = '{ external_labels: { cluster: eu } }';
    const filtering = await reader({ global });
    const open = await reader({ global, remote: '    filter_external_labels: false\n' });
    const point = (value: number) => [{ time: at, value }];
    const ofEu = { labels: { __name__: 'm', job: 'a' }, points: point(1) };
    expect(await filtering.query('m', at)).to.deep.include({ series: [ofEu] });
    expect(await filtering.query('m{cluster="us"}', at)).to.deep.include({
      series: [{ labels: { __name__: 'm', cluster: 'us', job: 'a' }, points: point(2) }],
    });
    const all = await open.query('sum by (cluster) (m)', at);
    expect(differenceOf(answerOf(await store.query('sum by (cluster) (m)', { at })), all)).to.equal(undefined);
    expect(pointsOf(all)).to.equal(3);
  });

  it('a store answers both forms as Prometheus does, to the last bit of every chunk', async function () {
    this.timeout(120_000);
    // One block, and fewer than 30 samples a series: Prometheus then cuts no chunk where the store would not.
    const times = { start, end: start + 20 * 60_000 };
    const series = randomSeries(seeded(11), { ...times, withStaleMarkers: false }).map(({ labels, points }) => ({
      labels,
      points: points.slice(0, 29),
    }));
    await fill(store, series);
    const prometheus = await keep(startPrometheus(series, temporaryDirectory()));
    const matcherLists: Query['matchers'][] = [
      [['__name__', RE, '.+']],
      [
        ['__name__', EQ, 'a'],
        ['y', NEQ, 'p'],
      ],
      [
        ['x', RE, '2.*'],
        ['y', NRE, 'p|q'],
      ],
      [
        ['y', EQ, ''],
        ['x', NEQ, ''],
      ],
      [],
    ];
    const whole = { from: times.start, through: times.end };
    const queries: Query[] = [
      ...matcherLists.map((matchers) => ({ ...whole, matchers })),
      { from: times.start + 300_000, through: times.start + 600_000, matchers: matcherLists[0] },
    ];
    const both = async (type: number): Promise<readonly [Buffer, Buffer]> => {
      const answers = await Promise.all(
        [prometheus.port, pages.port].map((port) => post(port, readRequest(queries, [type]), authorized)),
      );
      expect(answers.map(({ status }) => status)).to.deep.equal([200, 200]);
      expect(answers[1].headers['content-type']).to.equal(answers[0].headers['content-type']);
      return [answers[0].body, answers[1].body];
    };
    const [theirs, ours] = await both(SAMPLES);
    const expected = decodeSamples(theirs);
    expect(decodeSamples(ours).map(withoutSignOfZero)).to.deep.equal(expected);
    const [theirStream, ourStream] = await both(STREAMED);
    expect(seriesOfFrames(decodeFrames(ourStream), queries.length).map(withoutSignOfZero)).to.deep.equal(expected);
    // Where the last bit of a chunk ends a byte, Prometheus may have an empty byte after it.
    const framesOf = (stream: Buffer) =>
      decodeFrames(stream).map(({ queryIndex, labels, chunks }) => ({
        queryIndex,
        labels,
        chunks: chunks.map(({ from, through, data }) => {
          const spareBytes = decodeXorChunk(data).spare.length;
          return { from, through, data: data.subarray(0, data.length - spareBytes).toString('hex') };
        }),
      }));
    expect(framesOf(ourStream)).to.deep.equal(framesOf(theirStream));
    expect(decodeFrames(theirStream).length).to.be.above(50);
  });

  it('chunks of the same samples have the same bytes', async function () {
    this.timeout(120_000);
    const series = randomSeries(seeded(13), { ...span, withStaleMarkers: false });
    const prometheus = await keep(startPrometheus(series, temporaryDirectory()));
    const everything = { from: span.start, through: span.end, matchers: [['__name__', RE, '.+']] } satisfies Query;
    const { body } = await post(prometheus.port, readRequest([everything], [STREAMED]));
    const writer = new XorChunkWriter();
    let sampleCount = 0;
    for (const { labels, chunks } of decodeFrames(body)) {
      for (const { data } of chunks) {
        const { times, bits, spare } = decodeXorChunk(data);
        expect(Buffer.from(spare).toString('hex'), labels).to.be.oneOf(['', '00']);
        const whole = data.subarray(0, data.length - spare.length);
        const words = new Int32Array(BigUint64Array.from(bits).buffer);
        const end = writer.write(Float64Array.from(times, Number), words, 0);
        // Prometheus' chunks may have a few more samples: then the beginning is compared, without the unfinished byte.
        const isWhole = end === times.length;
        const compared = isWhole ? whole.length : writer.chunk.length - 1;
        expect(writer.chunk.subarray(2, compared).toString('hex'), labels).to.equal(
          whole.subarray(2, compared).toString('hex'),
        );
        if (isWhole) expect(writer.chunk.toString('hex')).to.equal(whole.toString('hex'));
        sampleCount += times.length;
      }
    }
    expect(sampleCount).to.equal(series.reduce((sum, { points }) => sum + points.length, 0));
  });
});
