/**
 * A counting semaphore: at most so many holders of a permit at a time, first come first served. A caller that is aborted
 * while it waits leaves the queue, so that the permits go to those that still wait.
 */
export class Semaphore {
  private readonly permits: number;
  private held = 0;
  /** In the order of their coming: a Set remembers it, and lets any waiter leave. */
  private readonly waiting = new Set<() => void>();

  constructor(permits: number) {
    this.permits = permits;
  }

  /** Resolves when the caller has a permit. Call {@link release} exactly once then. Rejects with the signal's reason. */
  async acquire(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (!this.tryAcquire()) await this.wait(signal);
  }

  /** Takes a permit if one is free. Otherwise returns false, and {@link acquire} waits. */
  tryAcquire(): boolean {
    if (this.held >= this.permits) return false;
    this.held++;
    return true;
  }

  /** Gives a permit back. The caller that has waited longest gets it. */
  release(): void {
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
