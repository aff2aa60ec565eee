/**
 * The servers that answer workload Q. Each has the same data in a directory of its own. Prometheus and VictoriaMetrics are
 * skipped where they are not installed.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { isInstalled, type Server, startPrometheus, startTidemark, startVictoriaMetrics } from '../servers.ts';

export interface AnsweringServer extends Server {
  readonly name: string;
  readonly agent: Agent;
}

const answering = (name: string, server: Server): AnsweringServer => ({
  ...server,
  name,
  agent: new Agent({ keepAlive: true }),
});

const run = (program: string, parameters: readonly string[]): void => {
  const { status, stderr, error } = spawnSync(program, parameters, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${program} ${parameters[0]} failed: ${error?.message ?? stderr.slice(0, 1000)}`);
};

export const loadTidemark = async (jsonLines: string, parent: string): Promise<AnsweringServer> => {
  const directory = join(parent, 'tidemark');
  run(process.execPath, ['dist/lib/cli.js', 'import', directory, jsonLines]);
  return answering('Tidemark, HTTP', await startTidemark(directory));
};

export const loadPrometheus = async (openMetrics: string, parent: string): Promise<AnsweringServer | undefined> => {
  if (!['prometheus', 'promtool'].every(isInstalled)) return undefined;
  run('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', openMetrics, join(parent, 'prometheus')]);
  return answering('Prometheus', await startPrometheus(parent, 'global: {}\n'));
};

export const loadVictoriaMetrics = async (jsonLines: string, parent: string): Promise<AnsweringServer | undefined> => {
  if (!isInstalled('victoria-metrics')) return undefined;
  const server = answering('VictoriaMetrics', await startVictoriaMetrics(parent));
  const sending = request(`${server.origin}/api/v1/import`, { method: 'POST' });
  createReadStream(jsonLines).pipe(sending);
  const [response] = await once(sending, 'response');
  response.resume();
  if (response.statusCode !== 204) throw new Error(`VictoriaMetrics took no data: ${response.statusCode}`);
  // New samples are searchable after a flush.
  await fetch(`${server.origin}/internal/force_flush`);
  return server;
};

/** Asks and reads the answer to its end. Resolves to the time in milliseconds and the body's text. */
export const ask = (
  { origin, headers, agent }: AnsweringServer,
  parameters: Readonly<Record<string, string>>,
): Promise<{ readonly ms: number; readonly body: string }> =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const url = `${origin}/api/v1/query_range?${new URLSearchParams(parameters)}`;
    const asking = request(url, { headers, agent }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const ms = performance.now() - started;
        const body = Buffer.concat(pieces).toString();
        if (response.statusCode === 200) resolve({ ms, body });
        else reject(new Error(`${origin} answers ${response.statusCode}: ${body.slice(0, 500)}`));
      });
    });
    asking.on('error', reject);
    asking.end();
  });
