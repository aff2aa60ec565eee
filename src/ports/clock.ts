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
  /** Yields to the event loop once and resolves afterwards. Long work awaits it between slices. */
  breathe(): Promise<void>;
}

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
  breathe: () => new Promise((resolve) => setImmediate(resolve)),
};
