/** A store by its own metrics, which `tidemark serve` records into it. */
import { type Dashboard, dashboardVersion } from '../dashboard.ts';
import { heatmap, lines, stacked, stat } from './describe.ts';

const local = 'prometheus_local_storage';

export const theStore: Dashboard = {
  version: dashboardVersion,
  title: 'The store',
  range: '15m',
  refresh: '10s',
  variables: [],
  panels: [
    stat('Samples taken', [`sum(rate(${local}_ingested_samples_total[$__rate_interval]))`], { unit: 'per second' }),
    stat('Series in memory', [`sum(${local}_memory_series)`], { unit: 'none' }),
    stat('Urgency score', [`max(${local}_persistence_urgency_score)`], { unit: 'ratio' }),
    stat('Memory', ['sum(tidemark_memory_used_bytes)']),
    lines('Samples per second', [
      [`rate(${local}_ingested_samples_total[$__rate_interval])`, 'taken'],
      [`rate(${local}_out_of_order_samples_total[$__rate_interval])`, '{{reason}}'],
    ]),
    stacked('Series by state', [['tidemark_series', '{{state}}']]),
    lines('Chunks', [
      [`${local}_memory_chunks`, 'in memory'],
      [`${local}_chunks_to_persist`, 'waiting'],
      [`${local}_open_head_chunks`, 'open'],
    ]),
    lines('Chunk operations per second', [[`rate(${local}_chunk_ops_total[$__rate_interval])`, '{{type}}']]),
    lines('Series operations per second', [[`rate(${local}_series_ops_total[$__rate_interval])`, '{{type}}']]),
    stacked('Memory by part', [['tidemark_memory_bytes', '{{part}}']]),
    lines('Journal', [['rate(tidemark_journal_written_bytes_total[$__rate_interval])', 'written']], {
      unit: 'bytes per second',
    }),
    heatmap('Time of a commit of the journal', [
      'sum by (le) (rate(tidemark_journal_commit_duration_seconds_bucket[$__rate_interval]))',
    ]),
    lines('Checkpoint', [[`${local}_checkpoint_last_duration_seconds`, 'last duration']]),
    lines('Indexing queue', [[`${local}_indexing_queue_length`, 'length']]),
    lines('Event loop delay', [
      ['tidemark_event_loop_delay_p99_seconds', 'p99'],
      ['tidemark_event_loop_delay_max_seconds', 'longest'],
    ]),
    lines('Events per second', [['rate(tidemark_events_total[$__rate_interval])', '{{type}}']]),
  ],
};
