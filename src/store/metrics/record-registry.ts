/**
 * Records the history of a prom-client registry in a store. It collects the registry at once, at an interval, and once
 * more when the recording is stopped, and appends every value as a Prometheus server that scrapes the registry would
 * store it. So counters of an OpenMetrics registry end in
 * `_total`, and half of a surrogate pair becomes U+FFFD. Histograms and summaries become one series per bucket and
 * quantile plus `_sum` and `_count`. A series that is no longer in the registry ends with a staleness marker.
 *
 * A handle is kept per series, so a round costs the registry's own collection and one append per value.
 */
import type { Duration, SeriesHandle, Store } from '../../api/api.ts';
import { parseDuration } from '../../model/duration.ts';
import { type ErrorCode, TidemarkError } from '../../model/errors.ts';
import { checkStore, hasMethods, invalidOption } from '../../model/invalid-option.ts';
import type { Labels } from '../../model/labels.ts';
import { type Clock, systemClock, type TimerHandle } from '../../ports/clock.ts';

/**
 * What is needed of a registry. prom-client 14 and 15 and `@prometheus-io/client` have it; a registry of another copy of
 * these packages is as good.
 */
export interface RecordableRegistry {
  /** Registries that cannot send OpenMetrics have one content type. */
  readonly contentType: string;
  getMetricsAsArray(): readonly object[];
  getMetricsAsJSON(): Promise<readonly unknown[]>;
}

export interface RecordRegistryOptions {
  /** Time between two collections. Default `'15s'`. */
  readonly interval?: Duration;
  /** Labels that every recorded series gets, such as `job`. A metric's own label of the same name takes precedence. */
  readonly labels?: Labels;
  readonly clock?: Clock;
  /**
   * Called with the error of a failed collection or of a refused sample; recording goes on. Default: errors are
   * ignored.
   */
  readonly onError?: (error: unknown) => void;
}

export interface Recording {
  /**
   * Collects once more, so that the history has the last values, and ends the recording. Resolves when they are
   * appended. A metric whose collection does not end within ten seconds is left out; so is what a throttled store does
   * not take.
   */
  stop(): Promise<void>;
}

/** One value as prom-client returns it. prom-client's types declare `metricName` only for histograms. */
interface CollectedValue {
  readonly value: number;
  readonly metricName?: string;
  readonly labels?: Readonly<Record<string, unknown>>;
}

interface CollectedMetric {
  readonly name: string;
  readonly type: unknown;
  readonly help?: unknown;
  readonly values: readonly CollectedValue[];
}

/** A metric of the registry. It is identified by the object, because prom-client may change its name. */
type Metric = object;

interface Recorded {
  /** `undefined` for a series that the store refuses. */
  readonly handle: SeriesHandle | undefined;
  readonly metric: Metric;
  /** The last round in which the registry had the series. */
  round: number;
}

/** These errors concern the store as a whole, so the rest of the round would fail too. */
const storeFailures: readonly ErrorCode[] = [
  'TIDEMARK_CLOSED',
  'TIDEMARK_READ_ONLY',
  'TIDEMARK_DISK_FULL',
  'TIDEMARK_IO',
  'TIDEMARK_INTERNAL',
];

/**
 * A metric whose collection takes longer than this, or than the interval if that is longer, is left out until the
 * collection ends. A Prometheus server waits as long for a scrape.
 */
const collectionMsMin = 10_000;

/** Stands for a value that has the name of its metric. */
const noValue: CollectedValue = { value: 0 };

const hasCode = (error: unknown, ...codes: readonly ErrorCode[]): boolean =>
  error instanceof TidemarkError && codes.includes(error.code);

/** Half of a surrogate pair becomes U+FFFD, as in the text that prom-client sends. */
const wellFormed = (text: string): string => (/\p{Cs}/u.test(text) ? Buffer.from(text).toString() : text);

class RegistryRecording implements Recording {
  private readonly store: Store;
  private readonly registry: RecordableRegistry;
  private readonly intervalMs: number;
  private readonly ownLabels: Labels;
  private readonly clock: Clock;
  private readonly onError: (error: unknown) => void;
  private readonly recorded = new Map<string, Recorded>();
  /** The names of the metrics when they were first seen. */
  private readonly names = new WeakMap<Metric, string>();
  /** Metrics whose collection has not ended. A metric is not collected twice at the same time. */
  private readonly unfinished = new Set<Metric>();
  private timer: TimerHandle;
  private running: Promise<void>;
  /** Set by `stop`, and when the store has closed: no further collection is scheduled. */
  private stopped = false;
  /** The round that is running ends as soon as it can. */
  private interrupted = false;
  /** The last round waits for nothing that may take long. */
  private isLastRound = false;
  private ending: Promise<void> | undefined;
  private lastTimestamp = Number.NaN;
  private endWait = (): void => {};
  private round = 0;

  constructor(store: Store, registry: RecordableRegistry, options: RecordRegistryOptions) {
    this.store = store;
    this.registry = registry;
    this.intervalMs = parseDuration(options.interval ?? '15s');
    this.ownLabels = options.labels ?? {};
    this.clock = options.clock ?? systemClock;
    this.onError = options.onError ?? (() => {});
    this.running = this.collect();
  }

  stop(): Promise<void> {
    this.ending ??= this.end();
    return this.ending;
  }

  private async end(): Promise<void> {
    const isOver = this.stopped;
    this.stopped = true;
    this.interrupted = true;
    this.clock.clearTimeout(this.timer);
    this.endWait();
    await this.running;
    if (isOver) return;
    this.interrupted = false;
    this.isLastRound = true;
    try {
      await this.appendAll();
    } catch (error) {
      this.report(error);
    }
  }

  /**
   * Collects once and schedules the next collection. One that takes longer than the interval delays the next one
   * instead of overlapping it.
   */
  private async collect(): Promise<void> {
    const startedMs = this.clock.monotonic();
    try {
      await this.appendAll();
    } catch (error) {
      this.report(error);
      if (hasCode(error, 'TIDEMARK_CLOSED')) this.stopped = true;
    }
    if (this.stopped) return;
    const delayMs = Math.max(0, startedMs + this.intervalMs - this.clock.monotonic());
    this.timer = this.clock.setTimeout(() => {
      this.running = this.collect();
    }, delayMs);
  }

  /** Calls `onError`. An error in that callback must not end the recording. */
  private report(error: unknown): void {
    try {
      this.onError(error);
    } catch {
      // The callback is the only place to report errors to, so its own error is ignored.
    }
  }

  private async appendAll(): Promise<void> {
    if (!this.isLastRound) await this.wait(this.store.ready());
    if (this.interrupted) return;
    const failed = new Set<Metric>();
    const collected = await this.collectMetrics(failed);
    if (this.interrupted) return;
    const timestamp = this.nextTimestamp();
    this.round++;
    for (const [metric, items] of collected)
      for (const item of items) {
        this.describe(metric, item);
        for (const value of item.values) {
          await this.append(metric, { name: this.nameOf(metric, item, value), value, timestamp });
          if (this.interrupted) return;
        }
      }
    await this.endMissing(failed, timestamp);
  }

  /** Now. Within the millisecond of the round before, the next millisecond: a series has one sample at a time. */
  private nextTimestamp(): number {
    const now = this.clock.now();
    this.lastTimestamp = now === this.lastTimestamp ? now + 1 : now;
    return this.lastTimestamp;
  }

  /** Tells the store what a metric is. prom-client has no units; a metric may have one as a property of its own. */
  private describe(metric: Metric, { type, help, name, values }: CollectedMetric): void {
    const { unit } = metric as { readonly unit?: unknown };
    const isCounter = type === 'counter';
    try {
      this.store.describe({
        metric: wellFormed(isCounter ? this.nameOf(metric, { name, type, values }, noValue) : this.firstNameOf(metric)),
        type: typeof type === 'string' ? type : 'unknown',
        help: typeof help === 'string' ? wellFormed(help) : '',
        unit: typeof unit === 'string' ? unit : '',
      });
    } catch (error) {
      if (hasCode(error, ...storeFailures)) throw error;
      this.report(error);
    }
  }

  /** Collects every metric separately, so a metric that fails or never ends does not affect the others. */
  private async collectMetrics(failed: Set<Metric>): Promise<ReadonlyMap<Metric, readonly CollectedMetric[]>> {
    const collected = new Map<Metric, readonly CollectedMetric[]>();
    const pending = new Set<Metric>();
    const collections = (this.registry.getMetricsAsArray() as readonly Metric[]).map(async (metric) => {
      failed.add(metric);
      if (this.unfinished.has(metric)) return;
      this.unfinished.add(metric);
      pending.add(metric);
      try {
        const items = await this.collectOne(metric);
        collected.set(metric, items);
        failed.delete(metric);
      } catch (error) {
        this.report(error);
      } finally {
        pending.delete(metric);
        this.unfinished.delete(metric);
      }
    });
    await this.wait(
      Promise.all(collections),
      this.isLastRound ? collectionMsMin : Math.max(collectionMsMin, this.intervalMs),
    );
    for (const metric of this.interrupted ? [] : pending)
      this.report(
        new Error(`the metric ${this.firstNameOf(metric)} is still being collected; it is left out until then`),
      );
    // A copy: collections that end later must not be part of this round.
    return new Map(collected);
  }

  /**
   * Collects one metric through a view of the registry that has only this metric, because the registry adds its default
   * labels.
   */
  private collectOne(metric: Metric): Promise<readonly CollectedMetric[]> {
    const view = Object.create(this.registry, { getMetricsAsArray: { value: () => [metric] } }) as RecordableRegistry;
    return view.getMetricsAsJSON() as Promise<readonly CollectedMetric[]>;
  }

  private firstNameOf(metric: Metric): string {
    const known = this.names.get(metric);
    if (known !== undefined) return known;
    const name = String((metric as { name?: unknown }).name);
    this.names.set(metric, name);
    return name;
  }

  /**
   * The name of a series as in the registry's text format. Counters of an OpenMetrics registry end in `_total`,
   * whatever their name is; prom-client even changes the metric's name when it writes the text.
   */
  private nameOf(metric: Metric, item: CollectedMetric, value: CollectedValue): string {
    const name = value.metricName ?? this.firstNameOf(metric);
    const isOpenMetrics = this.registry.contentType.startsWith('application/openmetrics-text');
    return isOpenMetrics && item.type === 'counter' ? `${name.replace(/_total$/, '')}_total` : name;
  }

  private async append(
    metric: Metric,
    sample: { readonly name: string; readonly value: CollectedValue; readonly timestamp: number },
  ): Promise<void> {
    const series = this.seriesFor(metric, sample);
    if (series === undefined) return;
    series.round = this.round;
    const { handle } = series;
    if (handle !== undefined) await this.offer(() => handle.append(sample.timestamp, sample.value.value));
  }

  /** The series, or `undefined` when its labels cannot be read. A series that the store refuses is reported once. */
  private seriesFor(
    metric: Metric,
    { name, value: { labels = {} } }: { readonly name: string; readonly value: CollectedValue },
  ): Recorded | undefined {
    try {
      const texts = Object.entries(labels).map(([label, value]) => [label, String(value)] as const);
      let key = name;
      for (const [label, text] of texts) key += `\u0000${label}\u0001${text}`;
      const known = this.recorded.get(key);
      if (known !== undefined) return known;
      const series = { handle: this.handleFor(name, texts), metric, round: this.round };
      this.recorded.set(key, series);
      return series;
    } catch (error) {
      if (hasCode(error, ...storeFailures)) throw error;
      this.report(error);
      return undefined;
    }
  }

  private handleFor(name: string, texts: readonly (readonly [string, string])[]): SeriesHandle | undefined {
    const own = texts.map(([label, text]) => [wellFormed(label), wellFormed(text)] as const);
    try {
      return this.store.series({ ...this.ownLabels, ...Object.fromEntries(own), __name__: wellFormed(name) });
    } catch (error) {
      if (hasCode(error, ...storeFailures)) throw error;
      this.report(error);
      return undefined;
    }
  }

  /**
   * Appends a staleness marker to each series that the registry no longer has. Series of metrics whose collection
   * failed are left alone, because the registry may still have them.
   */
  private async endMissing(failed: ReadonlySet<Metric>, timestamp: number): Promise<void> {
    for (const [key, { handle, metric, round }] of this.recorded) {
      if (round === this.round || failed.has(metric)) continue;
      if (handle !== undefined) await this.offer(() => handle.appendStale(timestamp));
      if (this.interrupted) return;
      this.recorded.delete(key);
    }
  }

  /**
   * Appends one sample, and reports the error if the store refuses it. Waits while the store is throttled; the last
   * round ends with that error instead.
   */
  private async offer(append: () => void): Promise<void> {
    while (!this.interrupted) {
      try {
        append();
        return;
      } catch (error) {
        if (hasCode(error, ...storeFailures)) throw error;
        if (this.isLastRound && hasCode(error, 'TIDEMARK_THROTTLED')) throw error;
        if (!hasCode(error, 'TIDEMARK_THROTTLED')) {
          this.report(error);
          return;
        }
      }
      await this.wait(this.store.ready());
    }
  }

  /** Resolves when the promise resolves, at the timeout, or when the recording is stopped. */
  private wait(promise: Promise<unknown>, timeoutMs?: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.clock.clearTimeout(timer);
        this.endWait = () => {};
        settle();
      };
      const timer = timeoutMs === undefined ? undefined : this.clock.setTimeout(() => end(resolve), timeoutMs);
      this.endWait = () => end(resolve);
      promise.then(
        () => end(resolve),
        (error: unknown) => end(() => reject(error)),
      );
      if (this.interrupted) this.endWait();
    });
  }
}

/**
 * Records `registry` into `store` until stopped.
 *
 * @throws {TidemarkError} `TIDEMARK_INVALID_OPTION` for an argument that is no store or no registry, and for an interval
 * that is no duration.
 */
export const recordRegistry = (
  store: Store,
  registry: RecordableRegistry,
  options: RecordRegistryOptions = {},
): Recording => {
  checkStore(store);
  if (!hasMethods(registry, 'getMetricsAsArray', 'getMetricsAsJSON'))
    throw invalidOption('registry', registry, 'a registry of prom-client');
  return new RegistryRecording(store, registry, options);
};
