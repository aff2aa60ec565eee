/**
 * Metrics of the pipes of a registry, with the label `sink`. Nothing is counted here: each metric reads the status of
 * the pipes at a scrape. A pipe that has ended has no series any more.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Pipe, PipeStatus } from './pipe.ts';

type Reading = (status: PipeStatus) => number;

const gauges: Readonly<Record<string, readonly [help: string, reading: Reading]>> = {
  tidemark_sink_pending_bytes: ['Journal bytes that the sink has not stored yet.', (status) => status.pendingBytes],
  tidemark_sink_position: [
    'The journal position up to which the sink has stored everything.',
    (status) => status.position,
  ],
  tidemark_sink_waiting: ['1 while attempts to send fail, 0 otherwise.', ({ state }) => (state === 'waiting' ? 1 : 0)],
};

const counters: Readonly<Record<string, readonly [help: string, reading: Reading]>> = {
  tidemark_sink_sent_events_total: ['Events that the sink has stored.', (status) => status.sentEvents],
  tidemark_sink_retries_total: ['Failed attempts that were followed by another one.', (status) => status.retries],
  tidemark_sink_refused_batches_total: ['Batches that the sink refused for good.', (status) => status.refusedBatches],
  tidemark_sink_lost_bytes_total: [
    'Journal bytes that were removed before the sink had stored them.',
    (status) => status.lostBytes,
  ],
};

type WatchedPipe = Pick<Pipe, 'name' | 'status'>;

const watched = new WeakMap<Registry, Set<WatchedPipe>>();

/** Adds a pipe to the metrics of a registry. Returns a function that removes it. */
export const watchPipe = (registry: Registry, pipe: WatchedPipe): (() => void) => {
  const pipes = watched.get(registry) ?? new Set();
  watched.set(registry, pipes);
  if (registry.getSingleMetric('tidemark_sink_pending_bytes') === undefined) registerMetrics(registry, pipes);
  pipes.add(pipe);
  return () => pipes.delete(pipe);
};

const registerMetrics = (registry: Registry, pipes: ReadonlySet<WatchedPipe>): void => {
  const registers = [registry];
  const labelNames = ['sink'] as const;
  for (const [name, [help, reading]] of Object.entries(gauges)) {
    const gauge: Gauge<'sink'> = new Gauge({
      name,
      help,
      registers,
      labelNames,
      collect: () => {
        gauge.reset();
        for (const pipe of pipes) gauge.set({ sink: pipe.name }, reading(pipe.status()));
      },
    });
  }
  for (const [name, [help, reading]] of Object.entries(counters)) {
    const counter: Counter<'sink'> = new Counter({
      name,
      help,
      registers,
      labelNames,
      collect: () => {
        counter.reset();
        for (const pipe of pipes) counter.inc({ sink: pipe.name }, reading(pipe.status()));
      },
    });
  }
};
