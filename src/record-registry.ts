/**
 * Keeps the history of a prom-client registry in a store: collects it at an interval and appends every value, as a
 * Prometheus server that scrapes it would have stored it. Histograms and summaries become one series per bucket and
 * quantile plus `_sum` and `_count`; a series that is gone from the registry ends with a staleness marker.
 *
 * Handles are kept per series, so a round costs the registry's own collection plus one append a value.
 */
import type { Registry } from 'prom-client';
import type { Duration, SeriesHandle, Store } from './api.ts';
import { type Clock, systemClock, type TimerHandle } from './clock.ts';
import { type ErrorCode, TidemarkError } from './errors.ts';
import { parseDuration } from './model/duration.ts';
import type { Labels } from './model/labels.ts';

export interface RecordRegistryOptions {
  /** Time between two collections. Default `'15s'`. */
  readonly interval?: Duration;
  /** Labels that every recorded series gets, such as `job`; a metric's own label of the same name wins. */
  readonly labels?: Labels;
  readonly clock?: Clock;
  /** Hears of a collection that failed and of samples that the store refused; recording goes on. Default: silent. */
  readonly onError?: (error: unknown) => void;
}

export interface Recording {
  /** Ends the recording; resolves when a collection under way has been appended. */
  stop(): Promise<void>;
}

/** One value as prom-client hands it out. Its types leave out `metricName` for all but histograms. */
interface CollectedValue {
  readonly value: number;
  readonly metricName?: string;
  readonly labels?: Readonly<Record<string, string | number>>;
}

interface Recorded {
  readonly handle: SeriesHandle;
  /** The round in which it was last there. */
  round: number;
}

/** These say something about one sample; anything else about the store as a whole. */
const sampleRefusals: readonly ErrorCode[] = ['TIDEMARK_OUT_OF_ORDER', 'TIDEMARK_DUPLICATE_TIMESTAMP'];

const isRefusal = (error: unknown, codes: readonly ErrorCode[]): boolean =>
  error instanceof TidemarkError && codes.includes(error.code);

class RegistryRecording implements Recording {
  private readonly store: Store;
  private readonly registry: Registry;
  private readonly intervalMs: number;
  private readonly ownLabels: Labels;
  private readonly clock: Clock;
  private readonly onError: (error: unknown) => void;
  private readonly recorded = new Map<string, Recorded>();
  private timer: TimerHandle;
  private running: Promise<void>;
  private stopped = false;
  private round = 0;

  constructor(store: Store, registry: Registry, options: RecordRegistryOptions) {
    this.store = store;
    this.registry = registry;
    this.intervalMs = parseDuration(options.interval ?? '15s');
    this.ownLabels = options.labels ?? {};
    this.clock = options.clock ?? systemClock;
    this.onError = options.onError ?? (() => {});
    this.running = this.collect();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.clock.clearTimeout(this.timer);
    await this.running;
  }

  /** Collections keep to the interval; one that takes longer delays the next instead of overlapping it. */
  private async collect(): Promise<void> {
    const startedMs = this.clock.monotonic();
    try {
      await this.appendAll();
    } catch (error) {
      this.onError(error);
      if (isRefusal(error, ['TIDEMARK_CLOSED'])) this.stopped = true;
    }
    if (this.stopped) return;
    const delayMs = Math.max(0, startedMs + this.intervalMs - this.clock.monotonic());
    this.timer = this.clock.setTimeout(() => {
      this.running = this.collect();
    }, delayMs);
  }

  private async appendAll(): Promise<void> {
    await this.store.ready();
    const metrics = await this.registry.getMetricsAsJSON();
    if (this.stopped) return;
    const timestamp = this.clock.now();
    this.round++;
    for (const metric of metrics)
      for (const value of metric.values as readonly CollectedValue[])
        this.append(value.metricName ?? metric.name, value, timestamp);
    this.endMissing(timestamp);
  }

  private append(name: string, { labels = {}, value }: CollectedValue, timestamp: number): void {
    const series = this.seriesFor(name, labels);
    series.round = this.round;
    this.offer(() => series.handle.append(timestamp, value));
  }

  private seriesFor(name: string, labels: Readonly<Record<string, string | number>>): Recorded {
    let key = name;
    for (const label in labels) key += `\u0000${label}\u0001${labels[label]}`;
    const known = this.recorded.get(key);
    if (known !== undefined) return known;
    const texts = Object.entries(labels).map(([label, value]) => [label, String(value)] as const);
    const handle = this.store.series({ ...this.ownLabels, ...Object.fromEntries(texts), __name__: name });
    const series = { handle, round: this.round };
    this.recorded.set(key, series);
    return series;
  }

  /** Marks the end of what was there in the round before and is not any more. */
  private endMissing(timestamp: number): void {
    for (const [key, { handle, round }] of this.recorded) {
      if (round === this.round) continue;
      this.offer(() => handle.appendStale(timestamp));
      this.recorded.delete(key);
    }
  }

  private offer(append: () => void): void {
    try {
      append();
    } catch (error) {
      if (!isRefusal(error, sampleRefusals)) throw error;
      this.onError(error);
    }
  }
}

/**
 * Records `registry` into `store` until stopped.
 *
 * @throws {TidemarkError} `TIDEMARK_INVALID_OPTION` for an interval that is no duration.
 */
export const recordRegistry = (store: Store, registry: Registry, options: RecordRegistryOptions = {}): Recording =>
  new RegistryRecording(store, registry, options);
