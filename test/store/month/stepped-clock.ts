/**
 * Virtual time in steps: a step runs each timer that is due once, however often it would have come by in that time. So
 * a month of quarter seconds is a hundred thousand steps and not ten million.
 */
import type { Clock, TimerHandle } from '../../../src/ports/clock.ts';

interface Timer {
  readonly callback: () => void;
  readonly dueMs: number;
}

export class SteppedClock implements Clock {
  /** Wall time minus monotonic time. Add to it for a jump. */
  wallOffsetMs: number;
  private elapsedMs = 0;
  private readonly timers = new Set<Timer>();

  constructor(startMs: number) {
    this.wallOffsetMs = startMs;
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

  /** Passes time at once, and runs what is due by then in order. */
  step(byMs: number): void {
    this.elapsedMs += byMs;
    const due = [...this.timers].filter(({ dueMs }) => dueMs <= this.elapsedMs);
    for (const timer of due.sort((a, b) => a.dueMs - b.dueMs)) {
      if (this.timers.delete(timer)) timer.callback();
    }
  }
}
