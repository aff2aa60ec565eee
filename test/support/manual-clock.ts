/** A clock that stands still until the test moves it. */
import type { Clock, TimerHandle } from '../../src/ports/clock.ts';

interface Timer {
  readonly callback: () => void;
  readonly dueMs: number;
}

export class ManualClock implements Clock {
  private readonly startMs: number;
  private elapsedMs = 0;
  private readonly timers = new Set<Timer>();

  constructor(startMs = 1_700_000_000_000) {
    this.startMs = startMs;
  }

  now(): number {
    return this.startMs + this.elapsedMs;
  }

  monotonic(): number {
    return this.elapsedMs;
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const timer = { callback, dueMs: this.elapsedMs + delayMs };
    this.timers.add(timer);
    return timer;
  }

  clearTimeout(handle: TimerHandle): void {
    this.timers.delete(handle as Timer);
  }

  breathe(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Advances time and runs the timers that come due, in order. */
  advance(byMs: number): void {
    const endMs = this.elapsedMs + byMs;
    for (;;) {
      const due = [...this.timers].filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      this.timers.delete(due);
      this.elapsedMs = Math.max(this.elapsedMs, due.dueMs);
      due.callback();
    }
    this.elapsedMs = endMs;
  }
}
