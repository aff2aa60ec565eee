/**
 * The time that callers who follow each other take of one turn of the event loop. A program may ask hundreds of small
 * queries one after the other, of which none waits for anything: if each had slices of its own, the loop would be held
 * until the last one. The steps of one query follow each other in the same way.
 */
import type { Clock } from '../ports/clock.ts';
import { Slices } from './slices.ts';

export class Turn {
  private readonly clock: Clock;
  private began: number | undefined;
  private readonly end = (): void => {
    this.began = undefined;
  };

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Slices of which the first one began with the turn. */
  slices(): Slices {
    return new Slices(this.clock, this.begunAt);
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
