/**
 * Whether the store takes samples right now: one object that the append path reads one field of, and that the store's
 * statechart sets. Whoever waits for the store to take samples again waits here.
 */
import { type ErrorCode, TidemarkError } from '../errors.ts';

export class Admission {
  /** The code that appends are refused with, or `undefined` while they are taken. */
  refusal: ErrorCode | undefined;
  /** Calls that were refused, by code. */
  readonly refused = new Map<ErrorCode, number>();
  private reason = '';
  private cause: unknown;
  private waiters: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  /** Takes samples from now on; everyone who waits goes on. */
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

  /** Refuses samples for good; everyone who waits is told. */
  end(code: ErrorCode, reason: string): void {
    this.refuse(code, reason);
    const waiters = this.waiters;
    this.waiters = [];
    for (const waiter of waiters) waiter.reject(this.error());
  }

  /** What a refused append throws. */
  error(): TidemarkError {
    const code = this.refusal ?? 'TIDEMARK_INTERNAL';
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
    return new TidemarkError(code, this.reason, { cause: this.cause });
  }

  /** Resolves when samples are taken; rejects when they never will be again. */
  ready(): Promise<void> {
    if (this.refusal === undefined) return Promise.resolve();
    if (this.refusal === 'TIDEMARK_CLOSED' || (this.refusal === 'TIDEMARK_READ_ONLY' && this.cause === undefined)) {
      return Promise.reject(this.error());
    }
    return new Promise((resolve, reject) => this.waiters.push({ resolve, reject }));
  }
}
