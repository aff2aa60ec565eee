/** The end of a query's time, together with the client's going away: one signal for both. */

export class Deadline {
  private readonly controller = new AbortController();
  private readonly outer: AbortSignal;
  private readonly timer: NodeJS.Timeout | undefined;
  private readonly onAbort = (): void => this.controller.abort(this.outer.reason);
  /** Whether the time was over before {@link end}. */
  isOver = false;

  constructor(outer: AbortSignal, timeoutMs: number) {
    this.outer = outer;
    if (outer.aborted) this.onAbort();
    outer.addEventListener('abort', this.onAbort);
    if (timeoutMs > 0) this.timer = setTimeout(() => this.expire(), timeoutMs).unref();
    else this.expire();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(): void {
    clearTimeout(this.timer);
    this.outer.removeEventListener('abort', this.onAbort);
  }

  private expire(): void {
    if (this.controller.signal.aborted) return;
    this.isOver = true;
    this.controller.abort();
  }
}
