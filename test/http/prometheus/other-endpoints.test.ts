/** Endpoints that are not about samples: metadata, expressions as trees, status, rules, and what only a scraper has. */

import { expect } from 'chai';
import { Counter, Gauge, Registry } from 'prom-client';
import type { RuleGroupState } from '../../../src/http/rules-source.ts';
import { openStore, recordRegistry, type Store } from '../../../src/index.ts';
import { systemClock } from '../../../src/ports/clock.ts';
import { removeTemporaryDirectories, temporaryDirectory } from '../../support/temporary-directory.ts';
import { ask } from '../http-client.ts';
import { dataOf, type Parameters, type ServerWithData, serve } from './server-with-data.ts';

const at = Date.parse('2026-01-02T03:04:05.678Z');

const groups: readonly RuleGroupState[] = [
  {
    name: 'second',
    file: 'a.yml',
    intervalMs: 60_000,
    limit: 0,
    rules: [
      {
        type: 'recording',
        name: 'job:up',
        expr: 'sum(up)',
        labels: {},
        health: 'unknown',
        lastError: '',
        lastEvaluation: 0,
        evaluationMs: 0,
      },
    ],
    evaluationMs: 0,
    lastEvaluation: 0,
  },
  {
    name: 'first',
    file: 'a.yml',
    intervalMs: 30_500,
    limit: 10,
    rules: [
      {
        type: 'alerting',
        name: 'Down',
        expr: 'up == 0',
        labels: { severity: 'page' },
        annotations: { summary: 'it is down' },
        state: 'firing',
        forMs: 300_000,
        keepFiringForMs: 0,
        alerts: [
          {
            labels: { alertname: 'Down', severity: 'page' },
            annotations: { summary: 'it is down' },
            state: 'firing',
            activeAt: at,
            value: 1,
          },
        ],
        health: 'ok',
        lastError: '',
        evaluationMs: 1.5,
        lastEvaluation: at,
      },
      {
        type: 'recording',
        name: 'job:load',
        expr: 'sum(load)',
        labels: { tier: 'x' },
        health: 'err',
        lastError: 'too many series',
        evaluationMs: 2,
        lastEvaluation: at,
      },
    ],
    evaluationMs: 3.5,
    lastEvaluation: at,
  },
];

describe('other endpoints of the HTTP API', () => {
  let store: Store;
  let server: ServerWithData;
  const shown = new Registry();

  before(async () => {
    new Gauge({ name: 'shown', help: 'A gauge that the server shows.', registers: [shown] });
    store = await openStore(temporaryDirectory(), { retention: '15d' });
    server = await serve(store, { registries: [shown], rules: { groups: () => groups } });
  });

  after(async () => {
    await server.stop();
    removeTemporaryDirectories();
  });

  const data = async (path: string, parameters: Parameters = {}) => {
    const answer = await server.get(path, parameters);
    expect(answer.status, answer.body).to.equal(200);
    return dataOf(answer);
  };
  const errorOf = async (path: string, parameters: Parameters): Promise<string> => {
    const answer = await server.get(path, parameters);
    expect(answer.status).to.equal(400);
    return JSON.parse(answer.body).error;
  };

  describe('metadata', () => {
    /** Resolves when the metric has so many descriptions: a recording collects the registry in turns of the event loop. */
    const described = async (metric: string, count: number): Promise<void> => {
      while ((await data('metadata', { metric }))[metric]?.length !== count) await systemClock.breathe();
    };

    it("has the store's own metrics and those of registries that the server shows", async () => {
      const all = await data('metadata');
      expect(all.shown).to.deep.equal([{ type: 'gauge', help: 'A gauge that the server shows.', unit: '' }]);
      expect(all.prometheus_local_storage_memory_series[0]).to.include({ type: 'gauge' });
      expect(Object.keys(all)).to.deep.equal(Object.keys(all).sort());
    });

    it('has metrics that were recorded into the store, under the names of their series', async () => {
      const registry = new Registry();
      registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
      new Counter({ name: 'jobs', help: 'Jobs done.', registers: [registry] });
      const recording = recordRegistry(store, registry, { interval: '1h' });
      await described('jobs_total', 1);
      expect(await data('metadata', { metric: 'jobs_total' })).to.deep.equal({
        jobs_total: [{ type: 'counter', help: 'Jobs done.', unit: '' }],
      });
      await recording.stop();
      await recording.stop();
      // The samples stay, and so does what is known of them.
      expect(await data('metadata', { metric: 'jobs_total' })).to.have.property('jobs_total');
    });

    it('lists both where two registries disagree, and no more than asked for', async () => {
      const registry = new Registry();
      new Gauge({ name: 'shown', help: 'Another help.', registers: [registry] });
      const recording = recordRegistry(store, registry, { interval: '1h' });
      await described('shown', 2);
      expect((await data('metadata', { metric: 'shown' })).shown).to.have.length(2);
      expect((await data('metadata', { metric: 'shown', limit_per_metric: '1' })).shown).to.have.length(1);
      await recording.stop();
      expect(Object.keys(await data('metadata', { limit: '3' }))).to.have.length(3);
      expect(await data('metadata', { limit: '0' })).to.deep.equal({});
      expect(Object.keys(await data('metadata', { limit: '-1' }))).to.have.length.above(3);
      expect(await errorOf('metadata', { limit: 'x' })).to.equal('limit must be a number');
      expect(await errorOf('metadata', { limit_per_metric: 'x' })).to.equal('limit_per_metric must be a number');
    });
  });

  describe('expressions', () => {
    it('are formatted', async () => {
      expect(await data('format_query', { query: 'foo/bar' })).to.equal('foo / bar');
      expect(await errorOf('format_query', { query: 'foo/' })).to.equal(
        'invalid parameter "query": 1:5: parse error: unexpected end of input',
      );
    });

    it('are formatted within a moment, however deep they are', async () => {
      const long = `a{x="${'y'.repeat(200)}"}`;
      const query = Array(900).fill(long).join(' + ');
      expect(dataOf(await server.post('format_query', { query })).split('\n')).to.have.length(1799);
    });

    it('are trees', async () => {
      const name = (value: string) => ({ name: '__name__', type: '=', value });
      const text = 'a{b!="c"} * on (x) group_left (y) -sum by (x) (b offset 5m @ 1.5)';
      expect(await data('parse_query', { query: text })).to.deep.equal({
        type: 'binaryExpr',
        op: '*',
        bool: false,
        lhs: {
          type: 'vectorSelector',
          name: 'a',
          matchers: [{ name: 'b', type: '!=', value: 'c' }, name('a')],
          offset: 0,
          timestamp: null,
          startOrEnd: null,
          anchored: false,
          smoothed: false,
        },
        rhs: {
          type: 'unaryExpr',
          op: '-',
          expr: {
            type: 'aggregation',
            op: 'sum',
            grouping: ['x'],
            without: false,
            param: null,
            expr: {
              type: 'vectorSelector',
              name: 'b',
              matchers: [name('b')],
              offset: 300_000,
              timestamp: 1500,
              startOrEnd: null,
              anchored: false,
              smoothed: false,
            },
          },
        },
        matching: {
          card: 'many-to-one',
          on: true,
          labels: ['x'],
          include: ['y'],
          fillValues: { lhs: null, rhs: null },
        },
      });
      expect(await data('parse_query', { query: 'topk(3, rate(a[5m] @ end())) > bool (1e3)' })).to.deep.equal({
        type: 'binaryExpr',
        op: '>',
        bool: true,
        matching: null,
        lhs: {
          type: 'aggregation',
          op: 'topk',
          grouping: [],
          without: false,
          param: { type: 'numberLiteral', val: '3' },
          expr: {
            type: 'call',
            func: { name: 'rate', argTypes: ['matrix'], variadic: 0, returnType: 'vector' },
            args: [
              {
                type: 'matrixSelector',
                name: 'a',
                matchers: [name('a')],
                range: 300_000,
                offset: 0,
                timestamp: null,
                startOrEnd: 'end',
                anchored: false,
                smoothed: false,
              },
            ],
          },
        },
        rhs: { type: 'parenExpr', expr: { type: 'numberLiteral', val: '1000' } },
      });
      expect(await data('parse_query', { query: 'label_join({"a.b", c=""}, "d", "e")' })).to.deep.include({
        type: 'call',
        func: {
          name: 'label_join',
          argTypes: ['vector', 'string', 'string', 'string'],
          variadic: -1,
          returnType: 'vector',
        },
      });
      const subquery = await data('parse_query', { query: 'max_over_time({"a.b", c=""}[1h:] offset -5m)' });
      expect(subquery.args[0]).to.deep.include({ type: 'subquery', range: 3_600_000, step: 0, offset: -300_000 });
      expect(subquery.args[0].expr).to.deep.include({
        name: '',
        matchers: [name('a.b'), { name: 'c', type: '=', value: '' }],
      });
      const dynamic = await data('parse_query', { query: 'rate(a[step() + 1m])' });
      expect(dynamic.args[0].range).to.equal(0);
      expect(await errorOf('parse_query', {})).to.equal(
        'invalid parameter "query": 1:1: parse error: no expression found in input',
      );
    });

    it('have no exemplars', async () => {
      expect(
        await data('query_exemplars', { query: 'up', start: '1600000000000', end: '1600000000001' }),
      ).to.deep.equal([]);
      expect(await errorOf('query_exemplars', { query: 'up', start: '2', end: '1' })).to.equal(
        'end timestamp must not be before start timestamp',
      );
      expect(await errorOf('query_exemplars', { query: 'up{' })).to.match(/^1:4: parse error: /);
      expect(await errorOf('query_exemplars', { query: 'up', start: 'x' })).to.match(/^invalid parameter "start": /);
    });
  });

  describe('lists of what exists', () => {
    it('refuse what is no selector, in the words of Prometheus', async () => {
      const wrong = await errorOf('labels', { 'match[]': '{{' });
      expect(wrong)
        .to.match(/^1:2: parse error: /)
        .and.not.contain('TIDEMARK');
      expect(await errorOf('series', { 'match[]': '{{' })).to.equal(`invalid parameter "match[]": ${wrong}`);
      expect(await errorOf('labels', { 'match[]': '{a=""}' })).to.equal(
        'match[] must contain at least one non-empty matcher',
      );
      expect(await errorOf('label/a/values', { 'match[]': 'rate(a[5m])' })).to.match(/^match\[\] takes selectors/);
      expect(await errorOf('label/a/values', { 'match[]': 'up @ 5' })).to.match(/^match\[\] takes selectors/);
      expect(await errorOf('series', { 'match[]': 'up', limit: '-1' })).to.equal(
        'invalid parameter "limit": limit must be non-negative',
      );
      expect(await errorOf('labels', { start: 'x' })).to.equal(
        'invalid parameter "start": Invalid time value for \'start\': cannot parse "x" to a valid timestamp',
      );
    });

    it('have the right order, however many there are', async () => {
      for (let i = 0; i < 3000; i++) store.append({ __name__: 'many', id: String((i * 7919) % 3000) }, Date.now(), 1);
      const ids = Array.from({ length: 3000 }, (_, i) => String(i)).sort();
      expect(await data('label/id/values', { 'match[]': 'many' })).to.deep.equal(ids);
      expect(await data('label/id/values')).to.deep.equal(ids);
      const series = await data('series', { 'match[]': 'many' });
      expect(series.map(({ id }: { id: string }) => id)).to.deep.equal(ids);
      expect(await data('series', { 'match[]': 'many', limit: '2' })).to.deep.equal([
        { __name__: 'many', id: '0' },
        { __name__: 'many', id: '1' },
      ]);
    });
  });

  describe('status', () => {
    it('tells both versions', async () => {
      const build = await data('status/buildinfo');
      expect(build.version).to.equal('3.14.0');
      expect(build.applicationVersion).to.match(/^\d+\.\d+\.\d+/);
      expect(build.goVersion).to.equal('');
    });

    it('has the shapes of Prometheus', async () => {
      expect(await data('status/runtimeinfo')).to.include({
        CWD: process.cwd(),
        reloadConfigSuccess: true,
        corruptionCount: 0,
        storageRetention: '15d',
      });
      expect(await data('status/config')).to.deep.equal({ yaml: '' });
      const flags = await data('status/flags');
      expect(flags['query.lookback-delta']).to.equal('5m');
      for (const value of Object.values(flags)) expect(value).to.be.a('string');
      expect(await data('status/walreplay')).to.deep.equal({ min: 0, max: 0, current: 0 });
      const storage = await data('status/tsdb', { limit: '1' });
      expect(storage.seriesCountByMetricName).to.have.length(1);
      expect(storage.memoryInBytesByLabelName).to.deep.equal([]);
      expect(await errorOf('status/tsdb', { limit: '0' })).to.equal('limit must be a positive number');
    });
  });

  it('has nothing of what only a scraping server has', async () => {
    expect(await data('targets', { state: 'active' })).to.deep.equal({
      activeTargets: [],
      droppedTargets: [],
      droppedTargetCounts: {},
    });
    expect(await data('targets/metadata', { match_target: '{job="x"}', metric: 'up' })).to.deep.equal([]);
    expect(await errorOf('targets/metadata', { match_target: '{' })).to.match(/^invalid parameter "match_target": /);
    expect(await data('scrape_pools')).to.deep.equal({ scrapePools: [] });
    expect(await data('alertmanagers')).to.deep.equal({ activeAlertmanagers: [], droppedAlertmanagers: [] });
    expect(await data('notifications')).to.deep.equal([]);
    expect(await data('features')).to.deep.equal({});
    expect((await ask(server.port, '/api/v1/notifications/live')).status).to.equal(204);
  });

  describe('rules', () => {
    const namesOf = async (parameters: Parameters): Promise<string[]> =>
      (await data('rules', parameters)).groups.flatMap(({ rules }: { rules: { name: string }[] }) =>
        rules.map(({ name }) => name),
      );

    it('are listed as Prometheus lists them', async () => {
      expect((await data('rules')).groups[0]).to.deep.equal({
        name: 'first',
        file: 'a.yml',
        interval: 30.5,
        limit: 10,
        evaluationTime: 0.0035,
        lastEvaluation: '2026-01-02T03:04:05.678Z',
        rules: [
          {
            state: 'firing',
            name: 'Down',
            query: 'up == 0',
            duration: 300,
            keepFiringFor: 0,
            labels: { severity: 'page' },
            annotations: { summary: 'it is down' },
            alerts: [
              {
                labels: { alertname: 'Down', severity: 'page' },
                annotations: { summary: 'it is down' },
                state: 'firing',
                activeAt: '2026-01-02T03:04:05.678Z',
                value: '1e+00',
              },
            ],
            health: 'ok',
            evaluationTime: 0.0015,
            lastEvaluation: '2026-01-02T03:04:05.678Z',
            type: 'alerting',
          },
          {
            name: 'job:load',
            query: 'sum(load)',
            labels: { tier: 'x' },
            health: 'err',
            lastError: 'too many series',
            evaluationTime: 0.002,
            lastEvaluation: '2026-01-02T03:04:05.678Z',
            type: 'recording',
          },
        ],
      });
      expect((await data('rules')).groups[1].lastEvaluation).to.equal('0001-01-01T00:00:00Z');
      expect((await data('alerts')).alerts).to.have.length(1);
    });

    it('are filtered', async () => {
      expect(await namesOf({})).to.deep.equal(['Down', 'job:load', 'job:up']);
      expect(await namesOf({ type: 'alert' })).to.deep.equal(['Down']);
      expect(await namesOf({ type: 'Record' })).to.deep.equal(['job:load', 'job:up']);
      expect(await namesOf({ 'rule_name[]': ['Down', 'job:up'] })).to.deep.equal(['Down', 'job:up']);
      expect(await namesOf({ 'rule_group[]': 'second' })).to.deep.equal(['job:up']);
      expect(await namesOf({ 'file[]': 'b.yml' })).to.deep.equal([]);
      expect(await namesOf({ 'match[]': '{severity=~"p.*"}' })).to.deep.equal(['Down']);
      expect(await namesOf({ 'match[]': ['{severity="page"}', '{tier="x"}'] })).to.deep.equal(['Down', 'job:load']);
      const [group] = (await data('rules', { exclude_alerts: 'true', type: 'alert' })).groups;
      expect(group.rules[0].alerts).to.deep.equal([]);
    });

    it('come in pages', async () => {
      const first = await data('rules', { group_limit: '1' });
      expect(first.groups.map(({ name }: { name: string }) => name)).to.deep.equal(['first']);
      const second = await data('rules', { group_limit: '1', group_next_token: first.groupNextToken });
      expect(second.groups.map(({ name }: { name: string }) => name)).to.deep.equal(['second']);
      expect(second).not.to.have.property('groupNextToken');
    });

    it('refuse filters that are wrong', async () => {
      for (const [parameters, error] of [
        [{ type: 'x' }, /^invalid parameter "type": not supported value "x"$/],
        [{ exclude_alerts: 'x' }, /^invalid parameter "exclude_alerts": error converting exclude_alerts: /],
        [{ group_limit: 'x' }, /^invalid parameter "group_limit": group_limit needs to be a valid number: /],
        [{ group_limit: '0' }, /^invalid parameter "group_limit": group_limit needs to be greater than 0$/],
        [{ group_next_token: 'x' }, /^invalid parameter "group_next_token": group_limit needs to be present/],
        [{ group_limit: '1', group_next_token: 'x' }, /were rule groups changed\?$/],
        [{ 'match[]': '{' }, /parse error/],
      ] as const)
        expect(await errorOf('rules', parameters)).to.match(error);
    });

    it('are none without a source', async () => {
      const plain = await serve(await openStore(temporaryDirectory()));
      expect(dataOf(await plain.get('rules'))).to.deep.equal({ groups: [] });
      expect(dataOf(await plain.get('alerts'))).to.deep.equal({ alerts: [] });
      await plain.stop();
    });
  });
});
