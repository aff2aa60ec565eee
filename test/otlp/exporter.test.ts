/**
 * The exporter with the metrics SDK of OpenTelemetry, and the SDK's own exporters against the endpoint of a real server:
 * the three ways give the same series.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Attributes, DiagLogLevel, diag } from '@opentelemetry/api';
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  InstrumentType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { expect } from 'chai';
import { PagesServer } from '../../src/http/server.ts';
import { openStore, type Store, systemClock } from '../../src/index.ts';
import { TidemarkExporter } from '../../src/opentelemetry/index.ts';
import type { SdkExportResult, SdkResourceMetrics } from '../../src/opentelemetry/sdk-types.ts';

const attributes: Attributes = {
  'http.route': '/cart',
  retried: false,
  size: 12,
  ratio: 0.5,
  tags: ['a', 'b'],
};

/** Records with every kind of instrument. */
const record = (provider: MeterProvider): void => {
  const meter = provider.getMeter('shop', '1.0');
  const requests = meter.createCounter('http.requests', { unit: '{request}' });
  requests.add(3, attributes);
  requests.add(2.5, { other: 'ü "quoted"\n' });
  meter.createUpDownCounter('open.connections').add(-4);
  const duration = meter.createHistogram('http.duration', {
    unit: 's',
    advice: { explicitBucketBoundaries: [0.005, 1, 2.5] },
  });
  for (const seconds of [0.001, 0.5, 2, 9]) duration.record(seconds, attributes);
  meter.createGauge('room.temperature', { unit: 'Cel' }).record(21.5);
  meter.createObservableGauge('load', { unit: '1' }).addCallback((result) => result.observe(0.25, { cpu: 1 }));
  meter.createObservableCounter('sent', { unit: 'By' }).addCallback((result) => result.observe(2 ** 53 - 1));
  meter.createObservableUpDownCounter('queue').addCallback((result) => result.observe(Number.NaN));
};

const resource = resourceFromAttributes({
  'service.name': 'cart',
  'service.namespace': 'shop',
  'service.instance.id': '7f',
  'host.name': 'h1',
  'process.pid': 42,
});

describe('the exporter for the metrics SDK', () => {
  let directory: string;
  let store: Store;
  let providers: MeterProvider[];
  let ends: (() => Promise<void>)[];

  const provide = (exporter: PushMetricExporter): MeterProvider => {
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
    const provider = new MeterProvider({ resource, readers: [reader] });
    providers.push(provider);
    return provider;
  };

  const contents = async (from: Store): Promise<Record<string, number[]>> => {
    const found: Record<string, number[]> = {};
    for await (const { labels, values } of from.select('{__name__=~".+"}')) {
      const names = Object.keys(labels).sort();
      found[JSON.stringify(labels, names)] = [...values];
    }
    return found;
  };

  const firstOf = (series: Record<string, number[]>): Record<string, number> =>
    Object.fromEntries(Object.entries(series).map(([labels, values]) => [labels, values[0]]));

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-otel-'));
    store = await openStore(join(directory, 'data'));
    providers = [];
    ends = [];
  });

  afterEach(async () => {
    await Promise.allSettled(providers.map((provider) => provider.shutdown()));
    for (const end of ends) await end();
    await store.close();
    diag.disable();
    rmSync(directory, { recursive: true, force: true });
  });

  it('appends what was recorded', async () => {
    const provider = provide(new TidemarkExporter(store));
    record(provider);
    await provider.forceFlush();
    const labels =
      '{http_route="/cart",instance="7f",job="shop/cart",ratio="0.5",retried="false",size="12",tags="[\\"a\\",\\"b\\"]"';
    const one = async (query: string): Promise<number[]> =>
      (await store.query(query)).series.map(({ values }) => values[0]);
    expect(await one(`http_requests_total${labels}}`)).to.deep.equal([3]);
    expect(await one(`sum(http_requests_total)`)).to.deep.equal([5.5]);
    expect(await one('open_connections')).to.deep.equal([-4]);
    expect(await one('http_duration_seconds_count')).to.deep.equal([4]);
    expect(await one('http_duration_seconds_sum')).to.deep.equal([11.501]);
    for (const [le, count] of [
      ['0.005', 1],
      ['1', 2],
      ['2.5', 3],
      ['+Inf', 4],
    ])
      expect(await one(`http_duration_seconds_bucket${labels},le="${le}"}`), String(le)).to.deep.equal([count]);
    expect(await one('room_temperature_celsius')).to.deep.equal([21.5]);
    expect(await one('load_ratio{cpu="1"}')).to.deep.equal([0.25]);
    expect(await one('sent_bytes_total')).to.deep.equal([2 ** 53 - 1]);
    expect(await one('queue')).to.deep.equal([Number.NaN]);
    expect(await one('target_info{host_name="h1",process_pid="42",job="shop/cart",instance="7f"}')).to.deep.equal([1]);
  });

  it('gives the same series as the SDK with its own exporters against the endpoint', async () => {
    const own = provide(new TidemarkExporter(store));
    record(own);
    await own.forceFlush();
    const expected = await contents(store);
    expect(Object.keys(expected)).to.have.length(14);
    for (const [name, Exporter] of [
      ['protobuf', ProtobufExporter],
      ['json', JsonExporter],
    ] as const) {
      const other = await openStore(join(directory, name));
      const server = new PagesServer({ port: 0, token: 'secret', write: true, clock: systemClock });
      ends.push(
        () => server.close(),
        () => other.close(),
      );
      await server.listen();
      server.showStore(other);
      const url = `http://127.0.0.1:${server.port}/api/v1/otlp/v1/metrics`;
      const provider = provide(new Exporter({ url, headers: { authorization: 'Bearer secret' } }));
      record(provider);
      await provider.forceFlush();
      // Shutting down exports once more, so only the first sample of each series counts.
      await provider.shutdown();
      expect(firstOf(await contents(other)), name).to.deep.equal(firstOf(expected));
    }
  });

  it('keeps totals: each export adds a sample to the same series', async () => {
    const provider = provide(new TidemarkExporter(store, { targetInfo: false }));
    const counter = provider.getMeter('m').createCounter('c');
    for (let total = 1; total <= 3; total++) {
      counter.add(1);
      await provider.forceFlush();
      // The SDK's times have milliseconds; the next export needs another one.
      const before = Date.now();
      while (Date.now() === before);
    }
    expect(Object.values(await contents(store))).to.deep.equal([[1, 2, 3]]);
    expect(new TidemarkExporter(store).selectAggregationTemporality(InstrumentType.COUNTER)).to.equal(
      AggregationTemporality.CUMULATIVE,
    );
  });

  it('applies its options', async () => {
    const provider = provide(
      new TidemarkExporter(store, {
        namingStrategy: 'NoTranslation',
        promoteResourceAttributes: ['host.name'],
        promoteScope: true,
        targetInfo: false,
        labels: { region: 'eu' },
        flush: false,
      }),
    );
    provider.getMeter('shop', '1.0').createCounter('http.requests', { unit: 's' }).add(1, { 'http.route': '/' });
    await provider.forceFlush();
    expect(await store.metrics('{region="eu"}')).to.deep.equal([
      {
        __name__: 'http.requests',
        'host.name': 'h1',
        'http.route': '/',
        instance: '7f',
        job: 'shop/cart',
        otel_scope_name: 'shop',
        otel_scope_version: '1.0',
        region: 'eu',
      },
    ]);
  });

  it('tells the SDK about exponential histograms, and keeps the rest', async () => {
    const errors: string[] = [];
    const log = (message: string): number => errors.push(message);
    diag.setLogger({ error: log, warn: log, info: log, debug: () => {}, verbose: () => {} }, DiagLogLevel.ERROR);
    const reader = new PeriodicExportingMetricReader({
      exporter: new TidemarkExporter(store),
      exportIntervalMillis: 2 ** 30,
    });
    const provider = new MeterProvider({
      readers: [reader],
      views: [{ instrumentName: 'h', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
    });
    providers.push(provider);
    const meter = provider.getMeter('m');
    meter.createHistogram('h').record(1);
    meter.createCounter('c').add(1);
    await provider.forceFlush().catch((error: unknown) => errors.push(String(error)));
    expect(errors.join()).to.match(/1 of 2 data points were refused: metric \\*"h\\*" is an exponential histogram/);
    expect(await store.metrics('c_total')).to.have.length(1);
  });

  const hrTime = (milliseconds: number): [number, number] => [
    Math.floor(milliseconds / 1000),
    (milliseconds % 1000) * 1e6 + 999_999,
  ];

  const metricsAt = (time: object, value = 1): SdkResourceMetrics => ({
    resource: { attributes: {} },
    scopeMetrics: [
      {
        scope: { name: 'm' },
        metrics: [
          {
            descriptor: { name: 'g', unit: '' },
            aggregationTemporality: 1,
            dataPointType: 2,
            dataPoints: [{ ...time, attributes: { none: undefined }, value }],
          },
        ],
      },
    ],
  });

  const exportOf = (exporter: TidemarkExporter, metrics: SdkResourceMetrics): Promise<SdkExportResult> =>
    new Promise((resolve) => exporter.export(metrics, resolve));

  it('reads times in both shapes that the SDK has had', async () => {
    const exporter = new TidemarkExporter(store);
    const now = Date.now();
    const nanoseconds = (milliseconds: number): bigint => BigInt(milliseconds) * 1_000_000n + 999_999n;
    for (const time of [
      { startTime: hrTime(now - 9000), endTime: hrTime(now - 3000) },
      { startTimeUnixNano: nanoseconds(now - 9000), endTimeUnixNano: nanoseconds(now - 2000) },
      { timeUnixNano: nanoseconds(now - 1000) },
    ])
      expect(await exportOf(exporter, metricsAt(time))).to.deep.equal({ code: 0 });
    for await (const { timestamps } of store.select('g'))
      expect([...timestamps]).to.deep.equal([now - 3000, now - 2000, now - 1000]);
  });

  it('fails with the reason when the store refuses, is closed, or the exporter was shut down', async () => {
    const exporter = new TidemarkExporter(store);
    const now = Date.now();
    await exportOf(exporter, metricsAt({ endTime: hrTime(now) }, 1));
    const other = await exportOf(exporter, metricsAt({ endTime: hrTime(now) }, 2));
    expect(other.code).to.equal(1);
    expect(other.error?.message).to.match(/^1 of 1 data points were refused: /);
    await store.close();
    const closed = await exportOf(exporter, metricsAt({ endTime: hrTime(now + 1) }));
    expect([closed.code, (closed.error as { code?: string }).code]).to.deep.equal([1, 'TIDEMARK_CLOSED']);
    store = await openStore(join(directory, 'data'));
    const ended = new TidemarkExporter(store);
    await ended.shutdown();
    const late = await exportOf(ended, metricsAt({ endTime: hrTime(now + 2) }));
    expect(late.error?.message).to.equal('the exporter has been shut down');
  });

  it('bounds the exports that wait, and goes on after a callback that throws', async () => {
    const exporter = new TidemarkExporter(store);
    const now = Date.now();
    const codes: number[] = [];
    exporter.export(metricsAt({ endTime: hrTime(now - 100) }), () => {
      throw new Error('of the caller');
    });
    for (let i = 1; i < 20; i++)
      exporter.export(metricsAt({ endTime: hrTime(now - 100 + i) }), ({ code }) => codes.push(code));
    expect(codes).to.deep.equal(Array(12).fill(1));
    await exporter.forceFlush();
    expect(codes).to.deep.equal([...Array(12).fill(1), ...Array(7).fill(0)]);
  });
});
