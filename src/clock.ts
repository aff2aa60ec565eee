/**
 * The clock port: wall time, a clock that never goes back, and timers. All product code takes time from here, so that
 * the simulator can own it.
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
  /** Keeps the process alive until the result is called: for a caller who awaits what only a timer will bring. */
  hold?(): () => void;
  /** Gives the event loop to the host once and resolves afterwards; long work awaits it between slices. */
  breathe(): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  // Node takes longer delays for one of a millisecond.
  setTimeout: (callback, delayMs) => setTimeout(callback, Math.min(delayMs, 2 ** 31 - 1)).unref(),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  hold: () => {
    const timer = setInterval(() => {}, 2 ** 30);
    return () => clearInterval(timer);
  },
  breathe: () => new Promise((resolve) => setImmediate(resolve)),
};
