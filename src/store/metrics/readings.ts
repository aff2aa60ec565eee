/** Connects the metrics (src/store/metrics/catalogue.ts) to the numbers that the parts of the store keep. */
import type { Registry } from 'prom-client';
import type { StoreTag } from '../../../machines/store.machine.ts';
import { memoryParts } from '../memory.ts';
import type { MetricDescriptions } from '../metric-descriptions.ts';
import type { Session } from '../session.ts';
import { type Readings, registerMetrics } from './catalogue.ts';
import { LoopDelay } from './loop-delay.ts';
import { loadPromClient, promClient } from './prom-client.ts';

/**
 * The store's metrics. What counts from the opening on begins at once; the metrics themselves are made, and registered,
 * when the registry is asked for first. With a registry of the caller's that is at the opening. The readings cost time
 * only at a scrape.
 */
export const metricsOf = (session: Session, descriptions: Pick<MetricDescriptions, 'size'>): (() => Registry) => {
  const { engine, running, actor } = session;
  const { table, chunks, slab, cache, late, erased, options, mapper } = engine;
  const { journal, indexer, archived, bus, how } = running.recovered;
  const begin = journal.end;
  let commits = 0;
  journal.onDurable(() => {
    commits++;
  });
  const bool = (tag: StoreTag): number => Number(actor.getSnapshot().hasTag(tag));
  const readings: Readings = {
    gauges: {
      prometheus_local_storage_memory_series: () => table.live,
      prometheus_local_storage_memory_dirty_series: () => chunks.dirtySeries,
      prometheus_local_storage_open_head_chunks: () => chunks.openHeads,
      prometheus_local_storage_memory_chunks: () => slab.used,
      prometheus_local_storage_memory_chunkdescs: () => slab.used,
      prometheus_local_storage_chunks_to_persist: () => chunks.waiting,
      prometheus_local_storage_max_chunks_to_persist: () => running.memory.waitingMax,
      prometheus_local_storage_target_heap_size_bytes: () => options.memoryTarget,
      prometheus_local_storage_persistence_urgency_score: () => running.memory.score,
      prometheus_local_storage_rushed_mode: () => bool('rushed'),
      prometheus_local_storage_indexing_queue_length: () => indexer.queued,
      prometheus_local_storage_indexing_queue_capacity: () => indexer.capacity,
      prometheus_local_storage_checkpointing: () => bool('busy'),
      prometheus_local_storage_checkpoint_last_duration_seconds: () => running.checkpoints.last.durationMs / 1000,
      prometheus_local_storage_checkpoint_last_size_bytes: () => running.checkpoints.last.bytes,
      prometheus_local_storage_started_dirty: () => Number(how === 'journal' || how === 'crashRecovery'),
      tidemark_archived_series: () => archived.size,
      tidemark_quarantined_series: () => running.counts.quarantined,
      tidemark_live_actors: () => running.actors.live,
      tidemark_busy_series: () => running.actors.busy,
      tidemark_memory_slab_bytes: () => slab.bytes,
      tidemark_memory_table_bytes: () => table.bytes,
      tidemark_checksum_cache_bytes: () => running.counts.checksumCacheBytes,
      tidemark_damage_reports_waiting: () => running.damageReports.waiting,
      tidemark_memory_used_bytes: () => running.memory.used,
      tidemark_late_samples: () => late.count,
      tidemark_late_series: () => late.size,
      tidemark_dropped_ranges_series: () => erased.size,
      tidemark_described_metrics: () => descriptions.size,
      tidemark_journal_bytes: () => journal.fileBytes,
      tidemark_journal_segments: () => journal.segments().length,
      tidemark_journal_pending_bytes: () => journal.pendingBytes,
      tidemark_journal_position: () => journal.end,
      tidemark_journal_durable_position: () => journal.durable,
      tidemark_health_read_only: () => bool('diskRefuses'),
      tidemark_event_loop_delay_p99_seconds: () => delay.percentileSeconds(99),
      tidemark_event_loop_delay_max_seconds: () => delay.maxSeconds(),
    },
    counters: {
      prometheus_local_storage_ingested_samples_total: () => running.ingest.accepted,
      prometheus_local_storage_queued_chunks_to_persist_total: () => chunks.queued,
      prometheus_local_storage_persist_errors_total: () => running.counts.persistErrors,
      prometheus_local_storage_inconsistencies_total: () => bus.counts.get('seriesQuarantined') ?? 0,
      prometheus_local_storage_non_existent_series_matches_total: () => running.queries.strayMatches,
      prometheus_local_storage_fingerprint_mappings_total: () => mapper.size,
      tidemark_journal_commits_total: () => commits,
      tidemark_journal_written_bytes_total: () => journal.end - begin,
      tidemark_actors_created_total: () => running.actors.created,
      tidemark_chunk_cache_hits_total: () => cache.hits,
      tidemark_chunk_cache_misses_total: () => cache.misses,
    },
    labelledGauges: {
      tidemark_memory_bytes: () => memoryParts.map((part) => [part, running.memory.bytesOf(part)] as const),
      tidemark_series: () => Object.entries(running.stateCounts()),
      tidemark_subscription_lag_bytes: () =>
        running.subscriptions.list().map(({ name, lagBytes }) => [name, lagBytes] as const),
    },
    labelledCounters: {
      prometheus_local_storage_out_of_order_samples_total: () => [
        ['timestamp_out_of_order', running.ingest.outOfOrder],
        ['multiple_values_for_timestamp', running.ingest.duplicates],
        ['too_old', running.ingest.tooOld],
        ['too_far_ahead', running.ingest.tooFarAhead],
      ],
      tidemark_late_samples_total: () => {
        const { added, repeated, refused } = running.merging.counts;
        return [
          ['appended', running.ingest.late],
          ['added', added],
          ['repeated', repeated],
          ['refused', refused],
        ];
      },
      tidemark_late_merges_total: () => [
        ['memory', running.merging.counts.inMemory],
        ['file', running.merging.counts.inFile],
      ],
      prometheus_local_storage_series_ops_total: () => [
        ['create', running.directory.created],
        ['archive', running.archiving.archivedCount],
        ['unarchive', running.archiving.wokenCount],
        ['maintenance_in_memory', running.visits.inMemory],
        ['maintenance_in_archive', running.visits.archived],
        ['quarantine_completed', bus.counts.get('seriesQuarantined') ?? 0],
        ['quarantine_failed', running.isolation.failedCount],
        // Tidemark never drops a report of damage.
        ['quarantine_dropped', 0],
        ['purge_from_memory', running.purging.counts.fromMemory],
        ['purge_from_archive', running.purging.counts.fromArchive],
        ['purge_on_request', running.purging.counts.onRequest],
      ],
      prometheus_local_storage_chunk_ops_total: () => [
        ['create', chunks.started],
        ['persist', running.counts.chunksPersisted],
        ['evict', cache.evicted],
        ['load', cache.misses],
        ['drop', running.counts.chunksDropped],
      ],
      tidemark_refused_calls_total: () => engine.admission.refused,
      tidemark_events_total: () => bus.counts,
      tidemark_transitions_total: () => running.actors.transitionCounts(),
      tidemark_store_state_entries_total: () => session.entries.counts,
    },
  };
  const delay = new LoopDelay(engine.clock);
  let registry: Registry | undefined;
  let unregister = (): void => {};
  const register = (): Registry => {
    const made = options.registry ?? new (promClient().Registry)();
    const registered = registerMetrics(made, readings);
    unregister = registered.unregister;
    running.counts.observations.moveInto(registered.distributions);
    return made;
  };
  const end = (): void => {
    delay.stop();
    // The caller's registry outlives the store, and may be passed to the next one.
    if (options.registry !== undefined) unregister();
  };
  actor.subscribe({ complete: end, error: end });
  engine.onIndexBatch = ({ operationCount, durationMs }) => {
    running.counts.observations.observe('indexingBatchSizes', operationCount);
    running.counts.observations.observe('indexingBatchDuration', durationMs / 1000);
  };
  running.counts.observations.onFull = () => {
    loadPromClient().then(
      () => {
        registry ??= register();
      },
      (error: unknown) => engine.logger.warn({ err: error }, 'The metrics of the store could not be made.'),
    );
  };
  return () => {
    registry ??= register();
    return registry;
  };
};
