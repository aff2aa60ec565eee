/** Debian's Prometheus 2.42 as a second opinion: started on random data, asked through its HTTP API. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../support/free-port.ts';
import type { ObviousSeries, Point } from './obvious.ts';

export const hasPrometheus = (): boolean =>
  ['prometheus', 'promtool'].every((name) => spawnSync(name, ['--version']).status === 0);

export interface PrometheusSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly Point[];
}

/** A query's result, or the error's text. */
export type PrometheusAnswer =
  | { readonly error: string }
  | { readonly type: string; readonly series: readonly PrometheusSeries[] };

export interface PrometheusServer {
  readonly port: number;
  query(text: string, time: number): Promise<PrometheusAnswer>;
  queryRange(text: string, range: { start: number; end: number; stepMs: number }): Promise<PrometheusAnswer>;
  stop(): Promise<void>;
}

/** Starts a server on these series; `directory` is empty and belongs to the server. */
export const startPrometheus = async (
  series: readonly ObviousSeries[],
  directory: string,
): Promise<PrometheusServer> => {
  writeFileSync(join(directory, 'series.om'), openMetrics(series));
  const made = spawnSync(
    'promtool',
    ['tsdb', 'create-blocks-from', 'openmetrics', join(directory, 'series.om'), join(directory, 'data')],
    {
      encoding: 'utf8',
    },
  );
  if (made.status !== 0) throw new Error(`promtool could not make blocks: ${made.stderr}`);
  return startConfigured('global: {}\n', directory);
};

/** Starts a server with this configuration. Its storage is `data` in the directory, empty if there is none. */
export const startConfigured = async (configuration: string, directory: string): Promise<PrometheusServer> => {
  writeFileSync(join(directory, 'prometheus.yml'), configuration);
  const port = await freePort();
  const server = spawn(
    'prometheus',
    [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  await readiness(server);
  const base = `http://127.0.0.1:${port}/api/v1`;
  return {
    port,
    query: (query, time) => ask(`${base}/query`, { query, time: seconds(time) }),
    queryRange: (query, { start, end, stepMs }) =>
      ask(`${base}/query_range`, { query, start: seconds(start), end: seconds(end), step: seconds(stepMs) }),
    stop: async () => {
      if (server.exitCode !== null) return;
      server.kill();
      await once(server, 'exit');
    },
  };
};

const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);

const openMetrics = (series: readonly ObviousSeries[]): string => {
  const lines = series.flatMap(({ labels, points }) => {
    const { __name__: name, ...rest } = labels;
    const text = Object.entries(rest).map(([label, value]) => `${label}="${value}"`);
    return points.map(({ time, value }) => `${name}{${text.join(',')}} ${numberText(value)} ${seconds(time)}`);
  });
  return `${lines.join('\n')}\n# EOF\n`;
};

const numberText = (value: number): string => {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return Object.is(value, -0) ? '-0' : String(value);
};

/** Resolves when the log says that the server is ready. The log is read to its end, so that the pipe never fills. */
const readiness = (server: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    const log: string[] = [];
    createInterface({ input: server.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      if (log.length < 100) log.push(line);
      if (line.includes('Server is ready')) resolve();
    });
    server.on('error', reject);
    server.on('exit', () => reject(new Error(`prometheus has ended:\n${log.join('\n')}`)));
  });

interface Response {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly resultType: string; readonly result: unknown };
}

type Pair = readonly [number, string];

interface ResultSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Pair;
  readonly values?: readonly Pair[];
}

const ask = async (url: string, parameters: Readonly<Record<string, string>>): Promise<PrometheusAnswer> => {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(parameters) });
  const { status, error, data } = (await response.json()) as Response;
  if (status !== 'success' || data === undefined) return { error: error ?? 'no data' };
  if (data.resultType === 'scalar') {
    return { type: 'scalar', series: [{ labels: {}, points: [pointOf(data.result as Pair)] }] };
  }
  const series = (data.result as readonly ResultSeries[]).map(({ metric, value, values }) => ({
    labels: metric,
    points: (values ?? [value as Pair]).map(pointOf),
  }));
  return { type: data.resultType, series };
};

const pointOf = ([time, text]: Pair): Point => ({ time: Math.round(time * 1000), value: numberOf(text) });

const numberOf = (text: string): number =>
  text === '+Inf' ? Number.POSITIVE_INFINITY : text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
