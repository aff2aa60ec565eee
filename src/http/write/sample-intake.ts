/**
 * Takes samples that a request brought, and counts those that the store refused by reason. One refused sample does not
 * keep the others out. What was counted as accepted is durable when `settle` resolves.
 */
import { refusals } from '../../import/refusal-codes.ts';
import type { ErrorCode, Labels, SeriesHandle, Store } from '../../index.ts';
import { codeOf, messageOf } from '../../text/error-text.ts';
import { TryLaterError } from './try-later.ts';

export class SampleIntake {
  /** Samples that the store has now. */
  accepted = 0;
  /** Refused samples by the code of the store's error. */
  readonly rejected = new Map<string, number>();
  /** The message of the first refusal. */
  firstProblem: string | undefined;
  private readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  /** Number of refused samples. */
  get rejectedCount(): number {
    let sum = 0;
    for (const count of this.rejected.values()) sum += count;
    return sum;
  }

  /** Resolves labels for appending; `undefined` if the store refuses them, which counts as `samples` refused ones. */
  series(labels: Labels, samples: number): SeriesHandle | undefined {
    try {
      return this.store.series(labels);
    } catch (error) {
      this.refuse(error, samples);
      return undefined;
    }
  }

  /**
   * Appends a sample, given by the halves of its bits. Returns whether it was taken. Throws `TryLaterError` if the store
   * takes no samples for the moment.
   */
  append(series: SeriesHandle, timestamp: number, high: number, low: number): boolean {
    try {
      series.appendBits(timestamp, high, low);
    } catch (error) {
      this.refuse(error, 1);
      return false;
    }
    this.accepted += 1;
    return true;
  }

  /** Runs work that appends without pauses. Its samples are on disk after `settle`, whatever the durability is. */
  together<T>(work: () => T): T {
    return this.store.batch(work, { sync: false });
  }

  /** Resolves when every accepted sample is on disk. */
  settle(): Promise<void> {
    return this.store.flush();
  }

  /** Counts samples that were refused before they reached the store. */
  note(code: ErrorCode, message: string, samples: number): void {
    this.rejected.set(code, (this.rejected.get(code) ?? 0) + samples);
    this.firstProblem ??= message;
  }

  private refuse(error: unknown, samples: number): void {
    const code = codeOf(error);
    if (code === 'TIDEMARK_THROTTLED') throw new TryLaterError(messageOf(error));
    if (code === undefined || !refusals.has(code)) throw error;
    this.note(code as ErrorCode, messageOf(error), samples);
  }
}
