/**
 * A result now and again every so often: `watchQuery`. One run at a time; a tick during a run is skipped. An error of a
 * run ends the stream.
 *
 *     ticks    0-----1-----2-----3--
 *     run      --|   -------|    --|
 *     result   --a----------b------c     tick 2 comes during the run of tick 1
 */
import {
  asyncScheduler,
  defer,
  exhaustMap,
  type Observable,
  type ObservableInput,
  type SchedulerLike,
  takeUntil,
  timer,
} from 'rxjs';

export interface PolledOptions<Result> {
  readonly everyMs: number;
  readonly run: () => ObservableInput<Result>;
  /** Ends the stream. */
  readonly end$: Observable<unknown>;
  readonly scheduler?: SchedulerLike;
}

/** Cold: each subscriber has its own ticks, and without a subscriber nothing runs. */
export const polled = <Result>(options: PolledOptions<Result>): Observable<Result> => {
  const { everyMs, run, end$, scheduler = asyncScheduler } = options;
  return timer(0, everyMs, scheduler).pipe(
    exhaustMap(() => defer(run)),
    takeUntil(end$),
  );
};
