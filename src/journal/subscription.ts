/**
 * One durable subscription: the journal from where it was acknowledged, then what is appended, in order, at least once.
 * Only what is on the disk is delivered. It pulls: a slow consumer costs no memory, it holds back journal, within a bound.
 *
 * Several loops may run over one subscription: each batch goes to one of them. It ends for all of them when it is closed,
 * and leaving a loop closes it.
 */
import type { EventBatch, Subscription } from '../api.ts';
import type { Clock } from '../clock.ts';
import type { FileSystem } from '../disk/file-system.ts';
import type { Position } from '../model/events.ts';
import { stoppable } from '../stoppable.ts';
import { EventSource, type SourceBatch } from './event-source.ts';
import type { Cursor, LostRange } from './subscription-cursors.ts';

/** The journal as subscriptions see it. */
export interface SubscribedJournal {
  readonly first: Position;
  readonly end: Position;
  readonly durable: Position;
  onDurable(listener: (durable: Position) => void): () => void;
  /** Holds back truncation; call the result to end it. */
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
  readonly signal: AbortSignal | undefined;
  readonly cursor: () => Cursor;
  /** Makes a position durable as acknowledged. */
  readonly acknowledge: (position: Position) => Promise<void>;
  readonly onClose: () => void;
}

export class DurableSubscription implements Subscription {
  readonly name: string;
  private readonly parts: SubscriptionParts;
  private readonly stopListening: () => void;
  private source: EventSource;
  /** What has to be told with the next batch. */
  private lost: LostRange | undefined;
  /** Loops that wait for more. */
  private waiting: (() => void)[] = [];
  private closed = false;
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

  get lagBytes(): number {
    return Math.max(0, this.parts.journal.end - this.parts.cursor().position);
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
        // A consumer that never waits would otherwise keep the event loop from turning.
        await this.parts.clock.breathe();
      }
    } finally {
      await this.close();
    }
  }

  /** The journal before `to` goes, acknowledged or not. */
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
    // A batch of an earlier subscription of this name was acknowledged late, and the journal before it may be gone.
    if (this.source.position < Math.min(first, acknowledged)) this.startAt(acknowledged);
    const batch = this.source.take(durable);
    if (batch === undefined || this.lost === undefined) return batch;
    const lost = { from: this.lost.from, to: Math.max(this.lost.to, batch.lost?.to ?? 0) };
    this.lost = undefined;
    return { ...batch, lost };
  }

  private withAck(batch: SourceBatch): EventBatch {
    return { ...batch, ack: () => this.parts.acknowledge(batch.position) };
  }

  private untilMore(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private startAt(position: Position): void {
    this.source.close();
    this.source = this.sourceFrom(position);
  }

  private sourceFrom(position: Position): EventSource {
    const { fileSystem, directory, batchSize } = this.parts;
    return new EventSource({ fileSystem, directory, from: position, ...(batchSize !== undefined && { batchSize }) });
  }
}
