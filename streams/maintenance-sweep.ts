/**
 * The paced sweep visits every series again and again. One pass takes a tenth of the retention, at most six hours. It
 * is faster with rising urgency, and as fast as possible when rushed.
 *
 *     series                 a b c d, sweep 8
 *     calm                   --a-b-c-(d.)-a-b-c-(d.)      .: the pass is finished
 *     half urgent            -abc(d.)abc(d.)
 *     rushed                 (ab)(cd.)…                   batches, one after the other
 *
 * The first pass starts at a random place. Otherwise a program that is restarted often would visit the same few series
 * each time. One batch is visited at a time, and the next one waits for it, so visits never pile up. When visits or
 * late timers cost time, larger batches make up for it.
 *
 * A cursor finds the series, not a list: even with an archive of millions of series, only one batch is in memory.
 */
import {
  asyncScheduler,
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  endWith,
  ignoreElements,
  map,
  merge,
  NEVER,
  type Observable,
  type ObservableInput,
  of,
  race,
  repeat,
  type SchedulerLike,
  take,
  tap,
  timer,
} from 'rxjs';

/** The series that a sweep visits: those in memory, or the archived ones. */
export interface SweepSource<Cursor, Key> {
  /** The approximate number of series. */
  readonly count: () => number;
  /** The cursor of a pass that leaves out this share of the series; 0 leaves out none. */
  readonly at: (share: number) => Cursor;
  /**
   * At most `max` series from the cursor on, and the cursor after them; `next` is `undefined` at the end of the pass.
   */
  readonly take: (cursor: Cursor, max: number) => ObservableInput<SweepBatch<Cursor, Key>>;
}

export interface SweepBatch<Cursor, Key> {
  readonly keys: readonly Key[];
  readonly next: Cursor | undefined;
}

export interface Urgency {
  /** The persistence-urgency score, 0 to 1. */
  readonly score: number;
  readonly rushed: boolean;
}

export interface MaintenanceSweepOptions<Cursor, Key> {
  readonly source: SweepSource<Cursor, Key>;
  /** Duration of a pass over all series when nothing is urgent; see {@link sweepDurationMs}. */
  readonly sweepMs: number;
  /** Read before each batch. Left out for archived series, whose sweep never speeds up. */
  readonly urgency?: () => Urgency;
  /** Ends a wait early because urgency has risen. */
  readonly hurry$?: Observable<unknown>;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Visits a batch; the next one waits for it. */
  readonly visit: (keys: readonly Key[]) => ObservableInput<unknown>;
  /** Ends the sweep after the batch that is being visited. */
  readonly stop$: Observable<unknown>;
  /** Maximum number of series per batch, which bounds the cost of one batch. Default 256. */
  readonly batchMax?: number;
  readonly scheduler?: SchedulerLike;
}

/**
 * The events of the sweep. A failed visit is a value, not an error of the stream: the sweep goes on with the next
 * batch.
 */
export type SweepNotice =
  | { readonly type: 'batchVisited'; readonly series: number }
  | { readonly type: 'passFinished'; readonly series: number; readonly durationMs: number }
  | { readonly type: 'visitFailed'; readonly error: unknown };

/** The longest wait for one series. With few series, each is therefore visited more often than the pass requires. */
const waitMsMax = 10_000;
/** When series are due more often than this, they are visited in batches, with one timer for several series. */
const tickMs = 1000;
/** Maximum number of series in a batch. */
const batchMaxDefault = 256;
/** The shortest pass. Without it, a rushed sweep over few series would be a busy loop. */
const passMsMin = 100;

const hour = 3_600_000;

/** A tenth of the retention, at least ten seconds and at most six hours; six hours if nothing expires. */
export const sweepDurationMs = (retentionMs: number): number => Math.min(Math.max(retentionMs / 10, 10_000), 6 * hour);

/** Visits all series in passes, until stopped. Subscribe once. */
export const maintenanceSweep = <Cursor, Key>(options: MaintenanceSweepOptions<Cursor, Key>): Observable<SweepNotice> =>
  defer(() => {
    const { source, visit, random, scheduler = asyncScheduler } = options;
    // Completion of a signal means nothing. It must not end a race.
    const stop$ = concat(options.stop$, NEVER);
    const hurry$ = concat(options.hurry$ ?? NEVER, NEVER);
    let isStopped = false;
    let cursor = source.at(random());
    let visitedSeries = 0;
    let startedAt = scheduler.now();
    let batchAt = startedAt;

    const pause = (delayMs: number): Observable<unknown> =>
      // stop$ emits only once. If it emitted during a visit, `isStopped` ends this wait at once.
      isStopped ? of(0) : race(timer(Math.max(0, delayMs), scheduler), stop$).pipe(take(1));

    const wait = (): Observable<unknown> => race(pause(paceOf(options).waitMs), hurry$).pipe(take(1));

    const dueNow = (): number => {
      const { batch, perSeriesMs } = paceOf(options);
      const sinceMs = scheduler.now() - batchAt;
      batchAt += sinceMs;
      return perSeriesMs === 0
        ? batch
        : Math.min(options.batchMax ?? batchMaxDefault, Math.max(batch, Math.floor(sinceMs / perSeriesMs)));
    };

    const visitBatch = (keys: readonly Key[]): Observable<SweepNotice> => {
      if (keys.length === 0) return EMPTY;
      visitedSeries += keys.length;
      return defer(() => visit(keys)).pipe(
        ignoreElements(),
        endWith<SweepNotice>({ type: 'batchVisited', series: keys.length }),
        catchError((error: unknown) => of<SweepNotice>({ type: 'visitFailed', error })),
      );
    };

    const finishPass = (): Observable<SweepNotice> =>
      pause(passMsMin - (scheduler.now() - startedAt)).pipe(
        map(() => {
          const now = scheduler.now();
          const notice: SweepNotice = { type: 'passFinished', series: visitedSeries, durationMs: now - startedAt };
          cursor = source.at(0);
          visitedSeries = 0;
          startedAt = now;
          return notice;
        }),
      );

    const moveOn = (next: Cursor | undefined): Observable<SweepNotice> => {
      if (next === undefined) return finishPass();
      cursor = next;
      return EMPTY;
    };

    const step$ = defer(wait).pipe(
      concatMap(() => (isStopped ? EMPTY : source.take(cursor, dueNow()))),
      concatMap(({ keys, next }) =>
        concat(
          visitBatch(keys),
          defer(() => moveOn(next)),
        ),
      ),
      // The series could not be listed. Trying again at once would be a busy loop.
      catchError((error: unknown) =>
        concat(of<SweepNotice>({ type: 'visitFailed', error }), pause(tickMs).pipe(ignoreElements())),
      ),
    );
    const stopped$ = stop$.pipe(
      take(1),
      tap(() => {
        isStopped = true;
      }),
      ignoreElements(),
    );
    return merge(stopped$, step$.pipe(repeat({ delay: () => (isStopped ? EMPTY : of(0)) })));
  });

/** How long to wait before the next batch, and its size. */
const paceOf = <Cursor, Key>({
  source,
  sweepMs,
  urgency,
  batchMax,
}: MaintenanceSweepOptions<Cursor, Key>): {
  readonly waitMs: number;
  readonly batch: number;
  readonly perSeriesMs: number;
} => {
  const count = source.count();
  const { score, rushed } = urgency?.() ?? { score: 0, rushed: false };
  if (count === 0) return { waitMs: waitMsMax, batch: 1, perSeriesMs: waitMsMax };
  const relief = rushed ? 0 : 1 - Math.min(1, Math.max(0, score));
  const perSeriesMs = Math.min(waitMsMax, sweepMs / count) * relief;
  const batch = Math.min(batchMax ?? batchMaxDefault, Math.max(1, Math.round(tickMs / perSeriesMs)));
  return { waitMs: perSeriesMs * batch, batch, perSeriesMs };
};
