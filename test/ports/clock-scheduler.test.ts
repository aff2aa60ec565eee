import { expect } from 'chai';
import { interval, take, timer } from 'rxjs';
import { schedulerOf } from '../../src/ports/clock-scheduler.ts';
import { ManualClock } from '../support/manual-clock.ts';

describe('schedulerOf', () => {
  it('runs timers in the time of the clock', () => {
    const clock = new ManualClock();
    const scheduler = schedulerOf(clock);
    const seen: number[] = [];
    timer(100, scheduler).subscribe(() => seen.push(clock.monotonic()));
    clock.advance(99);
    expect(seen).to.deep.equal([]);
    clock.advance(1);
    expect(seen).to.deep.equal([100]);
    expect(scheduler.now()).to.equal(100);
  });

  it('repeats, and stops when unsubscribed', () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    const subscription = interval(10, schedulerOf(clock)).subscribe((value) => seen.push(value));
    clock.advance(35);
    subscription.unsubscribe();
    clock.advance(100);
    expect(seen).to.deep.equal([0, 1, 2]);
  });

  it('leaves no timer behind', () => {
    const clock = new ManualClock();
    interval(10, schedulerOf(clock)).pipe(take(3)).subscribe();
    clock.advance(100);
    timer(10, schedulerOf(clock)).subscribe().unsubscribe();
    expect(clock.timerCount).to.equal(0);
  });
});
