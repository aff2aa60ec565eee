/**
 * Parsers of the Linux /proc files from which the host's metrics come; proc(5) describes them. Each parser returns an
 * empty list for an empty text, which stands for a missing file.
 */
import type { HostSample } from './host-metrics.ts';

/** Ticks per second of /proc/stat. USER_HZ is 100 on every platform that Node runs on. */
const ticksPerSecond = 100;
const sectorBytes = 512;
const cpuModes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;

const lines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');
const fields = (line: string): string[] => line.trim().split(/\s+/);

/** /proc/stat: `cpu0 user nice system idle iowait irq softirq steal …` in ticks. */
export const parseCpu = (text: string): HostSample[] =>
  lines(text).flatMap((line) => {
    const [name, ...ticks] = fields(line);
    const cpu = /^cpu(\d+)$/.exec(name)?.[1];
    if (cpu === undefined) return [];
    return cpuModes.flatMap((mode, i) =>
      ticks[i] === undefined
        ? []
        : [{ name: 'node_cpu_seconds_total', labels: { cpu, mode }, value: Number(ticks[i]) / ticksPerSecond }],
    );
  });

const memoryNames = new Set([
  'MemTotal',
  'MemFree',
  'MemAvailable',
  'Buffers',
  'Cached',
  'Dirty',
  'SwapTotal',
  'SwapFree',
]);

/** /proc/meminfo: `MemTotal:  8039872 kB`. */
export const parseMemory = (text: string): HostSample[] =>
  lines(text).flatMap((line) => {
    const match = /^(\w+):\s+(\d+) kB$/.exec(line.trim());
    if (match === null || !memoryNames.has(match[1])) return [];
    return [{ name: `node_memory_${match[1]}_bytes`, labels: {}, value: Number(match[2]) * 1024 }];
  });

/** Loop and RAM disks are not disks of the machine; partitions would repeat the values of their disk. */
const isDisk = (device: string): boolean =>
  !/^(?:loop|ram|zram|fd|sr)\d/.test(device) &&
  !/^(?:[shv]d[a-z]+|xvd[a-z]+)\d+$/.test(device) &&
  !/^(?:nvme\d+n|mmcblk)\d+p\d+$/.test(device);

/** /proc/diskstats: major, minor, device, then the counters of the kernel's iostats document. */
export const parseDiskStats = (text: string): HostSample[] =>
  lines(text).flatMap((line) => {
    const [, , device, reads, , sectorsRead, , writes, , sectorsWritten, , , ioMs] = fields(line);
    if (ioMs === undefined || !isDisk(device)) return [];
    const labels = { device };
    return [
      { name: 'node_disk_reads_completed_total', labels, value: Number(reads) },
      { name: 'node_disk_writes_completed_total', labels, value: Number(writes) },
      { name: 'node_disk_read_bytes_total', labels, value: Number(sectorsRead) * sectorBytes },
      { name: 'node_disk_written_bytes_total', labels, value: Number(sectorsWritten) * sectorBytes },
      { name: 'node_disk_io_time_seconds_total', labels, value: Number(ioMs) / 1000 },
    ];
  });

/** /proc/net/dev: `eth0: bytes packets errs drop fifo frame compressed multicast bytes packets errs …`. */
export const parseNetwork = (text: string): HostSample[] =>
  lines(text).flatMap((line) => {
    const match = /^\s*([^:\s]+):(.*)$/.exec(line);
    if (match === null) return [];
    const labels = { device: match[1] };
    const counters = fields(match[2]).map(Number);
    if (counters.length < 11) return [];
    return [
      { name: 'node_network_receive_bytes_total', labels, value: counters[0] },
      { name: 'node_network_receive_packets_total', labels, value: counters[1] },
      { name: 'node_network_receive_errs_total', labels, value: counters[2] },
      { name: 'node_network_transmit_bytes_total', labels, value: counters[8] },
      { name: 'node_network_transmit_packets_total', labels, value: counters[9] },
      { name: 'node_network_transmit_errs_total', labels, value: counters[10] },
    ];
  });

/** /proc/pressure/*: seconds of `some avg10=… total=<microseconds>`, as a list of one, or none. */
export const parsePressure = (text: string): number[] => {
  const total = /^some .*total=(\d+)$/m.exec(text)?.[1];
  return total === undefined ? [] : [Number(total) / 1e6];
};
