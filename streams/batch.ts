/**
 * Groups what comes into batches: a batch is closed when nothing came for a while, when it gets old, when it is full, or
 * on demand. Idle costs nothing: the timer is armed by the first item of a batch, and there are no empty batches.
 *
 *     idle 3, age 6, count 4
 *     source  -a-b----------c-c-c-c-c-c---dddd----|
 *     flush$  ------------------------------------
 *     batch   ------(ab)----------(ccc)…
 *
 * When the source completes or fails, the open batch is emitted first: nothing is dropped. Who unsubscribes drops it.
 */
import { asyncScheduler, Observable, type OperatorFunction, type SchedulerLike, type Subscription } from 'rxjs';

export interface BatchOptions {
  /** A batch is closed when nothing came for this long. */
  readonly idleMs: number;
  /** A batch is closed at this age, even if items keep coming. */
  readonly ageMs: number;
  /** Items of one batch at most. */
  readonly countMax: number;
  /** Closes the open batch, if there is one, each time it emits. When it ends, that is all it means. */
  readonly flush$: Observable<unknown>;
  readonly scheduler?: SchedulerLike;
}

/** Emits non-empty arrays of the source's items, in order. */
export const batch =
  <T>(options: BatchOptions): OperatorFunction<T, readonly T[]> =>
  (source) =>
    new Observable<readonly T[]>((subscriber) => {
      const { idleMs, ageMs, countMax, flush$, scheduler = asyncScheduler } = options;
      let open: T[] = [];
      let openedAt = 0;
      let latestAt = 0;
      let timer: Subscription | undefined;

      const close = (): void => {
        timer?.unsubscribe();
        timer = undefined;
        if (open.length === 0) return;
        const full = open;
        open = [];
        subscriber.next(full);
      };

      // Items only note the time; the timer looks whether it is early and goes on waiting, which is far cheaper than
      // setting it anew for each item.
      const arm = (): void => {
        const dueAt = Math.min(latestAt + idleMs, openedAt + ageMs);
        timer = scheduler.schedule(
          () => {
            if (Math.min(latestAt + idleMs, openedAt + ageMs) <= scheduler.now()) close();
            else arm();
          },
          Math.max(dueAt - scheduler.now(), 0),
        );
      };

      subscriber.add(() => timer?.unsubscribe());
      subscriber.add(flush$.subscribe({ next: close, error: (error) => subscriber.error(error) }));
      subscriber.add(
        source.subscribe({
          next: (item) => {
            open.push(item);
            latestAt = scheduler.now();
            if (open.length >= countMax) {
              close();
            } else if (open.length === 1) {
              openedAt = latestAt;
              arm();
            }
          },
          error: (error) => {
            close();
            subscriber.error(error);
          },
          complete: () => {
            close();
            subscriber.complete();
          },
        }),
      );
    });
