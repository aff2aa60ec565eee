/**
 * Measures how long the event loop was blocked lately. A histogram grows until it is reset, and resetting a shared one
 * would take its content from other readers. So two histograms run at a time. The older one answers all readers; when
 * the newer one has run for {@link LOOP_DELAY_WINDOW_MS}, it takes the older one's place, and a new one begins.
 *
 * The switch happens when the delay is read, not by a timer. With a window of 60 s and a read every few seconds, an
 * answer covers the last one to two minutes. After a longer time without a read, the next answer covers about all of
 * that time.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../../ports/clock.ts';

export const LOOP_DELAY_WINDOW_MS = 60_000;
const RESOLUTION_MS = 10;
const NS_PER_S = 1e9;

type Monitor = Pick<IntervalHistogram, 'enable' | 'disable' | 'percentile' | 'max'>;

const monitor = (): Monitor => monitorEventLoopDelay({ resolution: RESOLUTION_MS });

export class LoopDelay {
  private readonly clock: Clock;
  private readonly newMonitor: () => Monitor;
  private older: Monitor;
  private newer: Monitor;
  private newerSinceMs: number;

  constructor(clock: Clock, newMonitor: () => Monitor = monitor) {
    this.clock = clock;
    this.newMonitor = newMonitor;
    this.older = this.begin();
    this.newer = this.begin();
    this.newerSinceMs = clock.monotonic();
  }

  /** The delay in seconds below which `percent` percent of the turns stayed. */
  percentileSeconds(percent: number): number {
    return this.current().percentile(percent) / NS_PER_S;
  }

  maxSeconds(): number {
    return this.current().max / NS_PER_S;
  }

  stop(): void {
    this.older.disable();
    this.newer.disable();
  }

  private current(): Monitor {
    const nowMs = this.clock.monotonic();
    if (nowMs - this.newerSinceMs >= LOOP_DELAY_WINDOW_MS) {
      this.older.disable();
      this.older = this.newer;
      this.newer = this.begin();
      this.newerSinceMs = nowMs;
    }
    return this.older;
  }

  private begin(): Monitor {
    const begun = this.newMonitor();
    begun.enable();
    return begun;
  }
}
