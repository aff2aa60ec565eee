/**
 * The clock that retention and archiving use. Wall time can jump: a wrong clock at boot, a correction, a resumed
 * laptop.
 *
 * - After a jump forwards, the store continues with the old time plus the monotonic clock's progress. It trusts the new
 *   time only when that has held for an hour.
 * - After a jump backwards, the store uses the new time at once: new samples have that time, and would look old
 *   otherwise.
 *
 * So the store uses the earlier of the two times, and a jump forwards alone makes no sample old enough to be dropped.
 * The region `clock` of the store's statechart holds the doubted time.
 */
import type { ClockDoubt } from '../../machines/store.machine.ts';
import type { Clock } from '../ports/clock.ts';

/** Largest difference between the advance of wall time and of the monotonic clock between two calls of `look`. */
const JUMP_MS = 60_000;
/** How long a new time must hold before it is trusted. */
const SETTLE_MS = 3_600_000;

export interface ClockChange {
  readonly type: 'clockJumped' | 'clockSettled';
  readonly byMs: number;
}

/** The region `clock` of the store's statechart, which holds the doubt. */
export interface ClockRegion {
  /** The doubted time; `undefined` while wall time is trusted. */
  doubt(): ClockDoubt | undefined;
  send(
    event:
      | { readonly type: 'clockJumped'; readonly byMs: number; readonly doubt: ClockDoubt }
      | { readonly type: 'clockSettled' },
  ): void;
}

export class TrustedClock {
  private readonly clock: Clock;
  private readonly region: ClockRegion;
  /** The trusted difference of wall time and monotonic time. */
  private offset: number;
  /** The difference at the last call of {@link look}. */
  private lastSeen: number;

  constructor(clock: Clock, region: ClockRegion) {
    this.clock = clock;
    this.region = region;
    this.offset = clock.now() - clock.monotonic();
    this.lastSeen = this.offset;
  }

  /** Milliseconds since the epoch. A jump counts at once, even before `look` notices it. */
  now(): number {
    const wall = this.clock.now();
    const believed = this.clock.monotonic() + this.offset;
    const isDoubted = Math.abs(wall - believed) >= JUMP_MS || this.region.doubt() !== undefined;
    return isDoubted ? Math.min(wall, believed) : wall;
  }

  /**
   * Compares the clocks and sends a change to the statechart. Call it regularly. Returns the change, if there was one.
   */
  look(): ClockChange | undefined {
    const monotonic = this.clock.monotonic();
    const seen = this.clock.now() - monotonic;
    const doubt = this.region.doubt();
    const change = seen - this.lastSeen;
    this.lastSeen = seen;
    if (Math.abs(seen - this.offset) < JUMP_MS) {
      this.offset = seen;
      // Wall time jumped back to the trusted time.
      return doubt === undefined ? undefined : this.settle(0);
    }
    if (doubt === undefined) return this.jump(seen - this.offset, { offset: seen, since: monotonic });
    if (Math.abs(change) >= JUMP_MS) return this.jump(change, { offset: seen, since: monotonic });
    if (monotonic - doubt.since < SETTLE_MS) return undefined;
    const byMs = Math.round(seen - this.offset);
    this.offset = seen;
    return this.settle(byMs);
  }

  private jump(byMs: number, doubt: ClockDoubt): ClockChange {
    const change = { type: 'clockJumped', byMs: Math.round(byMs) } as const;
    this.region.send({ ...change, doubt });
    return change;
  }

  private settle(byMs: number): ClockChange {
    this.region.send({ type: 'clockSettled' });
    return { type: 'clockSettled', byMs };
  }
}
