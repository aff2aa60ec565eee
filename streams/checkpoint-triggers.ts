/**
 * Decides when a checkpoint is due: some time after the last one, when many series have changed, and when the journal
 * has grown long. Each emission is a reason. What follows from it is decided by the region `checkpoint` of the store's
 * statechart, which reports the phases of the checkpoints back.
 *
 *     dirtySeries$   --4-9-9---------0-5----
 *     phase$         ----b-----w-----------      b: begun  w: written
 *     reason$        ----d-----------------d     d: dirtySeries
 *
 * After `stop$` the stream completes.
 */
import {
  asyncScheduler,
  defer,
  EMPTY,
  filter,
  map,
  merge,
  NEVER,
  type Observable,
  type SchedulerLike,
  startWith,
  switchMap,
  takeUntil,
  timer,
} from 'rxjs';

export type CheckpointTrigger = 'interval' | 'dirtySeries' | 'journalBytes';

/** What happens to a checkpoint, whatever its reason: it begins, and then it is written or fails. */
export type CheckpointPhase = 'begun' | 'written' | 'failed';

export interface CheckpointTriggersOptions {
  /** The next checkpoint is due this long after the end of the last one, or after the start of the stream. */
  readonly intervalMs: number;
  /** Number of series changed since the last checkpoint began. Emits at each measurement. */
  readonly dirtySeries$: Observable<number>;
  /** Number of changed series that makes a checkpoint due. Read at each measurement, because it may change. */
  readonly dirtySeriesMax: () => number;
  /** Journal bytes appended since the last checkpoint began. Emits at each measurement. */
  readonly journalBytes$: Observable<number>;
  readonly journalBytesMax: number;
  /** The phases of all checkpoints, one after the other. A checkpoint that begins sets both measurements back to 0. */
  readonly phase$: Observable<CheckpointPhase>;
  readonly stop$: Observable<unknown>;
  readonly scheduler?: SchedulerLike;
}

/** Emits the reason each time a checkpoint is due. */
export const checkpointTriggers = (options: CheckpointTriggersOptions): Observable<CheckpointTrigger> => {
  const { intervalMs, dirtySeries$, dirtySeriesMax, journalBytes$, journalBytesMax } = options;
  const { phase$, stop$, scheduler = asyncScheduler } = options;
  const interval$ = phase$.pipe(
    startWith('written'),
    switchMap((phase) => (phase === 'begun' ? NEVER : timer(intervalMs, scheduler))),
    map((): CheckpointTrigger => 'interval'),
  );
  return merge(
    interval$,
    oncePerCheckpoint(dirtySeries$.pipe(map((count) => count >= dirtySeriesMax())), phase$, 'dirtySeries'),
    oncePerCheckpoint(journalBytes$.pipe(map((bytes) => bytes >= journalBytesMax)), phase$, 'journalBytes'),
  ).pipe(takeUntil(stop$));
};

/**
 * A level triggers a checkpoint when it is reached. It can trigger again only after a checkpoint has begun, which lowers
 * the level, or after a measurement below the level. A failed checkpoint leaves the level high, so without this rule
 * every measurement would trigger the checkpoint again.
 */
const oncePerCheckpoint = (
  reached$: Observable<boolean>,
  phase$: Observable<CheckpointPhase>,
  reason: CheckpointTrigger,
): Observable<CheckpointTrigger> =>
  defer(() => {
    let armed = true;
    const rearmed$ = phase$.pipe(
      switchMap((phase) => {
        armed = phase === 'begun' || (phase === 'written' && armed);
        return EMPTY;
      }),
    );
    const trigger$ = reached$.pipe(
      filter((reached) => {
        const triggers = reached && armed;
        armed = !reached;
        return triggers;
      }),
      map(() => reason),
    );
    return merge(rearmed$, trigger$);
  });
