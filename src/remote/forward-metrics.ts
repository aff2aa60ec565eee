/** The metrics of all forwardings of a store, in the store's registry, with the label `name`. */
import { Counter, Gauge, type Metric, type Registry } from 'prom-client';

const counters = {
  samples: ['tidemark_forward_samples_total', 'Samples that the receiver accepted.'],
  requests: ['tidemark_forward_requests_total', 'Requests that the receiver accepted.'],
  retries: ['tidemark_forward_retries_total', 'Attempts that failed and were repeated.'],
  failed: ['tidemark_forward_failed_requests_total', 'Requests, or parts of them, that were given up.'],
  lostRanges: ['tidemark_forward_lost_ranges_total', 'Parts of the journal that were lost before they were sent.'],
  lostBytes: ['tidemark_forward_lost_bytes_total', 'Bytes of the journal that were lost before they were sent.'],
} as const;

const gauges = {
  pendingSamples: ['tidemark_forward_pending_samples', 'Samples that were read and are not acknowledged.'],
  pendingBytes: ['tidemark_forward_pending_bytes', 'Bytes of the journal that are not acknowledged.'],
  highestTime: [
    'tidemark_forward_highest_sent_timestamp_seconds',
    'Time of the newest sample that the receiver accepted, in seconds since the epoch.',
  ],
  lastError: [
    'tidemark_forward_last_error_timestamp_seconds',
    'When an attempt last failed or samples were last given up, in seconds since the epoch.',
  ],
} as const;

const DROPPED = 'tidemark_forward_dropped_samples_total';

export type ForwardCounter = keyof typeof counters;
export type ForwardGauge = keyof typeof gauges;

export class ForwardMetrics {
  private readonly registry: Registry;
  private readonly name: string;
  private readonly totals = new Map<ForwardCounter, number>();
  private readonly levels = new Map<ForwardGauge, number>();
  readonly droppedByReason = new Map<string, number>();

  constructor(registry: Registry, name: string) {
    this.registry = registry;
    this.name = name;
    // So that the first scrape has them all.
    for (const key of Object.keys(counters)) this.add(key as ForwardCounter, 0);
    for (const key of ['pendingSamples', 'pendingBytes'] as const) this.set(key, 0);
  }

  add(key: ForwardCounter, count: number): void {
    this.totals.set(key, this.total(key) + count);
    const [name, help] = counters[key];
    this.metric(name, () => new Counter({ name, help, labelNames: ['name'], registers: [this.registry] })).inc(
      { name: this.name },
      count,
    );
  }

  set(key: ForwardGauge, value: number): void {
    this.levels.set(key, value);
    const [name, help] = gauges[key];
    this.metric(name, () => new Gauge({ name, help, labelNames: ['name'], registers: [this.registry] })).set(
      { name: this.name },
      value,
    );
  }

  drop(reason: string, count: number): void {
    this.droppedByReason.set(reason, (this.droppedByReason.get(reason) ?? 0) + count);
    const help = 'Samples that were given up, by reason.';
    const labelNames = ['name', 'reason'];
    this.metric(DROPPED, () => new Counter({ name: DROPPED, help, labelNames, registers: [this.registry] })).inc(
      { name: this.name, reason },
      count,
    );
  }

  total(key: ForwardCounter): number {
    return this.totals.get(key) ?? 0;
  }

  level(key: ForwardGauge): number | undefined {
    return this.levels.get(key);
  }

  /** Forwardings of one store share the metrics. */
  private metric<Kind extends Metric>(name: string, create: () => Kind): Kind {
    return (this.registry.getSingleMetric(name) as Kind | undefined) ?? create();
  }
}
