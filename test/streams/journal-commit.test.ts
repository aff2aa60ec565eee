import { expect } from 'chai';
import { map } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { journalCommit, oneAtATime } from '../../streams/journal-commit.ts';

describe('the group commit', () => {
  let scheduler: TestScheduler;

  beforeEach(() => {
    scheduler = new TestScheduler((actual, expected) => {
      expect(actual).to.deep.equal(expected);
    });
  });

  const outcome = map((result: { kind: string; value?: unknown }) =>
    result.kind === 'committed' ? result.value : 'failed',
  );

  it('comes an interval after the first append that waits, once for all that follow', () => {
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const pending$ = hot('-a-b-c-----------|');
      const commit = cold('     --(x|)          ');
      const result = '     ------------x----|   '.trim();
      const run = '        ----------^-!        '.trim();
      expectObservable(journalCommit({ pending$, intervalMs: 9, commit: () => commit }).pipe(outcome)).toBe(result);
      expectSubscriptions(commit.subscriptions).toBe(run);
    });
  });

  it('is not repeated while nothing waits', () => {
    scheduler.run(({ hot, cold, expectSubscriptions, expectObservable }) => {
      const pending$ = hot('a-----------------b----');
      const commit = cold('(x|)');
      expectObservable(journalCommit({ pending$, intervalMs: 3, commit: () => commit }).pipe(outcome)).toBe(
        '---x-----------------x--',
      );
      expectSubscriptions(commit.subscriptions).toBe(['---(^!)', '---------------------(^!)']);
    });
  });

  it('never runs twice at a time, and remembers one for what comes meanwhile', () => {
    scheduler.run(({ hot, cold, expectSubscriptions, expectObservable }) => {
      const pending$ = hot('a-b-c-d---------------');
      const commit = cold('  -------x|');
      const runs = ['        -^-------!', '         ---------^-------!'];
      expectObservable(journalCommit({ pending$, intervalMs: 1, commit: () => commit }).pipe(outcome)).toBe(
        '--------x-------x-----',
      );
      expectSubscriptions(commit.subscriptions).toBe(runs.map((run) => run.trim()));
    });
  });

  it('that fails is a result, and the next append is committed', () => {
    scheduler.run(({ hot, cold, expectObservable }) => {
      const pending$ = hot('a---------b-----|');
      const commits = [cold('  -#'), cold('            -(x|)')];
      expectObservable(
        journalCommit({ pending$, intervalMs: 2, commit: () => commits.shift() ?? [] }).pipe(outcome),
      ).toBe('---f---------x--|', { f: 'failed', x: 'x' });
    });
  });

  it('that throws at once is a result too', () => {
    scheduler.run(({ hot, expectObservable }) => {
      const pending$ = hot('a-----|');
      const commit = (): never => {
        throw new Error('no');
      };
      expectObservable(journalCommit({ pending$, intervalMs: 2, commit }).pipe(outcome)).toBe('--f---|', {
        f: 'failed',
      });
    });
  });

  it('comes at once when no more will follow, and is finished before the stream completes', () => {
    scheduler.run(({ hot, cold, expectObservable }) => {
      const pending$ = hot('-a|');
      const commit = cold('    ----(x|)');
      expectObservable(journalCommit({ pending$, intervalMs: 9, commit: () => commit }).pipe(outcome)).toBe(
        '------(x|)',
      );
    });
  });

  it('and its timer end with the subscription', () => {
    scheduler.run(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const pending$ = hot(' a------------');
      const commit = cold('     --------x|');
      const unsubscribe = '  -----!       '.trim();
      expectObservable(journalCommit({ pending$, intervalMs: 3, commit: () => commit }), unsubscribe).toBe('------');
      expectSubscriptions(commit.subscriptions).toBe('---^-!');
    });
  });

  it('takes triggers that come from within a run', () => {
    const seen: number[] = [];
    scheduler.run(({ hot }) => {
      const source = hot('a-b|');
      source.pipe(oneAtATime((_) => [seen.length])).subscribe((value) => seen.push(value));
    });
    expect(seen).to.deep.equal([0, 1]);
  });
});
