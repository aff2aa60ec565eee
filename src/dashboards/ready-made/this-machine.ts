/** A machine by the metrics of node_exporter, of which `tidemark serve` records those of its own machine. */
import { type Dashboard, dashboardVersion } from '../dashboard.ts';
import { lines, stacked, stat, table, valuesOf } from './describe.ts';

const chosen = 'instance=~"$instance"';
const device = 'device!~"lo|veth.*|docker.*|br-.*"';

export const thisMachine: Dashboard = {
  version: dashboardVersion,
  title: 'This machine',
  range: '15m',
  refresh: '10s',
  variables: [valuesOf('instance', 'node_load1')],
  panels: [
    stat('Processors', [`1 - avg(rate(node_cpu_seconds_total{${chosen}, mode="idle"}[$__rate_interval]))`], {
      unit: 'ratio',
    }),
    stat('Load', [`max(node_load1{${chosen}})`]),
    stat(
      'Memory in use',
      [`1 - sum(node_memory_MemAvailable_bytes{${chosen}}) / sum(node_memory_MemTotal_bytes{${chosen}})`],
      { unit: 'ratio' },
    ),
    stat('Running for', [`time() - min(node_boot_time_seconds{${chosen}})`], { unit: 'seconds' }),
    stacked(
      'Processors by mode',
      [[`sum by (mode) (rate(node_cpu_seconds_total{${chosen}, mode!="idle"}[$__rate_interval]))`, '{{mode}}']],
      { unit: 'none' },
    ),
    lines('Load', [
      [`node_load1{${chosen}}`, '1 min'],
      [`node_load5{${chosen}}`, '5 min'],
      [`node_load15{${chosen}}`, '15 min'],
    ]),
    lines('Memory', [
      [`node_memory_MemTotal_bytes{${chosen}}`, 'total'],
      [`node_memory_MemAvailable_bytes{${chosen}}`, 'available'],
      [`node_memory_Cached_bytes{${chosen}}`, 'page cache'],
      [`node_memory_Dirty_bytes{${chosen}}`, 'dirty'],
    ]),
    lines(
      'Time in which tasks waited',
      [
        [`rate(node_pressure_cpu_waiting_seconds_total{${chosen}}[$__rate_interval])`, 'for a processor'],
        [`rate(node_pressure_io_waiting_seconds_total{${chosen}}[$__rate_interval])`, 'for I/O'],
        [`rate(node_pressure_memory_waiting_seconds_total{${chosen}}[$__rate_interval])`, 'for memory'],
      ],
      { unit: 'ratio' },
    ),
    lines(
      'Disks',
      [
        [`rate(node_disk_read_bytes_total{${chosen}}[$__rate_interval])`, '{{device}} read'],
        [`rate(node_disk_written_bytes_total{${chosen}}[$__rate_interval])`, '{{device}} written'],
      ],
      { unit: 'bytes per second' },
    ),
    lines(
      'Network',
      [
        [`rate(node_network_receive_bytes_total{${chosen}, ${device}}[$__rate_interval])`, '{{device}} in'],
        [`rate(node_network_transmit_bytes_total{${chosen}, ${device}}[$__rate_interval])`, '{{device}} out'],
      ],
      { unit: 'bytes per second' },
    ),
    lines('Free space', [[`node_filesystem_avail_bytes{${chosen}}`, '{{mountpoint}}']]),
    table(
      'File systems, share in use',
      [`1 - node_filesystem_avail_bytes{${chosen}} / node_filesystem_size_bytes{${chosen}}`],
      { unit: 'ratio' },
    ),
  ],
};
