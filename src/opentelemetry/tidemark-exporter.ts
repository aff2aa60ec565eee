/**
 * An exporter for the metrics SDK of OpenTelemetry that appends to a store in the same process: no collector, no request.
 *
 *     new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter: new TidemarkExporter(store) })] })
 *
 * It fits the SDK's `PushMetricExporter` by structure and needs nothing of the SDK's packages itself. The series are the
 * same as those that the endpoint `/api/v1/otlp/v1/metrics` writes for the same metrics.
 */
import { type Clock, type SeriesHandle, type Store, systemClock, TidemarkError } from '../index.ts';
import { checkStore } from '../model/invalid-option.ts';
import { type ConversionOptions, type ConversionSettings, conversionSettings } from '../otlp/conversion-options.ts';
import { PointConverter, type SampleTarget } from '../otlp/point-converter.ts';
import { readSdkMetrics } from './read-sdk-metrics.ts';
import type { SdkExportResult, SdkResourceMetrics } from './sdk-types.ts';

export interface TidemarkExporterOptions extends ConversionOptions {
  /** Whether an export ends when its samples are on disk, or as soon as the store has them. Default true. */
  readonly flush?: boolean;
  readonly clock?: Clock;
}

/** Exports that may wait for the disk. Each holds its metrics in memory. */
const PENDING_MAX = 8;

/** The SDK's numbers. */
const SUCCESS = 0;
const FAILED = 1;
const CUMULATIVE = 1;

/** Errors about one sample. With any other, the rest of the export would fail, too. */
const isRefusal = (error: unknown): error is TidemarkError =>
  error instanceof TidemarkError &&
  !['TIDEMARK_THROTTLED', 'TIDEMARK_CLOSED', 'TIDEMARK_READ_ONLY', 'TIDEMARK_INTERNAL', 'TIDEMARK_IO'].includes(
    error.code,
  );

export class TidemarkExporter {
  private readonly store: Store;
  private readonly settings: ConversionSettings;
  private readonly flushes: boolean;
  private readonly clock: Clock;
  /** Ends when the exports that were begun have ended; they run one after the other. */
  private queue: Promise<void> = Promise.resolve();
  private pending = 0;
  private isShutDown = false;

  /** @throws {TidemarkError} `TIDEMARK_INVALID_OPTION`, `TIDEMARK_INVALID_LABELS` */
  constructor(store: Store, options: TidemarkExporterOptions = {}) {
    checkStore(store);
    const { flush = true, clock = systemClock } = options;
    if (typeof flush !== 'boolean')
      throw new TidemarkError('TIDEMARK_INVALID_OPTION', 'flush is no boolean; allowed: true, false');
    this.store = store;
    this.settings = conversionSettings(options);
    this.flushes = flush;
    this.clock = clock;
  }

  /**
   * Appends the metrics. Calls back with code 0 when every sample was taken; with code 1 and the error when some were
   * refused, when the store is closed or takes no samples for the moment, or after `shutdown`.
   */
  export(metrics: SdkResourceMetrics, resultCallback: (result: SdkExportResult) => void): void {
    const refusal = this.isShutDown
      ? 'the exporter has been shut down'
      : this.pending >= PENDING_MAX
        ? `${this.pending} earlier exports have not ended`
        : undefined;
    if (refusal !== undefined) {
      resultCallback({ code: FAILED, error: new Error(refusal) });
      return;
    }
    this.pending += 1;
    this.queue = this.queue
      .then(() => this.write(metrics))
      .then((result) => {
        this.pending -= 1;
        resultCallback(result);
      })
      // The caller's error in its callback must not stop later exports.
      .catch(() => {});
  }

  /** Resolves when all exports that were begun have ended and their samples are on disk. */
  async forceFlush(): Promise<void> {
    await this.queue;
    await this.store.flush();
  }

  /** Ends the exporter; later exports fail. Resolves as `forceFlush` does. The store stays open. */
  async shutdown(): Promise<void> {
    this.isShutDown = true;
    await this.forceFlush();
  }

  /** Totals since the start, for every instrument: a counter in the store never begins again with each export. */
  selectAggregationTemporality(_instrumentType?: unknown): typeof CUMULATIVE {
    return CUMULATIVE;
  }

  private async write(metrics: SdkResourceMetrics): Promise<SdkExportResult> {
    try {
      const converter = new PointConverter(this.settings, targetOf(this.store));
      const steps = readSdkMetrics(metrics, converter);
      const step = (): boolean => steps.next().done !== true;
      while (this.store.batch(step, { sync: !this.flushes })) await this.clock.breathe();
      if (this.flushes) await this.store.flush();
      const { points, message } = converter.refusals;
      if (message === '') return { code: SUCCESS };
      const count = converter.accepted + points;
      return { code: FAILED, error: new Error(`${points} of ${count} data points were refused: ${message}`) };
    } catch (error) {
      return { code: FAILED, error: error instanceof Error ? error : new Error(String(error)) };
    }
  }
}

const targetOf = (store: Store): SampleTarget => ({
  append: (labels, timestamp, high, low) => {
    try {
      const series: SeriesHandle = store.series(labels);
      series.appendBits(timestamp, high, low);
      return undefined;
    } catch (error) {
      if (isRefusal(error)) return error.message;
      throw error;
    }
  },
});
