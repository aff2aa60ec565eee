/**
 * The clock that retention and archiving use. Wall time can jump: a wrong clock at boot, a correction, a resumed
 * laptop.
 *
 * - After a jump forwards, the store continues with the old time plus the monotonic clock's progress. It trusts the new
 *   time only when that has held for an hour.
 * - After a jump backwards, the store uses the new time at once: new samples have that time, and would look old
 *   otherwise.
 *
 * So the store always uses the earlier of the two times, and a jump alone drops and archives nothing.
 */
import type { Clock } from '../ports/clock.ts';

/** Largest difference between the advance of wall time and of the monotonic clock between two calls of `look`. */
const JUMP_MS = 60_000;
/** How long a new time must hold before it is trusted. */
const SETTLE_MS = 3_600_000;

export interface ClockChange {
  readonly type: 'clockJumped' | 'clockSettled';
  readonly byMs: number;
}

export class TrustedClock {
  private readonly clock: Clock;
  /** The trusted difference of wall time and monotonic time. */
  private offset: number;
  /** While wall time is doubted: the newly measured difference, and the monotonic time since which it has held. */
  private candidate: { offset: number; since: number } | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
    this.offset = clock.now() - clock.monotonic();
  }

  /** Milliseconds since the epoch. A jump counts at once, even before `look` notices it. */
  now(): number {
    const wall = this.clock.now();
    const believed = this.clock.monotonic() + this.offset;
    const isDoubted = this.candidate !== undefined || Math.abs(wall - believed) >= JUMP_MS;
    return isDoubted ? Math.min(wall, believed) : wall;
  }

  /** Compares the clocks. Call it regularly. Returns the change, if there was one. */
  look(): ClockChange | undefined {
    const monotonic = this.clock.monotonic();
    const seen = this.clock.now() - monotonic;
    if (this.candidate === undefined) {
      if (Math.abs(seen - this.offset) < JUMP_MS) {
        this.offset = seen;
        return undefined;
      }
      this.candidate = { offset: seen, since: monotonic };
      return { type: 'clockJumped', byMs: Math.round(seen - this.offset) };
    }
    if (Math.abs(seen - this.offset) < JUMP_MS) {
      // Wall time jumped back to the trusted time.
      this.candidate = undefined;
      this.offset = seen;
      return { type: 'clockSettled', byMs: 0 };
    }
    if (Math.abs(seen - this.candidate.offset) >= JUMP_MS) {
      const byMs = Math.round(seen - this.candidate.offset);
      this.candidate = { offset: seen, since: monotonic };
      return { type: 'clockJumped', byMs };
    }
    this.candidate.offset = seen;
    if (monotonic - this.candidate.since < SETTLE_MS) return undefined;
    const byMs = Math.round(seen - this.offset);
    this.offset = seen;
    this.candidate = undefined;
    return { type: 'clockSettled', byMs };
  }
}
