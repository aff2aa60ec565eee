import { expect } from 'chai';
import { type Observable, Subject, tap } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import {
  type CheckpointPhase,
  type CheckpointTrigger,
  type CheckpointTriggersOptions,
  checkpointTriggers,
} from '../../streams/checkpoint-triggers.ts';

type Helpers = Parameters<Parameters<TestScheduler['run']>[0]>[0];

/** Reasons as marbles. */
const reasons: Record<string, CheckpointTrigger> = { i: 'interval', d: 'dirtySeries', j: 'journalBytes' };
/** Phases as marbles. */
const phases: Record<string, CheckpointPhase> = { b: 'begun', w: 'written', x: 'failed' };

describe('streams/checkpoint-triggers', () => {
  let scheduler: TestScheduler;

  beforeEach(() => {
    scheduler = new TestScheduler((actual, expected) => {
      expect(actual).to.deep.equal(expected);
    });
  });

  const virtually = (test: (helpers: Helpers) => void) => () => scheduler.run(test);

  const triggers = (
    { hot }: Helpers,
    marbles: { dirty?: string; journal?: string; phase?: string; stop?: string },
    options: Partial<CheckpointTriggersOptions> = {},
  ): Observable<CheckpointTrigger> => {
    const levels = Object.fromEntries([...'0123456789'].map((digit) => [digit, Number(digit)]));
    return checkpointTriggers({
      intervalMs: 1000,
      dirtySeries$: hot(marbles.dirty ?? '', levels),
      dirtySeriesMax: () => 5,
      journalBytes$: hot(marbles.journal ?? '', levels),
      journalBytesMax: 7,
      phase$: hot(marbles.phase ?? '', phases),
      stop$: hot(marbles.stop ?? ''),
      ...options,
    });
  };

  it(
    'fires an interval after the start, and after the end of the last checkpoint',
    virtually((helpers) => {
      const phase = '  -----------b--w--------';
      const reason$ = triggers(helpers, { phase }, { intervalMs: 10 });
      helpers.expectObservable(reason$, '^ 30ms !').toBe('----------i-------------i', reasons);
    }),
  );

  it(
    'counts the interval from the end of whatever checkpoint was last, failed ones included',
    virtually((helpers) => {
      const phase = '  -----b---w-b-x';
      const reason$ = triggers(helpers, { phase }, { intervalMs: 10 });
      helpers.expectObservable(reason$, '^ 24ms !').toBe('-----------------------i', reasons);
    }),
  );

  it(
    'does not count the interval during a checkpoint',
    virtually((helpers) => {
      const reason$ = triggers(helpers, { phase: '--b' }, { intervalMs: 10 });
      helpers.expectObservable(reason$, '^ 40ms !').toBe('', reasons);
    }),
  );

  it(
    'fires when enough series have changed, and when the journal is long enough',
    virtually((helpers) => {
      const reason$ = triggers(helpers, {
        dirty: '  --4-5-0--------------',
        journal: '-6-------------7-----',
        phase: '  ----b---w------b---w',
      });
      helpers.expectObservable(reason$, '^ 22ms !').toBe('----d----------j', reasons);
    }),
  );

  it(
    'asks for the limit at each measurement',
    virtually((helpers) => {
      let max = 10;
      const dirtySeriesMax = (): number => {
        max -= 1;
        return max;
      };
      const reason$ = triggers(helpers, { dirty: '--8-8-----' }, { dirtySeriesMax });
      helpers.expectObservable(reason$, '^ 10ms !').toBe('    ----d', reasons);
    }),
  );

  it(
    'does not repeat a failed one at every measurement, but when the level has been lower or the interval has passed',
    virtually((helpers) => {
      const failing = { dirty: '--5-6-7-8-9-4-5----------------' };
      const phase$ = new Subject<CheckpointPhase>();
      // Each trigger begins a checkpoint that fails at once.
      const reason$ = triggers(helpers, failing, { intervalMs: 12, phase$ }).pipe(
        tap(() => phase$.next('begun')),
        tap(() => phase$.next('failed')),
      );
      helpers.expectObservable(reason$, '^ 30ms !').toBe('--d-----------d-----------i', reasons);
    }),
  );

  it(
    'fires again for a level that is high again after the checkpoint has begun',
    virtually((helpers) => {
      const reason$ = triggers(helpers, { dirty: '--5-05-5-----', phase: '--b------w' });
      helpers.expectObservable(reason$, '^ 22ms !').toBe('--d--d', reasons);
    }),
  );

  it(
    'fires no more after the store has begun to stop, and completes',
    virtually((helpers) => {
      const reason$ = triggers(helpers, { dirty: '--5-0-5', phase: '--b', stop: '---s' });
      helpers.expectObservable(reason$).toBe('   --d|', reasons);
    }),
  );
});
