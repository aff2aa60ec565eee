/**
 * `openStore` and the store object that it returns. The object checks that the store is open and forwards calls: appends
 * to the data plane, everything else to the parts in src/store/. It keeps what belongs to its callers: the watchers of
 * samples and events, and the series actors that handles hold. `ready` is the one call with a loop of its own.
 */
import { resolve } from 'node:path';
import type { Registry } from 'prom-client';
import { type Observable, ReplaySubject } from 'rxjs';
import type { AnyActorRef, InspectionEvent } from 'xstate';
import { isRunning } from '../../machines/store.machine.ts';
import { liveStream, watchSamples } from '../../streams/live.ts';
import { polled } from '../../streams/polled.ts';
import type {
  AppendResult,
  BackfillOptions,
  BackfillResult,
  BackupResult,
  BatchOptions,
  ChunkInfo,
  Duration,
  InstantSample,
  JournalOptions,
  ListedState,
  MetricMetadata,
  Progress,
  QuarantinedSeries,
  QueryOptions,
  QueryRangeOptions,
  QueryResult,
  RetentionPreview,
  Sample,
  SelectOptions,
  Selector,
  SeriesColumns,
  SeriesHandle,
  SeriesPage,
  SeriesPageOptions,
  SeriesSamples,
  Store,
  StoreInfo,
  StoreOptions,
  SubscribeOptions,
  Subscription,
  TimeRange,
  WatchQueryOptions,
} from '../api/api.ts';
import { varbitDecoder } from '../chunk/varbit-decoder.ts';
import { type PlacedLifecycleEvent, readHistoryInSlices } from '../journal/history/read-history.ts';
import { describeFinding, type JournalFinding } from '../journal/read/journal-findings.ts';
import { TidemarkError } from '../model/errors.ts';
import type { AlertEvent, DomainEvent, JournalEvent, Position } from '../model/events.ts';
import { type Fingerprint, fingerprintText, parseFingerprint } from '../model/fingerprint.ts';
import { invalidOption } from '../model/invalid-option.ts';
import { type LabelPairs, type Labels, toLabelPairs, toLabels } from '../model/labels.ts';
import { matchesPairs } from '../model/matcher.ts';
import { parseSelector } from '../model/selector.ts';
import { schedulerOf } from '../ports/clock-scheduler.ts';
import { checkedRange, checkOptions, durationOption } from '../query/queries.ts';
import { type HandleServices, StoredSeriesHandle } from '../series/handle.ts';
import type { SampleListener } from '../series/ingest.ts';
import { SampleTap } from '../series/sample-tap.ts';
import { NO_ROW, type Row } from '../series/table.ts';
import { followJournal } from '../subscriptions/follow.ts';
import { readEvents } from '../subscriptions/read-events.ts';
import { checkAlertEvent, readAlerts } from './alert-events.ts';
import type { Asking } from './asking.ts';
import { seriesOf } from './backfill.ts';
import { storeError } from './disk-trouble.ts';
import { Engine } from './engine.ts';
import { type FacadeParts, facadeParts } from './facade-parts.ts';
import { loadPromClient } from './metrics/prom-client.ts';
import { resolveOptions } from './options.ts';
import { Session } from './session.ts';

/**
 * Opens the store in a directory. The directory is created if it is missing, and recovered if necessary.
 *
 * @throws {TidemarkError} `TIDEMARK_LOCKED` when another program has it open, `TIDEMARK_NOT_A_STORE` when the directory
 * holds something else, `TIDEMARK_INVALID_OPTION` (also in a process that can't use WebAssembly),
 * `TIDEMARK_UNSUPPORTED_VERSION`, `TIDEMARK_IO`.
 */
export const openStore = async (directory: string, options: StoreOptions = {}): Promise<Store> => {
  const resolved = resolveOptions(options);
  if (typeof directory !== 'string' || directory === '') {
    throw noDirectory('directory');
  }
  varbitDecoder();
  const session = new Session(new Engine(resolve(directory), resolved));
  await session.open();
  try {
    if (resolved.registry !== undefined) await loadPromClient();
    return new TidemarkStore(facadeParts(session));
  } catch (error) {
    // For example, the caller's registry already has metrics of the same name.
    await session.close();
    throw error;
  }
};

const noDirectory = (what: string): TidemarkError =>
  new TidemarkError('TIDEMARK_INVALID_OPTION', `${what} is not given; allowed: the path of a directory`);

/** After this many new series a watcher matches its series again. */
const WATCH_MEMORY_SERIES = 65_536;

interface WatchedSample {
  readonly row: Row;
  readonly timestamp: number;
  readonly value: number;
}

class TidemarkStore implements Store {
  readonly directory: string;
  readonly readOnly: boolean;
  readonly events$: Observable<DomainEvent>;
  readonly actor: AnyActorRef;
  private readonly parts: FacadeParts;
  private readonly closed$ = new ReplaySubject<void>(1);
  private loading: Promise<Asking> | undefined;
  /** Aborts when the store has closed or failed. */
  private readonly ended: AbortSignal;
  private readonly samples$: Observable<WatchedSample>;
  private readonly handleServices: HandleServices;
  private readonly sampleListeners = new Set<SampleListener>();
  /** Series actors that users keep awake through handles. */
  private readonly heldActors = new Map<SeriesHandle, { readonly actor: AnyActorRef; readonly row: Row }>();
  private dropping: Promise<unknown> = Promise.resolve();

  constructor(parts: FacadeParts) {
    this.parts = parts;
    const { engine, running } = parts;
    this.directory = engine.directory;
    this.readOnly = parts.readOnly;
    this.actor = parts.actor;
    const { closed$ } = this;
    const ended = new AbortController();
    this.ended = ended.signal;
    const end = (): void => {
      closed$.next();
      ended.abort();
    };
    this.actor.subscribe({ complete: end, error: end });
    this.events$ = liveStream((push) => this.listenToEvents(push), closed$);
    this.samples$ = liveStream((push) => this.listenToSamples(push), closed$);
    this.handleServices = {
      table: engine.table,
      directory: running.directory,
      ingest: running.ingest,
      fingerprintOf: (pairs) => {
        const { high, low } = running.directory.fingerprintOf(pairs);
        return fingerprintText(high, low);
      },
      stateOf: (pairs) => running.stateOf(pairs),
      lastTimeOf: (pairs) => running.lastTimeOf(pairs),
      actorOf: (handle, pairs) => this.actorOf(handle, pairs),
      releaseActor: (handle) => this.releaseActor(handle),
    };
    running.ingest.listener = undefined;
  }

  get registry(): Registry {
    return this.parts.registry();
  }

  append(labels: Labels, timestamp: number, value: number): void {
    this.parts.running.ingest.append(labels, timestamp, value);
  }

  appendBatch(samples: readonly Sample[]): AppendResult {
    return this.parts.running.ingest.appendBatch(samples);
  }

  batch<T>(work: () => T, options: BatchOptions = {}): T {
    checkOptions('options', options);
    const { sync = true } = options;
    if (typeof work !== 'function') throw invalidOption('work', work, 'a function');
    if (typeof sync !== 'boolean') throw invalidOption('sync', sync, 'true, false');
    const result = this.parts.running.ingest.together(work, sync);
    if (result instanceof Promise) throw invalidOption('work', result, 'a function that returns no promise');
    return result;
  }

  series(labels: Labels): SeriesHandle {
    return new StoredSeriesHandle(this.handleServices, toLabelPairs(labels));
  }

  async backfill(
    series: SeriesColumns | Iterable<SeriesColumns> | AsyncIterable<SeriesColumns>,
    options: BackfillOptions = {},
  ): Promise<BackfillResult> {
    this.assertWritable();
    checkOptions('options', options);
    return this.parts.backfill(seriesOf(series), options, () => this.ready());
  }

  async ready(): Promise<void> {
    const { engine, running } = this.parts;
    // A timer of the store may end the wait, and the store's timers don't keep the process alive.
    const release = engine.clock.hold?.();
    try {
      for (;;) {
        await engine.admission.ready();
        await this.dropping;
        await running.waking.refusedRowSettled();
        await engine.clock.breathe();
        const { admission } = engine;
        if (admission.refusesNewSeries) await this.catchUp();
        if (admission.refusal === undefined && !admission.refusesNewSeries) return;
      }
    } finally {
      release?.();
    }
  }

  /**
   * Writes the waiting index operations. Rejects if that fails and the store still refuses new series only because of
   * them. If it takes new series again, or refuses all samples, the failed write is not what the caller waits for.
   */
  private async catchUp(): Promise<void> {
    const { engine, running } = this.parts;
    try {
      await running.recovered.indexer.flush();
    } catch (error) {
      const { refusal, refusesNewSeries } = engine.admission;
      if (refusal === undefined && refusesNewSeries) throw storeError(error, 'write', 'the indexes');
    }
  }

  async flush(): Promise<void> {
    this.assertOpen();
    if (!this.readOnly) await this.parts.running.commit();
  }

  select(selector: Selector, options: SelectOptions = {}): AsyncIterable<SeriesSamples> {
    return this.parts.running.queries.select(selector, options);
  }

  async query(expr: string, options: QueryOptions = {}): Promise<QueryResult> {
    checkOptions('options', options);
    return (await this.asking()).query(expr, options);
  }

  async queryRange(expr: string, options: QueryRangeOptions): Promise<QueryResult> {
    checkOptions('options', options);
    return (await this.asking()).queryRange(expr, options);
  }

  watchQuery(expr: string, options: WatchQueryOptions): Observable<QueryResult> {
    checkOptions('options', options);
    const { every, window, step, ...rest } = options;
    const everyMs = durationOption('every', every);
    const windowMs = window === undefined ? undefined : durationOption('window', window);
    const stepMs = step === undefined ? Math.max(1, (windowMs ?? 0) / 100) : durationOption('step', step);
    const run = (): Promise<QueryResult> => {
      if (windowMs === undefined) return this.query(expr, rest);
      const through = this.parts.engine.clock.now();
      return this.queryRange(expr, { ...rest, from: through - windowMs, through, step: stepMs });
    };
    return polled({ everyMs, run, end$: this.closed$, scheduler: schedulerOf(this.parts.engine.clock) });
  }

  /** The language is loaded when it is needed first. */
  private async asking(): Promise<Asking> {
    this.assertOpen();
    const { queries } = this.parts.running;
    const { clock } = this.parts.engine;
    this.loading ??= import('./asking.ts').then(({ Asking }) => new Asking({ queries, clock }));
    const asking = await this.loading;
    this.assertOpen();
    return asking;
  }

  instant(selector: Selector, options: { at?: number; lookback?: Duration } = {}): Promise<InstantSample[]> {
    return this.parts.running.queries.instant(selector, options);
  }

  lastSamples(selector: Selector): Promise<InstantSample[]> {
    return this.parts.running.queries.lastSamples(selector);
  }

  metrics(selectors: Selector | readonly string[], range: TimeRange = {}): Promise<Labels[]> {
    return this.parts.running.queries.metrics(selectors, range);
  }

  async labelsOf(fingerprint: Fingerprint): Promise<Labels | undefined> {
    this.assertOpen();
    const halves = parseFingerprint(fingerprint);
    if (halves === undefined) throw invalidOption('fingerprint', fingerprint, '16 hex digits, lower case');
    const pairs = this.parts.running.directory.pairsOf(halves.high, halves.low);
    return pairs === undefined ? undefined : toLabels(pairs);
  }

  labelNames(): Promise<string[]> {
    return this.parts.running.queries.labelNames();
  }

  labelValues(name: string): Promise<string[]> {
    return this.parts.running.queries.labelValues(name);
  }

  async drop(selector: Selector, range: TimeRange = {}): Promise<number> {
    this.assertWritable();
    checkOptions('range', range);
    const { from, through } = checkedRange(range);
    const dropped = this.parts.drop(selector, { from, through });
    this.dropping = Promise.allSettled([this.dropping, dropped]).then(() => {});
    return dropped;
  }

  describe(metadata: MetricMetadata): void {
    checkOptions('metadata', metadata);
    this.parts.descriptions.describe(metadata);
  }

  metadata(): readonly MetricMetadata[] {
    return this.parts.descriptions.list();
  }

  async quarantined(): Promise<QuarantinedSeries[]> {
    this.assertOpen();
    return this.parts.quarantined();
  }

  async readQuarantined(fingerprint: Fingerprint): Promise<SeriesSamples & { readonly problems: readonly string[] }> {
    this.assertOpen();
    return this.parts.readQuarantined(fingerprint);
  }

  async checkpoint(): Promise<void> {
    this.assertWritable();
    await this.parts.checkpoint();
  }

  async backup(directory: string): Promise<BackupResult> {
    this.assertOpen();
    if (typeof directory !== 'string' || directory === '') throw noDirectory('the directory of a backup');
    return this.parts.backup(resolve(directory));
  }

  async waitForIndexing(): Promise<void> {
    this.assertOpen();
    await this.parts.running.recovered.indexer.flush();
  }

  async rebuildIndexes({ onProgress = () => {} }: { onProgress?: (progress: Progress) => void } = {}): Promise<void> {
    this.assertWritable();
    await this.parts.rebuildIndexes(onProgress);
  }

  async maintain(): Promise<void> {
    this.assertWritable();
    await this.parts.maintain();
  }

  async previewRetention(retention: NonNullable<StoreOptions['retention']>): Promise<RetentionPreview> {
    this.assertOpen();
    return this.parts.previewRetention(retention);
  }

  watch(selector: Selector): Observable<Sample> {
    const matchers = parseSelector(selector);
    const { table } = this.parts.engine;
    const { running } = this.parts;
    return watchSamples<WatchedSample, LabelPairs, Sample>({
      samples$: this.samples$,
      keyOf: ({ row }) => table.labels[row] ?? [],
      matches: (pairs) => matchesPairs(matchers, pairs),
      project: ({ row, timestamp, value }) => ({
        labels: running.labelObjects.of(row, table.labels[row] ?? []),
        timestamp,
        value,
      }),
      // Discards the answers for removed series from time to time.
      generation: () => Math.floor(running.directory.created / WATCH_MEMORY_SERIES),
    });
  }

  subscribe(name: string, options: SubscribeOptions = {}): Subscription {
    this.assertWritable();
    return this.parts.running.subscriptions.subscribe(name, options);
  }

  subscriptions(): readonly { readonly name: string; readonly position: Position; readonly lagBytes: number }[] {
    return this.parts.running.subscriptions.list();
  }

  async unsubscribe(name: string): Promise<void> {
    this.assertWritable();
    await this.parts.running.subscriptions.remove(name);
  }

  async history(labels: Labels): Promise<PlacedLifecycleEvent[]> {
    this.assertOpen();
    const { engine, running } = this.parts;
    const { fileSystem, journalDirectory: directory, clock } = engine;
    const { high, low } = running.directory.fingerprintOf(toLabelPairs(labels));
    running.recovered.journal.write();
    const events: PlacedLifecycleEvent[] = [];
    const wanted = { fileSystem, directory, fingerprint: fingerprintText(high, low) };
    for await (const event of readHistoryInSlices(wanted, clock)) events.push(event);
    return events;
  }

  async *alertHistory(): AsyncGenerator<AlertEvent & { readonly position: Position }, void, undefined> {
    this.assertOpen();
    const { engine, running } = this.parts;
    running.recovered.journal.write();
    yield* readAlerts(engine);
  }

  publishAlert(event: AlertEvent): Position {
    this.assertWritable();
    checkAlertEvent(event);
    return this.parts.running.recovered.bus.publish(event);
  }

  journal(options: JournalOptions = {}): AsyncIterable<JournalEvent> {
    this.assertOpen();
    const { engine, running } = this.parts;
    const { onProblem = (message) => engine.logger.warn({}, message) } = options;
    if (this.readOnly && options.follow === true) {
      // The other process appends to the files on disk. The overlay of this read-only store does not show these
      // appends.
      const signal = options.signal === undefined ? this.ended : AbortSignal.any([options.signal, this.ended]);
      return readEvents(this.directory, {
        ...options,
        signal,
        onProblem,
        clock: engine.clock,
        fileSystem: engine.outside,
      });
    }
    const onFinding = (finding: JournalFinding): void => onProblem(describeFinding(finding));
    return followJournal({ ...engine, journal: running.recovered.journal }, { ...options, onFinding });
  }

  async chunks(labels: Labels): Promise<ChunkInfo[]> {
    this.assertOpen();
    return this.parts.chunks(toLabelPairs(labels));
  }

  async info(): Promise<StoreInfo> {
    this.assertOpen();
    return this.parts.info();
  }

  inspect(observer: (event: InspectionEvent) => void): () => void {
    return this.parts.engine.inspection.observe(observer);
  }

  stateCounts(): Readonly<Record<'inMemory' | 'persisting' | 'archived' | 'quarantined', number>> {
    return this.parts.running.stateCounts();
  }

  async seriesIn(state: ListedState, options: SeriesPageOptions = {}): Promise<SeriesPage> {
    this.assertOpen();
    checkOptions('options', options);
    return this.parts.seriesIn(state, options);
  }

  close(): Promise<void> {
    return this.parts.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private assertOpen(): void {
    if (!isRunning(this.parts.actor.getSnapshot())) {
      throw new TidemarkError('TIDEMARK_CLOSED', 'the store is closed');
    }
  }

  private assertWritable(): void {
    this.assertOpen();
    if (this.readOnly) throw new TidemarkError('TIDEMARK_READ_ONLY', 'the store was opened with readOnly: true');
  }

  private actorOf(handle: SeriesHandle, pairs: LabelPairs): AnyActorRef {
    this.assertOpen();
    const held = this.heldActors.get(handle);
    if (held?.actor.getSnapshot().status === 'active') return held.actor;
    this.releaseActor(handle);
    const { actors } = this.parts.running;
    const row = this.rowFor(pairs);
    const actor = actors.hold(row);
    this.heldActors.set(handle, { actor, row });
    return actor;
  }

  private releaseActor(handle: SeriesHandle): void {
    const held = this.heldActors.get(handle);
    if (held === undefined) return;
    this.heldActors.delete(handle);
    this.parts.running.actors.release(held.row, held.actor);
  }

  /** The row of a series. An archived series borrows one. */
  private rowFor(pairs: LabelPairs): Row {
    const { running, engine } = this.parts;
    const row = engine.table.findPairs(pairs);
    if (row !== NO_ROW) return row;
    const { high, low } = running.directory.fingerprintOf(pairs);
    if (running.recovered.archived.has(high, low)) return running.rows.borrow(high, low, pairs);
    throw new TidemarkError('TIDEMARK_INVALID_LABELS', 'no series has these labels yet; its first sample creates it');
  }

  private listenToEvents(push: (event: DomainEvent) => void): () => void {
    const { engine, running } = this.parts;
    const tap = new SampleTap(engine.table, engine.clock, push);
    const stopSamples = this.addSampleListener((row, timestamp, high, low, isLate) =>
      tap.add(row, timestamp, high, low, isLate),
    );
    const stopEvents = running.recovered.bus.listen((event) => {
      tap.flush();
      push(event);
    });
    return () => {
      stopSamples();
      stopEvents();
    };
  }

  private listenToSamples(push: (sample: WatchedSample) => void): () => void {
    const bits = new DataView(new ArrayBuffer(8));
    return this.addSampleListener((row, timestamp, high, low) => {
      bits.setInt32(0, high);
      bits.setInt32(4, low);
      push({ row, timestamp, value: bits.getFloat64(0) });
    });
  }

  private addSampleListener(listener: SampleListener): () => void {
    const { ingest } = this.parts.running;
    this.sampleListeners.add(listener);
    ingest.listener = (row, timestamp, high, low, isLate) => {
      for (const each of this.sampleListeners) each(row, timestamp, high, low, isLate);
    };
    return () => {
      this.sampleListeners.delete(listener);
      if (this.sampleListeners.size === 0) ingest.listener = undefined;
    };
  }
}
