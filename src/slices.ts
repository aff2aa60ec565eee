/**
 * Long work on the host's thread, done in slices: after each the event loop has its turn.
 *
 *     const slices = new Slices(clock, 4);
 *     for (const each of many) {
 *       work(each);
 *       if (slices.isOver) await slices.breathe();
 *     }
 */
import type { Clock } from './clock.ts';

export class Slices {
  /** On the clock's monotonic scale, in milliseconds. */
  readonly begunAt: number;
  private readonly clock: Clock;
  private readonly sliceMs: number;
  private end: number;

  /** The first slice begins now. */
  constructor(clock: Clock, sliceMs: number) {
    this.clock = clock;
    this.sliceMs = sliceMs;
    this.begunAt = clock.monotonic();
    this.end = this.begunAt + sliceMs;
  }

  /** Whether the event loop is due. Reads the clock: ask once for several pieces of work that are short. */
  get isOver(): boolean {
    return this.clock.monotonic() >= this.end;
  }

  /** Gives the event loop to others; the next slice begins when this resolves. */
  async breathe(): Promise<void> {
    await this.clock.breathe();
    this.end = this.clock.monotonic() + this.sliceMs;
  }
}
