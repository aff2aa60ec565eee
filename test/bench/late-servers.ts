/**
 * What late samples cost a server: the same requests of remote write, with the samples in the order of their arrival, to
 * `tidemark serve` and to Prometheus with `out_of_order_time_window`. Both take them as fast as they can, so neither has
 * the hour that the samples stand for: what a server does in the background later is not in the figures.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProtobufWriter } from '../../src/wire/protobuf-writer.ts';
import { compress } from '../../src/wire/snappy.ts';
import { markdownTable } from '../docs/generators/markdown-table.ts';
import { arrivals, SHARES } from './late-arrivals.ts';
import { cpuSeconds, residentPeak, writtenBytes } from './process-figures.ts';
import { isInstalled, pause, type Server, startPrometheus, startTidemark, stopServer } from './servers.ts';

const SAMPLES_PER_REQUEST = 5000;
interface ServerCost {
  readonly nsPerSample: number;
  readonly bytesPerSample: number;
  readonly peakMb: number;
  readonly seconds: number;
}

const startPrometheusWithWindow = (directory: string): Promise<Server> =>
  startPrometheus(directory, 'global: {}\nstorage: {tsdb: {out_of_order_time_window: 2h}}\n', [
    '--web.enable-remote-write-receiver',
  ]);

const startWritableTidemark = (directory: string): Promise<Server> =>
  startTidemark(join(directory, 'store'), ['--write', '--no-record']);

/** A request of remote write 1.0, with one series for each sample, as a gateway sends what just came in. */
const requestOf = (writer: ProtobufWriter, samples: Float64Array, from: number, to: number): Buffer => {
  writer.reset();
  for (let i = from; i < to; i += 2) {
    writer.begin(1);
    for (const [name, value] of [
      ['__name__', 'bench'],
      ['id', `${samples[i]}`],
    ]) {
      writer.begin(1);
      writer.string(1, name);
      writer.string(2, value);
      writer.end();
    }
    writer.begin(2);
    writer.double(1, (samples[i] + i) % 1000);
    writer.int64(2, samples[i + 1]);
    writer.end();
    writer.end();
  }
  return compress(writer.finish());
};

const send = async ({ origin, headers }: Server, body: Buffer): Promise<void> => {
  const url = `${origin}/api/v1/write`;
  for (;;) {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        ...headers,
        'content-encoding': 'snappy',
        'content-type': 'application/x-protobuf',
        'x-prometheus-remote-write-version': '0.1.0',
      },
      body: new Uint8Array(body),
    });
    const text = await response.text();
    if (response.ok) return;
    if (response.status !== 429 && response.status !== 503)
      throw new Error(`${url} answers ${response.status}: ${text}`);
    await pause(1000 * Number(response.headers.get('retry-after') ?? 1));
  }
};

const measure = async (
  start: (directory: string) => Promise<Server>,
  rounds: readonly Float64Array[],
): Promise<ServerCost> => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-late-'));
  const server = await start(directory);
  const pid = server.child.pid as number;
  try {
    const writer = new ProtobufWriter();
    const [cpu, bytes, started] = [cpuSeconds(pid), writtenBytes(pid), performance.now()];
    let samples = 0;
    for (const round of rounds) {
      for (let from = 0; from < round.length; from += 2 * SAMPLES_PER_REQUEST)
        await send(server, requestOf(writer, round, from, Math.min(round.length, from + 2 * SAMPLES_PER_REQUEST)));
      samples += round.length / 2;
    }
    return {
      nsPerSample: ((cpuSeconds(pid) - cpu) * 1e9) / samples,
      bytesPerSample: (writtenBytes(pid) - bytes) / samples,
      peakMb: residentPeak(pid) / 1e6,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await stopServer(server);
    rmSync(directory, { recursive: true, force: true });
  }
};

/** Prints the costs of each share of late samples, of `tidemark serve` and of Prometheus if it is installed. */
export const compareServers = async (seriesCount: number): Promise<void> => {
  const servers: (readonly [string, (directory: string) => Promise<Server>])[] = [['Tidemark', startWritableTidemark]];
  if (isInstalled('prometheus')) servers.push(['Prometheus', startPrometheusWithWindow]);
  const rows: string[][] = [];
  for (const share of SHARES) {
    const rounds = arrivals(seriesCount, share);
    for (const [name, start] of servers) {
      const cost = await measure(start, rounds);
      rows.push([
        `${share * 100} %`,
        name,
        cost.nsPerSample.toFixed(0),
        cost.bytesPerSample.toFixed(1),
        cost.peakMb.toFixed(0),
        cost.seconds.toFixed(1),
      ]);
    }
  }
  const header = ['late', 'server', 'processor ns a sample', 'bytes written a sample', 'peak MB', 'seconds'];
  process.stdout.write(`${markdownTable(header, rows)}\n`);
};
