/**
 * The store's metrics, declared in one place. A metric that the original has too keeps its name and meaning
 * (`prometheus_local_storage_…`); a new one begins with `tidemark_`. docs/operations.md has the table.
 *
 * Nothing is counted here: the parts of the store keep plain numbers, and each metric reads its number at a scrape.
 * Only distributions are observed as things happen.
 */
import type { Histogram, Metric, Registry, Summary } from 'prom-client';
import { promClient } from './prom-client.ts';

/** A number that a part of the store keeps, read at scrape time. */
export type Reading = () => number;
/** Several numbers of one metric, by label value. */
export type LabelledReading = () => Iterable<readonly [string, number]>;

const seriesChunksBuckets = [1, 2, 4, 8, 16, 32, 64, 128];
const maintenanceBuckets = [0.0001, 0.001, 0.01, 0.1, 1, 10];

/** Distributions, observed as things happen. */
export interface Distributions {
  readonly seriesChunksPersisted: Histogram<string>;
  readonly indexingBatchSizes: Summary<string>;
  readonly indexingBatchDuration: Summary<string>;
  readonly checkpointDuration: Summary<string>;
  readonly checkpointChunksWritten: Summary<string>;
  readonly maintenanceBatchDuration: Histogram<string>;
  readonly commitDuration: Histogram<string>;
}

/** The readings of all metrics that are read at a scrape, by metric name. */
export interface Readings {
  readonly gauges: Readonly<Record<string, Reading>>;
  readonly counters: Readonly<Record<string, Reading>>;
  readonly labelledGauges: Readonly<Record<string, LabelledReading>>;
  readonly labelledCounters: Readonly<Record<string, LabelledReading>>;
}

/** Names, help texts and, for labelled metrics, the label. The help text names the unit. */
export const readGauges: Readonly<Record<string, string>> = {
  prometheus_local_storage_memory_series: 'The current number of series in memory.',
  prometheus_local_storage_memory_dirty_series:
    'The current number of series that were changed since the last checkpoint.',
  prometheus_local_storage_open_head_chunks: 'The current number of open head chunks.',
  prometheus_local_storage_memory_chunks:
    'The current number of chunks in memory, loaded ones of series files included.',
  prometheus_local_storage_memory_chunkdescs:
    'The current number of chunk descriptors in memory: those of the chunks in memory, no others are kept.',
  prometheus_local_storage_chunks_to_persist: 'The current number of chunks waiting for persistence.',
  prometheus_local_storage_max_chunks_to_persist:
    'The number of waiting chunks at which the persistence-urgency score reaches 1.',
  prometheus_local_storage_target_heap_size_bytes: 'The memory target of the store in bytes.',
  prometheus_local_storage_persistence_urgency_score:
    'A score of urgency to persist chunks, 0 is least urgent, 1 most.',
  prometheus_local_storage_rushed_mode: '1 if the store is rushed or throttled, 0 otherwise.',
  prometheus_local_storage_indexing_queue_length: 'The number of index operations waiting to be written.',
  prometheus_local_storage_indexing_queue_capacity: 'The capacity of the indexing queue.',
  prometheus_local_storage_checkpointing: '1 if a checkpoint is being written, 0 otherwise.',
  prometheus_local_storage_checkpoint_last_duration_seconds: 'The duration in seconds of the last checkpoint.',
  prometheus_local_storage_checkpoint_last_size_bytes: 'The size of the last checkpoint in bytes.',
  prometheus_local_storage_started_dirty: 'Whether the directory was found dirty, and recovered, when it was opened.',
  tidemark_archived_series: 'The current number of archived series.',
  tidemark_quarantined_series: 'The number of series in quarantine.',
  tidemark_live_actors: 'Series actors that are awake now.',
  tidemark_busy_series: 'Series with a call to the chunk-file layer running or waiting.',
  tidemark_memory_slab_bytes: 'Bytes reserved for chunks, used or free for the next ones.',
  tidemark_memory_table_bytes: 'Bytes of the series table, labels included, roughly.',
  tidemark_memory_used_bytes: 'Bytes that count against the memory target, the sum of tidemark_memory_bytes.',
  tidemark_checksum_cache_bytes: 'Bytes of checksums of chunks kept in memory, as of the last checkpoint.',
  tidemark_damage_reports_waiting: 'Damaged series that wait to be quarantined.',
  tidemark_late_samples: 'Late samples that wait to be merged.',
  tidemark_late_series: 'Series with late samples that wait to be merged.',
  tidemark_dropped_ranges_series: 'Series whose files still have samples of dropped time ranges.',
  tidemark_described_metrics: 'Metrics of which help, type and unit are known, at most 10,000.',
  tidemark_journal_bytes: 'Bytes of the journal on disk.',
  tidemark_journal_segments: 'Segments of the journal on disk.',
  tidemark_journal_pending_bytes: 'Journal bytes that are not known to be durable.',
  tidemark_journal_position: 'The end of the journal, bytes since its beginning.',
  tidemark_journal_durable_position: 'The position up to which the journal is known to be durable.',
  tidemark_health_read_only: '1 while trouble with the disk keeps the store from taking samples, 0 otherwise.',
  tidemark_event_loop_delay_p99_seconds:
    "The 99th percentile of the event loop's delay in seconds over the last minute or two.",
  tidemark_event_loop_delay_max_seconds: 'The longest delay of the event loop in seconds over the last minute or two.',
};

export const readCounters: Readonly<Record<string, string>> = {
  prometheus_local_storage_ingested_samples_total: 'The total number of samples taken.',
  prometheus_local_storage_queued_chunks_to_persist_total: 'The total number of chunks queued for persistence.',
  prometheus_local_storage_persist_errors_total: 'The total number of errors while writing to series files.',
  prometheus_local_storage_inconsistencies_total: 'The number of inconsistencies found and quarantined.',
  prometheus_local_storage_non_existent_series_matches_total:
    'How often a query matched a fingerprint that stands for no series.',
  prometheus_local_storage_fingerprint_mappings_total:
    'The total number of fingerprints that collided and were mapped.',
  tidemark_journal_commits_total: 'The total number of times that the journal was made durable.',
  tidemark_journal_written_bytes_total: 'The total number of bytes written to the journal.',
  tidemark_actors_created_total: 'Series actors made so far.',
  tidemark_chunk_cache_hits_total: 'Chunks of series files that a query found in memory.',
  tidemark_chunk_cache_misses_total: 'Chunks of series files that a query had to load.',
};

export const readLabelledGauges: Readonly<Record<string, { help: string; label: string }>> = {
  tidemark_memory_bytes: { help: 'Bytes of memory by part of the store.', label: 'part' },
  tidemark_series: { help: 'Series by state of their statechart.', label: 'state' },
  tidemark_subscription_lag_bytes: {
    help: 'Journal bytes that a durable subscription has not acknowledged.',
    label: 'name',
  },
};

export const readLabelledCounters: Readonly<Record<string, { help: string; label: string }>> = {
  prometheus_local_storage_out_of_order_samples_total: {
    help: 'Samples rejected because of their time: timestamp_out_of_order, multiple_values_for_timestamp, too_old or too_far_ahead.',
    label: 'reason',
  },
  prometheus_local_storage_series_ops_total: { help: 'Series operations by type.', label: 'type' },
  prometheus_local_storage_chunk_ops_total: {
    help: 'Chunk operations by type: create, persist, evict, load, drop.',
    label: 'type',
  },
  tidemark_late_samples_total: {
    help: 'Late samples by what became of them: appended, added, repeated or refused by a merge.',
    label: 'outcome',
  },
  tidemark_late_merges_total: {
    help: 'Merges of late samples into chunks in memory, and into series files.',
    label: 'location',
  },
  tidemark_refused_calls_total: {
    help: 'Appends refused while the store took no samples, by error code.',
    label: 'code',
  },
  tidemark_events_total: { help: 'Domain events by type, sample batches not included.', label: 'type' },
  tidemark_transitions_total: { help: 'Transitions of the series statechart.', label: 'transition' },
  tidemark_store_state_entries_total: {
    help: 'How often the store has entered each state of its statechart.',
    label: 'state',
  },
};

export interface RegisteredMetrics {
  readonly distributions: Distributions;
  /** Removes these metrics, and no others, from the registry. */
  readonly unregister: () => void;
}

/** Registers every metric, or none if the registry already has a metric of the same name. */
export const registerMetrics = (registry: Registry, readings: Readings): RegisteredMetrics => {
  const distributions = makeDistributions();
  const metrics: readonly Metric[] = [...makeReadMetrics(readings), ...Object.values(distributions)];
  const registered: Metric[] = [];
  const unregister = (): void => {
    for (const metric of registered) {
      const name = nameOf(metric);
      if (registry.getSingleMetric(name) === metric) registry.removeSingleMetric(name);
    }
  };
  try {
    for (const metric of metrics) {
      registry.registerMetric(metric);
      registered.push(metric);
    }
  } catch (error) {
    unregister();
    throw error;
  }
  return { distributions, unregister };
};

/** Every metric of prom-client has a name, but no type declares it. */
const nameOf = (metric: Metric): string => (metric as Metric & { readonly name: string }).name;

/** Empty, so that prom-client registers nothing itself: {@link registerMetrics} registers all metrics or none. */
const registers: Registry[] = [];

const readingOf = <R>(readings: Readonly<Record<string, R>>, name: string): R => {
  const read = readings[name];
  if (read === undefined) throw new Error(`metric ${name} has no reading`);
  return read;
};

const makeReadMetrics = (readings: Readings): Metric[] => {
  const { Counter, Gauge } = promClient();
  return [
    ...plainMetrics(Gauge, readGauges, readings.gauges),
    ...plainMetrics(Counter, readCounters, readings.counters),
    ...labelledMetrics(Gauge, readLabelledGauges, readings.labelledGauges),
    ...labelledMetrics(Counter, readLabelledCounters, readings.labelledCounters),
  ];
};

/** Both kinds start a scrape at nothing and are raised to what is read. */
interface Raised {
  reset(): void;
  inc(value: number): void;
  inc(labels: Readonly<Record<string, string>>, value: number): void;
}

interface RaisedConfiguration {
  readonly name: string;
  readonly help: string;
  readonly registers: Registry[];
  readonly labelNames?: readonly string[];
  collect(this: Raised): void;
}

type Kind = new (configuration: RaisedConfiguration) => Metric;

const plainMetrics = (
  Kind: Kind,
  helps: Readonly<Record<string, string>>,
  readings: Readonly<Record<string, Reading>>,
): Metric[] =>
  Object.entries(helps).map(([name, help]) => {
    const read = readingOf(readings, name);
    return new Kind({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  });

const labelledMetrics = (
  Kind: Kind,
  described: Readonly<Record<string, { help: string; label: string }>>,
  readings: Readonly<Record<string, LabelledReading>>,
): Metric[] =>
  Object.entries(described).map(([name, { help, label }]) => {
    const read = readingOf(readings, name);
    return new Kind({
      name,
      help,
      registers,
      labelNames: [label],
      collect() {
        this.reset();
        for (const [value, number] of read()) this.inc({ [label]: value }, number);
      },
    });
  });

const makeDistributions = (): Distributions => {
  const { Histogram, Summary } = promClient();
  return {
    seriesChunksPersisted: new Histogram({
      name: 'prometheus_local_storage_series_chunks_persisted',
      help: 'The number of chunks persisted per series.',
      buckets: seriesChunksBuckets,
      registers,
    }),
    indexingBatchSizes: new Summary({
      name: 'prometheus_local_storage_indexing_batch_sizes',
      help: 'Quantiles for indexing batch sizes (number of operations per batch).',
      registers,
    }),
    indexingBatchDuration: new Summary({
      name: 'prometheus_local_storage_indexing_batch_duration_seconds',
      help: 'Quantiles for batch indexing duration in seconds.',
      registers,
    }),
    checkpointDuration: new Summary({
      name: 'prometheus_local_storage_checkpoint_duration_seconds',
      help: 'The duration in seconds of checkpoints.',
      registers,
    }),
    checkpointChunksWritten: new Summary({
      name: 'prometheus_local_storage_checkpoint_series_chunks_written',
      help: 'The number of chunks written per checkpoint.',
      registers,
    }),
    maintenanceBatchDuration: new Histogram({
      name: 'tidemark_maintenance_batch_duration_seconds',
      help: "The duration in seconds of a batch of maintenance visits, by where the series are: 'memory' or 'archived'.",
      labelNames: ['location'],
      buckets: maintenanceBuckets,
      registers,
    }),
    commitDuration: new Histogram({
      name: 'tidemark_journal_commit_duration_seconds',
      help: 'The time in seconds that it took to make the journal durable.',
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1],
      registers,
    }),
  };
};
