import { expect } from 'chai';
import { EMPTY, type Observable, of, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import {
  type MaintenanceSweepOptions,
  maintenanceSweep,
  type SweepNotice,
  type SweepSource,
  sweepDurationMs,
  type Urgency,
} from '../../streams/maintenance-sweep.ts';

const hour = 3_600_000;
const broken = new Error('cannot list');

/** Series that are numbers from 0 on; the cursor is the next one. */
const numbers = (count: () => number): SweepSource<number, number> => ({
  count,
  at: (share) => Math.floor(count() * share),
  take: (from, max) => {
    const end = Math.min(count(), from + max);
    const keys = Array.from({ length: end - from }, (_, index) => from + index);
    return of({ keys, next: end < count() ? end : undefined });
  },
});

describe('streams/maintenance-sweep', () => {
  let scheduler: TestScheduler;
  let visits: { at: number; keys: readonly number[] }[];
  let notices: SweepNotice[];

  beforeEach(() => {
    scheduler = new TestScheduler((actual, expected) => {
      expect(actual).to.deep.equal(expected);
    });
    visits = [];
    notices = [];
  });

  /** Sweeps for `durationMs` of virtual time, what is due at its end included. */
  const sweepFor = (
    durationMs: number,
    count: number,
    options: Partial<MaintenanceSweepOptions<number, number>> = {},
    hurryAt?: number,
  ) => {
    scheduler.run(({ hot }) => {
      const sweep$ = maintenanceSweep({
        source: numbers(() => count),
        sweepMs: 100_000,
        random: () => 0,
        stop$: hot(`${durationMs + 1}ms s`),
        ...(hurryAt === undefined ? {} : { hurry$: hot(`${hurryAt}ms h`) }),
        visit: (keys) => {
          visits.push({ at: scheduler.now(), keys });
          return EMPTY;
        },
        ...options,
      });
      sweep$.subscribe((notice) => notices.push(notice));
    });
  };
  const passes = () => notices.filter(({ type }) => type === 'passFinished');
  const visitedSeries = () => visits.flatMap(({ keys }) => keys);
  const urgent = (score: number, rushed = false) => ({ urgency: (): Urgency => ({ score, rushed }) });

  describe('pace', () => {
    it('visits every series once within the sweep’s duration, evenly', () => {
      sweepFor(100_000, 20);
      expect(visits.map(({ at }) => at)).to.deep.equal(Array.from({ length: 20 }, (_, index) => (index + 1) * 5000));
      expect(visitedSeries()).to.deep.equal([...Array(20).keys()]);
      expect(passes()).to.deep.equal([{ type: 'passFinished', series: 20, durationMs: 100_000 }]);
    });

    it('waits ten seconds for a series at most, so that few are visited more often', () => {
      sweepFor(60_000, 2, { sweepMs: 6 * hour });
      expect(visits.map(({ at }) => at / 1000)).to.deep.equal([10, 20, 30, 40, 50, 60]);
      expect(visitedSeries()).to.deep.equal([0, 1, 0, 1, 0, 1]);
    });

    it('visits many series in batches, about one a second', () => {
      sweepFor(100_000, 1000);
      expect(visits).to.have.length(100);
      expect(visits[0]).to.deep.equal({ at: 1000, keys: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] });
      expect(passes()).to.have.length(1);
    });

    it('keeps batches small when series are very many, and still keeps the duration', () => {
      sweepFor(100_000, 100_000, { batchMax: 50 });
      expect(Math.max(...visits.map(({ keys }) => keys.length))).to.equal(50);
      expect(visitedSeries().length).to.be.within(99_950, 100_000);
    });

    it('shrinks the wait with the urgency score', () => {
      sweepFor(50_000, 20, urgent(0.5));
      expect(visits.map(({ at }) => at)).to.deep.equal(Array.from({ length: 20 }, (_, index) => (index + 1) * 2500));
    });

    it('goes as fast as it can in rushed mode, in batches, each after the other', () => {
      sweepFor(150, 1000, { ...urgent(0.9, true), batchMax: 300 });
      expect(visits.slice(0, 4).map(({ at, keys }) => [at, keys.length])).to.deep.equal([
        [0, 300],
        [0, 300],
        [0, 300],
        [0, 100],
      ]);
    });

    it('does not turn into a busy loop when rushed with few series: a pass takes a tenth of a second at least', () => {
      sweepFor(1000, 3, urgent(1, true));
      expect(passes().length).to.be.within(9, 11);
    });

    it('reads the urgency before each batch', () => {
      let score = 0;
      sweepFor(30_000, 20, {
        urgency: () => ({ score, rushed: false }),
        visit: ([key]) => {
          visits.push({ at: scheduler.now(), keys: [key!] });
          score = 0.8;
          return EMPTY;
        },
      });
      expect(visits.slice(0, 3).map(({ at }) => at)).to.deep.equal([5000, 6000, 7000]);
    });

    it('ends a wait early when it is hurried', () => {
      sweepFor(12_000, 20, {}, 1234);
      expect(visits.map(({ at }) => at)).to.deep.equal([1234, 6234, 11_234]);
    });

    it('never hurries what has no urgency, as archived series', () => {
      sweepFor(100_000, 20, {});
      expect(passes()).to.have.length(1);
    });

    it('looks again after ten seconds when there are no series', () => {
      let count = 0;
      sweepFor(20_000, 0, {
        source: numbers(() => {
          if (scheduler.now() >= 5000) count = 1;
          return count;
        }),
      });
      expect(visits.map(({ at }) => at)).to.deep.equal([10_000, 20_000]);
    });

    it('takes a tenth of the retention, at least ten seconds and at most six hours', () => {
      expect(sweepDurationMs(10 * hour)).to.equal(hour);
      expect(sweepDurationMs(360 * hour)).to.equal(6 * hour);
      expect(sweepDurationMs(Number.POSITIVE_INFINITY)).to.equal(6 * hour);
      expect(sweepDurationMs(1000)).to.equal(10_000);
    });
  });

  describe('passes', () => {
    it('starts the first at a random place and visits all series within one duration all the same', () => {
      sweepFor(100_000, 20, { random: () => 0.7 });
      expect(visitedSeries()).to.deep.equal([14, 15, 16, 17, 18, 19, ...Array(14).keys()]);
      expect(passes()).to.deep.equal([{ type: 'passFinished', series: 6, durationMs: 30_000 }]);
    });

    it('visits what came during a pass', () => {
      let count = 2;
      sweepFor(60_000, 0, {
        source: numbers(() => count),
        sweepMs: hour,
        visit: (keys) => {
          visits.push({ at: scheduler.now(), keys });
          count = 4;
          return EMPTY;
        },
      });
      expect(visitedSeries()).to.deep.equal([0, 1, 2, 3, 0, 1]);
    });
  });

  describe('one batch at a time', () => {
    it('waits for a visit before the next wait begins', () => {
      scheduler.run(({ cold, hot, expectSubscriptions }) => {
        const visit$ = cold('-----|');
        maintenanceSweep({
          source: numbers(() => 3),
          sweepMs: 9,
          random: () => 0,
          batchMax: 1,
          stop$: hot('           --------------------s'),
          visit: () => visit$,
        }).subscribe();
        expectSubscriptions(visit$.subscriptions).toBe([
          '                       ---^----!',
          '                       -----------^----!',
          '                       -------------------^----!',
        ]);
      });
    });

    it('goes on after a visit that failed, and says so', () => {
      let count = 0;
      sweepFor(15_000, 20, {
        visit: (): Observable<unknown> => {
          count += 1;
          return count === 2 ? throwError(() => broken) : EMPTY;
        },
      });
      expect(notices).to.deep.equal([
        { type: 'batchVisited', series: 1 },
        { type: 'visitFailed', error: broken },
        { type: 'batchVisited', series: 1 },
      ]);
    });

    it('tries again after a second when the series cannot be listed, however urgent', () => {
      const source = { ...numbers(() => 3), take: () => throwError(() => broken) };
      sweepFor(3500, 3, { ...urgent(1, true), source });
      expect(notices).to.have.length(4);
      expect(new Set(notices.map(({ type }) => type))).to.have.all.keys('visitFailed');
    });
  });

  describe('stopping', () => {
    it('completes at once while it waits', () => {
      scheduler.run(({ hot, expectObservable }) => {
        const options = { source: numbers(() => 2), sweepMs: 100, random: () => 0, visit: () => EMPTY };
        const sweep$ = maintenanceSweep({ ...options, stop$: hot('---s') });
        expectObservable(sweep$).toBe('                            ---|');
      });
    });

    it('completes after the visit that is going on', () => {
      scheduler.run(({ cold, hot, expectObservable, expectSubscriptions }) => {
        const visit$ = cold('     ------|');
        const options = { source: numbers(() => 3), sweepMs: 9, random: () => 0, batchMax: 1, visit: () => visit$ };
        const sweep$ = maintenanceSweep({ ...options, stop$: hot('-----s') });
        expectObservable(sweep$).toBe('---------(b|)', { b: { type: 'batchVisited', series: 1 } });
        expectSubscriptions(visit$.subscriptions).toBe('---^-----!');
      });
    });

    it('completes after the visit that is going on, also when it is the last of the sweep', () => {
      scheduler.run(({ cold, hot, expectObservable }) => {
        const visit$ = cold('     ------|');
        const options = { source: numbers(() => 1), sweepMs: 3, random: () => 0, batchMax: 1, visit: () => visit$ };
        const sweep$ = maintenanceSweep({ ...options, stop$: hot('-----s') });
        expectObservable(sweep$).toBe('---------(bp|)', {
          b: { type: 'batchVisited', series: 1 },
          p: { type: 'passFinished', series: 1, durationMs: 9 },
        });
      });
    });

    it('is not ended or hurried by signals that complete without a word', () => {
      sweepFor(10_000, 20, { hurry$: EMPTY });
      expect(visits.map(({ at }) => at)).to.deep.equal([5000, 10_000]);
    });
  });
});
