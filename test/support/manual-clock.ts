/** A clock that stands still until the test moves it. */
import type { Clock, TimerHandle } from '../../src/ports/clock.ts';

interface Timer {
  readonly callback: () => void;
  readonly dueMs: number;
}

export class ManualClock implements Clock {
  /** Wall time minus monotonic time. Add to it for a jump. */
  wallOffsetMs: number;
  private elapsedMs = 0;
  private readonly timers = new Set<Timer>();

  constructor(startMs = 1_700_000_000_000) {
    this.wallOffsetMs = startMs;
  }

  get timerCount(): number {
    return this.timers.size;
  }

  now(): number {
    return this.wallOffsetMs + this.elapsedMs;
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

  /** Advances time from timer to timer, and runs each when it is due, also those that a timer sets. */
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

  /**
   * Advances time at once, and runs each timer that is due by then once, in order. A periodic timer runs once, however
   * many periods have passed. So a month of quarter seconds is a hundred thousand steps and not ten million.
   */
  step(byMs: number): void {
    this.elapsedMs += byMs;
    const due = [...this.timers].filter(({ dueMs }) => dueMs <= this.elapsedMs);
    for (const timer of due.sort((a, b) => a.dueMs - b.dueMs)) {
      if (this.timers.delete(timer)) timer.callback();
    }
  }
}
