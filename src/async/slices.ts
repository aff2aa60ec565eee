/**
 * Divides long work on the host's thread into slices. After each slice the event loop can do other work.
 *
 *     const slices = new Slices(clock, 4);
 *     for (const each of many) {
 *       work(each);
 *       if (slices.isOver) await slices.breathe();
 *     }
 */
import type { Clock } from '../ports/clock.ts';

export class Slices {
  /** On the clock's monotonic scale, in milliseconds. */
  readonly begunAt: number;
  private readonly clock: Clock;
  private readonly sliceMs: number;
  private end: number;

  /** The first slice begins now, or has begun at another time. */
  constructor(clock: Clock, sliceMs: number, begunAt: number = clock.monotonic()) {
    this.clock = clock;
    this.sliceMs = sliceMs;
    this.begunAt = begunAt;
    this.end = this.begunAt + sliceMs;
  }

  /** Whether the slice is over. Reads the clock: for short pieces of work, ask once for several of them. */
  get isOver(): boolean {
    return this.clock.monotonic() >= this.end;
  }

  /** Yields to the event loop. The next slice begins when this resolves. */
  async breathe(): Promise<void> {
    await this.clock.breathe();
    this.end = this.clock.monotonic() + this.sliceMs;
  }
}
