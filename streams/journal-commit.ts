/**
 * When the journal is committed: within an interval of the first append that waits, once for all that wait, never twice
 * at a time. Idle costs nothing: no timer runs while nothing waits.
 *
 *     intervalMs 9
 *     pending$    -a-b-c-----------|
 *     commit                --(x|)
 *     result      ------------x----|
 *
 * What comes while a commit runs is committed next, once.
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
  /** Emits when something waits for the disk and nothing did before. */
  readonly pending$: Observable<unknown>;
  /** How long it may wait. */
  readonly intervalMs: number;
  /** Commits everything that waits. */
  readonly commit: () => ObservableInput<T>;
  readonly scheduler?: SchedulerLike;
}

/** A failure is a value: the next append tries again. */
export type CommitResult<T> =
  | { readonly kind: 'committed'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * Emits the result of each commit. When `pending$` completes, what waits is committed at once, not when the interval is
 * over: whoever closes waits for it, and a timer does not keep the process alive. Completes after the last commit.
 */
export const journalCommit = <T>(options: JournalCommitOptions<T>): Observable<CommitResult<T>> => {
  const { pending$, intervalMs, commit, scheduler = asyncScheduler } = options;
  const committed = defer(commit).pipe(
    map((value): CommitResult<T> => ({ kind: 'committed', value })),
    catchError((error: unknown) => of<CommitResult<T>>({ kind: 'failed', error })),
  );
  // exhaustMap, because pending$ is a trigger: the timer that runs already is due earlier.
  const ended$ = pending$.pipe(ignoreElements(), endWith(0));
  return pending$.pipe(
    exhaustMap(() => race(timer(intervalMs, scheduler), ended$)),
    oneAtATime(() => committed),
  );
};

/** Runs one inner observable at a time; of the triggers that come meanwhile one is remembered. */
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
