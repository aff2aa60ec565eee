/**
 * An RxJS scheduler on the clock port. The streams of a store run on the store's clock, so the simulator controls both.
 * Delays are measured on the monotonic clock.
 */
import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';
import type { Clock, TimerHandle } from './clock.ts';

/** A scheduler that uses the timers of the clock. */
export const schedulerOf = (clock: Clock): SchedulerLike => ({
  now: () => clock.monotonic(),
  schedule: <T>(work: (this: SchedulerAction<T>, state?: T) => void, delayMs = 0, state?: T): Subscription =>
    new ClockAction(clock, work).schedule(state, delayMs),
});

/** One piece of work, which may schedule itself again. Unsubscribing clears its timer. */
class ClockAction<T> extends Subscription implements SchedulerAction<T> {
  private readonly clock: Clock;
  private readonly work: (this: SchedulerAction<T>, state?: T) => void;
  private timer: TimerHandle | undefined;

  constructor(clock: Clock, work: (this: SchedulerAction<T>, state?: T) => void) {
    super(() => this.clear());
    this.clock = clock;
    this.work = work;
  }

  schedule(state?: T, delayMs = 0): Subscription {
    if (this.closed) return this;
    this.clear();
    this.timer = this.clock.setTimeout(() => {
      this.timer = undefined;
      this.work(state);
    }, delayMs);
    return this;
  }

  private clear(): void {
    if (this.timer === undefined) return;
    this.clock.clearTimeout(this.timer);
    this.timer = undefined;
  }
}
