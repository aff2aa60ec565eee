/**
 * Carries the events of a durable subscription to a sink, at least once and in order:
 *
 * 1. Take the next batch of the subscription.
 * 2. `sink.send(batch)`. After an error, pause and send the same batch again, or do what the error says.
 * 3. Acknowledge the batch. After a crash before this step, the batch comes again.
 *
 * One batch is in memory at a time: a slow sink costs journal on disk, within the bound of the store's subscriptions.
 */
import type { Registry } from 'prom-client';
import type { Duration, EventBatch, Position, Subscription } from '../../index.ts';
import { parseDuration } from '../../model/duration.ts';
import { codeOf, type ErrorCode, textOf } from '../../model/errors.ts';
import { invalidOption } from '../../model/invalid-option.ts';
import { cutText } from '../../model/shown-value.ts';
import { type Clock, systemClock } from '../../ports/clock.ts';
import { guardLogger, type Logger, silentLogger } from '../../ports/logger.ts';
import { type Random, systemRandom } from '../../ports/random.ts';
import { Backoff, sleep } from './backoff.ts';
import { watchPipe } from './pipe-metrics.ts';
import { type LostRange, type Sink, type SinkBatch, SinkError, type SinkOutcome } from './sink.ts';

/** `stop` waits this long for the batch that is being sent … */
const STOP_SEND_MS = 4500;
/** … and this long for the sink to close. */
const STOP_CLOSE_MS = 500;
const ERROR_CHARACTERS_MAX = 1000;

export interface PipeOptions {
  /** Pause after the first failed attempt; it doubles with each further one. Default `'100ms'`. */
  readonly retryMin?: Duration;
  /** Longest pause between attempts. Default `'30s'`. */
  readonly retryMax?: Duration;
  /** Called with each range that the subscription lost. */
  readonly onLost?: (lost: LostRange) => void;
  /** Called with each batch that the sink refused for good. */
  readonly onRefused?: (batch: SinkBatch, error: unknown) => void;
  /** Gets a warning for the first of several failed attempts, for lost ranges and for refused batches. */
  readonly logger?: Logger;
  /** Where the pipe's metrics are. Default: nowhere. */
  readonly registry?: Registry;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface PipeStatus {
  /**
   * `reading`: nothing is waiting to be sent. `sending`: a batch is on its way. `waiting`: an attempt failed, and the
   * next one follows. `stopped`: by `stop` or because the store was closed. `failed`: for good, see `lastError`.
   */
  readonly state: 'reading' | 'sending' | 'waiting' | 'stopped' | 'failed';
  /** Everything before this position is acknowledged. */
  readonly position: Position;
  /** Journal bytes that are not acknowledged yet. */
  readonly pendingBytes: number;
  /** Events and batches that were sent and acknowledged since the pipe began. */
  readonly sentEvents: number;
  readonly sentBatches: number;
  /** Failed attempts that were followed by another one. */
  readonly retries: number;
  readonly refusedBatches: number;
  /** Ranges that the subscription lost, their journal bytes, and the last one. */
  readonly lostRanges: number;
  readonly lostBytes: number;
  readonly lastLost?: LostRange;
  /** The last error, also if a later attempt succeeded; `time` in milliseconds since the epoch. */
  readonly lastError?: { readonly message: string; readonly time: number };
}

export interface Pipe {
  readonly name: string;
  status(): PipeStatus;
  /** Resolves with the last status when the pipe has ended, for whatever reason. It never rejects. */
  readonly ended: Promise<PipeStatus>;
  /**
   * Takes no further batch, and waits at most 5 s for the one that is being sent. What is not acknowledged by then comes
   * again with the next pipe of this subscription.
   */
  stop(): Promise<PipeStatus>;
}

/**
 * Sends the events of a subscription to a sink until `stop`, or until the store is closed. It closes the subscription
 * and the sink in the end.
 *
 * @throws {TidemarkError} `TIDEMARK_INVALID_OPTION`
 */
export const pipe = (subscription: Subscription, sink: Sink, options: PipeOptions = {}): Pipe =>
  new SinkPipe(
    { name: subscription.name, canReopen: false, open: async () => subscription, lag: () => subscription },
    sink,
    options,
  );

/** Where a pipe gets its subscription. */
export interface PipeSource {
  readonly name: string;
  /** Whether `open` can be called again after the subscription ended with an error. */
  readonly canReopen: boolean;
  /** Opens the subscription. After an error it is called again, as after an error of `send`. */
  open(signal: AbortSignal): Promise<Subscription>;
  /** The subscription's position and lag, open or not. */
  lag(): { readonly position: Position; readonly lagBytes: number } | undefined;
}

/** Thrown by a sink that needs earlier events: the pipe closes the subscription and opens it again. */
export class ReopenError extends Error {}

export class SinkPipe implements Pipe {
  readonly name: string;
  readonly ended: Promise<PipeStatus>;
  private readonly source: PipeSource;
  private readonly sink: Sink;
  private readonly options: PipeOptions;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly backoff: Backoff;
  /** Aborts pauses and reading. */
  private readonly stopping = new AbortController();
  /** Aborts the batch that is being sent. */
  private readonly giveUp = new AbortController();
  private subscription: Subscription | undefined;
  private state: PipeStatus['state'] = 'reading';
  private lastLag = { position: 0, lagBytes: 0 };
  private readonly counts = {
    sentEvents: 0,
    sentBatches: 0,
    retries: 0,
    refusedBatches: 0,
    lostRanges: 0,
    lostBytes: 0,
  };
  private lastLost: LostRange | undefined;
  private lastError: PipeStatus['lastError'];
  /** The attempts since the last success failed, and the log has said so. */
  private isTroubled = false;

  constructor(source: PipeSource, sink: Sink, options: PipeOptions) {
    const { clock = systemClock, random = systemRandom, logger = silentLogger, registry } = options;
    const minMs = pauseOf('retryMin', options.retryMin ?? 100);
    const maxMs = Math.max(minMs, pauseOf('retryMax', options.retryMax ?? 30_000));
    this.name = source.name;
    this.source = source;
    this.sink = sink;
    this.options = options;
    this.clock = clock;
    this.logger = guardLogger(logger);
    this.backoff = new Backoff({ minMs, maxMs, clock, random });
    const unwatch = registry === undefined ? undefined : watchPipe(registry, this);
    this.ended = this.run().finally(() => unwatch?.());
  }

  status(): PipeStatus {
    this.lastLag = this.lag();
    const { lastLost, lastError } = this;
    return {
      state: this.state,
      position: this.lastLag.position,
      pendingBytes: this.lastLag.lagBytes,
      ...this.counts,
      ...(lastLost && { lastLost }),
      ...(lastError && { lastError }),
    };
  }

  async stop(): Promise<PipeStatus> {
    this.stopping.abort();
    void this.subscription?.close();
    await Promise.race([this.ended, sleep(this.clock, STOP_SEND_MS, this.giveUp.signal)]);
    this.giveUp.abort();
    await Promise.race([this.ended, sleep(this.clock, STOP_CLOSE_MS, new AbortController().signal)]);
    return this.status();
  }

  private lag(): { position: Position; lagBytes: number } {
    const found = this.source.lag() ?? this.lastLag;
    return { position: found.position, lagBytes: found.lagBytes };
  }

  private async run(): Promise<PipeStatus> {
    try {
      while (!this.stopping.signal.aborted) {
        const subscription = await this.open();
        if (subscription === undefined || !(await this.drainOrWait(subscription))) break;
      }
    } catch (error) {
      this.fail(error);
    }
    if (this.state !== 'failed') this.state = 'stopped';
    await this.release();
    return this.status();
  }

  /** The open subscription; `undefined` when the pipe was stopped first, or the store is closed. */
  private async open(): Promise<Subscription | undefined> {
    while (!this.stopping.signal.aborted) {
      try {
        const subscription = await this.source.open(this.stopping.signal);
        this.subscription = subscription;
        if (this.stopping.signal.aborted) return undefined;
        this.succeeded();
        return subscription;
      } catch (error) {
        if (isClosed(error) || this.stopping.signal.aborted) return undefined;
        if (outcomeOf(error) === 'stop') throw error;
        await this.wait(error);
      }
    }
    return undefined;
  }

  /** Like {@link drain}. If the journal could not be read, it pauses, and the subscription has to be opened again. */
  private async drainOrWait(subscription: Subscription): Promise<boolean> {
    try {
      return await this.drain(subscription);
    } catch (error) {
      if (isClosed(error)) return false;
      if (!this.source.canReopen || outcomeOf(error) === 'stop') throw error;
      await this.wait(error);
      return true;
    }
  }

  /** Sends batch by batch. Resolves with whether the subscription has to be opened again. */
  private async drain(subscription: Subscription): Promise<boolean> {
    let from = subscription.position;
    let again = false;
    for await (const batch of subscription) {
      const outcome = await this.deliver(batchOf(batch, from));
      if (outcome === 'reopen') again = true;
      if (outcome !== 'done') break;
      this.noteLoss(batch.lost);
      if (!(await this.acknowledge(batch))) break;
      this.counts.sentBatches++;
      this.counts.sentEvents += batch.events.length;
      this.state = 'reading';
      from = batch.position;
      if (this.stopping.signal.aborted) break;
    }
    await subscription.close();
    return again;
  }

  private async deliver(batch: SinkBatch): Promise<'done' | 'ended' | 'reopen'> {
    for (;;) {
      try {
        this.state = 'sending';
        await this.unlessGivenUp(this.sink.send(batch, this.giveUp.signal));
        this.succeeded();
        return 'done';
      } catch (error) {
        if (this.giveUp.signal.aborted) return 'ended';
        if (error instanceof ReopenError) return this.stopping.signal.aborted ? 'ended' : 'reopen';
        const outcome = outcomeOf(error);
        if (outcome === 'stop') throw error;
        if (outcome === 'refuse') {
          this.refuse(batch, error);
          return 'done';
        }
        if (this.stopping.signal.aborted) return 'ended';
        await this.wait(error);
        if (this.stopping.signal.aborted) return 'ended';
      }
    }
  }

  /** Rejects when the pipe gives the batch up, also if the sink ignores the signal. */
  private unlessGivenUp(sent: Promise<void>): Promise<void> {
    const { signal } = this.giveUp;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(new SinkError('the pipe was stopped'));
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      sent.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }

  /** Whether the pipe can go on. If the position could not be saved, the next acknowledgement includes it. */
  private async acknowledge(batch: EventBatch): Promise<boolean> {
    try {
      await batch.ack();
    } catch (error) {
      if (isClosed(error)) return false;
      this.note(error);
      this.logger.warn({ err: error, sink: this.name }, 'The position of a sink could not be saved.');
    }
    return true;
  }

  private async wait(error: unknown): Promise<void> {
    this.note(error);
    this.counts.retries++;
    this.state = 'waiting';
    if (!this.isTroubled)
      this.logger.warn({ err: error, sink: this.name }, 'A sink can not be reached; it is tried again.');
    this.isTroubled = true;
    const asked = error instanceof SinkError ? error.retryAfterMs : undefined;
    await this.backoff.pause(asked, this.stopping.signal);
  }

  private succeeded(): void {
    if (this.isTroubled) this.logger.info({ sink: this.name }, 'The sink takes events again.');
    this.isTroubled = false;
    this.backoff.reset();
  }

  private refuse(batch: SinkBatch, error: unknown): void {
    this.note(error);
    this.counts.refusedBatches++;
    const facts = { err: error, sink: this.name, from: batch.from, to: batch.to };
    this.logger.warn(facts, 'A sink refused a batch for good; it is left out.');
    this.tell(() => this.options.onRefused?.(batch, error));
  }

  private noteLoss(lost: LostRange | undefined): void {
    if (lost === undefined) return;
    this.counts.lostRanges++;
    this.counts.lostBytes += lost.to - lost.from;
    this.lastLost = lost;
    this.logger.warn({ sink: this.name, ...lost }, 'A sink has lost a part of the journal.');
    this.tell(() => this.options.onLost?.(lost));
  }

  /** Calls a listener of the user. Its error is logged and changes nothing. */
  private tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.logger.warn({ err: error, sink: this.name }, 'A listener of a sink threw an error.');
    }
  }

  private fail(error: unknown): void {
    this.note(error);
    this.state = 'failed';
    this.logger.error({ err: error, sink: this.name }, 'A sink has failed for good.');
  }

  private note(error: unknown): void {
    this.lastError = { message: cutText(textOf(error), ERROR_CHARACTERS_MAX), time: this.clock.now() };
  }

  private async release(): Promise<void> {
    await this.subscription?.close();
    try {
      await this.sink.close?.();
    } catch (error) {
      this.logger.warn({ err: error, sink: this.name }, 'A sink could not be closed.');
    }
  }
}

const batchOf = ({ events, position, lost }: EventBatch, from: Position): SinkBatch => ({
  events,
  from,
  to: position,
  ...(lost && { lost }),
});

const isClosed = (error: unknown): boolean => codeOf(error) === 'TIDEMARK_CLOSED';

/** Errors that another attempt does not change. */
const lastingErrors: readonly (string | undefined)[] = [
  'TIDEMARK_INVALID_OPTION',
  'TIDEMARK_INVALID_POSITION',
  'TIDEMARK_READ_ONLY',
  'TIDEMARK_STREAM_CONFLICT',
] satisfies (ErrorCode | undefined)[];

const outcomeOf = (error: unknown): SinkOutcome => {
  if (error instanceof SinkError) return error.outcome;
  return lastingErrors.includes(codeOf(error)) ? 'stop' : 'retry';
};

const pauseOf = (name: string, value: Duration): number => {
  const milliseconds = parseDuration(value);
  if (milliseconds > 0) return milliseconds;
  throw invalidOption(name, value, 'a duration above 0');
};
