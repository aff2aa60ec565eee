import { expect } from 'chai';
import { type Observable, of, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import {
  type CheckpointNotice,
  type CheckpointRequest,
  type CheckpointTriggersOptions,
  checkpointTriggers,
} from '../../streams/checkpoint-triggers.ts';

type Helpers = Parameters<Parameters<TestScheduler['run']>[0]>[0];

const broken = new Error('disk full');

/** Notices as marbles: started with its reasons, remembered, finished, failed. */
const notices: Record<string, CheckpointNotice> = {
  i: { type: 'checkpointStarted', reasons: ['interval'] },
  d: { type: 'checkpointStarted', reasons: ['dirtySeries'] },
  j: { type: 'checkpointStarted', reasons: ['journalBytes'] },
  q: { type: 'checkpointStarted', reasons: ['request'] },
  m: { type: 'checkpointStarted', reasons: ['request', 'dirtySeries'] },
  r: { type: 'checkpointRemembered', reason: 'request' },
  R: { type: 'checkpointRemembered', reason: 'dirtySeries' },
  f: { type: 'checkpointFinished' },
  x: { type: 'checkpointFinished', error: broken },
};

describe('streams/checkpoint-triggers', () => {
  let scheduler: TestScheduler;

  beforeEach(() => {
    scheduler = new TestScheduler((actual, expected) => {
      expect(actual).to.deep.equal(expected);
    });
  });

  const virtually = (test: (helpers: Helpers) => void) => () => scheduler.run(test);

  const triggers = (
    { cold, hot }: Helpers,
    marbles: { dirty?: string; journal?: string; requests?: string; run?: string; stop?: string },
    options: Partial<CheckpointTriggersOptions> = {},
    requests: Record<string, CheckpointRequest> = {},
  ): { notice$: Observable<CheckpointNotice>; run: ReturnType<typeof cold> } => {
    const run = cold(marbles.run ?? '----|', undefined, broken);
    const idle: CheckpointRequest = { resolve: () => {}, reject: () => {} };
    const levels = Object.fromEntries([...'0123456789'].map((digit) => [digit, Number(digit)]));
    const notice$ = checkpointTriggers({
      intervalMs: 1000,
      dirtySeries$: hot(marbles.dirty ?? '', levels),
      dirtySeriesMax: () => 5,
      journalBytes$: hot(marbles.journal ?? '', levels),
      journalBytesMax: 7,
      requests$: hot(marbles.requests ?? '', { a: idle, b: idle, c: idle, ...requests }),
      run: () => run,
      stop$: hot(marbles.stop ?? ''),
      ...options,
    });
    return { notice$, run };
  };

  it(
    'runs an interval after the end of the last run',
    virtually((helpers) => {
      const { notice$ } = triggers(helpers, { run: '----|' }, { intervalMs: 10 });
      helpers.expectObservable(notice$, '^ 36ms !').toBe('----------i---f---------i---f', notices);
    }),
  );

  it(
    'counts the interval from the end of whatever run was last',
    virtually((helpers) => {
      const given = { requests: '-----a', run: '       ----|' };
      const { notice$ } = triggers(helpers, given, { intervalMs: 10 });
      helpers.expectObservable(notice$, '^ 24ms !').toBe('-----q---f---------i---f', notices);
    }),
  );

  it(
    'runs when enough series have changed, and when the journal is long enough',
    virtually((helpers) => {
      const { notice$ } = triggers(helpers, {
        dirty: '  --4-5-0--------------',
        journal: '-6-------------7-----',
        run: '        ----|',
      });
      helpers.expectObservable(notice$, '^ 22ms !').toBe('----d---f------j---f', notices);
    }),
  );

  it(
    'asks for the limit at each measurement',
    virtually((helpers) => {
      let max = 10;
      const { notice$ } = triggers(
        helpers,
        { dirty: '  --8-8-----', run: '----|' },
        {
          dirtySeriesMax: () => {
            max -= 1;
            return max;
          },
        },
      );
      helpers.expectObservable(notice$, '^ 10ms !').toBe('----d---f', notices);
    }),
  );

  it(
    'does not repeat a failed run at every measurement, but when the level has been lower or the interval has passed',
    virtually((helpers) => {
      const given = { dirty: '--5-6-7-8-9-4-5----------------', run: '#' };
      const { notice$ } = triggers(helpers, given, { intervalMs: 12 });
      helpers.expectObservable(notice$, '^ 30ms !').toBe('   --(dx)--------(dx)--------(ix)', notices);
    }),
  );

  describe('one at a time', () => {
    it(
      'remembers one run, however many triggers come while one is running',
      virtually((helpers) => {
        const { notice$, run } = triggers(helpers, { requests: '-a-bc-----------', run: '------|' });
        helpers.expectObservable(notice$, '^ 20ms !').toBe('    -q-r---(fq)--f--', notices);
        helpers
          .expectSubscriptions(run.subscriptions)
          .toBe([
            '                                                      -^-----!---------',
            '                                                      -------^-----!---',
          ]);
      }),
    );

    it(
      'says all the reasons that a remembered run has',
      virtually((helpers) => {
        const given = { requests: '-a-b------------', dirty: '----9-----------', run: '      ------|' };
        const { notice$ } = triggers(helpers, given);
        helpers.expectObservable(notice$, '^ 20ms !').toBe('-q-r---(fm)--f--', notices);
      }),
    );

    it(
      'remembers a level that is high again after the run has begun',
      virtually((helpers) => {
        const { notice$ } = triggers(helpers, { dirty: '--5-05------------', run: '------|' });
        helpers.expectObservable(notice$, '^ 22ms !').toBe(' --d--R--(fd)--f---', notices);
      }),
    );
  });

  describe('those who asked', () => {
    const told: string[] = [];
    const caller = (name: string): CheckpointRequest => ({
      resolve: () => told.push(`${name} at ${scheduler.now()}`),
      reject: (error) => told.push(`${name} at ${scheduler.now()}: ${(error as Error).message}`),
    });

    beforeEach(() => {
      told.length = 0;
    });

    it('are told when the run that began after they asked has ended, not the one that was running', () => {
      scheduler.run((helpers) => {
        const requests = { a: caller('a'), b: caller('b'), c: caller('c') };
        const given = { requests: '-a-b-c', run: '------|', stop: '--------s' };
        const { notice$ } = triggers(helpers, given, {}, requests);
        notice$.subscribe();
      });
      expect(told).to.deep.equal(['a at 7', 'b at 13', 'c at 13']);
    });

    it('are told of the failure of their run, and the next run is another chance', () => {
      scheduler.run((helpers) => {
        const outcomes = [throwError(() => broken), of(1)];
        const requests = { a: caller('a'), b: caller('b') };
        const given = { requests: '-a----b---', stop: '----------s' };
        const { notice$ } = triggers(helpers, given, { run: () => outcomes.shift()! }, requests);
        helpers.expectObservable(notice$).toBe('-(qx)-(qf)|', notices);
      });
      expect(told).to.deep.equal(['a at 1: disk full', 'b at 6']);
    });
  });

  describe('stopping', () => {
    it(
      'completes at once when nothing is running',
      virtually((helpers) => {
        const { notice$ } = triggers(helpers, { stop: '---s' });
        helpers.expectObservable(notice$).toBe('       ---|');
      }),
    );

    it(
      'completes after the run in progress and the one that was remembered, and takes no new trigger',
      virtually((helpers) => {
        const given = { requests: '-a-b--c-------', stop: '     ----s---------', run: '      ------|' };
        const { notice$ } = triggers(helpers, given);
        helpers.expectObservable(notice$).toBe('-q-r---(fq)--(f|)', notices);
      }),
    );

    it(
      'ends the run when it is unsubscribed',
      virtually((helpers) => {
        const { notice$, run } = triggers(helpers, { requests: '-a----', run: '------|' });
        helpers.expectObservable(notice$, '   ---!').toBe('      -q', notices);
        helpers.expectSubscriptions(run.subscriptions).toBe('     -^-!');
      }),
    );
  });
});
