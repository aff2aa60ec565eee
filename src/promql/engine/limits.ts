/**
 * What a query may use: samples and bytes held at once, series, time. And how it shares the thread: work is counted in
 * units of about one sample, and after a few thousand units the clock is read.
 */
import { TidemarkError } from '../../model/errors.ts';
import type { EngineOptions } from './engine-options.ts';

/** Work between two readings of the clock: well below a millisecond. */
const UNITS_BETWEEN_CHECKS = 16_384;
/** How long the thread is kept before the event loop gets it. */
const SLICE_MS = 5;

export class Budget {
  /** Samples read from the source. */
  samplesRead = 0;
  seriesRead = 0;
  peakSamples = 0;
  private samples = 0;
  private bytes = 0;
  private unitsLeft = UNITS_BETWEEN_CHECKS;
  private sliceEnd: number;
  private readonly deadline: number;
  private readonly options: EngineOptions;
  private readonly signal: AbortSignal | undefined;

  constructor(options: EngineOptions, signal: AbortSignal | undefined) {
    this.options = options;
    this.signal = signal;
    const now = options.now();
    this.sliceEnd = now + SLICE_MS;
    this.deadline = now + options.limits.timeoutMs;
  }

  /** Counts columns of samples as held. Throws before the caller allocates them. */
  hold(samples: number, bytes: number): void {
    this.samples += samples;
    this.bytes += bytes;
    if (this.samples > this.peakSamples) this.peakSamples = this.samples;
    if (this.samples > this.options.limits.samples) throw tooManySamples();
    if (this.bytes > this.options.limits.bytes) throw tooManyBytes(this.options.limits.bytes);
  }

  release(samples: number, bytes: number): void {
    this.samples -= samples;
    this.bytes -= bytes;
  }

  countSeries(series: number, samples: number): void {
    this.seriesRead += series;
    this.samplesRead += samples;
    if (this.seriesRead > this.options.limits.series) throw tooManySeries(this.options.limits.series);
  }

  /** Counts work where nothing can wait; the next {@link spend} looks at the clock. */
  count(units: number): void {
    this.unitsLeft -= units;
  }

  /** Counts work. Returns whether it is time to {@link breathe}. */
  spend(units: number): boolean {
    this.unitsLeft -= units;
    if (this.unitsLeft > 0) return false;
    this.unitsLeft = UNITS_BETWEEN_CHECKS;
    return this.options.now() >= this.sliceEnd;
  }

  /** Gives the thread to the event loop. Throws if the query was aborted meanwhile, or takes too long. */
  async breathe(): Promise<void> {
    this.check();
    await this.options.breathe();
    this.check();
    this.sliceEnd = this.options.now() + SLICE_MS;
  }

  check(): void {
    if (this.signal?.aborted === true) {
      throw new TidemarkError('TIDEMARK_ABORTED', 'query was canceled in expression evaluation', {
        cause: this.signal.reason,
      });
    }
    if (this.options.now() >= this.deadline) {
      throw new TidemarkError('TIDEMARK_QUERY_LIMIT', 'query timed out in expression evaluation', {
        details: { limit: 'timeoutMs', timeoutMs: this.options.limits.timeoutMs },
      });
    }
  }
}

const tooManySamples = (): TidemarkError =>
  new TidemarkError(
    'TIDEMARK_QUERY_LIMIT',
    'query processing would load too many samples into memory in query execution',
    { details: { limit: 'samples' } },
  );

const tooManyBytes = (bytes: number): TidemarkError =>
  new TidemarkError('TIDEMARK_QUERY_LIMIT', `query would hold more than ${bytes} bytes in memory`, {
    details: { limit: 'bytes', bytes },
  });

const tooManySeries = (series: number): TidemarkError =>
  new TidemarkError('TIDEMARK_QUERY_LIMIT', `query would read more than ${series} series`, {
    details: { limit: 'series', series },
  });

/** Throws if a range query has too many steps. */
export const checkStepCount = (start: number, end: number, stepMs: number, steps: number): void => {
  if (Math.floor((end - start) / stepMs) <= steps) return;
  const shown = steps.toLocaleString('en-US');
  throw new TidemarkError(
    'TIDEMARK_QUERY_LIMIT',
    `exceeded maximum resolution of ${shown} points per timeseries. Try decreasing the query resolution (?step=XX)`,
    { details: { limit: 'steps', steps } },
  );
};

/** The evaluation can't give a result; the text is Prometheus'. */
export const failed = (message: string): TidemarkError => new TidemarkError('TIDEMARK_QUERY_FAILED', message);
