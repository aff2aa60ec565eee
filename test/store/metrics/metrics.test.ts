/** The store's metrics: those of the original under their names, and what they cost. */
import { expect } from 'chai';
import { Gauge, Registry } from 'prom-client';
import { metricOf, openMachine, START_MS } from '../support.ts';

/** What Prometheus 1.8.2 exports of its persistence and storage, and Tidemark measures, too. */
const originals = [
  'checkpoint_duration_seconds',
  'checkpoint_last_duration_seconds',
  'checkpoint_last_size_bytes',
  'checkpoint_series_chunks_written',
  'checkpointing',
  'chunk_ops_total',
  'chunks_to_persist',
  'fingerprint_mappings_total',
  'inconsistencies_total',
  'indexing_batch_duration_seconds',
  'indexing_batch_sizes',
  'indexing_queue_capacity',
  'indexing_queue_length',
  'ingested_samples_total',
  'memory_chunkdescs',
  'memory_chunks',
  'memory_dirty_series',
  'memory_series',
  'non_existent_series_matches_total',
  'open_head_chunks',
  'out_of_order_samples_total',
  'persist_errors_total',
  'persistence_urgency_score',
  'queued_chunks_to_persist_total',
  'rushed_mode',
  'series_chunks_persisted',
  'series_ops_total',
  'started_dirty',
  'target_heap_size_bytes',
];

describe('store.registry', () => {
  it('has the metrics of the original under their names', async () => {
    const { store } = await openMachine();
    const names = store.registry.getMetricsAsArray().map(({ name }) => name);
    expect(names).to.include.members(originals.map((name) => `prometheus_local_storage_${name}`));
    await store.close();
  });

  it('tells what happened', async () => {
    const { store, clock, pass } = await openMachine({ retention: '1h', outOfOrderWindow: 0 });
    for (let i = 0; i < 10; i++) store.append({ __name__: 'm', id: String(i) }, START_MS, i);
    expect(() => store.append({ __name__: 'm', id: '1' }, START_MS - 1, 0)).to.throw();
    expect(await metricOf(store, 'prometheus_local_storage_open_head_chunks')).to.equal(10);
    clock.step(6 * 60_000);
    await store.maintain();
    await store.maintain();
    expect(await metricOf(store, 'prometheus_local_storage_open_head_chunks')).to.equal(0);
    clock.step(2 * 3_600_000);
    await store.maintain();
    await pass(1000);
    const opsOf = (type: string) => metricOf(store, 'prometheus_local_storage_series_ops_total', { type });
    expect(await opsOf('create')).to.equal(10);
    expect(await opsOf('archive')).to.equal(10);
    expect(await opsOf('purge_from_archive')).to.equal(10);
    expect(await metricOf(store, 'prometheus_local_storage_queued_chunks_to_persist_total')).to.equal(10);
    expect(await metricOf(store, 'prometheus_local_storage_chunk_ops_total', { type: 'create' })).to.equal(10);
    expect(await metricOf(store, 'prometheus_local_storage_chunk_ops_total', { type: 'drop' })).to.equal(10);
    expect(
      await metricOf(store, 'prometheus_local_storage_out_of_order_samples_total', {
        reason: 'timestamp_out_of_order',
      }),
    ).to.equal(1);
    await store.close();
  });

  it('is yours when you give one, and says everything as text', async () => {
    const registry = new Registry();
    const { store } = await openMachine({ registry });
    store.append({ __name__: 'm' }, START_MS, 1);
    expect(store.registry).to.equal(registry);
    expect(await registry.metrics()).to.match(/^prometheus_local_storage_ingested_samples_total 1$/m);
    await store.close();
  });

  it('leaves your registry as it was when the store is closed, so that the next store can have it', async () => {
    const registry = new Registry();
    const own = new Gauge({ name: 'rooms', help: 'Rooms.', registers: [registry] });
    own.set(4);
    const first = await openMachine({ registry });
    await first.store.close();
    expect(registry.getMetricsAsArray().map(({ name }) => name)).to.deep.equal(['rooms']);
    const second = await first.reopen({ registry });
    second.store.append({ __name__: 'm' }, START_MS, 1);
    expect(await registry.metrics())
      .to.match(/^prometheus_local_storage_ingested_samples_total 1$/m)
      .and.match(/^rooms 4$/m);
    await second.store.close();
  });

  it('is left alone by a store that finds its names taken', async () => {
    const registry = new Registry();
    const first = await openMachine({ registry });
    const names = registry.getMetricsAsArray().map(({ name }) => name);
    const refused = await openMachine({ registry }).catch((error: Error) => error);
    expect(refused).to.be.an('error').with.property('message').that.contains('already been registered');
    expect(registry.getMetricsAsArray().map(({ name }) => name)).to.deep.equal(names);
    await first.store.close();
  });

  it('leaves nothing behind when one of its names is taken', async () => {
    const registry = new Registry();
    new Gauge({ name: 'tidemark_events_total', help: 'Of another.', registers: [registry] });
    const refused = await openMachine({ registry }).catch((error: Error) => error);
    expect(refused).to.be.an('error');
    expect(registry.getMetricsAsArray().map(({ name }) => name)).to.deep.equal(['tidemark_events_total']);
  });
});
