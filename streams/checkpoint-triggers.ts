/**
 * Decides when checkpoints are written: some time after the last one, when many series have changed, when the journal
 * has grown long, and on request. One run happens at a time. All triggers that arrive during a run together cause one
 * more run after it.
 *
 *     dirtySeries$   ---9-----------
 *     requests$      -----a-b-------
 *     run               -----|
 *     run                    -----|
 *     notice$        ---s-r--(fs)-f-      s: started  r: remembered  f: finished
 *
 * A caller who requests a checkpoint waits for the first run that begins after the request. A run that is already in
 * progress does not count: it may have passed the series that the caller wants to be in it. In the diagram, request `a`
 * comes during the first run, so the second run answers `a` and `b`.
 *
 * After `stop$` no trigger counts any more. A remembered run still takes place, because callers wait for it; then the
 * stream completes.
 */
import {
  asyncScheduler,
  defer,
  EMPTY,
  filter,
  from,
  map,
  merge,
  NEVER,
  Observable,
  type ObservableInput,
  type SchedulerLike,
  Subject,
  type Subscription,
  startWith,
  switchMap,
  takeUntil,
  timer,
} from 'rxjs';

export type CheckpointReason = 'interval' | 'dirtySeries' | 'journalBytes' | 'request';

/** A request for a checkpoint, whose caller waits. */
export interface CheckpointRequest {
  /** Called when the run that covers the request has succeeded. */
  readonly resolve: () => void;
  /** Called when that run has failed. */
  readonly reject: (error: unknown) => void;
}

export interface CheckpointTriggersOptions {
  /** The next run is due this long after the end of the last one, or after the start of the stream. */
  readonly intervalMs: number;
  /** Number of series changed since the last run began. Emits at each measurement. */
  readonly dirtySeries$: Observable<number>;
  /** Number of changed series that triggers a run. Read at each measurement, because it may change. */
  readonly dirtySeriesMax: () => number;
  /** Journal bytes appended since the last run began. Emits at each measurement. */
  readonly journalBytes$: Observable<number>;
  readonly journalBytesMax: number;
  readonly requests$: Observable<CheckpointRequest>;
  /** Writes one checkpoint. Calling it sets the two measurements back to 0. */
  readonly run: (reasons: readonly CheckpointReason[]) => ObservableInput<unknown>;
  readonly stop$: Observable<unknown>;
  readonly scheduler?: SchedulerLike;
}

/**
 * The events of the stream, with the names that the store's statechart uses. A failed run is a value, not an error of
 * the stream: the next trigger tries again.
 */
export type CheckpointNotice =
  | { readonly type: 'checkpointStarted'; readonly reasons: readonly CheckpointReason[] }
  | { readonly type: 'checkpointRemembered'; readonly reason: CheckpointReason }
  | { readonly type: 'checkpointFinished'; readonly error?: unknown };

interface Trigger {
  readonly reason: CheckpointReason;
  readonly request?: CheckpointRequest;
}

type Phase = 'running' | 'written' | 'failed';

/** Runs checkpoints when they are due and emits a notice for each. Subscribe once. */
export const checkpointTriggers = (options: CheckpointTriggersOptions): Observable<CheckpointNotice> =>
  defer(() => {
    const { intervalMs, dirtySeries$, dirtySeriesMax, journalBytes$, journalBytesMax } = options;
    const { requests$, run, stop$, scheduler = asyncScheduler } = options;
    const phase$ = new Subject<Phase>();
    const interval$ = phase$.pipe(
      startWith('written'),
      switchMap((phase) => (phase === 'running' ? NEVER : timer(intervalMs, scheduler))),
    );
    const triggers$ = merge(
      interval$.pipe(map((): Trigger => ({ reason: 'interval' }))),
      oncePerRun(dirtySeries$.pipe(map((count) => count >= dirtySeriesMax())), phase$, 'dirtySeries'),
      oncePerRun(journalBytes$.pipe(map((bytes) => bytes >= journalBytesMax)), phase$, 'journalBytes'),
      requests$.pipe(map((request): Trigger => ({ reason: 'request', request }))),
    );
    return triggers$.pipe(takeUntil(stop$), runOneRememberOne(run, phase$));
  });

/**
 * A level triggers a run when it is reached. It can trigger again only after a run has begun, which lowers the level,
 * or after a measurement below the level. A failed run leaves the level high, so without this rule every measurement
 * would start the run again.
 */
const oncePerRun = (
  reached$: Observable<boolean>,
  phase$: Observable<Phase>,
  reason: CheckpointReason,
): Observable<Trigger> =>
  defer(() => {
    let armed = true;
    const rearmed$ = phase$.pipe(
      switchMap((phase) => {
        armed = phase === 'running' || (phase === 'written' && armed);
        return EMPTY;
      }),
    );
    const trigger$ = reached$.pipe(
      filter((reached) => {
        const triggers = reached && armed;
        armed = !reached;
        return triggers;
      }),
      map((): Trigger => ({ reason })),
    );
    return merge(rearmed$, trigger$);
  });

/** Like `exhaustMap`, which suits triggers, except that triggers during a run are remembered as one more run. */
const runOneRememberOne =
  (run: (reasons: readonly CheckpointReason[]) => ObservableInput<unknown>, phase$: Subject<Phase>) =>
  (triggers$: Observable<Trigger>): Observable<CheckpointNotice> =>
    new Observable<CheckpointNotice>((subscriber) => {
      let remembered: Trigger[] = [];
      let running: Subscription | undefined;
      let isRunning = false;
      let isStopped = false;

      const begin = (covered: readonly Trigger[]): void => {
        isRunning = true;
        const reasons = [...new Set(covered.map(({ reason }) => reason))];
        phase$.next('running');
        subscriber.next({ type: 'checkpointStarted', reasons });
        running = from(defer(() => run(reasons))).subscribe({
          error: (error: unknown) => end(covered, 'failed', error),
          complete: () => end(covered, 'written'),
        });
      };

      const end = (covered: readonly Trigger[], phase: 'written' | 'failed', error?: unknown): void => {
        isRunning = false;
        subscriber.next({ type: 'checkpointFinished', ...(phase === 'failed' ? { error } : {}) });
        for (const { request } of covered) {
          if (phase === 'written') request?.resolve();
          else request?.reject(error);
        }
        phase$.next(phase);
        const next = remembered;
        remembered = [];
        if (next.length > 0) begin(next);
        else if (isStopped) subscriber.complete();
      };

      const triggering = triggers$.subscribe({
        next: (trigger) => {
          if (!isRunning) {
            begin([trigger]);
            return;
          }
          remembered.push(trigger);
          if (remembered.length === 1) subscriber.next({ type: 'checkpointRemembered', reason: trigger.reason });
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => {
          isStopped = true;
          if (!isRunning) subscriber.complete();
        },
      });
      return () => {
        triggering.unsubscribe();
        running?.unsubscribe();
      };
    });
