/**
 * Programs of Prometheus: its command line asks our server, and Prometheus 2.42 answers the same questions about the same
 * data. Skipped where `prometheus` and `promtool` are not installed.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { hasPrometheus, type PrometheusServer, startPrometheus } from '../../promql/prometheus-server.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../../support/temporary-directory.ts';
import { ask } from '../http-client.ts';
import {
  encoded,
  type Parameters,
  type ServerWithData,
  serveSomeSeries,
  someSeries,
  start,
} from './server-with-data.ts';

const run = promisify(execFile);

const seconds = (offset: number): string => String(start / 1000 + offset);

/** At these times no sample lies exactly at the left end of a range, where Prometheus 2 and 3 differ. */
const instant = seconds(1230.5);
const range = { start: seconds(30.5), end: seconds(3400), step: '47' };

const expressions = [
  'up',
  'odd',
  'sum by (job) (up)',
  'count({__name__=~".+"})',
  'http_requests_total / ignoring (code) group_left sum without (code) (http_requests_total)',
  'increase(http_requests_total[5m])',
  'rate(http_requests_total{code="500"}[10m])',
  'delta(odd{kind="small"}[7m])',
  'histogram_quantile(0.9, latency_seconds_bucket)',
  'sum(rate(latency_seconds_bucket[5m])) by (le)',
  'max_over_time(up[10m])',
  'quantile_over_time(0.3, http_requests_total[20m])',
  'avg_over_time(sum(up)[10m:1m])',
  'up == 1',
  'up == bool 1',
  'odd > 0 or up',
  'absent(nothing{a="b"})',
  'topk(1, http_requests_total)',
  'count_values("v", up)',
  'label_replace(up, "host", "$1", "instance", "(.*):.*")',
  'time()',
  'vector(1e-7)',
  '1 / 0',
  '-1e300 * 10',
  'http_requests_total offset 7m',
  'http_requests_total @ 1600001000',
  'irate(http_requests_total[5m])',
  'changes(up[15m])',
  'scalar(up{instance="a:9100"})',
  'stddev by (job) (http_requests_total)',
];

const onlyInstant = ['sort(odd)', '"text"', 'up[3m]', 'odd{kind="small"}[4m]', '{__name__=~"u.*"}[90s]'];

const mistakes = [
  '',
  'sum(',
  'up{',
  'up{job}',
  'rate(up)',
  'up + ',
  '1 and 2',
  '1 == 2',
  'foo(up)',
  'sum(up) by',
  'up[0s]',
  '{a=""}',
  'up{a=~"("}'.replace('(', 'b'),
  'topk(up)',
  '"unclosed',
];

const formatted = [
  'up+1',
  'sum(rate(http_requests_total{code=~"5.."}[5m]))by(job)/sum(rate(http_requests_total[5m]))by(job)',
  'histogram_quantile(0.99,sum by(le,job)(rate(latency_seconds_bucket{job="shop",instance=~"a.*"}[5m])))> on(job) group_left() vector(1)',
  'up{job="node"}  unless   on(instance) (up == 0) and ignoring(instance) absent(nothing)',
];

const badParameters: readonly (readonly [string, Parameters])[] = [
  ['query', { query: '1', time: 'x' }],
  ['query', { query: '1', timeout: 'x' }],
  ['query', { query: '1', timeout: '1e300' }],
  ['query_range', { query: '1' }],
  ['query_range', { query: '1', start: '1' }],
  ['query_range', { query: '1', start: '2', end: '1', step: '1' }],
  ['query_range', { query: '1', start: '1', end: '2' }],
  ['query_range', { query: '1', start: '1', end: '2', step: '0' }],
  ['query_range', { query: '1', start: '1', end: '2', step: '1e300' }],
  ['query_range', { query: '1', start: '0', end: '11001', step: '1' }],
  ['series', {}],
  ['series', { 'match[]': '{a=""}' }],
  ['labels', { 'match[]': '{a=""}' }],
  ['labels', { start: 'x' }],
  ['metadata', { limit: 'x' }],
  ['rules', { type: 'x' }],
  ['query_exemplars', { query: 'up', start: '2', end: '1' }],
  ['query_exemplars', { query: 'test', start: String(start), end: String(start + 1) }],
  ['query_exemplars', { query: 'x{' }],
  ['alerts', {}],
  ['rules', {}],
  ['targets/metadata', {}],
  ['alertmanagers', {}],
  ['scrape_pools', {}],
  ['status/walreplay', {}],
  ['labels', {}],
  ['label/job/values', {}],
  ['label/job/values', { 'match[]': 'up' }],
  ['series', { 'match[]': ['up', 'odd'] }],
];

/** Prometheus 2.42 leaves the name of the parameter out in a mistake of a range query's expression. */
const withoutParameter = (body: string): string =>
  body.replace('"error":"invalid parameter \\"query\\": ', '"error":"');

describe('programs of Prometheus', () => {
  let server: ServerWithData;
  let prometheus: PrometheusServer;

  before(async function () {
    if (!hasPrometheus()) return this.skip();
    this.timeout(120_000);
    prometheus = await startPrometheus(someSeries, temporaryDirectory());
    server = await serveSomeSeries();
  });

  after(async () => {
    await prometheus?.stop();
    await server?.stop();
    removeTemporaryDirectories();
  });

  describe('promtool', () => {
    const both = async (...args: readonly string[]): Promise<readonly [string, string]> => {
      const [first, second] = await Promise.all(
        [server.port, prometheus.port].map((port) =>
          run(
            'promtool',
            args.map((arg) => (arg === 'SERVER' ? `http://127.0.0.1:${port}` : arg)),
          ),
        ),
      );
      return [first.stdout, second.stdout];
    };

    for (const args of [
      ['query', 'instant', `--time=${instant}`, 'SERVER', 'sort(http_requests_total)'],
      ['query', 'instant', `--time=${instant}`, 'SERVER', '1e300 * 3'],
      ['query', 'range', `--start=${range.start}`, `--end=${range.end}`, '--step=47s', 'SERVER', 'sum by (job) (up)'],
      ['query', 'series', '--match=up', '--match=odd', `--start=${seconds(0)}`, `--end=${seconds(3600)}`, 'SERVER'],
      ['query', 'labels', `--start=${seconds(0)}`, `--end=${seconds(3600)}`, 'SERVER', 'kind'],
    ]) {
      it(`prints the same for ${args.join(' ')}`, async () => {
        const [ours, theirs] = await both(...args);
        expect(ours).to.have.length.above(0);
        expect(ours).to.equal(theirs);
      });
    }
  });

  describe('Prometheus 2.42', () => {
    const both = (path: string, parameters: Parameters) => {
      const target = `/api/v1/${path}?${encoded(parameters)}`;
      return Promise.all([ask(server.port, target), ask(prometheus.port, target)]);
    };

    const same = async (path: string, parameters: Parameters, about?: string): Promise<void> => {
      const [ours, theirs] = await both(path, parameters);
      expect(withoutParameter(ours.body), about).to.equal(withoutParameter(theirs.body));
      expect(ours.status, about).to.equal(theirs.status);
    };

    it('gives the same answers at one time, to the letter', async () => {
      for (const query of [...expressions, ...onlyInstant]) {
        const [ours, theirs] = await both('query', { query, time: instant });
        expect(ours.status, query).to.equal(200);
        expect(inOrder(ours.body), query).to.equal(inOrder(theirs.body));
      }
    });

    it('gives the same answers over time, to the letter', async () => {
      for (const query of expressions) await same('query_range', { query, ...range }, query);
    });

    it('gives the same texts of mistakes', async () => {
      for (const query of mistakes) {
        await same('query', { query, time: instant }, query);
        await same('query_range', { query, ...range }, query);
        await same('format_query', { query }, query);
      }
    });

    it('formats in the same way', async () => {
      // Prometheus 3 prints numbers without an exponent.
      for (const query of [...expressions, ...formatted].filter((text) => !/\de-?\d/.test(text))) {
        const [ours, theirs] = await both('format_query', { query });
        // Go escapes < and > in JSON.
        expect(JSON.parse(ours.body), query).to.deep.equal(JSON.parse(theirs.body));
      }
    });

    it('refuses the same parameters, and has the same shapes', async () => {
      for (const [path, parameters] of badParameters) await same(path, parameters, `${path} ${encoded(parameters)}`);
    });
  });
});

/** The order of a vector is not specified, unless the expression sorts it. */
const inOrder = (body: string): string => {
  const answer = JSON.parse(body);
  if (answer.data?.resultType !== 'vector') return body;
  const [before, after] = body.split('"result":[');
  return `${before}"result":[${after
    .slice(0, -3)
    .split(/(?<=\}),(?=\{"metric")/)
    .sort()
    .join(',')}]}}`;
};
