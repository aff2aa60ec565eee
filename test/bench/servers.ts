/** The servers that benchmarks compare: `tidemark serve`, Prometheus and VictoriaMetrics, each in a process of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';

export interface Server {
  readonly child: ChildProcess;
  /** Such as `http://127.0.0.1:9090`. */
  readonly origin: string;
  /** What a request needs. */
  readonly headers: Readonly<Record<string, string>>;
}

export const isInstalled = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts a program and waits until the path of its address answers with 200. */
const start = async (
  program: string,
  {
    parameters,
    readyPath,
  }: { readonly parameters: (address: string) => readonly string[]; readonly readyPath: string },
): Promise<Pick<Server, 'child' | 'origin'>> => {
  const address = `127.0.0.1:${await freePort()}`;
  const origin = `http://${address}`;
  const child = spawn(program, parameters(address), { stdio: 'ignore' });
  const isReady = (): Promise<boolean> =>
    fetch(`${origin}${readyPath}`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error(`${program} has ended with exit code ${child.exitCode}`);
    await pause(100);
  }
  return { child, origin };
};

/** `tidemark serve` of this checkout's build. */
export const startTidemark = (directory: string, options: readonly string[] = []): Promise<Server> =>
  startTidemarkOf('dist/lib/cli.js', directory, options);

/** `tidemark serve` of a built command line. */
export const startTidemarkOf = async (
  program: string,
  directory: string,
  options: readonly string[] = [],
): Promise<Server> => {
  const started = await start(process.execPath, {
    parameters: (address) => [
      program,
      ...['serve', directory, '--port', address.split(':')[1], '--retention', 'off', ...options],
    ],
    readyPath: '/-/ready',
  });
  const token = readFileSync(join(directory, 'HTTP_TOKEN'), 'utf8').trim();
  return { ...started, headers: { authorization: `Bearer ${token}` } };
};

/** Prometheus with a configuration; its storage is `prometheus` in the directory. */
export const startPrometheus = async (
  directory: string,
  configuration: string,
  options: readonly string[] = [],
): Promise<Server> => {
  const file = join(directory, 'prometheus.yml');
  writeFileSync(file, configuration);
  const started = await start('prometheus', {
    parameters: (address) => [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(directory, 'prometheus')}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=${address}`,
      ...options,
    ],
    readyPath: '/-/ready',
  });
  return { ...started, headers: {} };
};

/** VictoriaMetrics without a cache of results. */
export const startVictoriaMetrics = async (directory: string): Promise<Server> => {
  const started = await start('victoria-metrics', {
    parameters: (address) => [
      `-storageDataPath=${join(directory, 'victoria-metrics')}`,
      `-httpListenAddr=${address}`,
      '-retentionPeriod=100y',
      '-search.disableCache',
    ],
    readyPath: '/health',
  });
  return { ...started, headers: {} };
};

export const stopServer = async ({ child }: Pick<Server, 'child'>): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
};
