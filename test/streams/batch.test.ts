import { expect } from 'chai';
import { map, NEVER, type Observable, Subject } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { schedulerOf } from '../../src/ports/clock-scheduler.ts';
import { batch } from '../../streams/batch.ts';
import { ManualClock } from '../support/manual-clock.ts';

const join = map((items: readonly string[]) => items.join(''));

/** Batches as text, with an idle time of 3 ms, an age of 8 ms and 4 items at most. */
const batched = (source: Observable<string>, flush$: Observable<unknown>) =>
  source.pipe(batch<string>({ idleMs: 3, ageMs: 8, countMax: 4, flush$ }), join);

describe('batch', () => {
  let scheduler: TestScheduler;

  beforeEach(() => {
    scheduler = new TestScheduler((actual, expected) => {
      expect(actual).to.deep.equal(expected);
    });
  });

  it('closes a batch when nothing came for a while', () => {
    scheduler.run(({ hot, expectObservable }) => {
      const source = hot('  -a-b---------c----|');
      const flush = hot('   -------------------');
      const expected = '    ------x---------y-|';
      expectObservable(batched(source, flush)).toBe(expected, { x: 'ab', y: 'c' });
    });
  });

  it('closes a batch at its age, even if items keep coming', () => {
    scheduler.run(({ hot, expectObservable }) => {
      const source = hot('  -a-b-c-d--e--------');
      const flush = hot('   -------------------');
      const expected = '    ---------x---y-----';
      const options = { idleMs: 3, ageMs: 8, countMax: 9, flush$: flush };
      expectObservable(source.pipe(batch<string>(options), join)).toBe(expected, { x: 'abcd', y: 'e' });
    });
  });

  it('closes a batch when it is full, and starts the time anew', () => {
    scheduler.run(({ hot, expectObservable }) => {
      const source = hot('  -(abcde)-----------');
      const flush = hot('   -------------------');
      const expected = '    -x--y--------------';
      expectObservable(batched(source, flush)).toBe(expected, { x: 'abcd', y: 'e' });
    });
  });

  it('adds up the sizes of the items', () => {
    scheduler.run(({ hot, expectObservable }) => {
      const source = hot('  -a-b-c-------------');
      const expected = '    ---x-y-------------';
      const sizes: Readonly<Record<string, number>> = { a: 3, b: 1, c: 5 };
      const options = { idleMs: 30, ageMs: 80, countMax: 4, sizeOf: (item: string) => sizes[item], flush$: NEVER };
      expectObservable(source.pipe(batch<string>(options), join)).toBe(expected, { x: 'ab', y: 'c' });
    });
  });

  it('closes a batch on demand, and emits nothing when there is none', () => {
    scheduler.run(({ hot, expectObservable }) => {
      const source = hot('  ---a-----b---------');
      const flush = hot('   -f--f-f-----f-f----');
      const expected = '    ----x-------y------';
      expectObservable(batched(source, flush)).toBe(expected, { x: 'a', y: 'b' });
    });
  });

  it('goes on when the demand ends', () => {
    scheduler.run(({ hot, expectObservable }) => {
      const source = hot('  --a----------------');
      const flush = hot('   -|                 ');
      const expected = '    -----x-------------';
      expectObservable(batched(source, flush)).toBe(expected, { x: 'a' });
    });
  });

  it('emits the last batch when the source completes', () => {
    scheduler.run(({ hot, expectObservable }) => {
      const source = hot('  -a-b|              ');
      const flush = hot('   -------------------');
      const expected = '    ----(x|)           ';
      expectObservable(batched(source, flush)).toBe(expected, { x: 'ab' });
    });
  });

  it('emits the last batch when the source fails', () => {
    scheduler.run(({ hot, expectObservable }) => {
      const source = hot('  -a-b#              ');
      const flush = hot('   -------------------');
      const expected = '    ----(x#)           ';
      expectObservable(batched(source, flush)).toBe(expected, { x: 'ab' });
    });
  });

  it('lets go of the source, the demand and the timer when nobody listens any more', () => {
    scheduler.run(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-----------------');
      const flush = hot('   -------------------');
      const unsubscribe = ' --!                ';
      const expected = '    -------------------';
      expectObservable(batched(source, flush), unsubscribe).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^-!');
      expectSubscriptions(flush.subscriptions).toBe('^-!');
    });
  });

  it('sets no timer while nothing waits', () => {
    const clock = new ManualClock();
    let timers = 0;
    const counting = schedulerOf({
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      breathe: () => clock.breathe(),
      clearTimeout: (handle) => clock.clearTimeout(handle),
      setTimeout: (callback, delayMs) => {
        timers++;
        return clock.setTimeout(callback, delayMs);
      },
    });
    const source = new Subject<string>();
    const batches: string[] = [];
    source
      .pipe(batch<string>({ idleMs: 3, ageMs: 8, countMax: 4, flush$: NEVER, scheduler: counting }), join)
      .subscribe((text) => batches.push(text));
    clock.advance(1000);
    expect(timers).to.equal(0);
    source.next('a');
    source.next('b');
    expect(timers, 'one for all items of a batch').to.equal(1);
    clock.advance(1000);
    expect([timers, batches]).to.deep.equal([1, ['ab']]);
  });
});
