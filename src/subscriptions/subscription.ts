/**
 * One durable subscription. It delivers the journal from the acknowledged position on, then new events, in order and at
 * least once. Only durable events are delivered. The consumer pulls, so a slow consumer costs no memory; it only keeps
 * the journal from being truncated, within a bound.
 *
 * Several loops may read one subscription: each batch goes to one of them. Closing the subscription ends all loops, and
 * leaving one loop closes the subscription.
 */
import type { EventBatch, Subscription } from '../api/api.ts';
import { stoppable } from '../async/stoppable.ts';
import type { FileSystem } from '../files/file-system.ts';
import { TidemarkError } from '../model/errors.ts';
import type { Position } from '../model/events.ts';
import type { Clock } from '../ports/clock.ts';
import { EventSource, type SourceBatch } from './event-source.ts';
import type { Cursor, LostRange } from './subscription-cursors.ts';

/** The part of the journal writer that subscriptions use. */
export interface SubscribedJournal {
  readonly first: Position;
  readonly end: Position;
  readonly durable: Position;
  onDurable(listener: (durable: Position) => void): () => void;
  /** Makes everything appended so far durable. The journal's `onError` reports an error, too. */
  commit(): Promise<Position>;
  /** Keeps truncation from removing anything from this position on. Call the result to end this. */
  hold(position: () => Position): () => void;
}

export interface SubscriptionParts {
  readonly name: string;
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  readonly clock: Clock;
  readonly journal: SubscribedJournal;
  readonly batchSize: number | undefined;
  /** Batches of samples are skipped. */
  readonly eventsOnly: boolean;
  readonly signal: AbortSignal | undefined;
  readonly cursor: () => Cursor;
  /** Saves a position durably as acknowledged. */
  readonly acknowledge: (position: Position) => Promise<void>;
  /** Saves an earlier position durably, instead of the acknowledged one. */
  readonly rewind: (to: Position) => Promise<void>;
  readonly onClose: () => void;
}

export class DurableSubscription implements Subscription {
  readonly name: string;
  private readonly parts: SubscriptionParts;
  private readonly stopListening: () => void;
  private source: EventSource;
  /** The lost range that the next batch has to report. */
  private lost: LostRange | undefined;
  /** Resolves the loops that wait for the next batch. */
  private waiting: (() => void)[] = [];
  private closed = false;
  /** Grows with each rewind. Batches of an earlier generation can't be acknowledged. */
  private generation = 0;
  private readonly onAbort = (): void => {
    void this.close();
  };

  constructor(parts: SubscriptionParts) {
    this.parts = parts;
    this.name = parts.name;
    const { position, lost } = parts.cursor();
    this.lost = lost;
    this.source = this.sourceFrom(position);
    this.stopListening = parts.journal.onDurable(() => this.wake());
    parts.signal?.addEventListener('abort', this.onAbort, { once: true });
    if (parts.signal?.aborted) this.onAbort();
  }

  get position(): Position {
    return this.parts.cursor().position;
  }

  get lagBytes(): number {
    return Math.max(0, this.parts.journal.end - this.position);
  }

  get isClosed(): boolean {
    return this.closed;
  }

  [Symbol.asyncIterator](): AsyncGenerator<EventBatch, void, undefined> {
    return stoppable(this.batches(), () => void this.close());
  }

  private async *batches(): AsyncGenerator<EventBatch, void, undefined> {
    try {
      while (!this.closed) {
        const batch = this.take();
        if (batch === undefined) {
          await this.untilMore();
          continue;
        }
        yield this.withAck(batch);
        // Without this, a consumer that never awaits anything would block the event loop.
        await this.parts.clock.breathe();
      }
    } finally {
      await this.close();
    }
  }

  async rewind(to: Position): Promise<void> {
    if (this.closed) throw new TidemarkError('TIDEMARK_CLOSED', `the subscription ${this.name} is closed`);
    const { position } = this;
    if (!Number.isSafeInteger(to) || to < 0 || to > position)
      throw new TidemarkError(
        'TIDEMARK_INVALID_POSITION',
        `to is ${String(to)}; allowed: a position from 0 to the acknowledged one, ${position}`,
        { details: { option: 'to', value: to, end: position } },
      );
    // An acknowledgement of a batch that was delivered before would undo the rewind.
    this.generation += 1;
    try {
      await this.parts.rewind(to);
    } finally {
      // If the position was not saved, the batches that can't be acknowledged any more are delivered again.
      if (!this.closed) this.startAgain();
    }
  }

  /** Continues at `to`, because the journal before it will be removed, acknowledged or not. */
  moveOn(to: Position): void {
    if (this.source.position >= to) return;
    this.lost = { from: this.lost?.from ?? this.source.position, to };
    this.startAt(to);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.parts.signal?.removeEventListener('abort', this.onAbort);
    this.stopListening();
    this.source.close();
    this.parts.onClose();
    this.wake();
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  private take(): SourceBatch | undefined {
    const { first, durable } = this.parts.journal;
    const acknowledged = this.parts.cursor().position;
    // A batch of this name's previous subscription was acknowledged late, so the journal before it may be gone.
    if (this.source.position < Math.min(first, acknowledged)) this.startAt(acknowledged);
    const batch = this.source.take(durable);
    if (batch === undefined || this.lost === undefined) return batch;
    const lost = { from: this.lost.from, to: Math.max(this.lost.to, batch.lost?.to ?? 0) };
    this.lost = undefined;
    return { ...batch, lost };
  }

  private withAck(batch: SourceBatch): EventBatch {
    const { generation } = this;
    const ack = async (): Promise<void> => {
      if (generation === this.generation) await this.parts.acknowledge(batch.position);
    };
    return { ...batch, ack };
  }

  private untilMore(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private startAgain(): void {
    const { position, lost } = this.parts.cursor();
    this.lost = lost;
    this.startAt(position);
    this.wake();
  }

  private startAt(position: Position): void {
    this.source.close();
    this.source = this.sourceFrom(position);
  }

  private sourceFrom(position: Position): EventSource {
    const { fileSystem, directory, batchSize, eventsOnly } = this.parts;
    const size = batchSize !== undefined && { batchSize };
    return new EventSource({ fileSystem, directory, from: position, eventsOnly, ...size });
  }
}
