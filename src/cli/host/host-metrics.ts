/**
 * The host's CPU, memory, load, disks, file systems and network as prom-client metrics, under the names of Prometheus'
 * node_exporter. On Linux the values come from /proc. On other platforms they come from Node's own functions, and
 * metrics that Node can't provide are left out.
 */
import type { StatsFs } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { cpus, freemem, loadavg, totalmem, uptime } from 'node:os';
import { dirname } from 'node:path';
import { Counter, Gauge, type Registry } from 'prom-client';
import { parseCpu, parseDiskStats, parseMemory, parseNetwork, parsePressure } from './proc-files.ts';

type LabelValues = Readonly<Record<string, string>>;

/** One value of one metric. */
export interface HostSample {
  readonly name: string;
  readonly labels: LabelValues;
  readonly value: number;
}

interface MetricSpec {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly labelNames: readonly string[];
}

const metric = (
  type: MetricSpec['type'],
  name: string,
  help: string,
  ...labelNames: readonly string[]
): MetricSpec => ({ type, name, help, labelNames });

const specs: readonly MetricSpec[] = [
  metric('counter', 'node_cpu_seconds_total', 'Seconds that the CPUs spent in each mode.', 'cpu', 'mode'),
  metric('gauge', 'node_load1', 'Load average over one minute.'),
  metric('gauge', 'node_load5', 'Load average over five minutes.'),
  metric('gauge', 'node_load15', 'Load average over fifteen minutes.'),
  metric('gauge', 'node_memory_MemTotal_bytes', 'Memory of the machine.'),
  metric('gauge', 'node_memory_MemFree_bytes', 'Unused memory.'),
  metric('gauge', 'node_memory_MemAvailable_bytes', 'Memory that programs can have without swapping.'),
  metric('gauge', 'node_memory_Buffers_bytes', 'Memory in block device buffers.'),
  metric('gauge', 'node_memory_Cached_bytes', 'Memory in the page cache.'),
  metric('gauge', 'node_memory_Dirty_bytes', 'Memory that waits to be written to a disk.'),
  metric('gauge', 'node_memory_SwapTotal_bytes', 'Swap space.'),
  metric('gauge', 'node_memory_SwapFree_bytes', 'Unused swap space.'),
  metric('counter', 'node_pressure_cpu_waiting_seconds_total', 'Time in which tasks waited for a CPU.'),
  metric('counter', 'node_pressure_io_waiting_seconds_total', 'Time in which tasks waited for I/O.'),
  metric('counter', 'node_pressure_memory_waiting_seconds_total', 'Time in which tasks waited for memory.'),
  metric('counter', 'node_disk_reads_completed_total', 'Reads completed.', 'device'),
  metric('counter', 'node_disk_writes_completed_total', 'Writes completed.', 'device'),
  metric('counter', 'node_disk_read_bytes_total', 'Bytes read.', 'device'),
  metric('counter', 'node_disk_written_bytes_total', 'Bytes written.', 'device'),
  metric('counter', 'node_disk_io_time_seconds_total', 'Seconds in which I/O was under way.', 'device'),
  metric('gauge', 'node_filesystem_size_bytes', 'Size of the file system that holds the store.', 'mountpoint'),
  metric('gauge', 'node_filesystem_avail_bytes', 'Space that unprivileged programs can use.', 'mountpoint'),
  metric('gauge', 'node_filesystem_files', 'File nodes of the file system.', 'mountpoint'),
  metric('gauge', 'node_filesystem_files_free', 'Free file nodes of the file system.', 'mountpoint'),
  metric('counter', 'node_network_receive_bytes_total', 'Bytes received.', 'device'),
  metric('counter', 'node_network_transmit_bytes_total', 'Bytes sent.', 'device'),
  metric('counter', 'node_network_receive_packets_total', 'Packets received.', 'device'),
  metric('counter', 'node_network_transmit_packets_total', 'Packets sent.', 'device'),
  metric('counter', 'node_network_receive_errs_total', 'Packets received with an error.', 'device'),
  metric('counter', 'node_network_transmit_errs_total', 'Packets whose sending failed.', 'device'),
  metric('gauge', 'node_boot_time_seconds', 'When the machine started, in seconds since the epoch.'),
];

const gauge = (name: string, value: number, labels: LabelValues = {}): HostSample => ({ name, labels, value });

/** The samples that Node provides on every platform. Samples from /proc replace those of the same name. */
const portableSamples = (nowMs: number): HostSample[] => {
  const [load1, load5, load15] = loadavg();
  return [
    gauge('node_load1', load1),
    gauge('node_load5', load5),
    gauge('node_load15', load15),
    gauge('node_memory_MemTotal_bytes', totalmem()),
    gauge('node_memory_MemFree_bytes', freemem()),
    gauge('node_boot_time_seconds', Math.round(nowMs / 1000 - uptime())),
  ];
};

const portableCpu = (): HostSample[] =>
  cpus().flatMap(({ times }, i) =>
    Object.entries(times).map(([mode, ms]) =>
      gauge('node_cpu_seconds_total', ms / 1000, { cpu: String(i), mode: mode === 'sys' ? 'system' : mode }),
    ),
  );

/** The content of a file in /proc, or '' if there is no such file. */
const readProc = (name: string): Promise<string> => readFile(`/proc/${name}`, 'utf8').catch(() => '');

const pressureSamples = async (): Promise<HostSample[]> => {
  const samples = await Promise.all(
    ['cpu', 'io', 'memory'].map(async (resource) =>
      parsePressure(await readProc(`pressure/${resource}`)).map((seconds) =>
        gauge(`node_pressure_${resource}_waiting_seconds_total`, seconds),
      ),
    ),
  );
  return samples.flat();
};

/** The space of the file system on which a directory is, or will be created. */
const spaceAt = async (directory: string): Promise<StatsFs | undefined> => {
  for (let path = directory; ; path = dirname(path)) {
    const found = await statfs(path).catch(() => undefined);
    if (found !== undefined || dirname(path) === path) return found;
  }
};

const fileSystemSamples = async (directory: string): Promise<HostSample[]> => {
  const found = await spaceAt(directory);
  if (found === undefined) return [];
  const labels = { mountpoint: directory };
  return [
    gauge('node_filesystem_size_bytes', found.blocks * found.bsize, labels),
    gauge('node_filesystem_avail_bytes', found.bavail * found.bsize, labels),
    gauge('node_filesystem_files', found.files, labels),
    gauge('node_filesystem_files_free', found.ffree, labels),
  ];
};

/** All current samples about the host. `directory` selects the file system. */
export const readHostSamples = async (directory: string, nowMs: number): Promise<HostSample[]> => {
  const [stat, memory, diskStats, network, pressure, fileSystem] = await Promise.all([
    readProc('stat'),
    readProc('meminfo'),
    readProc('diskstats'),
    readProc('net/dev'),
    pressureSamples(),
    fileSystemSamples(directory),
  ]);
  const cpu = parseCpu(stat);
  return [
    ...portableSamples(nowMs),
    ...(cpu.length > 0 ? cpu : portableCpu()),
    ...parseMemory(memory),
    ...parseDiskStats(diskStats),
    ...parseNetwork(network),
    ...pressure,
    ...fileSystem,
  ];
};

export interface HostMetricsOptions {
  /** Absolute path in the file system whose space is measured. The path need not exist yet. */
  readonly directory: string;
  readonly now: () => number;
}

/**
 * Registers the host's metrics. They are read when the registry is collected, once for all metrics together.
 */
export const registerHostMetrics = (registry: Registry, { directory, now }: HostMetricsOptions): void => {
  let reading: Promise<HostSample[]> | undefined;
  const readOnce = (): Promise<HostSample[]> => {
    reading ??= readHostSamples(directory, now()).finally(() => {
      reading = undefined;
    });
    return reading;
  };
  for (const { type, name, help, labelNames } of specs) {
    const configuration = { name, help, labelNames: [...labelNames], registers: [registry] };
    if (type === 'gauge') {
      new Gauge({
        ...configuration,
        async collect() {
          const samples = await readOnce();
          this.reset();
          if (labelNames.length === 0) this.remove();
          for (const sample of samples) if (sample.name === name) this.set(sample.labels, sample.value);
        },
      });
    } else {
      new Counter({
        ...configuration,
        async collect() {
          const samples = await readOnce();
          this.reset();
          if (labelNames.length === 0) this.remove();
          for (const sample of samples) if (sample.name === name) this.inc(sample.labels, sample.value);
        },
      });
    }
  }
};
