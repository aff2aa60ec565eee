/**
 * The contract of a sink: where the events of a durable subscription go, such as a message broker. `pipe` reads the
 * subscription and calls the sink; `publish` is a sink for NATS JetStream. docs/publishing.md has examples of others.
 */
import type { JournalEvent, Position } from '../../index.ts';

/** A range of journal positions that a subscription lost. */
export interface LostRange {
  readonly from: Position;
  readonly to: Position;
}

/** Consecutive events of the journal. */
export interface SinkBatch {
  readonly events: readonly JournalEvent[];
  /** Where the batch begins: the end of the previous one. */
  readonly from: Position;
  /** Where the batch ends. When `send` resolves, everything up to here is acknowledged. */
  readonly to: Position;
  /** The range before the first event that the subscription lost, if any. */
  readonly lost?: LostRange;
}

export interface Sink {
  /**
   * Stores a batch and resolves when it is stored. Called with one batch at a time, in order. After an error, a crash or
   * a restart the same events come again, perhaps in other batches: a sink that must not store an event twice compares
   * positions, or uses them as ids. `signal` aborts when the pipe stops waiting; the result is ignored from then on.
   *
   * @throws {SinkError} to say what follows. After any other error the batch is sent again
   */
  send(batch: SinkBatch, signal: AbortSignal): Promise<void>;
  /** Releases what the sink holds. Called once, when the pipe ends. */
  close?(): Promise<void>;
}

/**
 * What follows an error of a sink.
 * `retry`: the same batch is sent again after a pause, for as long as it takes.
 * `refuse`: the batch can never be stored. It is counted, reported and acknowledged, and the next one is sent.
 * `stop`: the pipe ends and acknowledges nothing more.
 */
export type SinkOutcome = 'retry' | 'refuse' | 'stop';

export interface SinkErrorOptions {
  /** Default `'retry'`. */
  readonly outcome?: SinkOutcome;
  /** For `retry`: the pause that the receiver asked for. At most five minutes are waited. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The error by which a sink tells what follows. */
export class SinkError extends Error {
  override readonly name = 'SinkError';
  readonly outcome: SinkOutcome;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, { outcome = 'retry', retryAfterMs, cause }: SinkErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.outcome = outcome;
    this.retryAfterMs = retryAfterMs;
  }
}
