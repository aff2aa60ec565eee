/**
 * The paced sweep: visits every series again and again, so that all are visited within a tenth of the retention, capped
 * at six hours; faster with rising urgency, as fast as possible when rushed.
 *
 *     series                 a b c d, sweep 8
 *     calm                   --a-b-c-(d.)-a-b-c-(d.)      .: the pass is finished
 *     half urgent            -abc(d.)abc(d.)
 *     rushed                 (ab)(cd.)…                   batches, one after the other
 *
 * The first pass starts at a random place, so that a program that is restarted often does not visit the same few series
 * each time. One batch is visited at a time, and the next waits for it: what cannot keep up is not overrun. Time that
 * visits and late timers take is made up for by larger batches.
 *
 * Series are found by a cursor and not by a list: of an archive of millions, one batch is in memory.
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

/** A part of the series that is swept: those in memory, or the archived ones. */
export interface SweepSource<Cursor, Key> {
  /** How many there are, more or less. */
  readonly count: () => number;
  /** Where a pass begins that leaves out this share of the series; 0 leaves out none. */
  readonly at: (share: number) => Cursor;
  /** At most `max` series from the cursor on, and where to go on; `next` is `undefined` at the end of the pass. */
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
  /** Within which all are visited when nothing is urgent; see {@link sweepDurationMs}. */
  readonly sweepMs: number;
  /** Read before each batch. Left out for archived series: they are never hurried. */
  readonly urgency?: () => Urgency;
  /** Ends a wait early, since urgency has risen. */
  readonly hurry$?: Observable<unknown>;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Visits a batch; the next one waits for it. */
  readonly visit: (keys: readonly Key[]) => ObservableInput<unknown>;
  /** Ends the sweep after the batch that is being visited. */
  readonly stop$: Observable<unknown>;
  /** Series per batch at most, which bounds what one batch costs. Default 256. */
  readonly batchMax?: number;
  readonly scheduler?: SchedulerLike;
}

/** What happens. A failed visit is a value: the sweep goes on with the next batch. */
export type SweepNotice =
  | { readonly type: 'batchVisited'; readonly series: number }
  | { readonly type: 'passFinished'; readonly series: number; readonly durationMs: number }
  | { readonly type: 'visitFailed'; readonly error: unknown };

/** The longest wait for one series: few series are visited more often than the sweep's duration asks for. */
const waitMsMax = 10_000;
/** Series that are due more often than this are visited in batches: one timer for several. */
const tickMs = 1000;
/** Series of one batch at most. */
const batchMaxDefault = 256;
/** The shortest pass: with few series, as fast as possible would be a busy loop. */
const passMsMin = 100;

const hour = 3_600_000;

/** A tenth of the retention, from ten seconds to six hours; six hours if nothing ever expires. */
export const sweepDurationMs = (retentionMs: number): number => Math.min(Math.max(retentionMs / 10, 10_000), 6 * hour);

/** Visits all series in passes, until stopped. Subscribe once. */
export const maintenanceSweep = <Cursor, Key>(options: MaintenanceSweepOptions<Cursor, Key>): Observable<SweepNotice> =>
  defer(() => {
    const { source, visit, random, scheduler = asyncScheduler } = options;
    // A signal that completes says nothing more; it must not end a race.
    const stop$ = concat(options.stop$, NEVER);
    const hurry$ = concat(options.hurry$ ?? NEVER, NEVER);
    let isStopped = false;
    let cursor = source.at(random());
    let visitedSeries = 0;
    let startedAt = scheduler.now();
    let batchAt = startedAt;

    const pause = (delayMs: number): Observable<unknown> =>
      // Whoever stopped during a visit says it once.
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
      // The series could not be listed; trying again at once would be a busy loop.
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

/** How long to wait before the next batch, and how large that is. */
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
