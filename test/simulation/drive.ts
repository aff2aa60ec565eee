/**
 * Advances the simulated world until a promise of the store settles. After every task all microtasks of the host run
 * (one turn of the real event loop), so the order of everything depends only on the queue of simulated time.
 *
 * No other file of the simulator uses the host's timers.
 */
import type { SimulatedProcess } from './simulated-process.ts';
import { isSimulatedCrash } from './simulated-process.ts';
import type { Timeline } from './timeline.ts';

/** The outcome of an operation of the store. `stuck`: it can't settle any more, or it exceeds a bound below. */
export type Outcome<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'crashed' }
  | { readonly kind: 'stuck'; readonly reason: string };

/** No operation may take longer than this in simulated time. */
const MONOTONIC_MS_MAX = 30 * 60_000;

/** No operation may run more tasks than this. */
const TASKS_MAX = 200_000;

/** Real time that the host may need for work of its own (loading a module) while nothing is due in the simulation. */
const HOST_WAIT_MS_MAX = 2_000;

/** Lets all microtasks run. */
export const drainMicrotasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets the due timers of the host run. */
export const hostTimersRun = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** Runs the world until `operation` settles or its process dies. */
export const drive = async <T>(
  timeline: Timeline,
  process: SimulatedProcess,
  operation: () => Promise<T>,
): Promise<Outcome<T>> => {
  const watched = watch(process, operation);
  return driveWatched(timeline, process, watched);
};

/** A started operation. `outcome` is set when it settles. */
export interface Watched<T> {
  outcome: Outcome<T> | undefined;
}

/** Starts an operation and records its outcome, without waiting for it. The outcome in a dead process is `crashed`. */
export const watch = <T>(process: SimulatedProcess, operation: () => Promise<T>): Watched<T> => {
  const watched: Watched<T> = { outcome: undefined };
  const settle = (outcome: Outcome<T>): void => {
    watched.outcome = process.alive ? outcome : { kind: 'crashed' };
  };
  const failed = (error: unknown): void =>
    settle(isSimulatedCrash(error) ? { kind: 'crashed' } : { kind: 'error', error });
  try {
    operation().then((value) => settle({ kind: 'value', value }), failed);
  } catch (error) {
    failed(error);
  }
  return watched;
};

/** Runs the world until a watched operation settles, its process dies, or it counts as stuck. */
export const driveWatched = async <T>(
  timeline: Timeline,
  process: SimulatedProcess,
  watched: Watched<T>,
): Promise<Outcome<T>> => {
  const startMs = timeline.monotonicMs;
  let tasks = 0;
  let hostWaitMs = 0;
  for (;;) {
    await drainMicrotasks();
    if (!process.alive) return { kind: 'crashed' };
    if (watched.outcome !== undefined) return watched.outcome;
    if (timeline.nextDelayMs === undefined) {
      if (hostWaitMs++ >= HOST_WAIT_MS_MAX) return { kind: 'stuck', reason: 'nothing is left that could settle it' };
      await hostTimersRun();
      continue;
    }
    timeline.runNext();
    if (tasks++ >= TASKS_MAX) return { kind: 'stuck', reason: `still busy after ${TASKS_MAX} tasks` };
    if (timeline.monotonicMs - startMs > MONOTONIC_MS_MAX) {
      return { kind: 'stuck', reason: `not settled within ${MONOTONIC_MS_MAX / 60_000} simulated minutes` };
    }
  }
};

/** Lets `byMs` of simulated time pass and runs all tasks that come due. Ends early if the process dies. */
export const advance = async (timeline: Timeline, process: SimulatedProcess, byMs: number): Promise<void> => {
  const endMs = timeline.monotonicMs + byMs;
  for (;;) {
    await drainMicrotasks();
    const delayMs = timeline.nextDelayMs;
    if (!process.alive) return;
    const leftMs = endMs - timeline.monotonicMs;
    if (delayMs === undefined || delayMs > leftMs) {
      if (leftMs > 0) timeline.spend(Math.round(leftMs * 1000));
      return;
    }
    timeline.runNext();
  }
};
