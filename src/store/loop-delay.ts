/**
 * How long the event loop was held lately. A histogram grows until it is reset, and whoever resets it takes what it holds
 * from everybody else who asks. So two run at a time, the newer one begun when the older one was taken into use; the older
 * one answers all, and makes way when the newer one has seen a whole {@link LOOP_DELAY_WINDOW_MS}.
 *
 * That is looked at when somebody asks, not by a timer: an answer is about the last minute at least, two minutes at most
 * where somebody asks every few seconds, and where nobody did for longer, about all of that time.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../clock.ts';

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

  /** The delay in seconds that `percent` of the turns stayed below. */
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
