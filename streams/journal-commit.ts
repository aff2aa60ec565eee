/**
 * Decides when the journal is committed: within an interval after the first append that waits, once for all appends
 * that wait, and never two commits at a time. Idle costs nothing: no timer runs while nothing waits.
 *
 *     intervalMs 9
 *     pending$    -a-b-c-----------|
 *     commit                --(x|)
 *     result      ------------x----|
 *
 * Appends that arrive during a commit are covered by one more commit after it.
 */
import {
  asyncScheduler,
  catchError,
  defer,
  endWith,
  exhaustMap,
  ignoreElements,
  map,
  Observable,
  type ObservableInput,
  of,
  race,
  type SchedulerLike,
  timer,
} from 'rxjs';

export interface JournalCommitOptions<T> {
  /** Emits when an append begins to wait for the disk and none waited before. */
  readonly pending$: Observable<unknown>;
  /** The longest time that an append may wait. */
  readonly intervalMs: number;
  /** Commits all waiting appends. */
  readonly commit: () => ObservableInput<T>;
  readonly scheduler?: SchedulerLike;
}

/** A failure is a value, not an error of the stream: the next append tries again. */
export type CommitResult<T> =
  | { readonly kind: 'committed'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * Emits the result of each commit. When `pending$` completes, waiting appends are committed at once instead of at the
 * end of the interval: closing the store waits for this commit, and the timer does not keep the process alive.
 * Completes after the last commit.
 */
export const journalCommit = <T>(options: JournalCommitOptions<T>): Observable<CommitResult<T>> => {
  const { pending$, intervalMs, commit, scheduler = asyncScheduler } = options;
  const committed = defer(commit).pipe(
    map((value): CommitResult<T> => ({ kind: 'committed', value })),
    catchError((error: unknown) => of<CommitResult<T>>({ kind: 'failed', error })),
  );
  // exhaustMap, because pending$ is a trigger: the running timer is due before a new one would be.
  const ended$ = pending$.pipe(ignoreElements(), endWith(0));
  return pending$.pipe(
    exhaustMap(() => race(timer(intervalMs, scheduler), ended$)),
    oneAtATime(() => committed),
  );
};

/** Runs one inner observable at a time. Of the triggers during a run, the last one is remembered and run next. */
export const oneAtATime =
  <T, R>(project: (trigger: T) => ObservableInput<R>) =>
  (source: Observable<T>): Observable<R> =>
    new Observable<R>((subscriber) => {
      let isRunning = false;
      let remembered: { readonly trigger: T } | undefined;
      let sourceIsComplete = false;

      const start = (trigger: T): void => {
        isRunning = true;
        subscriber.add(
          defer(() => project(trigger)).subscribe({
            next: (value) => subscriber.next(value),
            error: (error) => subscriber.error(error),
            complete: () => {
              isRunning = false;
              goOn();
            },
          }),
        );
      };

      const goOn = (): void => {
        const next = remembered;
        remembered = undefined;
        if (next !== undefined) start(next.trigger);
        else if (sourceIsComplete) subscriber.complete();
      };

      subscriber.add(
        source.subscribe({
          next: (trigger) => {
            if (isRunning) remembered = { trigger };
            else start(trigger);
          },
          error: (error) => subscriber.error(error),
          complete: () => {
            sourceIsComplete = true;
            if (!isRunning) subscriber.complete();
          },
        }),
      );
    });
