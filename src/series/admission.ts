/**
 * Whether the store takes samples right now. The store's statechart sets it; the append path reads plain fields.
 * Callers that wait until the store takes samples again wait here.
 */
import { type ErrorCode, TidemarkError } from '../model/errors.ts';

export class Admission {
  /** The error code of refused appends, or `undefined` while samples are taken. */
  refusal: ErrorCode | undefined;
  /** The indexes are behind: samples of series that must be created, or woken from the archive, are refused. */
  refusesNewSeries = false;
  /** Number of refused calls, by code. */
  readonly refused = new Map<ErrorCode, number>();
  private reason = '';
  private cause: unknown;
  private waiters: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  /** Takes samples from now on and resolves all waiting callers. */
  open(): void {
    this.refusal = undefined;
    const waiters = this.waiters;
    this.waiters = [];
    for (const waiter of waiters) waiter.resolve();
  }

  /** Refuses samples until {@link open}. */
  refuse(code: ErrorCode, reason: string, cause?: unknown): void {
    this.refusal = code;
    this.reason = reason;
    this.cause = cause;
  }

  /** Refuses samples permanently and rejects all waiting callers. */
  end(code: ErrorCode, reason: string): void {
    this.refuse(code, reason);
    const waiters = this.waiters;
    this.waiters = [];
    for (const waiter of waiters) waiter.reject(this.error());
  }

  /** The error of a refused append; counts it. */
  error(): TidemarkError {
    const code = this.refusal ?? 'TIDEMARK_INTERNAL';
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
    return new TidemarkError(code, this.reason, { cause: this.cause });
  }

  /** Resolves when samples are taken; rejects if they never will be again. */
  ready(): Promise<void> {
    if (this.refusal === undefined) return Promise.resolve();
    if (this.refusal === 'TIDEMARK_CLOSED' || (this.refusal === 'TIDEMARK_READ_ONLY' && this.cause === undefined)) {
      return Promise.reject(this.error());
    }
    return new Promise((resolve, reject) => this.waiters.push({ resolve, reject }));
  }
}
