/** The clock port of one simulated process. It reads simulated time, and its timers wait in the simulation's queue. */
import type { Clock, TimerHandle } from '../../src/ports/clock.ts';
import { never, type SimulatedProcess } from './simulated-process.ts';
import type { Task, Timeline } from './timeline.ts';

export class SimulatedClock implements Clock {
  private readonly timeline: Timeline;
  private readonly process: SimulatedProcess;

  constructor(timeline: Timeline, process: SimulatedProcess) {
    this.timeline = timeline;
    this.process = process;
  }

  now(): number {
    this.timeline.read();
    return this.timeline.wallMs;
  }

  monotonic(): number {
    this.timeline.read();
    return this.timeline.monotonicMs;
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    return this.timeline.schedule(this.process, delayMs, callback);
  }

  clearTimeout(handle: TimerHandle): void {
    if (handle !== undefined && handle !== null) (handle as Task).cancelled = true;
  }

  breathe(): Promise<void> {
    if (!this.process.alive) return never();
    return new Promise((resolve) => this.timeline.schedule(this.process, 0, resolve));
  }
}
