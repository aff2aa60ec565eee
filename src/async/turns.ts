/**
 * At most so many holders at a time, first come first served. A caller that is aborted while it waits leaves the queue,
 * so that the turns go to those that still wait.
 */
export class Turns {
  private readonly max: number;
  private held = 0;
  /** In the order of their coming: a Set remembers it, and lets any waiter leave. */
  private readonly waiting = new Set<() => void>();

  constructor(max: number) {
    this.max = max;
  }

  /** Resolves when the caller has a turn. Call {@link end} exactly once then. Rejects with the signal's reason. */
  async take(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (!this.takeNow()) await this.wait(signal);
  }

  /** Takes a turn if one is free. Otherwise returns false, and {@link take} waits. */
  takeNow(): boolean {
    if (this.held >= this.max) return false;
    this.held++;
    return true;
  }

  /** Ends a turn. The caller that has waited longest takes it over. */
  end(): void {
    const [next] = this.waiting;
    if (next === undefined) this.held--;
    else next();
  }

  private wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.waiting.delete(start);
        signal?.removeEventListener('abort', abort);
      };
      const start = (): void => {
        leave();
        resolve();
      };
      const abort = (): void => {
        leave();
        reject(signal?.reason);
      };
      this.waiting.add(start);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}
