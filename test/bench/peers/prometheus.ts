/**
 * The time-series database of Prometheus 2.x, as Debian packages it: the benchmark that promtool brings, on the
 * workload's label sets, then the server started on what it wrote, to see the log replayed.
 *
 * Not the same work, and easier: promtool appends by reference in a friendlier order, 1,000 series for 100 rounds at a
 * time, with values and times of its own, on all cores. It is here because it runs on the same machine at the same
 * moment, in Go.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/free-port.ts';
import { directoryBytes } from '../measure.ts';
import { labelsOf, type WorkloadSize } from '../workload.ts';
import type { PeerFigures } from './main.ts';

export const title = 'Prometheus 2.x TSDB';
export const configuration = "promtool's own write benchmark, by reference, all cores";

/** promtool simulates rounds in steps of this many. */
const roundsPerStep = 100;
const startAttemptsMax = 600;
const attemptDelayMs = 100;

const milliseconds = (text: string): number => {
  const units: Readonly<Record<string, number>> = { h: 3.6e6, m: 6e4, s: 1e3, ms: 1, µs: 1e-3, ns: 1e-6 };
  const parts = [...text.matchAll(/([\d.]+)(ms|µs|ns|h|m|s)/g)];
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * units[unit], 0);
};

const captured = (text: string, pattern: RegExp): string => {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`no ${pattern} in: ${text.slice(-1_000)}`);
  return found;
};

const write = (directory: string, { seriesCount, rounds }: WorkloadSize): number => {
  const labels = Array.from({ length: seriesCount }, (_, i) => JSON.stringify(labelsOf(i)).replace(':9100', ''));
  writeFileSync(join(directory, 'labels.json'), `${labels.join('\n')}\n`);
  const scrapes = Math.max(roundsPerStep, rounds - (rounds % roundsPerStep));
  const { stdout, stderr } = spawnSync(
    'promtool',
    ['tsdb', 'bench', 'write', `--metrics=${seriesCount}`, `--scrapes=${scrapes}`, '--out=out', 'labels.json'],
    { cwd: directory, encoding: 'utf8' },
  );
  const output = `${stdout}${stderr}`;
  const samples = Number(captured(output, /total samples: (\d+)/));
  const ms = milliseconds(captured(output, /stage=ingestScrapes duration=(\S+)/));
  return (ms * 1e6) / samples;
};

const restart = async (directory: string): Promise<{ reopenMs: number; residentMB: number }> => {
  writeFileSync(join(directory, 'prometheus.yml'), 'global: {}\n');
  const address = `127.0.0.1:${await freePort()}`;
  const server = spawn(
    'prometheus',
    [
      '--config.file=prometheus.yml',
      '--storage.tsdb.path=out/storage',
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=${address}`,
    ],
    { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  server.stderr.on('data', (text: Buffer) => {
    log += text.toString();
  });
  const ended = new Promise((resolve) => server.once('close', resolve));
  try {
    for (let attempt = 0; !log.includes('Server is ready') && attempt < startAttemptsMax; attempt++) {
      await sleep(attemptDelayMs);
    }
    const reopenMs = milliseconds(captured(log, /total_replay_duration=(\S+)/));
    const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
    return { reopenMs, residentMB: Number(captured(status, /VmRSS:\s+(\d+) kB/)) / 1e3 };
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
};

export const measurePrometheus = async (directory: string, size: WorkloadSize): Promise<PeerFigures> => {
  for (const program of ['promtool', 'prometheus']) {
    const { error: cause } = spawnSync(program, ['--version']);
    if (cause !== undefined)
      throw new Error(`${program} is not installed; Debian's package prometheus has it`, { cause });
  }
  const appendNs = write(directory, size);
  const directoryMB = directoryBytes(join(directory, 'out', 'storage')) / 1e6;
  return { appendNs, directoryMB, ...(await restart(directory)) };
};
