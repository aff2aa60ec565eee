/**
 * The servers that answer workload Q: `tidemark serve`, Prometheus and VictoriaMetrics. Each has the same data in a
 * directory of its own. Prometheus and VictoriaMetrics are skipped where they are not installed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';

export interface AnsweringServer {
  readonly name: string;
  /** Base of the HTTP API, such as `http://127.0.0.1:9090/api/v1`. */
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly child: ChildProcess;
  readonly agent: Agent;
}

const isInstalled = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const untilReady = async (
  url: string,
  child: ChildProcess,
  headers: Readonly<Record<string, string>>,
): Promise<void> => {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server of ${url} has ended with exit code ${child.exitCode}`);
    const isReady = await fetch(url, { headers }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await pause(100);
  }
};

const run = (program: string, parameters: readonly string[]): void => {
  const { status, stderr, error } = spawnSync(program, parameters, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${program} ${parameters[0]} failed: ${error?.message ?? stderr.slice(0, 1000)}`);
};

export const startTidemark = async ({
  cli,
  jsonLines,
  parent,
}: {
  readonly cli: string;
  readonly jsonLines: string;
  readonly parent: string;
}): Promise<AnsweringServer> => {
  const directory = join(parent, 'tidemark');
  run(process.execPath, [cli, 'import', directory, jsonLines]);
  const port = await freePort();
  const parameters = [cli, 'serve', directory, '--port', String(port), '--retention', 'off'];
  const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'ignore', 'inherit'] });
  const origin = `http://127.0.0.1:${port}`;
  await untilReady(`${origin}/-/ready`, child, {});
  const token = readFileSync(join(directory, 'HTTP_TOKEN'), 'utf8').trim();
  const headers = { authorization: `Bearer ${token}` };
  return { name: 'Tidemark, HTTP', base: `${origin}/api/v1`, headers, child, agent: new Agent({ keepAlive: true }) };
};

export const startPrometheusServer = async (
  openMetrics: string,
  parent: string,
): Promise<AnsweringServer | undefined> => {
  if (!['prometheus', 'promtool'].every(isInstalled)) return undefined;
  const directory = join(parent, 'prometheus');
  run('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', openMetrics, directory]);
  const configuration = join(parent, 'prometheus.yml');
  writeFileSync(configuration, 'global: {}\n');
  const port = await freePort();
  const parameters = [
    `--config.file=${configuration}`,
    `--storage.tsdb.path=${directory}`,
    '--storage.tsdb.retention.time=100y',
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn('prometheus', parameters, { stdio: 'ignore' });
  const origin = `http://127.0.0.1:${port}`;
  await untilReady(`${origin}/-/ready`, child, {});
  return { name: 'Prometheus', base: `${origin}/api/v1`, headers: {}, child, agent: new Agent({ keepAlive: true }) };
};

export const startVictoriaMetrics = async (jsonLines: string, parent: string): Promise<AnsweringServer | undefined> => {
  if (!isInstalled('victoria-metrics')) return undefined;
  const port = await freePort();
  const parameters = [
    `-storageDataPath=${join(parent, 'victoria-metrics')}`,
    `-httpListenAddr=127.0.0.1:${port}`,
    '-retentionPeriod=100y',
    '-search.disableCache',
  ];
  const child = spawn('victoria-metrics', parameters, { stdio: 'ignore' });
  const origin = `http://127.0.0.1:${port}`;
  await untilReady(`${origin}/health`, child, {});
  const sending = request(`${origin}/api/v1/import`, { method: 'POST' });
  createReadStream(jsonLines).pipe(sending);
  const [response] = await once(sending, 'response');
  response.resume();
  if (response.statusCode !== 204) throw new Error(`VictoriaMetrics took no data: ${response.statusCode}`);
  // New samples are searchable after a flush.
  await fetch(`${origin}/internal/force_flush`);
  const agent = new Agent({ keepAlive: true });
  return { name: 'VictoriaMetrics', base: `${origin}/api/v1`, headers: {}, child, agent };
};

/** Asks and reads the answer to its end. Resolves to the time in milliseconds and the body's text. */
export const ask = (
  { base, headers, agent }: AnsweringServer,
  parameters: Readonly<Record<string, string>>,
): Promise<{ readonly ms: number; readonly body: string }> =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const asking = request(`${base}/query_range?${new URLSearchParams(parameters)}`, { headers, agent }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const ms = performance.now() - started;
        const body = Buffer.concat(pieces).toString();
        if (response.statusCode === 200) resolve({ ms, body });
        else reject(new Error(`${base} answers ${response.statusCode}: ${body.slice(0, 500)}`));
      });
    });
    asking.on('error', reject);
    asking.end();
  });

export const stopServer = async ({ child, agent }: AnsweringServer): Promise<void> => {
  agent.destroy();
  if (child.exitCode !== null) return;
  child.kill();
  await once(child, 'exit');
};
