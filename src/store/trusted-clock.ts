/**
 * The time that retention and archiving go by. Wall time can jump: a wrong clock at boot, a correction, a resumed
 * laptop. After a jump forwards the store goes on with the time from before plus what the monotonic clock adds; only
 * when the new time has held for an hour is it believed. After a jump backwards it goes by the new time at once, because
 * new samples have it and would look old otherwise. So always by the earlier of the two: nothing is dropped or archived
 * because the clock jumped.
 */
import type { Clock } from '../clock.ts';

/** How far wall time may stray from the monotonic clock between two looks. */
const JUMP_MS = 60_000;
/** How long a new time must hold. */
const SETTLE_MS = 3_600_000;

export interface ClockChange {
  readonly type: 'clockJumped' | 'clockSettled';
  readonly byMs: number;
}

export class TrustedClock {
  private readonly clock: Clock;
  /** Wall time minus monotonic time that is believed. */
  private offset: number;
  /** The same as last seen, and since when it has held, while it is not believed. */
  private candidate: { offset: number; since: number } | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
    this.offset = clock.now() - clock.monotonic();
  }

  /** Milliseconds since the epoch. A jump counts from the moment it happens, whether anybody has looked since or not. */
  now(): number {
    const wall = this.clock.now();
    const believed = this.clock.monotonic() + this.offset;
    const isDoubted = this.candidate !== undefined || Math.abs(wall - believed) >= JUMP_MS;
    return isDoubted ? Math.min(wall, believed) : wall;
  }

  /** Compares the clocks; to be called every now and then. Returns what changed, if anything did. */
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
      // It jumped back to where it was.
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
