/**
 * Divides long work on the host's thread into slices. After each slice the event loop can do other work.
 *
 *     const slices = new Slices(clock);
 *     for (const each of many) {
 *       work(each);
 *       if (slices.isOver) await slices.breathe();
 *     }
 */
import type { Clock } from '../ports/clock.ts';

/** The longest work before the event loop has its turn, but for one piece of it. */
const SLICE_MS = 2;

/** The part of {@link Slices} that divided work uses. */
export type WorkSlices = Pick<Slices, 'isOver' | 'breathe'>;

export class Slices {
  /** On the clock's monotonic scale, in milliseconds. */
  readonly begunAt: number;
  private readonly clock: Clock;
  private end: number;

  /** The first slice begins now, or has begun at another time. */
  constructor(clock: Clock, begunAt: number = clock.monotonic()) {
    this.clock = clock;
    this.begunAt = begunAt;
    this.end = begunAt + SLICE_MS;
  }

  /** Whether the slice is over. Reads the clock: for short pieces of work, ask once for several of them. */
  get isOver(): boolean {
    return this.clock.monotonic() >= this.end;
  }

  /** Yields to the event loop. The next slice begins when this resolves. */
  async breathe(): Promise<void> {
    await this.clock.breathe();
    this.end = this.clock.monotonic() + SLICE_MS;
  }
}
