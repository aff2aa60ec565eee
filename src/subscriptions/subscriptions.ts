/**
 * All durable subscriptions of a store: their names, their positions, and how much journal they hold back. A
 * subscription exists under its name, open or not, until it is removed.
 */
import type { SubscribeOptions, Subscription } from '../api/api.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { TruncationPlan } from '../journal/write/plan-truncation.ts';
import { TidemarkError } from '../model/errors.ts';
import type { Position, SubscriptionOverrun } from '../model/events.ts';
import type { Clock } from '../ports/clock.ts';
import { DurableSubscription, type SubscribedJournal } from './subscription.ts';
import { type Cursor, checkSubscriptionName, SubscriptionCursors } from './subscription-cursors.ts';

export interface SubscriptionsParts {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  readonly clock: Clock;
  readonly journal: SubscribedJournal;
}

export interface SubscriptionStatus {
  readonly name: string;
  /** Everything before this position is acknowledged, and this is durable. */
  readonly position: Position;
  /** Journal bytes between `position` and the end of the journal. */
  readonly lagBytes: number;
}

export class Subscriptions {
  private readonly parts: SubscriptionsParts;
  private readonly cursors: SubscriptionCursors;
  private readonly open = new Map<string, DurableSubscription>();
  /** Identifies the subscription behind a name: after a removal, the same name is a new subscription. */
  private readonly identities = new Map<string, symbol>();
  private readonly endHold: () => void;
  private closed = false;

  constructor(parts: SubscriptionsParts) {
    this.parts = parts;
    this.cursors = new SubscriptionCursors(parts.fileSystem, parts.directory);
    this.endHold = parts.journal.hold(() => this.slowest());
  }

  /** Opens a new or existing subscription. Throws when the name or the position is invalid, or the name is open. */
  subscribe(name: string, options: SubscribeOptions = {}): Subscription {
    if (this.closed) throw closedError();
    checkSubscriptionName(name);
    checkBatchSize(options.batchSize);
    checkEvents(options.events);
    if (this.open.has(name)) {
      throw new TidemarkError('TIDEMARK_INVALID_OPTION', `subscription ${name} is open already; close it first`, {
        details: { option: 'name', value: name },
      });
    }
    if (this.cursors.get(name) === undefined) {
      this.begin(name, this.startOf(options.from ?? 'end'));
    }
    const identity = this.identities.get(name) ?? Symbol(name);
    this.identities.set(name, identity);
    const subscription: DurableSubscription = new DurableSubscription({
      ...this.parts,
      name,
      batchSize: options.batchSize,
      eventsOnly: options.events === 'lifecycle',
      signal: options.signal,
      cursor: () => this.cursors.get(name) ?? { position: this.parts.journal.end },
      acknowledge: (position) => this.acknowledge(name, identity, position),
      rewind: (to) => this.rewind(name, identity, to),
      onClose: () => this.open.delete(name),
    });
    // If its signal was aborted before, the subscription is closed already.
    if (!subscription.isClosed) this.open.set(name, subscription);
    return subscription;
  }

  /** Every subscription, open or not. */
  list(): SubscriptionStatus[] {
    return this.cursors.entries().map(([name, { position }]) => ({
      name,
      position,
      lagBytes: Math.max(0, this.parts.journal.end - position),
    }));
  }

  /** Removes a subscription, so that it no longer holds back the journal. */
  async remove(name: string): Promise<void> {
    if (this.closed) throw closedError();
    checkSubscriptionName(name);
    void this.open.get(name)?.close();
    this.identities.delete(name);
    await this.cursors.remove(name);
  }

  /**
   * Moves subscriptions forward that hold back more journal than they may. Resolves when their new positions are
   * durable: only then may the journal be truncated, and only then do open subscriptions continue at the new position.
   * Returns the events to append to the journal.
   */
  async overrun(overruns: TruncationPlan['overruns']): Promise<SubscriptionOverrun[]> {
    const moves = overruns.flatMap(({ name, to }) => {
      const cursor = this.cursors.latest(name);
      return cursor === undefined ? [] : [{ name, cursor, to }];
    });
    // A subscription that has passed `to` meanwhile is saved and awaited too.
    await Promise.all(moves.map(({ name, cursor, to }) => this.cursors.save(name, movedOn(cursor, to))));
    const events: SubscriptionOverrun[] = [];
    for (const { name, cursor, to } of moves) {
      if (cursor.position >= to) continue;
      this.open.get(name)?.moveOn(to);
      events.push({ type: 'subscriptionOverrun', time: this.parts.clock.now(), name, from: cursor.position, to });
    }
    return events;
  }

  /**
   * Closes every open subscription; their positions stay. From now on nothing can be acknowledged, because another
   * store may soon open the directory.
   */
  async close(): Promise<void> {
    this.closed = true;
    for (const subscription of [...this.open.values()]) await subscription.close();
    await this.cursors.settled();
  }

  /** To be called after {@link close}: from now on nothing is written. */
  async end(): Promise<void> {
    await this.cursors.end();
    this.endHold();
  }

  /**
   * The position is saved when the journal before it is durable, which is made so now. If it were saved earlier, a crash
   * could leave it beyond the journal's end, and the subscription would miss what is written there next.
   */
  private begin(name: string, position: Position): void {
    const { cursors } = this;
    const { journal } = this.parts;
    cursors.begin(name, { position });
    if (journal.durable >= position) {
      cursors.saveBegun(name);
      return;
    }
    const stop = journal.onDurable((durable) => {
      if (durable < position) return;
      stop();
      // Under the same name another subscription may have begun meanwhile, at a later position.
      if ((cursors.latest(name)?.position ?? 0) <= durable) cursors.saveBegun(name);
    });
    // If this fails, the next commit that succeeds has the position saved.
    journal.commit().catch(() => undefined);
  }

  private slowest(): Position {
    return Math.min(...this.cursors.entries().map(([, { position }]) => position));
  }

  private startOf(from: NonNullable<SubscribeOptions['from']>): Position {
    const { first, end } = this.parts.journal;
    if (from === 'start') return first;
    if (from === 'end') return end;
    if (typeof from === 'number' && Number.isSafeInteger(from) && from >= 0 && from <= end) return from;
    throw new TidemarkError(
      'TIDEMARK_INVALID_POSITION',
      `from is ${String(from)}; allowed: 'start', 'end', or a position from 0 to ${end}`,
      { details: { option: 'from', value: from, end } },
    );
  }

  private async acknowledge(name: string, identity: symbol, position: Position): Promise<void> {
    const cursor = this.cursorOf(name, identity);
    if (cursor.position <= position) return this.cursors.save(name, acknowledged(cursor, position));
    return cursor === this.cursors.get(name) ? Promise.resolve() : this.cursors.save(name, cursor);
  }

  /** The file with the position is replaced, so that a crash leaves the old position or the new one. */
  private async rewind(name: string, identity: symbol, to: Position): Promise<void> {
    this.cursorOf(name, identity);
    await this.cursors.save(name, { position: to });
  }

  /** The cursor when all requested saves are on the disk. Throws `TIDEMARK_CLOSED` if the name was removed. */
  private cursorOf(name: string, identity: symbol): Cursor {
    if (this.closed) throw closedError();
    const cursor = this.cursors.latest(name);
    if (cursor === undefined || this.identities.get(name) !== identity)
      throw new TidemarkError('TIDEMARK_CLOSED', `the subscription ${name} was removed by unsubscribe`);
    return cursor;
  }
}

const closedError = (): TidemarkError => new TidemarkError('TIDEMARK_CLOSED', 'the store is closed');

/** The cursor of a subscription after the journal before `to` is removed. */
const movedOn = (cursor: Cursor, to: Position): Cursor =>
  cursor.position >= to ? cursor : { position: to, lost: { from: cursor.lost?.from ?? cursor.position, to } };

/** The cursor after an acknowledgement. Acknowledging a batch after a lost range also acknowledges the range. */
const acknowledged = ({ lost }: Cursor, position: Position): Cursor =>
  lost === undefined || position >= lost.to ? { position } : { position, lost };

const checkBatchSize = (batchSize: number | undefined): void => {
  if (batchSize === undefined || (Number.isSafeInteger(batchSize) && batchSize > 0)) return;
  throw new TidemarkError('TIDEMARK_INVALID_OPTION', `batchSize is ${batchSize}; allowed: a whole number above 0`, {
    details: { option: 'batchSize', value: batchSize },
  });
};

const checkEvents = (events: SubscribeOptions['events']): void => {
  if (events === undefined || events === 'all' || events === 'lifecycle') return;
  throw new TidemarkError('TIDEMARK_INVALID_OPTION', `events is ${String(events)}; allowed: 'all', 'lifecycle'`, {
    details: { option: 'events', value: events },
  });
};
