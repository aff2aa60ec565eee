/**
 * The time that callers who follow each other take of one turn of the event loop. A program may ask hundreds of small
 * queries one after the other, of which none waits for anything: if each had slices of its own, the loop would be held
 * until the last one.
 */
import type { Clock } from '../ports/clock.ts';

export type TurnClock = Pick<Clock, 'monotonic' | 'breathe' | 'inNextTurn'>;

export class Turn {
  private readonly clock: TurnClock;
  private began: number | undefined;
  private readonly end = (): void => {
    this.began = undefined;
  };

  constructor(clock: TurnClock) {
    this.clock = clock;
  }

  /** When the first caller asked for this in the present turn of the loop, on the clock's monotonic scale. */
  get begunAt(): number {
    if (this.began !== undefined) return this.began;
    this.began = this.clock.monotonic();
    if (this.clock.inNextTurn !== undefined) this.clock.inNextTurn(this.end);
    else void this.clock.breathe().then(this.end);
    return this.began;
  }
}
