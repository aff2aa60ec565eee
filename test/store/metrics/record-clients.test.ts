/** The packages whose registries can be recorded: prom-client 14 and 15, and the Prometheus project's own client. */
import * as projectClient from '@prometheus-io/client';
import { expect } from 'chai';
import * as client15 from 'prom-client';
import * as client14 from 'prom-client-14';
import { type RecordableRegistry, recordRegistry } from '../../../src/store/metrics/record-registry.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** The part of a package that this test uses. Its classes have the same shape in all three. */
interface Client {
  readonly Registry: new () => RecordableRegistry & {
    setDefaultLabels(labels: object): void;
    metrics(): Promise<string>;
  };
  readonly Counter: new (options: object) => { inc(labels: object, by: number): void };
  readonly Gauge: new (options: object) => { set(value: number): void };
  readonly Histogram: new (options: object) => { observe(value: number): void };
  readonly Summary: new (options: object) => { observe(value: number): void };
}

const clients = {
  'prom-client 14': client14,
  'prom-client 15': client15,
  '@prometheus-io/client': projectClient,
} as unknown as Readonly<Record<string, Client>>;

const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Names, labels and values of a text, one line each, as `store.contents()` has them. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace(/\{([^}]*)\}/, (_, labels: string) => `{${labels.split(',').sort().join(',')}}`))
    .sort();

const recordedLines = (store: FakeStore): string[] =>
  Object.entries(store.contents())
    .map(([series, samples]) => {
      const [, bits] = samples[samples.length - 1];
      return `${series} ${Buffer.from(bits, 'hex').readDoubleBE()}`;
    })
    .sort();

/** The registries of the packages as their users have them. */
const typed: readonly ((store: FakeStore) => unknown)[] = [
  (store) => recordRegistry(store, new client14.Registry()).stop(),
  (store) => recordRegistry(store, new client15.Registry()).stop(),
  (store) => recordRegistry(store, new client15.Registry<client15.OpenMetricsContentType>()).stop(),
  (store) => recordRegistry(store, new projectClient.Registry()).stop(),
];

describe('recordRegistry of each client', () => {
  it('takes their registries without a cast', async () => {
    const store = new FakeStore();
    await Promise.all(typed.map((record) => record(store)));
    expect(store.contents()).to.deep.equal({});
  });

  for (const [name, client] of Object.entries(clients)) {
    const fill = (registry: RecordableRegistry): { inc(labels: object, by: number): void } => {
      const registers = [registry];
      const counter = new client.Counter({ name: 'jobs_total', help: 'Jobs.', labelNames: ['kind'], registers });
      counter.inc({ kind: 'a' }, 3);
      new client.Gauge({ name: 'load', help: 'Load.', registers }).set(0.5);
      new client.Histogram({ name: 'size', help: 'Sizes.', buckets: [1, 10], registers }).observe(5);
      new client.Summary({ name: 'delay', help: 'Delays.', percentiles: [0.5], registers }).observe(3);
      return counter;
    };

    it(`records what the text of ${name} has, at once and at the end, with what it says of each metric`, async () => {
      const store = new FakeStore();
      const clock = new ManualClock();
      const registry = new client.Registry();
      registry.setDefaultLabels({ zone: 'eu' });
      const counter = fill(registry);
      const recording = recordRegistry(store, registry, { clock });
      await clock.breathe();
      await clock.breathe();
      expect(recordedLines(store)).to.deep.equal(linesOf(await registry.metrics()));
      counter.inc({ kind: 'b' }, 2);
      await recording.stop();
      expect(recordedLines(store)).to.deep.equal(linesOf(await registry.metrics()));
      expect(store.metadata()).to.deep.equal([
        { metric: 'delay', type: 'summary', help: 'Delays.', unit: '' },
        { metric: 'jobs_total', type: 'counter', help: 'Jobs.', unit: '' },
        { metric: 'load', type: 'gauge', help: 'Load.', unit: '' },
        { metric: 'size', type: 'histogram', help: 'Sizes.', unit: '' },
      ]);
    });

    if (name === 'prom-client 14') continue; // It knows no OpenMetrics.
    it(`records what the OpenMetrics text of ${name} has`, async () => {
      const store = new FakeStore();
      const clock = new ManualClock();
      const registry = new client.Registry();
      (registry as unknown as { setContentType(type: string): void }).setContentType(openMetricsType);
      fill(registry);
      const recording = recordRegistry(store, registry, { clock });
      await recording.stop();
      expect(recordedLines(store)).to.deep.equal(linesOf(await registry.metrics()));
      expect(store.metadata().map(({ metric }) => metric)).to.deep.equal(['delay', 'jobs_total', 'load', 'size']);
    });
  }
});
