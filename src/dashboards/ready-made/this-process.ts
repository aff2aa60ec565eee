/** A Node.js process by prom-client's default metrics, as `tidemark serve` records its own. */
import { type Dashboard, dashboardVersion } from '../dashboard.ts';
import { lines, stacked, stat, valuesOf } from './describe.ts';

const chosen = '{job=~"$job"}';

export const thisProcess: Dashboard = {
  version: dashboardVersion,
  title: 'This process',
  range: '15m',
  refresh: '10s',
  variables: [valuesOf('job', 'process_start_time_seconds')],
  panels: [
    stat('Processor', [`sum(rate(process_cpu_seconds_total${chosen}[$__rate_interval]))`], { unit: 'ratio' }),
    stat('Resident memory', [`sum(process_resident_memory_bytes${chosen})`]),
    stat('Event loop, 99th percentile', [`max(nodejs_eventloop_lag_p99_seconds${chosen})`]),
    stat('Running for', [`time() - min(process_start_time_seconds${chosen})`], { unit: 'seconds' }),
    stacked(
      'Processor',
      [
        [`sum(rate(process_cpu_user_seconds_total${chosen}[$__rate_interval]))`, 'user'],
        [`sum(rate(process_cpu_system_seconds_total${chosen}[$__rate_interval]))`, 'system'],
      ],
      { unit: 'ratio' },
    ),
    lines('Memory', [
      [`process_resident_memory_bytes${chosen}`, 'resident'],
      [`nodejs_heap_size_total_bytes${chosen}`, 'heap'],
      [`nodejs_heap_size_used_bytes${chosen}`, 'heap, used'],
      [`nodejs_external_memory_bytes${chosen}`, 'external'],
    ]),
    lines('Event loop delay', [
      [`nodejs_eventloop_lag_p50_seconds${chosen}`, 'p50'],
      [`nodejs_eventloop_lag_p90_seconds${chosen}`, 'p90'],
      [`nodejs_eventloop_lag_p99_seconds${chosen}`, 'p99'],
    ]),
    lines(
      'Garbage collection, share of the time',
      [[`sum by (kind) (rate(nodejs_gc_duration_seconds_sum${chosen}[$__rate_interval]))`, '{{kind}}']],
      { unit: 'ratio' },
    ),
    lines('Active resources', [[`nodejs_active_resources${chosen}`, '{{type}}']]),
    lines('Open files', [
      [`process_open_fds${chosen}`, 'open'],
      [`process_max_fds${chosen}`, 'allowed'],
    ]),
  ],
};
