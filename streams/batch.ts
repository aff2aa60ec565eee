/**
 * Groups items into batches. A batch is closed when no item arrived for a while, when it is old, when it is full, or on
 * demand. An idle source costs nothing: the first item of a batch starts the timer, and there are no empty batches.
 *
 *     idle 3, age 6, count 4
 *     source  -a-b----------c-c-c-c-c-c---dddd----|
 *     flush$  ------------------------------------
 *     batch   ------(ab)----------(ccc)…
 *
 * When the source completes or fails, the open batch is emitted first, so no item is lost. Unsubscribing drops the open
 * batch.
 */
import { asyncScheduler, Observable, type OperatorFunction, type SchedulerLike, type Subscription } from 'rxjs';

export interface BatchOptions<T> {
  /** A batch is closed when no item arrived for this long. */
  readonly idleMs: number;
  /** A batch is closed at this age, even if items keep coming. */
  readonly ageMs: number;
  /** A batch is closed when the sizes of its items add up to this, or to more. */
  readonly countMax: number;
  /** The size of an item. Default 1 for each. */
  readonly sizeOf?: (item: T) => number;
  /** Closes the open batch, if there is one, each time it emits. Completion of `flush$` has no effect. */
  readonly flush$: Observable<unknown>;
  readonly scheduler?: SchedulerLike;
}

/** Emits non-empty arrays of the source's items, in order. */
export const batch =
  <T>(options: BatchOptions<T>): OperatorFunction<T, readonly T[]> =>
  (source) =>
    new Observable<readonly T[]>((subscriber) => {
      const { idleMs, ageMs, countMax, sizeOf = () => 1, flush$, scheduler = asyncScheduler } = options;
      let open: T[] = [];
      let size = 0;
      let openedAt = 0;
      let latestAt = 0;
      let timer: Subscription | undefined;

      const close = (): void => {
        timer?.unsubscribe();
        timer = undefined;
        if (open.length === 0) return;
        const full = open;
        open = [];
        size = 0;
        subscriber.next(full);
      };

      // An item only records its time. When the timer fires too early, it is set again for the rest of the wait. This
      // is far cheaper than setting the timer again for each item.
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
            size += sizeOf(item);
            latestAt = scheduler.now();
            if (size >= countMax) {
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
