/** Pauses between attempts: they double from a minimum to a maximum, and are spread so that senders don't meet. */
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';

/** A receiver may ask for a longer pause than this; it is not waited. */
const ASKED_MS_MAX = 300_000;

export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

export class Backoff {
  private readonly options: BackoffOptions;
  private attempts = 0;

  constructor(options: BackoffOptions) {
    this.options = options;
  }

  /** To be called after a success. */
  reset(): void {
    this.attempts = 0;
  }

  /** Waits before the next attempt. Resolves early when the signal aborts. */
  pause(askedMs: number | undefined, signal: AbortSignal): Promise<void> {
    const { minMs, maxMs, random } = this.options;
    const doubled = Math.min(maxMs, minMs * 2 ** Math.min(this.attempts++, 30));
    const spread = doubled * (0.5 + random.next() / 2);
    return sleep(this.options.clock, Math.max(spread, Math.min(askedMs ?? 0, ASKED_MS_MAX)), signal);
  }
}

/** Resolves after the time, or when the signal aborts. */
export const sleep = (clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimeout(end, delayMs);
    signal.addEventListener('abort', end, { once: true });
  });
