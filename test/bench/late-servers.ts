/**
 * What late samples cost a server: the same requests of remote write, with the samples in the order of their arrival, to
 * `tidemark serve` and to Prometheus with `out_of_order_time_window`. Both take them as fast as they can, so neither has
 * the hour that the samples stand for: what a server does in the background later is not in the figures.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProtobufWriter } from '../../src/wire/protobuf-writer.ts';
import { compress } from '../../src/wire/snappy.ts';
import { markdownTable } from '../docs/generators/markdown-table.ts';
import { freePort } from '../support/free-port.ts';
import { arrivals, SHARES } from './late-arrivals.ts';

const SAMPLES_PER_REQUEST = 5000;
/** Clock ticks of /proc in a second. */
const TICKS = 100;

interface Server {
  readonly child: ChildProcess;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface ServerCost {
  readonly nsPerSample: number;
  readonly bytesPerSample: number;
  readonly peakMb: number;
  readonly seconds: number;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const untilReady = async (url: string, child: ChildProcess): Promise<void> => {
  const isReady = (): Promise<boolean> =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error(`the server of ${url} has ended`);
    await pause(50);
  }
};

const startTidemark = async (directory: string): Promise<Server> => {
  const port = await freePort();
  const store = join(directory, 'store');
  const parameters = [
    'dist/lib/cli.js',
    'serve',
    store,
    '--write',
    '--port',
    `${port}`,
    '--retention',
    'off',
    '--no-record',
  ];
  const child = spawn(process.execPath, parameters, { stdio: 'ignore' });
  await untilReady(`http://127.0.0.1:${port}/-/ready`, child);
  const token = readFileSync(join(store, 'HTTP_TOKEN'), 'utf8').trim();
  return { child, url: `http://127.0.0.1:${port}/api/v1/write`, headers: { authorization: `Bearer ${token}` } };
};

const startPrometheus = async (directory: string): Promise<Server> => {
  const port = await freePort();
  const configuration = join(directory, 'prometheus.yml');
  writeFileSync(configuration, 'global: {}\nstorage: {tsdb: {out_of_order_time_window: 2h}}\n');
  const parameters = [
    `--config.file=${configuration}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    '--storage.tsdb.retention.time=100y',
    '--web.enable-remote-write-receiver',
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn('prometheus', parameters, { stdio: 'ignore' });
  await untilReady(`http://127.0.0.1:${port}/-/ready`, child);
  return { child, url: `http://127.0.0.1:${port}/api/v1/write`, headers: {} };
};

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

const send = async ({ url, headers }: Server, body: Buffer): Promise<void> => {
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

const field = (path: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(path, 'utf8'))?.[1] ?? Number.NaN);

/** Processor time of a process in seconds, from the fields utime and stime. */
const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
};

const measure = async (
  start: (directory: string) => Promise<Server>,
  rounds: readonly Float64Array[],
): Promise<ServerCost> => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-late-'));
  const server = await start(directory);
  const { child } = server;
  const pid = child.pid as number;
  try {
    const writer = new ProtobufWriter();
    const [cpu, bytes, started] = [cpuSeconds(pid), field(`/proc/${pid}/io`, 'wchar'), performance.now()];
    let samples = 0;
    for (const round of rounds) {
      for (let from = 0; from < round.length; from += 2 * SAMPLES_PER_REQUEST)
        await send(server, requestOf(writer, round, from, Math.min(round.length, from + 2 * SAMPLES_PER_REQUEST)));
      samples += round.length / 2;
    }
    return {
      nsPerSample: ((cpuSeconds(pid) - cpu) * 1e9) / samples,
      bytesPerSample: (field(`/proc/${pid}/io`, 'wchar') - bytes) / samples,
      peakMb: (field(`/proc/${pid}/status`, 'VmHWM') * 1024) / 1e6,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    child.kill();
    if (child.exitCode === null) await once(child, 'exit');
    rmSync(directory, { recursive: true, force: true });
  }
};

/** Prints the costs of each share of late samples, of `tidemark serve` and of Prometheus if it is installed. */
export const compareServers = async (seriesCount: number): Promise<void> => {
  const servers: (readonly [string, (directory: string) => Promise<Server>])[] = [['Tidemark', startTidemark]];
  if (spawnSync('prometheus', ['--version']).error === undefined) servers.push(['Prometheus', startPrometheus]);
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
