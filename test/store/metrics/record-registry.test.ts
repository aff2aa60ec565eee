import { expect } from 'chai';
import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';
import { TidemarkError } from '../../../src/model/errors.ts';
import { recordRegistry } from '../../../src/store/metrics/record-registry.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** Lets time pass, and waits for what the timers began. */
const pass = async (clock: ManualClock, milliseconds: number): Promise<void> => {
  clock.step(milliseconds);
  await clock.breathe();
  await clock.breathe();
};

const lastValues = async (store: FakeStore): Promise<Record<string, number>> =>
  Object.fromEntries(
    (await store.lastSamples([])).map(({ labels: { __name__: name, ...labels }, value }) => [
      [name, ...Object.entries(labels).map((pair) => pair.join('='))].join(' '),
      value,
    ]),
  );

describe('recordRegistry', () => {
  let store: FakeStore;
  let registry: Registry;
  let clock: ManualClock;

  beforeEach(() => {
    store = new FakeStore();
    registry = new Registry();
    clock = new ManualClock();
  });

  it('appends every value at once, and again at each interval', async () => {
    const gauge = new Gauge({ name: 'temperature', help: 'x', labelNames: ['room'], registers: [registry] });
    gauge.set({ room: 'kitchen' }, 21);
    const recording = recordRegistry(store, registry, { interval: '5s', clock });
    await pass(clock, 0);
    gauge.set({ room: 'kitchen' }, 22);
    await pass(clock, 5000);
    const [[first], [second]] = store.contents()['temperature{room="kitchen"}'];
    expect(second - first).to.equal(5000);
    expect(await lastValues(store)).to.deep.equal({ 'temperature room=kitchen': 22 });
    await recording.stop();
  });

  it('flattens histograms and summaries as the text format does', async () => {
    new Histogram({ name: 'size', help: 'x', buckets: [1, 10], registers: [registry] }).observe(5);
    new Summary({ name: 'delay', help: 'x', percentiles: [0.5], registers: [registry] }).observe(3);
    const recording = recordRegistry(store, registry, { clock });
    await pass(clock, 0);
    expect(await lastValues(store)).to.deep.equal({
      'delay quantile=0.5': 3,
      delay_sum: 3,
      delay_count: 1,
      'size_bucket le=1': 0,
      'size_bucket le=10': 1,
      'size_bucket le=+Inf': 1,
      size_sum: 5,
      size_count: 1,
    });
    await recording.stop();
  });

  it("adds labels of the caller's, under those of the metric", async () => {
    const counter = new Counter({ name: 'hits', help: 'x', labelNames: ['job'], registers: [registry] });
    counter.inc({ job: 'own' }, 1);
    registry.setDefaultLabels({ zone: 'eu' });
    const recording = recordRegistry(store, registry, { clock, labels: { job: 'given', instance: 'here' } });
    await pass(clock, 0);
    expect(await lastValues(store)).to.deep.equal({ 'hits job=own instance=here zone=eu': 1 });
    await recording.stop();
  });

  it('ends a series that is gone with a staleness marker, once, and takes it up again', async () => {
    const gauge = new Gauge({ name: 'users', help: 'x', labelNames: ['id'], registers: [registry] });
    gauge.set({ id: 'a' }, 1);
    const recording = recordRegistry(store, registry, { interval: 1000, clock });
    await pass(clock, 0);
    gauge.remove({ id: 'a' });
    await pass(clock, 1000);
    await pass(clock, 1000);
    gauge.set({ id: 'a' }, 2);
    await pass(clock, 1000);
    const bits = store.contents()['users{id="a"}'].map(([, pattern]) => pattern);
    expect(bits).to.deep.equal(['3ff0000000000000', '7ff0000000000002', '4000000000000000']);
    await recording.stop();
  });

  it('reports samples that the store refuses, and goes on', async () => {
    const gauge = new Gauge({ name: 'a', help: 'x', registers: [registry] });
    const errors: unknown[] = [];
    const recording = recordRegistry(store, registry, {
      interval: 1000,
      clock,
      onError: (error) => errors.push(error),
    });
    await pass(clock, 0);
    clock.wallOffsetMs -= 3_600_000;
    gauge.set(1);
    await pass(clock, 3_600_000 + 1000);
    store.append({ __name__: 'a' }, clock.now() + 5_000, 9);
    await pass(clock, 1000);
    await pass(clock, 10_000);
    expect(errors).to.have.length(1);
    expect(await lastValues(store)).to.deep.equal({ a: 1 });
    await recording.stop();
  });

  it('waits while the store is throttled', async () => {
    new Gauge({ name: 'a', help: 'x', registers: [registry] });
    store.throttled = true;
    const recording = recordRegistry(store, registry, { clock });
    await pass(clock, 0);
    expect(store.contents()).to.deep.equal({});
    store.resume();
    await pass(clock, 0);
    expect(Object.keys(store.contents())).to.deep.equal(['a']);
    await recording.stop();
  });

  it('stops for good, and leaves no timer', async () => {
    const recording = recordRegistry(store, registry, { interval: 1000, clock });
    await pass(clock, 0);
    await recording.stop();
    expect(clock.timerCount).to.equal(0);
  });

  it('collects once more when it is stopped, and only once', async () => {
    const gauge = new Gauge({ name: 'a', help: 'x', labelNames: ['id'], registers: [registry] });
    gauge.set({ id: 'kept' }, 1);
    gauge.set({ id: 'gone' }, 1);
    const recording = recordRegistry(store, registry, { interval: 1000, clock });
    await pass(clock, 0);
    gauge.set({ id: 'kept' }, 2);
    gauge.remove({ id: 'gone' });
    // Within the same millisecond.
    await Promise.all([recording.stop(), recording.stop()]);
    gauge.set({ id: 'kept' }, 3);
    await recording.stop();
    await pass(clock, 5000);
    const [[first], [second]] = store.contents()['a{id="kept"}'];
    expect(second - first).to.equal(1);
    expect(store.contents()['a{id="kept"}'].map(([, bits]) => bits)).to.deep.equal([
      '3ff0000000000000',
      '4000000000000000',
    ]);
    expect(store.contents()['a{id="gone"}'].map(([, bits]) => bits)).to.deep.equal([
      '3ff0000000000000',
      '7ff0000000000002',
    ]);
  });

  it('does not wait for a throttled store when it is stopped, and reports that', async () => {
    const gauge = new Gauge({ name: 'a', help: 'x', registers: [registry] });
    const errors: { code?: string }[] = [];
    const onError = (error: unknown): void => {
      errors.push(error as { code?: string });
    };
    const recording = recordRegistry(store, registry, { interval: 1000, clock, onError });
    await pass(clock, 0);
    gauge.set(7);
    store.throttled = true;
    await pass(clock, 1000);
    await recording.stop();
    expect(errors.map(({ code }) => code)).to.deep.equal(['TIDEMARK_THROTTLED']);
    expect(clock.timerCount).to.equal(0);
  });

  it('tells the store type, help and unit of each metric, under the name of its series', async () => {
    new Gauge({ name: 'g', help: 'Degrees.', registers: [registry] });
    Object.assign(registry.getSingleMetric('g') as object, { unit: 'celsius' });
    new Histogram({ name: 'size', help: 'x', buckets: [1], registers: [registry] });
    const openMetrics = new Registry();
    openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    new Counter({ name: 'jobs_done', help: 'Jobs\nthat are done.', registers: [openMetrics] }).inc();
    const recordings = [registry, openMetrics].map((one) => recordRegistry(store, one, { clock }));
    await pass(clock, 0);
    expect(store.metadata()).to.deep.equal([
      { metric: 'g', type: 'gauge', help: 'Degrees.', unit: 'celsius' },
      { metric: 'jobs_done_total', type: 'counter', help: 'Jobs\nthat are done.', unit: '' },
      { metric: 'size', type: 'histogram', help: 'x', unit: '' },
    ]);
    for (const recording of recordings) await recording.stop();
  });

  it('refuses an interval that is no duration', () => {
    expect(() => recordRegistry(store, registry, { interval: 'soon', clock }))
      .to.throw()
      .with.property('code', 'TIDEMARK_INVALID_OPTION');
  });

  it('goes on after a series that the store refuses, and reports it once', async () => {
    const errors: { code?: string }[] = [];
    for (const name of ['a', 'refused', 'z']) new Gauge({ name, help: 'x', registers: [registry] }).set(1);
    const { series } = store;
    store.series = (labels) => {
      if (labels['__name__'] === 'refused') throw new TidemarkError('TIDEMARK_INVALID_LABELS', 'refused');
      return series.call(store, labels);
    };
    const recording = recordRegistry(store, registry, {
      interval: 1000,
      clock,
      onError: (error) => errors.push(error as { code?: string }),
    });
    await pass(clock, 0);
    await pass(clock, 1000);
    expect(Object.keys(store.contents())).to.deep.equal(['a', 'z']);
    expect(errors.map(({ code }) => code)).to.deep.equal(['TIDEMARK_INVALID_LABELS']);
    await recording.stop();
  });

  it('writes half of a surrogate pair as the text of the registry does', async () => {
    const gauge = new Gauge({ name: 'agent', help: 'x', labelNames: ['ua'], registers: [registry] });
    gauge.set({ ua: 'shop \ud83d' }, 1);
    gauge.set({ ua: '\udc80 shop' }, 2);
    const recording = recordRegistry(store, registry, { clock });
    await pass(clock, 0);
    expect(await lastValues(store)).to.deep.equal({ 'agent ua=shop \ufffd': 1, 'agent ua=\ufffd shop': 2 });
    await recording.stop();
  });

  it('names the counters of an OpenMetrics registry as its text does, before and after it was scraped', async () => {
    const openMetrics = new Registry();
    openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    for (const name of ['jobs_done', 'reqs_total']) new Counter({ name, help: 'x', registers: [openMetrics] }).inc(2);
    const recording = recordRegistry(store, openMetrics, { interval: 1000, clock });
    await pass(clock, 0);
    await openMetrics.metrics();
    await pass(clock, 1000);
    expect(await lastValues(store)).to.deep.equal({ jobs_done_total: 2, reqs_total: 2 });
    await recording.stop();
  });

  it('keeps the name of a counter that another registry, an OpenMetrics one, has too', async () => {
    const openMetrics = new Registry();
    openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    new Counter({ name: 'reqs_total', help: 'x', registers: [registry, openMetrics] }).inc(2);
    const recording = recordRegistry(store, registry, { interval: 1000, clock });
    await pass(clock, 0);
    await openMetrics.metrics();
    await pass(clock, 1000);
    expect(await lastValues(store)).to.deep.equal({ reqs_total: 2 });
    await recording.stop();
  });

  it('leaves out a metric whose collection fails, without ending it, and keeps the others', async () => {
    let fails = false;
    const errors: unknown[] = [];
    registry.setDefaultLabels({ zone: 'eu' });
    new Gauge({
      name: 'broken',
      help: 'x',
      registers: [registry],
      collect() {
        if (fails) throw new Error('no reading');
        this.set(1);
      },
    });
    new Gauge({ name: 'z', help: 'x', registers: [registry] }).set(5);
    const recording = recordRegistry(store, registry, {
      interval: 1000,
      clock,
      onError: (error) => errors.push(error),
    });
    await pass(clock, 0);
    fails = true;
    await pass(clock, 1000);
    const contents = store.contents();
    expect(contents['broken{zone="eu"}']).to.have.length(1);
    expect(contents['z{zone="eu"}']).to.have.length(2);
    expect(errors.map(String)).to.deep.equal(['Error: no reading']);
    await recording.stop();
  });

  it('leaves out a metric whose collection never ends, collects it once, and stops all the same', async () => {
    let collections = 0;
    const errors: unknown[] = [];
    new Gauge({
      name: 'hanging',
      help: 'x',
      registers: [registry],
      collect: () => {
        collections++;
        return new Promise<void>(() => {});
      },
    });
    new Gauge({ name: 'z', help: 'x', registers: [registry] }).set(5);
    const recording = recordRegistry(store, registry, {
      interval: 1000,
      clock,
      onError: (error) => errors.push(error),
    });
    await pass(clock, 0);
    await pass(clock, 10_000);
    for (let i = 0; i < 3; i++) await pass(clock, 1000);
    expect(store.contents()['z']).to.have.length(4);
    expect({ collections, errors: errors.length }).to.deep.equal({ collections: 1, errors: 1 });
    await recording.stop();
    expect(clock.timerCount).to.equal(0);
    const stopped = recordRegistry(store, registry, { interval: 1000, clock });
    const ending = stopped.stop();
    await pass(clock, 0);
    await pass(clock, 10_000);
    await ending;
    expect(clock.timerCount).to.equal(0);
    expect(store.contents()['z']).to.have.length(6);
  });

  it('waits where the store is throttled in the middle of a round, and loses nothing', async () => {
    for (const name of ['a', 'b', 'c']) new Gauge({ name, help: 'x', registers: [registry] }).set(1);
    const { series } = store;
    store.series = (labels) => {
      if (labels['__name__'] === 'b') store.throttled = true;
      return series.call(store, labels);
    };
    const recording = recordRegistry(store, registry, { clock });
    await pass(clock, 0);
    expect(Object.keys(store.contents())).to.deep.equal(['a']);
    store.resume();
    await pass(clock, 0);
    expect(Object.keys(store.contents())).to.deep.equal(['a', 'b', 'c']);
    await recording.stop();
  });

  it('outlives an error handler that throws', async () => {
    new Gauge({ name: 'a', help: 'x', registers: [registry] }).set(1);
    const recording = recordRegistry(store, registry, {
      interval: 1000,
      clock,
      onError: () => {
        throw new Error('handler');
      },
    });
    await pass(clock, 0);
    store.append({ __name__: 'a' }, clock.now() + 1000, 9);
    await pass(clock, 1000);
    await pass(clock, 1000);
    expect(store.contents()['a']).to.have.length(3);
    await recording.stop();
  });
});
