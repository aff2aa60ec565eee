/**
 * All durable subscriptions of a store: who they are, where they stand, how much journal they hold back. A name is one
 * subscription for good, open or not, until it is removed.
 */
import type { SubscribeOptions, Subscription } from '../api.ts';
import type { Clock } from '../clock.ts';
import type { FileSystem } from '../disk/file-system.ts';
import { TidemarkError } from '../errors.ts';
import type { Position, SubscriptionOverrun } from '../model/events.ts';
import { DurableSubscription, type SubscribedJournal } from './subscription.ts';
import { type Cursor, checkSubscriptionName, SubscriptionCursors } from './subscription-cursors.ts';
import type { TruncationPlan } from './truncation.ts';

export interface SubscriptionsParts {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  readonly clock: Clock;
  readonly journal: SubscribedJournal;
}

export interface SubscriptionStatus {
  readonly name: string;
  /** Everything before it is acknowledged, and the disk has that. */
  readonly position: Position;
  /** Journal bytes between that and the end. */
  readonly lagBytes: number;
}

export class Subscriptions {
  private readonly parts: SubscriptionsParts;
  private readonly cursors: SubscriptionCursors;
  private readonly open = new Map<string, DurableSubscription>();
  /** Which subscription a name means: one that is removed and begun again is another. */
  private readonly identities = new Map<string, symbol>();
  private readonly endHold: () => void;
  private closed = false;

  constructor(parts: SubscriptionsParts) {
    this.parts = parts;
    this.cursors = new SubscriptionCursors(parts.fileSystem, parts.directory);
    this.endHold = parts.journal.hold(() => this.slowest());
  }

  /** Opens a subscription, new or known. Throws when the name or the position is not valid, or the name is open. */
  subscribe(name: string, options: SubscribeOptions = {}): Subscription {
    if (this.closed) throw closedError();
    checkSubscriptionName(name);
    checkBatchSize(options.batchSize);
    if (this.open.has(name)) {
      throw new TidemarkError('TIDEMARK_INVALID_OPTION', `subscription ${name} is open already; close it first`, {
        details: { option: 'name', value: name },
      });
    }
    if (this.cursors.get(name) === undefined) {
      this.cursors.begin(name, { position: this.startOf(options.from ?? 'end') });
    }
    const identity = this.identities.get(name) ?? Symbol(name);
    this.identities.set(name, identity);
    const subscription: DurableSubscription = new DurableSubscription({
      ...this.parts,
      name,
      batchSize: options.batchSize,
      signal: options.signal,
      cursor: () => this.cursors.get(name) ?? { position: this.parts.journal.end },
      acknowledge: (position) => this.acknowledge(name, identity, position),
      onClose: () => this.open.delete(name),
    });
    // One whose signal had aborted is closed already.
    if (!subscription.isClosed) this.open.set(name, subscription);
    return subscription;
  }

  /** Every subscription that there is, open or not. */
  list(): SubscriptionStatus[] {
    return this.cursors.entries().map(([name, { position }]) => ({
      name,
      position,
      lagBytes: Math.max(0, this.parts.journal.end - position),
    }));
  }

  /** Forgets a subscription, so that it holds back nothing. */
  async remove(name: string): Promise<void> {
    if (this.closed) throw closedError();
    checkSubscriptionName(name);
    void this.open.get(name)?.close();
    this.identities.delete(name);
    await this.cursors.remove(name);
  }

  /**
   * Moves subscriptions on that hold back more than they may. Resolves when that is on the disk: only then may the
   * journal go, and only then they are told. Returns what to tell the journal.
   */
  async overrun(overruns: TruncationPlan['overruns']): Promise<SubscriptionOverrun[]> {
    const moves = overruns.flatMap(({ name, to }) => {
      const cursor = this.cursors.latest(name);
      return cursor === undefined ? [] : [{ name, cursor, to }];
    });
    // One that has come past it meanwhile is waited for too.
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
   * Closes every open subscription; their positions stay. From here on nothing is acknowledged: the directory may soon be
   * another store's.
   */
  async close(): Promise<void> {
    this.closed = true;
    for (const subscription of [...this.open.values()]) await subscription.close();
    await this.cursors.settled();
  }

  /** After {@link close}: nothing is written any more. */
  async end(): Promise<void> {
    await this.cursors.end();
    this.endHold();
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
    if (this.closed) throw closedError();
    const cursor = this.cursors.latest(name);
    if (cursor === undefined || this.identities.get(name) !== identity) {
      throw new TidemarkError('TIDEMARK_CLOSED', `the subscription ${name} was removed by unsubscribe`);
    }
    if (cursor.position <= position) return this.cursors.save(name, acknowledged(cursor, position));
    return cursor === this.cursors.get(name) ? Promise.resolve() : this.cursors.save(name, cursor);
  }
}

const closedError = (): TidemarkError => new TidemarkError('TIDEMARK_CLOSED', 'the store is closed');

/** Where it stands when the journal before `to` is gone. */
const movedOn = (cursor: Cursor, to: Position): Cursor =>
  cursor.position >= to ? cursor : { position: to, lost: { from: cursor.lost?.from ?? cursor.position, to } };

/** Who acknowledges what comes after a lost range has been told of it. */
const acknowledged = ({ lost }: Cursor, position: Position): Cursor =>
  lost === undefined || position >= lost.to ? { position } : { position, lost };

const checkBatchSize = (batchSize: number | undefined): void => {
  if (batchSize === undefined || (Number.isSafeInteger(batchSize) && batchSize > 0)) return;
  throw new TidemarkError('TIDEMARK_INVALID_OPTION', `batchSize is ${batchSize}; allowed: a whole number above 0`, {
    details: { option: 'batchSize', value: batchSize },
  });
};
