/**
 * When a group of rules is evaluated: at times that are a multiple of the interval, plus an offset. One evaluation runs
 * at a time. Evaluations that could not begin in time are missed and counted, or made up afterwards, in their order.
 *
 *     due          1----2----3----4----5----6--
 *     run          -----|    -----------|  ---|      the run of 3 is too long
 *     missed       --------------------4------
 *     evaluated    -----1----2----------(35)-6       without catching up
 *     evaluated    -----1----2----------(345)6       with catching up
 *
 * The times are those of the wall clock. A wait is at most ten seconds, so that the stream sees when the clock jumps.
 */
import {
  asyncScheduler,
  concat,
  concatMap,
  defer,
  EMPTY,
  endWith,
  finalize,
  ignoreElements,
  type Observable,
  type ObservableInput,
  of,
  repeat,
  type SchedulerLike,
  takeUntil,
  timer,
} from 'rxjs';

export interface RuleEvaluationsOptions {
  readonly intervalMs: number;
  /** Less than the interval; spreads the groups over it. */
  readonly offsetMs: number;
  /** Wall time, milliseconds since the epoch. */
  readonly now: () => number;
  /** Evaluates for a time. The next evaluation waits for it. */
  readonly evaluate: (at: number) => ObservableInput<unknown>;
  /** The most missed evaluations that are made up at a time; 0 makes up none. */
  readonly catchUpMax: number;
  /** Ends the stream, after the evaluation that is running. */
  readonly stop$: Observable<unknown>;
  readonly scheduler?: SchedulerLike;
}

export interface RuleEvaluation {
  readonly at: number;
  /** Evaluations before this one that were due and will not happen. */
  readonly missed: number;
}

const WAIT_MS_MAX = 10_000;

/** The first time that is due at or after a time. */
export const firstDue = (time: number, intervalMs: number, offsetMs: number): number =>
  Math.ceil((time - offsetMs) / intervalMs) * intervalMs + offsetMs;

/** Evaluates until stopped. Subscribe once. */
export const ruleEvaluations = (options: RuleEvaluationsOptions): Observable<RuleEvaluation> =>
  defer(() => {
    const { intervalMs, offsetMs, now, evaluate, catchUpMax, stop$, scheduler = asyncScheduler } = options;
    let next = firstDue(now(), intervalMs, offsetMs);
    let isStopped = false;

    const evaluated = (evaluation: RuleEvaluation): Observable<RuleEvaluation> =>
      defer(() => (isStopped ? EMPTY : evaluate(evaluation.at))).pipe(ignoreElements(), endWith(evaluation));

    const dueNow = (): Observable<RuleEvaluation> => {
      const late = Math.floor((now() - next) / intervalMs);
      // The clock went back: waiting until it is where it was would leave the rules without evaluations.
      if (late < -1) next = firstDue(now(), intervalMs, offsetMs);
      if (late < 0) return EMPTY;
      const madeUp = Math.min(late, catchUpMax);
      const missed = late - madeUp;
      const first = next + missed * intervalMs;
      next += (late + 1) * intervalMs;
      const times = Array.from({ length: madeUp + 1 }, (_, i) => first + i * intervalMs);
      return of(...times.map((at, i) => ({ at, missed: i === 0 ? missed : 0 }))).pipe(concatMap(evaluated));
    };

    // The wait ends at once when the stream is stopped; an evaluation that runs is not cut off.
    const waited = defer(() => timer(Math.min(WAIT_MS_MAX, Math.max(0, next - now())), scheduler)).pipe(
      takeUntil(stop$),
      ignoreElements(),
    );
    const round = concat(
      waited,
      defer(() => (isStopped ? EMPTY : dueNow())),
    );
    const noted = stop$.subscribe(() => {
      isStopped = true;
    });
    return round.pipe(
      repeat({ delay: () => (isStopped ? EMPTY : of(0)) }),
      finalize(() => noted.unsubscribe()),
    );
  });
