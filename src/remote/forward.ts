/**
 * Forwarding: sends the samples of a store to a remote-write receiver, from a durable subscription to the journal. What
 * the receiver has accepted, or refused for good, is acknowledged; everything else is sent again after a restart of either
 * side. docs/forwarding.md
 */
import type { ForwardContext } from '../../machines/forward.machine.ts';
import type { EventBatch, Fingerprint, Position, Store, Subscription } from '../index.ts';
import { TidemarkError, textOf } from '../model/errors.ts';
import { checkStore } from '../model/invalid-option.ts';
import { checkSubscriptionName } from '../subscriptions/subscription-cursors.ts';
import { beginsNew, OutgoingBatch, STRAGGLERS_MS } from './cut-batches.ts';
import { ForwardCursor, type ForwardPlace, type HistoryPlace } from './forward-cursor.ts';
import type { ForwardEvent } from './forward-events.ts';
import { ForwardMetrics } from './forward-metrics.ts';
import { type ForwardOptions, type ResolvedForwardOptions, resolveForwardOptions } from './forward-options.ts';
import { sendHistory } from './history.ts';
import { type ForwardedSeries, latestOf, type Outgoing, wordsOf } from './outgoing.ts';
import { type DropReason, type ForwardActor, Receiver } from './receiver.ts';
import { SeriesLabels, type Unsent } from './series-labels.ts';

export type ForwardState = 'idle' | 'connecting' | 'sending' | 'waiting' | 'paused' | 'stopped';

export interface ForwardStatus {
  readonly name: string;
  /** The receiver's address, without user and password. */
  readonly url: string;
  readonly state: ForwardState;
  readonly phase: 'history' | 'journal';
  readonly protocol: '1.0' | '2.0';
  /** Samples that were read and are not acknowledged. */
  readonly pendingSamples: number;
  /** Bytes of the journal that are not acknowledged. */
  readonly pendingBytes: number;
  readonly sentSamples: number;
  readonly sentRequests: number;
  readonly droppedSamples: Readonly<Record<string, number>>;
  readonly failedRequests: number;
  readonly retries: number;
  readonly lostRanges: number;
  /** Time of the newest accepted sample, milliseconds since the epoch. */
  readonly highestSentTimestamp?: number;
  readonly lastError?: { readonly time: number; readonly message: string };
}

/** A running forwarding. */
export interface Forwarding extends AsyncDisposable {
  readonly name: string;
  /** The actor of the statechart `forward`. */
  readonly actor: ForwardActor;
  readonly state: ForwardState;
  status(): ForwardStatus;
  /** Resolves when everything that was appended before is sent and acknowledged, or when forwarding has ended. */
  caughtUp(): Promise<void>;
  /** Waits at most 5 s for the request that is under way. What is not acknowledged is sent after the next start. */
  stop(): Promise<void>;
  /** Resolves when forwarding has ended: stopped, or with the store. Never rejects. */
  readonly done: Promise<void>;
}

/** A caller of `caughtUp`. */
interface Waiter {
  readonly resolve: () => void;
  /** The end of what was appended before; `undefined` until it is durable. */
  through: Position | undefined;
}

/** The names that are being forwarded, so that one is not forwarded twice. */
const openNames = new WeakMap<Store, Set<string>>();
/** Records without samples to send that are acknowledged at once. */
const IDLE_RECORDS_MAX = 64;
/** Turns of the event loop within which a subscription delivers what is durable. */
const TURNS = 3;
/** Series whose labels are looked up between two turns of the event loop. */
const LOOKUPS_PER_BREATH = 256;

/**
 * Forwards the samples of a store to a remote-write receiver under a name. The name is that of a durable subscription: a
 * known name continues where it was.
 *
 * @throws {TidemarkError} `TIDEMARK_INVALID_OPTION` for a wrong option or name, or a name that is open already;
 * `TIDEMARK_INVALID_LABELS`, `TIDEMARK_INVALID_SELECTOR`, `TIDEMARK_READ_ONLY`, `TIDEMARK_CLOSED`
 */
export const forward = (store: Store, name: string, options: ForwardOptions): Forwarding => {
  checkStore(store);
  const resolved = resolveForwardOptions(options);
  checkSubscriptionName(name);
  const names = openNames.get(store) ?? new Set();
  openNames.set(store, names);
  if (names.has(name)) {
    throw new TidemarkError('TIDEMARK_INVALID_OPTION', `${name} is being forwarded already; stop it first`, {
      details: { option: 'name', value: name },
    });
  }
  const forwarding = new StoreForwarding(store, name, resolved);
  names.add(name);
  void forwarding.done.then(() => names.delete(name));
  return forwarding;
};

class StoreForwarding implements Forwarding {
  readonly name: string;
  readonly done: Promise<void>;
  private readonly store: Store;
  private readonly options: ResolvedForwardOptions;
  private readonly receiver: Receiver;
  private readonly series: SeriesLabels;
  private readonly cursor: ForwardCursor;
  private readonly metrics: ForwardMetrics;
  private readonly stopping = new AbortController();
  private subscription: Subscription | undefined;
  private phase: 'history' | 'journal' = 'journal';
  private lastError: ForwardStatus['lastError'];
  private error: unknown;
  private ended = false;
  private waiters: Waiter[] = [];
  /** Everything before this position is sent; `undefined` before the journal is read. */
  private sentThrough: Position | undefined;
  /** Ends the wait for the next record. */
  private nudge: () => void = () => {};
  private readonly toldReasons = new Set<string>();

  constructor(store: Store, name: string, options: ResolvedForwardOptions) {
    this.store = store;
    this.name = name;
    this.options = options;
    this.cursor = new ForwardCursor(options.fileSystem, store.directory, name);
    const saved = this.cursor.read();
    // A crash may have come before the subscription of a history was on the disk. The history then goes on to where the
    // new subscription begins.
    const place = saved?.phase === 'history' && !this.isKnown ? withoutEnd(saved) : saved;
    // A new name with a history writes its place first. Every other subscription can begin at once.
    const isNew = place?.phase !== 'history' && !this.isKnown && options.from === 'start';
    if (!isNew) this.subscribe();
    this.metrics = new ForwardMetrics(store.registry, name);
    this.series = new SeriesLabels(store, options);
    this.receiver = new Receiver(options, {
      sent: (request, count) => this.noteSent(request, count),
      dropped: (reason, count, outcome) =>
        this.noteDropped(
          reason,
          count,
          outcome === undefined || outcome.kind === 'accepted' ? undefined : { ...outcome, message: outcome.reason },
        ),
      fellBack: (message) => this.tell({ type: 'fellBack', message }, 'The receiver gets remote write 1.0.'),
      failed: (message) => this.noteFailed(message),
      paused: (message) => {
        this.noteError(message);
        this.tell({ type: 'paused', message }, 'The receiver refuses to be sent to; forwarding pauses.');
      },
    });
    const stop = (): void => void this.stop();
    options.signal?.addEventListener('abort', stop, { once: true });
    const storeActor = store.actor.subscribe({ complete: stop, error: stop });
    this.done = this.run(isNew ? { phase: 'history' } : place).finally(() => {
      options.signal?.removeEventListener('abort', stop);
      storeActor.unsubscribe();
    });
    if (options.signal?.aborted === true) stop();
  }

  get actor(): ForwardActor {
    return this.receiver.actor;
  }

  get state(): ForwardState {
    if (this.ended) return 'stopped';
    const { value } = this.actor.getSnapshot();
    return (typeof value === 'string' ? value : Object.keys(value)[0]) as ForwardState;
  }

  status(): ForwardStatus {
    const { metrics, lastError } = this;
    const highest = metrics.level('highestTime');
    const { protocol }: ForwardContext = this.actor.getSnapshot().context;
    return {
      name: this.name,
      url: shownUrl(this.options.url),
      state: this.state,
      phase: this.phase,
      protocol,
      pendingSamples: metrics.level('pendingSamples') ?? 0,
      pendingBytes: this.subscription?.lagBytes ?? 0,
      sentSamples: metrics.total('samples'),
      sentRequests: metrics.total('requests'),
      droppedSamples: Object.fromEntries(metrics.droppedByReason),
      failedRequests: metrics.total('failed'),
      retries: metrics.total('retries'),
      lostRanges: metrics.total('lostRanges'),
      ...(highest !== undefined && { highestSentTimestamp: 1000 * highest }),
      ...(lastError !== undefined && { lastError }),
    };
  }

  caughtUp(): Promise<void> {
    if (this.ended) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter: Waiter = { resolve, through: undefined };
      this.waiters.push(waiter);
      this.nudge();
      // If this fails, the waiter is resolved when the journal is read to its end, or when forwarding has ended.
      this.store.flush().then(
        () => {
          waiter.through ??= this.durableEnd;
          this.endWaits();
          this.nudge();
        },
        () => {},
      );
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.receiver.stop();
    this.nudge();
    await this.subscription?.close();
    await this.done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** The end of the journal, after a flush. */
  private get durableEnd(): Position | undefined {
    const { subscription } = this;
    return subscription === undefined ? undefined : subscription.position + subscription.lagBytes;
  }

  private get isKnown(): boolean {
    return this.store.subscriptions().some(({ name }) => name === this.name);
  }

  private subscribe(): void {
    // One record at a time: a batch may end after any record.
    this.subscription = this.store.subscribe(this.name, { from: 'end', batchSize: 1 });
  }

  private async run(place: ForwardPlace | undefined): Promise<void> {
    try {
      // Errors of the first step reach the caller's handlers, which are set after `forward` returns.
      await this.options.clock.breathe();
      if (place?.phase !== 'history' || (await this.sendHistory(place))) await this.follow();
    } catch (error) {
      if (!this.stopping.signal.aborted && !isStoreGone(error)) {
        this.error = error;
        this.noteError(textOf(error));
      }
    }
    await this.close();
  }

  private async close(): Promise<void> {
    this.receiver.stop();
    await this.subscription?.close();
    await new Promise<void>((resolve) => {
      if (this.receiver.isStopped) resolve();
      else this.actor.subscribe({ complete: () => resolve(), error: () => resolve() });
    });
    this.ended = true;
    for (const { resolve } of this.waiters.splice(0)) resolve();
    const { error } = this;
    if (error !== undefined) this.options.logger.error({ err: error, forward: this.name }, 'Forwarding failed.');
    this.tell({ type: 'stopped', ...(error !== undefined && { error }) });
  }

  private async sendHistory(place: Extract<ForwardPlace, { phase: 'history' }>): Promise<boolean> {
    this.phase = 'history';
    if (this.subscription === undefined) {
      await this.cursor.save(place);
      if (this.stopping.signal.aborted) return false;
      this.subscribe();
    }
    const { store, series, cursor, options, receiver } = this;
    const position = store.subscriptions().find(({ name }) => name === this.name)?.position ?? 0;
    const isSent = await sendHistory(
      {
        store,
        series,
        cursor,
        selector: options.selector ?? [],
        samplesMax: options.batchSamples,
        signal: this.stopping.signal,
        deliver: (request) => receiver.deliver(request),
        onUnsent: (reason, count) => this.noteDropped(reason, count),
        onProblem: (message) => options.logger.warn({ forward: this.name }, message),
      },
      { ...place, position },
    );
    if (!isSent) return false;
    this.phase = 'journal';
    this.tell({ type: 'historySent' }, 'The history was sent; the journal follows.');
    return true;
  }

  /** Sends the journal, until forwarding is stopped or the store is closed. */
  private async follow(): Promise<void> {
    const { subscription } = this;
    if (subscription === undefined) return;
    this.sentThrough = subscription.position;
    this.endWaits();
    const records = subscription[Symbol.asyncIterator]();
    let batch = new OutgoingBatch();
    let next = begun(records.next());
    for (;;) {
      const found = await this.nextRecord(next, batch);
      if (found !== 'due') {
        if (found.done === true) return;
        next = begun(records.next());
        const added = await this.add(batch, found.value);
        if (added === undefined) return;
        batch = added;
        if (batch.count < this.options.batchSamples && (batch.count > 0 || batch.records < IDLE_RECORDS_MAX)) continue;
      }
      if (!(await this.send(batch))) return;
      batch = new OutgoingBatch();
    }
  }

  /** The next record; `'due'` when the batch has to be sent without waiting for it. */
  private async nextRecord(
    next: Promise<IteratorResult<EventBatch, unknown>>,
    batch: OutgoingBatch,
  ): Promise<IteratorResult<EventBatch, unknown> | 'due'> {
    const { clock } = this.options;
    const position = batch.last?.position ?? 0;
    if (this.waiters.some(({ through = Number.POSITIVE_INFINITY }) => through <= position)) return 'due';
    if (this.waiters.length > 0) return this.durableRecord(next);
    return new Promise((resolve, reject) => {
      const dueMs = batch.records === 0 ? undefined : this.dueMsOf(batch);
      const timer = dueMs === undefined ? undefined : clock.setTimeout(() => end('due'), dueMs);
      const end = (found: IteratorResult<EventBatch, unknown> | 'due'): void => {
        if (timer !== undefined) clock.clearTimeout(timer);
        this.nudge = () => {};
        resolve(found);
      };
      this.nudge = () => {
        if (!this.stopping.signal.aborted) this.durableRecord(next).then(end, reject);
      };
      next.then(end, reject);
    });
  }

  private dueMsOf(batch: OutgoingBatch): number {
    const { clock, batchDelayMs } = this.options;
    const waitMs = batchDelayMs + STRAGGLERS_MS;
    if (batch.count === 0) return waitMs;
    return Math.min(waitMs, Math.max(0, batch.begunAt + waitMs - clock.now()));
  }

  /** The next record. If there is none, everything that was appended is made durable; if there is still none, `'due'`. */
  private async durableRecord(
    next: Promise<IteratorResult<EventBatch, unknown>>,
  ): Promise<IteratorResult<EventBatch, unknown> | 'due'> {
    let found: IteratorResult<EventBatch, unknown> | undefined;
    let failure: { readonly error: unknown } | undefined;
    next.then(
      (value) => {
        found = value;
      },
      (error: unknown) => {
        failure = { error };
      },
    );
    const turns = async (): Promise<void> => {
      for (let turn = 0; turn < TURNS && found === undefined && failure === undefined; turn++)
        await this.options.clock.breathe();
    };
    await turns();
    const waiters = [...this.waiters];
    if (found === undefined && failure === undefined) {
      if (!this.stopping.signal.aborted) await this.store.flush();
      await turns();
    }
    if (failure !== undefined) throw (failure as { readonly error: unknown }).error;
    if (found !== undefined) return found;
    // They have to wait for the batch that is due now, and for nothing else.
    for (const waiter of waiters) waiter.through = 0;
    return 'due';
  }

  /**
   * Adds a record to the batch. If the record begins a new batch, the batch is sent first. Resolves with the batch that has
   * the record; `undefined` if forwarding was stopped.
   */
  private async add(given: OutgoingBatch, record: EventBatch): Promise<OutgoingBatch | undefined> {
    let batch = given;
    const { lost } = record;
    if (lost !== undefined) this.noteLost(lost.from, lost.to);
    for (const event of record.events) {
      if (event.type !== 'samplesAppended' && event.type !== 'lateSamplesAppended') {
        this.series.note(event);
        continue;
      }
      const { fingerprints, timestamps, values, time } = event;
      const { found, count } = await this.seriesOf(fingerprints, event.position);
      if (
        beginsNew(batch, time, count, { samplesMax: this.options.batchSamples, delayMs: this.options.batchDelayMs })
      ) {
        if (!(await this.send(batch))) return undefined;
        batch = new OutgoingBatch();
      }
      if (count === 0) continue;
      if (batch.count === 0) batch.begunAt = time;
      const list = event.type === 'samplesAppended' ? batch.samples : batch.late;
      const words = wordsOf(values);
      for (let i = 0; i < found.length; i++) {
        const series = found[i];
        if (typeof series !== 'string') list.add(series, timestamps, words, i);
      }
    }
    batch.last = record;
    batch.records += 1;
    this.metrics.set('pendingSamples', batch.count);
    this.metrics.set('pendingBytes', this.subscription?.lagBytes ?? 0);
    return batch;
  }

  /** The series of each sample, and how many samples are to be sent. */
  private async seriesOf(
    fingerprints: readonly Fingerprint[],
    position: Position,
  ): Promise<{ readonly found: readonly (ForwardedSeries | Unsent)[]; readonly count: number }> {
    const found = new Array<ForwardedSeries | Unsent>(fingerprints.length);
    let count = 0;
    let lookups = 0;
    let unknown = 0;
    let nameless = 0;
    for (let i = 0; i < fingerprints.length; i++) {
      let series = this.series.peek(fingerprints[i]);
      if (series === undefined) {
        series = await this.series.find(fingerprints[i], position);
        lookups += 1;
        if (lookups % LOOKUPS_PER_BREATH === 0) await this.options.clock.breathe();
      }
      found[i] = series;
      if (typeof series !== 'string') count += 1;
      else if (series === 'unknown_series') unknown += 1;
      else if (series === 'no_name') nameless += 1;
    }
    if (unknown > 0) this.noteDropped('unknown_series', unknown);
    if (nameless > 0) this.noteDropped('no_name', nameless);
    return { found, count };
  }

  /** Sends a batch and acknowledges it. Resolves with false if forwarding was stopped before. */
  private async send(batch: OutgoingBatch): Promise<boolean> {
    for (const request of batch.requests(this.options.batchSamples))
      if (!(await this.receiver.deliver(request))) return false;
    try {
      await batch.last?.ack();
    } catch (error) {
      if (isStoreGone(error)) return false;
      // The next acknowledgement includes this one.
      this.noteError(textOf(error));
      this.options.logger.warn({ err: error, forward: this.name }, 'The place of a forwarding was not saved.');
    }
    this.sentThrough = Math.max(this.sentThrough ?? 0, batch.last?.position ?? 0);
    this.metrics.set('pendingSamples', 0);
    this.metrics.set('pendingBytes', this.subscription?.lagBytes ?? 0);
    this.endWaits();
    return !this.stopping.signal.aborted;
  }

  /** Resolves the waiters for which everything is sent. */
  private endWaits(): void {
    const { sentThrough } = this;
    if (sentThrough === undefined) return;
    const isDone = ({ through = Number.POSITIVE_INFINITY }: Waiter): boolean => through <= sentThrough;
    const done = this.waiters.filter(isDone);
    this.waiters = this.waiters.filter((waiter) => !isDone(waiter));
    for (const { resolve } of done) resolve();
  }

  private noteSent(request: Outgoing, count: number): void {
    this.metrics.add('samples', count);
    this.metrics.add('requests', 1);
    const highest = Math.max(latestOf(request) / 1000, this.metrics.level('highestTime') ?? Number.NEGATIVE_INFINITY);
    this.metrics.set('highestTime', highest);
  }

  private noteDropped(
    reason: DropReason,
    samples: number,
    answer?: { readonly status?: number | undefined; readonly message: string },
  ): void {
    this.metrics.drop(reason, samples);
    const message = answer?.message ?? droppedText[reason];
    if (answer !== undefined) {
      this.metrics.add('failed', 1);
      this.noteError(message);
    }
    const event = { type: 'samplesDropped', reason, samples, message } as const;
    this.tell(answer?.status === undefined ? event : { ...event, status: answer.status });
    // What the receiver says may differ each time; the other reasons are logged once.
    if (answer === undefined && this.toldReasons.has(reason)) return;
    this.toldReasons.add(reason);
    this.options.logger.warn({ forward: this.name, reason, samples, answer: message }, 'Samples were given up.');
  }

  private noteFailed(message: string): void {
    this.metrics.add('retries', 1);
    this.noteError(message);
    const { failures } = this.actor.getSnapshot().context;
    this.tell({ type: 'attemptFailed', failures: failures + 1, message });
    if (!this.toldReasons.has(message))
      this.options.logger.warn({ forward: this.name, answer: message }, 'Sending failed; it is repeated.');
    if (this.toldReasons.size < 100) this.toldReasons.add(message);
  }

  private noteLost(from: Position, to: Position): void {
    this.metrics.add('lostRanges', 1);
    this.metrics.add('lostBytes', to - from);
    this.tell({ type: 'rangeLost', from, to }, 'A part of the journal was lost before it was sent.');
  }

  private noteError(message: string): void {
    const time = this.options.clock.now();
    this.lastError = { time, message };
    this.metrics.set('lastError', time / 1000);
  }

  private tell(event: ForwardEvent, message?: string): void {
    if (message !== undefined) this.options.logger.warn({ forward: this.name, ...event }, message);
    try {
      this.options.onEvent(event);
    } catch (error) {
      this.options.logger.error({ err: error, forward: this.name }, 'onEvent has thrown an error.');
    }
  }
}

const droppedText: Readonly<Record<DropReason, string>> = {
  refused: 'the receiver refused them',
  not_written: 'the receiver did not write them',
  too_large: 'one sample is too large for the receiver',
  too_old: 'they are older than maxSampleAge',
  unknown_series: 'the labels of their series are lost',
  no_name: 'their series have no metric name',
};

/** A place in a history whose end is to be found anew. */
const withoutEnd = ({ window, after }: HistoryPlace): HistoryPlace => ({
  phase: 'history',
  ...(window !== undefined && { window }),
  ...(after !== undefined && { after }),
});

/** Whether the store was closed. */
const isStoreGone = (error: unknown): boolean =>
  error instanceof TidemarkError && (error.code === 'TIDEMARK_CLOSED' || error.code === 'TIDEMARK_ABORTED');

const shownUrl = (url: URL): string => {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href;
};

/**
 * A read that is awaited later, when the batch before it has been sent. Until then its failure must not count as
 * unhandled, which would end the host program.
 */
const begun = <T>(reading: Promise<T>): Promise<T> => {
  reading.catch(() => {});
  return reading;
};
