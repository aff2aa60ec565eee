/**
 * The clock port: wall time, a monotonic clock, and timers. All product code takes time from here, so the simulator can
 * control it.
 */

export type TimerHandle = unknown;

export interface Clock {
  /** Wall time, integer milliseconds since the Unix epoch; may jump in either direction. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. Use it for durations. */
  monotonic(): number;
  /** Runs `callback` once after `delayMs`. A pending timer never keeps the process alive. */
  setTimeout(callback: () => void, delayMs: number): TimerHandle;
  clearTimeout(handle: TimerHandle): void;
  /**
   * Keeps the process alive until the returned function is called. For a caller that waits for a timer, because timers
   * don't keep the process alive.
   */
  hold?(): () => void;
  /**
   * Yields to the event loop and resolves afterwards. Long work awaits it between slices. Of several callers, one goes on
   * in each turn of the loop, in the order of their calls: ten with slices of 2 ms would hold it for 20 ms otherwise.
   */
  breathe(): Promise<void>;
  /** Calls back in the next turn of the event loop, whoever else waits for one. Absent: as {@link breathe} resolves. */
  inNextTurn?(callback: () => void): void;
}

/** Callers of {@link Clock.breathe}, with the next one first. */
let waiting: (() => void)[] = [];
/** How many of them have gone on. */
let gone = 0;
/** They are removed from the list when there are so many. */
const GONE_MAX = 1024;

const letOneGoOn = (): void => {
  const next = waiting[gone++];
  if (gone === waiting.length || gone === GONE_MAX) {
    waiting = waiting.slice(gone);
    gone = 0;
  }
  if (waiting.length > 0) setImmediate(letOneGoOn);
  next();
};

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  // Node turns a longer delay into one of 1 ms.
  setTimeout: (callback, delayMs) => setTimeout(callback, Math.min(delayMs, 2 ** 31 - 1)).unref(),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  hold: () => {
    const timer = setInterval(() => {}, 2 ** 30);
    return () => clearInterval(timer);
  },
  breathe: () =>
    new Promise((resolve) => {
      if (waiting.push(resolve) === 1) setImmediate(letOneGoOn);
    }),
  inNextTurn: (callback) => void setImmediate(callback),
};
