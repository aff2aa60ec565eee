import { expect } from 'chai';
import { Registry } from 'prom-client';
import { registerHostMetrics } from '../../../src/cli/host/host-metrics.ts';
import {
  parseCpu,
  parseDiskStats,
  parseMemory,
  parseNetwork,
  parsePressure,
} from '../../../src/cli/host/proc-files.ts';

const named = (samples: readonly { name: string; labels: Readonly<Record<string, string>>; value: number }[]) =>
  Object.fromEntries(samples.map(({ name, labels, value }) => [[name, ...Object.values(labels)].join(' '), value]));

describe('the /proc files', () => {
  it('give seconds per CPU and mode', () => {
    const cpu = named(parseCpu('cpu  9 9 9 9\ncpu0 100 0 250 1000 5 0 1 0 0 0\nintr 5\n'));
    expect(cpu).to.include({ 'node_cpu_seconds_total 0 user': 1, 'node_cpu_seconds_total 0 system': 2.5 });
    expect(Object.keys(cpu)).to.have.length(8);
  });

  it('give memory in bytes', () => {
    expect(named(parseMemory('MemTotal:        8039872 kB\nHugePages_Total:       0\n'))).to.deep.equal({
      node_memory_MemTotal_bytes: 8_039_872 * 1024,
    });
  });

  it('give disks, but neither partitions nor loop devices', () => {
    const text = [
      '   8       0 sda 10 0 20 5 30 0 40 6 0 700 11',
      '   8       1 sda1 1 0 2 3 4 0 5 6 0 7 8',
      '   7       0 loop0 1 0 2 3 4 0 5 6 0 7 8',
      ' 259       0 nvme0n1 1 0 2 3 4 0 5 6 0 7 8',
      ' 259       1 nvme0n1p1 1 0 2 3 4 0 5 6 0 7 8',
    ].join('\n');
    const disks = named(parseDiskStats(text));
    expect(disks).to.include({
      'node_disk_read_bytes_total sda': 20 * 512,
      'node_disk_written_bytes_total sda': 40 * 512,
      'node_disk_io_time_seconds_total sda': 0.7,
      'node_disk_reads_completed_total nvme0n1': 1,
    });
    expect(Object.keys(disks)).to.have.length(10);
  });

  it('give network devices', () => {
    const text = 'Inter-|   Receive\n face |bytes packets\n  eth0: 1000 10 1 0 0 0 0 0 2000 20 2 0 0 0 0 0\n';
    expect(named(parseNetwork(text))).to.include({
      'node_network_receive_bytes_total eth0': 1000,
      'node_network_transmit_bytes_total eth0': 2000,
      'node_network_transmit_errs_total eth0': 2,
    });
  });

  it('give the time spent waiting', () => {
    expect(parsePressure('some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0 total=9\n')).to.deep.equal(
      [2.5],
    );
  });

  it('are not there on every machine: then there is nothing', () => {
    for (const parse of [parseCpu, parseMemory, parseDiskStats, parseNetwork, parsePressure])
      expect(parse('')).to.deep.equal([]);
  });
});

describe("the host's metrics", () => {
  it('have CPU, memory and load on this machine', async () => {
    const registry = new Registry();
    registerHostMetrics(registry, { directory: process.cwd(), now: Date.now });
    const text = await registry.metrics();
    for (const name of [
      'node_cpu_seconds_total',
      'node_memory_MemTotal_bytes',
      'node_load1',
      'node_filesystem_avail_bytes',
    ])
      expect(text).to.match(new RegExp(`^${name}(\\{.*\\})? [0-9]`, 'm'));
  });
});
