/**
 * When checkpoints are written: some time after the last one, when many series have changed, when the journal has grown
 * long, and when somebody asks. One runs at a time; whatever comes meanwhile is remembered as one run that follows.
 *
 *     dirtySeries$   ---9-----------
 *     requests$      -----a-b-------
 *     run               -----|
 *     run                    -----|
 *     notice$        ---s-r--(fs)-f-      s: started  r: remembered  f: finished
 *
 * Whoever asks is told about the run that covers the request: the first that begins after it was made. A run that is
 * in progress already may have passed what the caller wants to be in it.
 *
 * After `stop$` nothing triggers any more; what was remembered still runs, for the sake of those who asked, and the
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

/** Somebody asked for a checkpoint, and waits. */
export interface CheckpointRequest {
  /** The run that covers the request has ended. */
  readonly resolve: () => void;
  /** It has ended badly. */
  readonly reject: (error: unknown) => void;
}

export interface CheckpointTriggersOptions {
  /** Time after the end of a run, and after the start, when the next is due at the latest. */
  readonly intervalMs: number;
  /** Series changed since the last run began, whenever measured. */
  readonly dirtySeries$: Observable<number>;
  /** How many are reason enough; read at each measurement, since large stores afford more. */
  readonly dirtySeriesMax: () => number;
  /** Journal bytes since the last run began, whenever measured. */
  readonly journalBytes$: Observable<number>;
  readonly journalBytesMax: number;
  readonly requests$: Observable<CheckpointRequest>;
  /** Writes one checkpoint. The two measures begin again at 0 when it is called. */
  readonly run: (reasons: readonly CheckpointReason[]) => ObservableInput<unknown>;
  readonly stop$: Observable<unknown>;
  readonly scheduler?: SchedulerLike;
}

/** What happens, in the words of the store's statechart. A failed run is a value: the next trigger tries again. */
export type CheckpointNotice =
  | { readonly type: 'checkpointStarted'; readonly reasons: readonly CheckpointReason[] }
  | { readonly type: 'checkpointRemembered'; readonly reason: CheckpointReason }
  | { readonly type: 'checkpointFinished'; readonly error?: unknown };

interface Trigger {
  readonly reason: CheckpointReason;
  readonly request?: CheckpointRequest;
}

type Phase = 'running' | 'written' | 'failed';

/** Runs checkpoints when they are due and tells of each. Subscribe once. */
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
 * A level triggers when it is reached, and again only after a run has begun, which lowers it, or after it was seen
 * lower. So a run that fails, which leaves the level where it is, is not repeated at every measurement.
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

/** Like exhaustMap, which is right for triggers, but what comes during a run makes one more run when it has ended. */
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
