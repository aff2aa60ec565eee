/** What the Storage page draws over time. */
import { formatBytes, formatNumber, formatSeconds } from '../../parts/text/number-text.ts';

interface OwnMetricChart {
  readonly title: string;
  /** Selectors. */
  readonly metrics: readonly string[];
  /** Draw increases per second. */
  readonly rate?: true;
  /** Formats the values. */
  readonly format: (value: number) => string;
}

export const ownMetricCharts: readonly OwnMetricChart[] = [
  {
    title: 'Samples per second',
    metrics: ['prometheus_local_storage_ingested_samples_total'],
    rate: true,
    format: formatNumber,
  },
  {
    title: 'Series in memory',
    metrics: ['prometheus_local_storage_memory_series', 'prometheus_local_storage_memory_dirty_series'],
    format: formatNumber,
  },
  {
    title: 'Chunks',
    metrics: [
      'prometheus_local_storage_memory_chunks',
      'prometheus_local_storage_chunks_to_persist',
      'prometheus_local_storage_open_head_chunks',
    ],
    format: formatNumber,
  },
  {
    title: 'Chunk operations per second',
    metrics: ['prometheus_local_storage_chunk_ops_total'],
    rate: true,
    format: formatNumber,
  },
  {
    title: 'Series operations per second',
    metrics: ['prometheus_local_storage_series_ops_total'],
    rate: true,
    format: formatNumber,
  },
  {
    title: 'Urgency score',
    metrics: ['prometheus_local_storage_persistence_urgency_score', 'prometheus_local_storage_rushed_mode'],
    format: formatNumber,
  },
  {
    title: 'Memory',
    metrics: [
      'tidemark_memory_used_bytes',
      'tidemark_memory_slab_bytes',
      'tidemark_memory_table_bytes',
      'nodejs_heap_size_used_bytes',
    ],
    format: formatBytes,
  },
  {
    title: 'Journal bytes per second',
    metrics: ['tidemark_journal_written_bytes_total'],
    rate: true,
    format: formatBytes,
  },
  {
    title: 'Checkpoint duration',
    metrics: ['prometheus_local_storage_checkpoint_last_duration_seconds'],
    format: formatSeconds,
  },
  { title: 'Indexing queue', metrics: ['prometheus_local_storage_indexing_queue_length'], format: formatNumber },
  {
    title: 'Event loop delay',
    metrics: ['tidemark_event_loop_delay_p99_seconds', 'tidemark_event_loop_delay_max_seconds'],
    format: formatSeconds,
  },
  { title: 'Lifecycle events per second', metrics: ['tidemark_events_total'], rate: true, format: formatNumber },
];
