/**
 * Durable subscribers: each gets every event at least once and in order, across restarts and crashes of the store and
 * failures of its own.
 *
 * For each subscriber this class keeps when it subscribed, and which samples it has acknowledged. Samples that a crash of the store lost need not be delivered; all others must be delivered in the end.
 */
import type { EventBatch, Subscription } from '../../src/api/api.ts';
import { TidemarkError } from '../../src/model/errors.ts';
import type { JournalEvent, SeriesCreated } from '../../src/model/events.ts';
import { inFull, type Life } from './life.ts';
import { type ModelSeries, Violation } from './model.ts';
import { numbersByFingerprint } from './series-numbers.ts';
import type { Step } from './steps.ts';
import { seriesOf } from './value-source.ts';

type ConsumeStep = Extract<Step, { type: 'consume' }>;

/** How long a step waits for a batch. */
const PATIENCE_MS = 300;

/** Where each consumer's subscription begins. */
const FROM = ['start', 'end'] as const;

/** A subscriber across all lives of the store. */
interface Consumer {
  /** When it subscribed: the journal may no longer have had the earlier samples. */
  before: number;
  /** Its beginning is on the disk: from then on the store keeps the journal for it. */
  isKept: boolean;
  /** The disk's trouble count when it subscribed in this process. After more, its beginning may not be on the disk. */
  troubleCount: number | undefined;
  /** Series by fingerprint, learned from events: after a purge, another series may get the fingerprint. */
  readonly numbers: Map<string, number>;
  /** Times of samples that were delivered and acknowledged, by series. */
  readonly handled: Map<number, Set<number>>;
  /** The position that it acknowledged last. */
  position: number;
  lost: boolean;
}

/** The subscription of a consumer to the store that is open now. */
interface Session {
  readonly subscription: Subscription;
  readonly iterator: AsyncIterator<EventBatch>;
  /** A batch that was requested and has not arrived yet. */
  awaited: Promise<IteratorResult<EventBatch>> | undefined;
  arrived: IteratorResult<EventBatch> | undefined;
  error: unknown;
  /** The end of the last delivered batch. */
  position: number;
  /** Events that were delivered and not acknowledged. Acknowledging a later batch acknowledges them too. */
  delivered: JournalEvent[];
}

export class Consumers {
  private readonly life: Life;
  private readonly consumers = new Map<number, Consumer>();
  private readonly sessions = new Map<number, Session>();
  /** The last batch that each subscriber of this process received. */
  private readonly lastBatches = new Map<number, EventBatch>();

  constructor(life: Life) {
    this.life = life;
  }

  async consume(step: ConsumeStep): Promise<void> {
    const session = this.sessions.get(step.name) ?? this.subscribe(step.name);
    if (session === undefined) return;
    const consumer = this.consumers.get(step.name)!;
    for (let i = 0; i < step.batches && this.life.alive; i++) {
      const batch = await this.next(session);
      if (this.life.alive && this.life.world.disk.troubleCount === consumer.troubleCount) consumer.isKept = true;
      if (batch === undefined) return;
      this.lastBatches.set(step.name, batch);
      await this.check(consumer, session, batch);
      if (step.afterwards === 'ack') await this.acknowledge(consumer, session, batch);
      if (step.afterwards === 'throw') {
        // The subscriber's program fails in the middle of the batch. It subscribes again and must get the batch again.
        await this.unsubscribe(step.name);
        return;
      }
    }
  }

  /** Forgets the subscriptions, because the store is gone. */
  forget(): void {
    this.sessions.clear();
    this.lastBatches.clear();
    for (const consumer of this.consumers.values()) consumer.troubleCount = undefined;
  }

  /** Acknowledges batches after the store has closed. This may be refused, and must not change anything. */
  async acknowledgeLate(): Promise<void> {
    const { life } = this;
    const { process } = life.world;
    const changes = process.changes.length;
    for (const batch of this.lastBatches.values()) {
      const outcome = await life.world.run(() => batch.ack());
      if (outcome.kind === 'stuck') throw new Violation(`an acknowledgement after close never came to an end`);
      if (
        outcome.kind === 'error' &&
        !(outcome.error instanceof TidemarkError && outcome.error.code === 'TIDEMARK_CLOSED')
      )
        throw new Violation(`an acknowledgement after close failed: ${inFull(outcome.error)}`);
    }
    const change = process.changes[changes];
    if (change !== undefined) throw new Violation(`an acknowledgement after close changed something: ${change}`);
  }

  /** Reads all batches that are left, and checks that no sample is missing. */
  async finish(): Promise<void> {
    for (const [name, consumer] of this.consumers) {
      await this.unsubscribe(name);
      const session = this.subscribe(name);
      if (session === undefined) continue;
      for (let batch = await this.next(session); batch !== undefined; batch = await this.next(session)) {
        await this.check(consumer, session, batch);
        await this.acknowledge(consumer, session, batch);
      }
      if (!this.life.alive || this.life.everHarmed || consumer.lost) continue;
      for (const series of this.life.model.series.values()) this.assertComplete(name, consumer, series);
    }
  }

  /** Closes a subscription. Events that were not acknowledged come again with the next subscription. */
  private async unsubscribe(name: number): Promise<void> {
    const session = this.sessions.get(name);
    this.sessions.delete(name);
    if (session !== undefined) await this.life.perform('closing a subscription', () => session.subscription.close());
  }

  private subscribe(name: number): Session | undefined {
    const known = this.consumers.get(name);
    const numbers = known?.numbers ?? numbersByFingerprint(this.life);
    if (numbers === undefined) return undefined;
    const subscription = this.subscription(name);
    if (subscription === undefined) return undefined;
    if (this.life.overtaken) this.learnNumbers(numbers);
    if (known === undefined) {
      const before = this.life.model.mark();
      this.consumers.set(name, {
        before,
        numbers,
        handled: new Map(),
        isKept: false,
        troubleCount: undefined,
        position: 0,
        lost: false,
      });
    } else if (!known.isKept) {
      // Its beginning did not reach the disk, so it begins now, or at the beginning of the journal. It may get no event
      // for the creation of the series that exist by now.
      known.before = this.life.model.mark();
      this.learnNumbers(numbers);
    }
    this.consumers.get(name)!.troubleCount ??= this.life.world.disk.troubleCount;
    const session: Session = {
      subscription,
      iterator: subscription[Symbol.asyncIterator](),
      awaited: undefined,
      arrived: undefined,
      error: undefined,
      position: known?.position ?? 0,
      delivered: [],
    };
    this.sessions.set(name, session);
    return session;
  }

  /** Learns the series whose creation is not in the subscriber's part of the journal, such as the original's series. */
  private learnNumbers(numbers: Map<string, number>): void {
    for (const [fingerprint, number] of numbersByFingerprint(this.life) ?? [])
      if (!numbers.has(fingerprint)) numbers.set(fingerprint, number);
  }

  private subscription(name: number): Subscription | undefined {
    try {
      return this.life.store.subscribe(`consumer-${name}`, { from: FROM[name], batchSize: 7 });
    } catch (error) {
      this.life.judgeError('subscribing', error);
      return undefined;
    }
  }

  /** The next batch, if one arrives in time. If none does, the request stays open for the next call. */
  private async next(session: Session): Promise<EventBatch | undefined> {
    if (session.awaited === undefined) {
      session.awaited = session.iterator.next();
      session.awaited.then(
        (result) => {
          session.arrived = result;
        },
        (error: unknown) => {
          session.error = error;
        },
      );
    }
    await this.life.world.advance(PATIENCE_MS);
    if (!this.life.alive) return undefined;
    if (session.error !== undefined) {
      this.life.judgeError('a subscription', session.error);
      this.forgetSession(session);
      return undefined;
    }
    const { arrived } = session;
    if (arrived === undefined) return undefined;
    session.awaited = undefined;
    session.arrived = undefined;
    if (arrived.done) {
      this.forgetSession(session);
      return undefined;
    }
    return arrived.value;
  }

  private forgetSession(session: Session): void {
    for (const [name, other] of this.sessions) if (other === session) this.sessions.delete(name);
  }

  private async check(consumer: Consumer, session: Session, batch: EventBatch): Promise<void> {
    if (batch.lost !== undefined) await this.checkLost(consumer, batch.lost);
    let { position } = session;
    session.delivered.push(...batch.events);
    for (const [index, event] of batch.events.entries()) {
      // Events of one record have the same position, and are never in two batches.
      if (event.position < position || (index === 0 && event.position === position)) {
        throw new Violation(`a subscriber got the event at ${event.position} after the one at ${position}`);
      }
      position = event.position;
      this.life.world.coverage.countEvent(event.type);
      if (event.type === 'samplesAppended' || event.type === 'lateSamplesAppended')
        this.life.model.takeDelivered(event);
    }
    if (batch.position < position)
      throw new Violation(`a batch with an event at ${position} ends at ${batch.position}`);
    session.position = batch.position;
  }

  /**
   * Checks a reported loss. A subscriber may lose journal only if it held back more than its bound, if damage or a loss
   * of power destroyed the journal, or if the original had the directory.
   */
  private async checkLost(consumer: Consumer, lost: NonNullable<EventBatch['lost']>): Promise<void> {
    const { life } = this;
    consumer.lost = true;
    if (life.everHarmed || life.powerLost || life.overtaken) return;
    const info = await life.perform('info', () => life.store.info());
    if (info === undefined || lost.to <= info.value.journal.end - life.setting.subscriptionBacklogBytes) return;
    throw new Violation(
      `a subscriber is told that the journal from ${lost.from} to ${lost.to} is lost, and the bound was not passed`,
    );
  }

  private async acknowledge(consumer: Consumer, session: Session, batch: EventBatch): Promise<void> {
    const done = await this.life.perform('ack', () => batch.ack());
    if (done === undefined) return;
    consumer.isKept = true;
    consumer.position = Math.max(consumer.position, batch.position);
    for (const event of session.delivered.splice(0)) {
      if (event.type === 'seriesCreated') noteCreated(consumer, event);
      if (event.type === 'seriesPurged') this.forgetNumber(consumer, event.fingerprint);
      if (event.type !== 'samplesAppended' && event.type !== 'lateSamplesAppended') continue;
      for (const [i, fingerprint] of event.fingerprints.entries()) {
        const number = consumer.numbers.get(fingerprint);
        if (number === undefined) continue;
        const times = consumer.handled.get(number) ?? new Set();
        consumer.handled.set(number, times.add(event.timestamps[i]));
      }
    }
  }

  /**
   * The fingerprint is free for another series. If the original has given it to one, no event tells of it: the series
   * that has it now is taken.
   */
  private forgetNumber({ numbers }: Consumer, fingerprint: string): void {
    numbers.delete(fingerprint);
    if (this.life.overtaken) this.learnNumbers(numbers);
  }

  private assertComplete(name: number, consumer: Consumer, series: ModelSeries): void {
    const handled = consumer.handled.get(series.number);
    for (const sample of series.samples) {
      const { time, tick, safe } = sample;
      if (tick < consumer.before || safe !== true || sample.isBackfilled) continue;
      if (this.life.model.mayBeHidden(sample)) continue;
      if (handled?.has(time) || series.foreign.has(time)) continue;
      throw new Violation(`consumer ${name} never got the sample of series ${series.number} at ${time}`);
    }
  }
}

const noteCreated = (consumer: Consumer, { fingerprint, labels }: SeriesCreated): void => {
  const number = seriesOf(labels);
  if (number !== undefined) consumer.numbers.set(fingerprint, number);
};
