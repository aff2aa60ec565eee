/** A server over a store with a little of everything, and questions to it. */
import { PagesServer, type ServerOptions } from '../../../src/http/index.ts';
import { openStore, type Store, systemClock } from '../../../src/index.ts';
import type { ObviousSeries } from '../../promql/obvious.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { type Answer, ask } from '../http-client.ts';

/** 2020-09-13T12:26:40Z. */
export const start = 1_600_000_000_000;

const points = (valueAt: (i: number) => number): ObviousSeries['points'] =>
  Array.from({ length: 61 }, (_, i) => ({ time: start + 60_000 * i, value: valueAt(i) }));

export const someSeries: readonly ObviousSeries[] = [
  { labels: { __name__: 'up', instance: 'a:9100', job: 'node' }, points: points(() => 1) },
  { labels: { __name__: 'up', instance: 'b:9100', job: 'node' }, points: points((i) => i % 2) },
  { labels: { __name__: 'http_requests_total', code: '200', job: 'shop' }, points: points((i) => 30 * i) },
  { labels: { __name__: 'http_requests_total', code: '500', job: 'shop' }, points: points((i) => (i * i) % 97) },
  { labels: { __name__: 'odd', kind: 'small' }, points: points((i) => i * 1e-9) },
  { labels: { __name__: 'odd', kind: 'large' }, points: points((i) => i * 1.5e300) },
  { labels: { __name__: 'odd', kind: 'nan' }, points: points(() => Number.NaN) },
  { labels: { __name__: 'odd', kind: 'infinite' }, points: points((i) => (i % 2 === 0 ? Infinity : -Infinity)) },
  { labels: { __name__: 'odd', kind: 'zero' }, points: points(() => -0) },
  ...['0.1', '0.5', '1', '+Inf'].map((le, rank) => ({
    labels: { __name__: 'latency_seconds_bucket', le },
    points: points((i) => i * (rank + 1)),
  })),
];

export type Parameters = Readonly<Record<string, string | readonly string[]>>;

export const encoded = (parameters: Parameters): string => {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) for (const one of [value].flat()) params.append(name, one);
  return params.toString();
};

export interface ServerWithData {
  readonly store: Store;
  readonly port: number;
  get(path: string, parameters?: Parameters, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, parameters?: Parameters): Promise<Answer>;
  stop(): Promise<void>;
}

export const serve = async (store: Store, options: Partial<ServerOptions> = {}): Promise<ServerWithData> => {
  const server = new PagesServer({ port: 0, clock: systemClock, token: false, ...options });
  await server.listen();
  server.showStore(store);
  const { port } = server;
  return {
    store,
    port,
    get: (path, parameters = {}, headers = {}) => ask(port, `/api/v1/${path}?${encoded(parameters)}`, { headers }),
    post: (path, parameters = {}) =>
      ask(port, `/api/v1/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: encoded(parameters),
      }),
    stop: async () => {
      await server.close();
      await store.close();
    },
  };
};

export const serveSomeSeries = async (): Promise<ServerWithData> => {
  const store = await openStore(temporaryDirectory(), { retention: 'off' });
  for (const { labels, points } of someSeries) for (const { time, value } of points) store.append(labels, time, value);
  return serve(store);
};

/** The JSON of a successful answer's `data`. */
export const dataOf = ({ body }: Answer) => JSON.parse(body).data;
