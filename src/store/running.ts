/**
 * A recovered store at work: the parts that appends, queries and maintenance go through, wired. The public object is
 * src/store.ts; what goes on by itself is background.ts.
 */
import type { InspectionEvent } from 'xstate';
import { codeOfPath, phaseOfCode } from '../../machines/series-states.ts';
import { admissionOf } from '../../machines/store.machine.ts';
import type { Urgency } from '../../streams/maintenance-sweep.ts';
import type { SeriesState } from '../api.ts';
import { ReserveFile } from '../disk/reserve-file.ts';
import { isDiskFull } from '../errors.ts';
import type { Subscriptions } from '../journal/subscriptions.ts';
import { planTruncation } from '../journal/truncation.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import type { Distributions } from '../metrics.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import { EARLIEST } from '../model/int64.ts';
import type { LabelPairs } from '../model/labels.ts';
import { Queries } from '../query/queries.ts';
import { SeriesReader } from '../query/read-series.ts';
import { Checkpointer, type CheckpointResult } from '../recovery/checkpoint.ts';
import { SeriesActors } from '../series/actors.ts';
import { SeriesDirectory } from '../series/directory.ts';
import { FileChanges } from '../series/file-changes.ts';
import { Ingest } from '../series/ingest.ts';
import { Lifecycle } from '../series/lifecycle.ts';
import { factsOf, type VisitParts, visitFacts } from '../series/maintenance.ts';
import { Persister } from '../series/persister.ts';
import { NO_ROW, type Row } from '../series/table.ts';
import { DamageReports } from './damage-reports.ts';
import { directorySizes } from './directory-sizes.ts';
import { isDiskTrouble, storeError } from './disk-trouble.ts';
import type { Engine, StoreActor } from './engine.ts';
import { Memory } from './memory.ts';
import type { Recovered } from './opening.ts';
import { Retention } from './retention.ts';
import { TrustedClock } from './trusted-clock.ts';

/** A journal that takes more of the limit on the directory's size is shortened before samples are dropped. */
const JOURNAL_SHARE = 0.1;

/** Longest stretch of visits between two breaths of the host's event loop, and visits between two looks at the clock. */
const SLICE_MS = 4;
const VISITS_PER_LOOK = 64;

const IN_MEMORY = codeOfPath('inMemory');
/** The ends of a series' life; its row may stay for a while because somebody looks at its actor. */
const ENDED: ReadonlySet<number> = new Set([codeOfPath('purged'), codeOfPath('quarantined.isolated')]);

export class Running {
  readonly engine: Engine;
  readonly recovered: Recovered;
  readonly actor: StoreActor;
  readonly lifecycle: Lifecycle;
  readonly actors: SeriesActors;
  readonly directory: SeriesDirectory;
  readonly ingest: Ingest;
  readonly persister: Persister;
  readonly fileChanges: FileChanges;
  readonly reserve: ReserveFile;
  readonly checkpointer: Checkpointer;
  readonly reader: SeriesReader;
  readonly queries: Queries;
  readonly trustedClock: TrustedClock;
  readonly retention: Retention;
  readonly visitParts: VisitParts;
  readonly memory: Memory;
  readonly damageReports: DamageReports;
  subscriptions!: Subscriptions;
  /** Series in quarantine. */
  quarantinedCount = 0;
  /** Replay would start here. */
  checkpointFrom: number;
  lastCheckpoint = { endedAt: 0, durationMs: 0, bytes: 0 };
  private readonly checkpointTurn = new KeyedMutex<'checkpoint'>();
  checkpoints = 0;
  persistErrors = 0;
  /** How often something was dropped from the disk, and how often that was known when the disk was last probed. */
  private freedCount = 0;
  private freedKnown = 0;
  chunksPersisted = 0;
  chunksDropped = 0;
  /** Visits of series, those that found nothing to do included. */
  readonly visits = { inMemory: 0, archived: 0 };
  archivedTotal = 0;
  unarchivedTotal = 0;
  distributions: Distributions | undefined;

  constructor(engine: Engine, recovered: Recovered, actor: StoreActor) {
    this.engine = engine;
    this.recovered = recovered;
    this.actor = actor;
    this.checkpointFrom = recovered.replayFrom;
    const { table, slab, chunks, cache, fileKeys, files, clock, logger, options, mapper, admission, seriesFiles } =
      engine;
    const { archived, archive, indexer, journal, bus } = recovered;
    this.memory = new Memory(engine, recovered);
    this.trustedClock = new TrustedClock(clock);
    this.retention = new Retention({
      timeMs: options.retentionMs,
      bytes: options.retentionBytes,
      now: () => this.trustedClock.now(),
    });
    this.reserve = new ReserveFile(engine.fileSystem, engine.journalDirectory);
    this.fileChanges = new FileChanges(journal, bus, clock);
    this.persister = new Persister({
      table,
      slab,
      chunks,
      cache,
      files,
      fileKeys,
      fileChanges: this.fileChanges,
      bus,
      clock,
      minShrinkRatio: options.minShrinkRatio,
      syncNow: () => this.syncsSeriesFiles(),
      onPersisted: (count) => {
        this.chunksPersisted += count;
        this.distributions?.seriesChunksPersisted.observe(count);
      },
    });
    this.lifecycle = new Lifecycle({
      table,
      chunks,
      cache,
      persister: this.persister,
      files,
      fileKeys,
      archived,
      indexer,
      journal,
      fileChanges: this.fileChanges,
      bus,
      clock,
      logger,
      beforeTime: () => (this.retention.isOn ? this.retention.beforeTime() : undefined),
      chunksInFile: (high, low) => seriesFiles.stat(high, low)?.chunks ?? 0,
      firstTimeInFile: (high, low) => seriesFiles.loadDescriptors(high, low).firstTimes[0] ?? EARLIEST,
      onDiskTrouble: (error) => {
        this.persistErrors++;
        this.noteTrouble('A series file could not be changed.', error);
      },
      onArchived: () => {
        this.archivedTotal++;
      },
      onUnarchived: () => {
        this.unarchivedTotal++;
      },
    });
    this.actors = new SeriesActors({
      rows: this.lifecycle,
      effects: this.lifecycle,
      inspection: engine.inspection,
      onError: (row, error) => logger.error({ err: error, row }, 'A series actor failed; its series is at rest again.'),
    });
    this.lifecycle.actors = this.actors;
    this.directory = new SeriesDirectory({
      table,
      mapper,
      archive,
      archived,
      indexer,
      bus,
      clock,
      wake: (high, low, pairs) => this.lifecycle.wakeForSample(high, low, pairs),
      makeWritable: (row) => this.lifecycle.makeWritable(row),
    });
    this.ingest = new Ingest({
      table,
      chunks,
      directory: this.directory,
      journal,
      admission,
      commitEach: options.durability === 'always',
    });
    this.checkpointer = new Checkpointer({
      table,
      slab,
      chunks,
      fileChanges: this.fileChanges,
      files,
      fileSystem: engine.fileSystem,
      directory: engine.directory,
      indexer,
      journal,
      bus,
      clock,
    });
    this.reader = new SeriesReader({
      table,
      slab,
      chunks,
      cache,
      files,
      fileKeys,
      onDamage: (high, low, error) => this.reportDamage(high, low, error.message),
      onLoaded: () => this.memory.evictOverTarget(),
    });
    this.damageReports = new DamageReports({
      room: () => this.room(),
      pass: ({ high, low, reason }) => this.quarantine(high, low, reason),
      onError: (error) => logger.error({ err: error }, 'A damaged series could not be quarantined.'),
    });
    bus.listen(
      (event) => {
        const { type } = event;
        if (type === 'seriesQuarantined') this.quarantinedCount++;
        else this.freedCount++;
        if (type === 'chunksDropped') this.chunksDropped += event.chunks;
      },
      ['seriesQuarantined', 'chunksDropped', 'seriesPurged'],
    );
    this.queries = new Queries({
      table,
      labels: recovered.labels,
      archive,
      archived,
      indexer,
      reader: this.reader,
      clock,
      visibleFrom: () =>
        options.retentionMs === Infinity ? Number.NEGATIVE_INFINITY : this.trustedClock.now() - options.retentionMs,
      assertOpen: () => {
        if (!actor.getSnapshot().hasTag('running')) throw admission.error();
      },
    });
    this.visitParts = {
      table,
      chunks,
      cache,
      headChunkTimeoutMs: options.headChunkTimeoutMs,
      beforeTime: () => this.retention.beforeTime(),
      now: () => this.trustedClock.now(),
    };
    // A loop of appends that never yields lets no timer run: what the timer does has to be done from within.
    chunks.onChunksStarted = () => {
      this.memory.evictOverTarget();
      this.measurePressure();
    };
  }

  /** Puts what the statechart says into what the append path reads. */
  applyAdmission(): void {
    const { admission } = this.engine;
    const snapshot = this.actor.getSnapshot();
    switch (admissionOf(snapshot)) {
      case 'open':
        if (admission.refusal !== undefined) admission.open();
        return;
      case 'throttled':
        admission.refuse(
          'TIDEMARK_THROTTLED',
          'too many chunks wait to be written to the disk; await store.ready() and append again',
        );
        return;
      case 'readOnly':
        if (snapshot.context.openedReadOnly)
          admission.end('TIDEMARK_READ_ONLY', 'the store was opened with readOnly: true');
        else
          admission.refuse(
            this.troubleCode,
            `the disk refuses writes: ${snapshot.context.reason}; await store.ready()`,
            this.trouble,
          );
        return;
      case 'closed':
        admission.end('TIDEMARK_CLOSED', 'the store is closed');
    }
  }

  private trouble: unknown;
  private get troubleCode(): 'TIDEMARK_DISK_FULL' | 'TIDEMARK_IO' {
    return isDiskFull(this.trouble) ? 'TIDEMARK_DISK_FULL' : 'TIDEMARK_IO';
  }

  /** Makes everything appended so far durable. */
  async commit(): Promise<void> {
    const { clock } = this.engine;
    const started = clock.monotonic();
    await this.recovered.journal.commit();
    this.distributions?.commitDuration.observe((clock.monotonic() - started) / 1000);
  }

  /** Something failed in the background: said, and when it is the disk's doing, the store waits for the disk. */
  noteTrouble(message: string, error: unknown): void {
    this.engine.logger.warn({ err: error }, message);
    if (!isDiskTrouble(error)) return;
    this.trouble = error;
    this.actor.send({ type: 'diskTrouble', reason: error instanceof Error ? error.message : String(error) });
  }

  /**
   * The store has turned read-only: what the disk refused is tried again with the reserve given back, so that nothing
   * taken waits longer than it must, and retention has room to free more.
   */
  async makeRoom(): Promise<void> {
    try {
      if (isDiskFull(this.trouble)) this.reserve.release();
      const { journal } = this.recovered;
      if (!journal.writable) await journal.retry();
    } catch (error) {
      this.engine.logger.debug({ err: error }, 'The disk still refuses.');
    }
  }

  /**
   * Resolves if the disk takes what waits and there is room for the reserve again; the statechart's probe. What was taken
   * comes first: it may use the reserve, too.
   */
  async probeDisk(): Promise<void> {
    const { journal } = this.recovered;
    if (!journal.writable) {
      if (isDiskFull(journal.error)) this.reserve.release();
      await journal.retry();
    } else {
      await journal.commit();
    }
    await this.reserve.hold(() => this.engine.clock.breathe());
  }

  /** Samples are refused because of the disk; only what frees space is still done. */
  private get isWaitingForDisk(): boolean {
    return this.actor.getSnapshot().hasTag('readOnly');
  }

  /** Somebody has found a series damaged. */
  reportDamage(high: number, low: number, reason: string): void {
    if (!this.engine.options.readOnly) this.damageReports.add({ high, low, reason });
    else this.engine.logger.warn({ fingerprint: fingerprintText(high, low), reason }, 'A series is damaged.');
  }

  private quarantine(high: number, low: number, reason: string): void {
    const { table } = this.engine;
    const row = table.findFingerprint(high, low);
    const pairs = row === NO_ROW ? this.directory.archivedPairs(high, low) : table.labels[row];
    if (pairs === undefined) return;
    this.actors.send(row === NO_ROW ? this.lifecycle.borrow(high, low, pairs) : row, { type: 'damage', reason });
  }

  urgency(): Urgency {
    return { score: this.memory.score, rushed: this.actor.getSnapshot().hasTag('rushed') };
  }

  measurePressure(): void {
    this.actor.send({ type: 'pressureMeasured', score: this.memory.score });
  }

  private syncsSeriesFiles(): boolean {
    const { syncSeriesFiles } = this.engine.options;
    if (syncSeriesFiles !== 'adaptive') return syncSeriesFiles === 'always';
    return !this.actor.getSnapshot().hasTag('rushed');
  }

  private get hasRoom(): boolean {
    const { indexer } = this.recovered;
    return this.actors.hasRoom && indexer.queued < indexer.capacity;
  }

  /** Resolves when another series may change: calls and index operations that wait are bounded. */
  async room(): Promise<void> {
    const { indexer } = this.recovered;
    await this.actors.room();
    if (indexer.queued >= indexer.capacity) await indexer.flush();
  }

  /** One visit of each row: what its statechart decides is done when this resolves, calls included in part. */
  async visitRows(rows: readonly Row[]): Promise<void> {
    const { table, clock } = this.engine;
    const started = clock.monotonic();
    let sliceEnd = started + SLICE_MS;
    let visited = 0;
    for (const row of rows) {
      if (++visited % VISITS_PER_LOOK === 0 && clock.monotonic() >= sliceEnd) {
        await clock.breathe();
        sliceEnd = clock.monotonic() + SLICE_MS;
      }
      // A series at rest is looked at in less time than waiting for nothing would take.
      if (!this.hasRoom) await this.room();
      // From here to the sending nothing awaits: what the facts say is so when the statechart decides.
      if (!table.isLive(row)) continue;
      this.visits.inMemory++;
      const code = table.stateCode(row);
      if (phaseOfCode(code) === 'persisting' || ENDED.has(code)) continue;
      const facts = code === IN_MEMORY ? visitFacts(this.visitParts, row) : factsOf(this.visitParts, row);
      if (facts === undefined) continue;
      const freesSpace = facts.droppable || phaseOfCode(code) === 'purged';
      if (this.isWaitingForDisk && !freesSpace) continue;
      this.actors.send(row, { type: 'maintain', facts });
    }
    this.tellFreed();
    this.distributions?.maintenanceBatchDuration.observe({ location: 'memory' }, (clock.monotonic() - started) / 1000);
  }

  /** Visits archived series for retention, without waking them. */
  async visitArchived(slots: readonly number[]): Promise<void> {
    const { archived } = this.recovered;
    const { clock, table } = this.engine;
    const started = clock.monotonic();
    const beforeTime = this.retention.beforeTime();
    for (const slot of slots) {
      const high = archived.highAt(slot);
      const low = archived.lowAt(slot);
      this.visits.archived++;
      if (!archived.isDroppable(high, low, beforeTime)) continue;
      await this.room();
      const pairs = this.directory.archivedPairs(high, low);
      if (pairs === undefined || !archived.has(high, low)) continue;
      const found = table.findFingerprint(high, low);
      const row = found === NO_ROW ? this.lifecycle.borrow(high, low, pairs) : found;
      this.actors.send(row, { type: 'maintain', facts: { ...factsOf(this.visitParts, row), droppable: true } });
    }
    this.tellFreed();
    this.distributions?.maintenanceBatchDuration.observe(
      { location: 'archived' },
      (clock.monotonic() - started) / 1000,
    );
  }

  /** Every series once, those in memory and the archived ones; resolves when what was decided is done. */
  async visitAll(): Promise<void> {
    const { table } = this.engine;
    const { archived } = this.recovered;
    await this.visitRows(Array.from({ length: table.size }, (_, row) => row));
    await this.actors.allSettled();
    const slots: number[] = [];
    for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1)) slots.push(slot);
    await this.visitArchived(slots);
    await this.actors.allSettled();
    this.tellFreed();
  }

  /** While the store waits for space, what retention has freed is a reason to probe the disk at once. */
  private tellFreed(): void {
    if (this.freedCount === this.freedKnown) return;
    this.freedKnown = this.freedCount;
    if (this.isWaitingForDisk) this.actor.send({ type: 'diskFreed' });
  }

  /** One checkpoint at a time, and none while a backup holds them off. Call the result to let go. */
  holdCheckpoints(): Promise<() => void> {
    return this.checkpointTurn.acquire('checkpoint');
  }

  /** Writes a checkpoint when its turn comes. Rejects with an error of the store's. */
  async writeCheckpointInTurn(final: boolean): Promise<CheckpointResult> {
    const release = await this.holdCheckpoints();
    try {
      return await this.writeCheckpoint(final);
    } catch (error) {
      throw storeError(error, 'write', 'the checkpoint');
    } finally {
      release();
    }
  }

  /** Writes a checkpoint, then lets go of the journal that it makes unnecessary. Whoever calls it has the turn. */
  async writeCheckpoint(final: boolean, { keepJournal = false } = {}): Promise<CheckpointResult> {
    const { clock } = this.engine;
    const { bus, indexer, journal } = this.recovered;
    const result = await this.checkpointer.write(final);
    this.checkpoints++;
    this.lastCheckpoint = { endedAt: clock.monotonic(), durationMs: result.durationMs, bytes: result.bytes };
    this.distributions?.checkpointDuration.observe(result.durationMs / 1000);
    this.distributions?.checkpointChunksWritten.observe(result.chunks);
    const { from, series, chunks, bytes, durationMs } = result;
    bus.publish({ type: 'checkpointWritten', time: clock.now(), from, series, chunks, bytes, durationMs });
    this.checkpointFrom = from;
    if (keepJournal) return result;
    try {
      // So that a journal never goes as a whole: one without any record is one that somebody deleted.
      await journal.commit();
      await this.truncateJournal(from, Math.max(from, indexer.position ?? from, journal.first));
    } catch (error) {
      // The checkpoint is in place all the same; what is unnecessary now goes with the next one.
      this.noteTrouble('The journal could not be shortened.', storeError(error, 'shorten', 'the journal'));
    }
    return result;
  }

  private async truncateJournal(checkpoint: number, indexes: number): Promise<void> {
    const { journal, bus } = this.recovered;
    const { subscriptions } = this;
    const { options } = this.engine;
    const plan = planTruncation({
      segmentStarts: journal.segments().map(({ start }) => start),
      end: journal.end,
      checkpoint,
      indexes,
      subscriptions: subscriptions.list(),
      // Where the directory is limited, no sample goes for the sake of a subscriber.
      subscriptionBacklogBytes: Math.min(options.subscriptionBacklogBytes, options.retentionBytes / 4),
    });
    for (const event of await subscriptions.overrun(plan.overruns)) bus.publish(event);
    await journal.truncateBefore(plan.before);
  }

  /**
   * Retention by bytes: adds up the directory, and while it is too large moves the limit a step and drops what that
   * makes old, before it is measured again. What a checkpoint can free of the journal is freed first, and what lies in
   * quarantine does not count: no sample must go for the sake of either.
   */
  async applySizeLimit(): Promise<void> {
    const { options } = this.engine;
    let bytes = await this.sizeUnderRetention();
    const replayable = this.recovered.journal.end - this.checkpointFrom;
    if (bytes > options.retentionBytes && replayable > options.retentionBytes * JOURNAL_SHARE) {
      await this.writeCheckpointInTurn(false);
      bytes = await this.sizeUnderRetention();
    }
    if (this.retention.noteSize(bytes, this.oldestTime())) await this.visitAll();
  }

  private async sizeUnderRetention(): Promise<number> {
    const { fileSystem, directory, clock } = this.engine;
    const { total, quarantine } = await directorySizes(fileSystem, directory, () => clock.breathe());
    return total - quarantine;
  }

  /** Time of the oldest sample that is known; EARLIEST in an empty store. */
  oldestTime(): number {
    const { table, chunks } = this.engine;
    const { archived } = this.recovered;
    let oldest = Number.POSITIVE_INFINITY;
    for (const row of table.rows()) {
      const first = chunks.firstTimeOfSeries(row);
      if (first !== EARLIEST && first < oldest) oldest = first;
    }
    for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1)) {
      oldest = Math.min(oldest, archived.firstTimeAt(slot));
    }
    return oldest === Number.POSITIVE_INFINITY ? EARLIEST : oldest;
  }

  /** Time of the newest sample; EARLIEST in an empty store. */
  newestTime(): number {
    const { table } = this.engine;
    const { archived } = this.recovered;
    let newest = EARLIEST;
    for (const row of table.rows()) newest = Math.max(newest, table.lastTime(row));
    for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1)) {
      newest = Math.max(newest, archived.lastTimeAt(slot));
    }
    return newest;
  }

  /** Series per state of the series statechart, as users know them. */
  stateCounts(): Readonly<Record<'inMemory' | 'persisting' | 'archived' | 'quarantined', number>> {
    const persisting = this.actors.busy;
    return {
      // Series that are being isolated are busy and no longer in the table.
      inMemory: Math.max(0, this.engine.table.live - persisting),
      persisting,
      archived: this.recovered.archived.size,
      quarantined: this.quarantinedCount,
    };
  }

  /** Where a series is in its life. */
  stateOf(pairs: LabelPairs): SeriesState {
    const { table } = this.engine;
    const row = table.findPairs(pairs);
    if (row !== NO_ROW) return phaseOfCode(table.stateCode(row));
    const { high, low } = this.directory.fingerprintOf(pairs);
    return this.recovered.archived.has(high, low) ? 'archived' : 'absent';
  }

  /** Passes inspection events on, of the store's actor and of every series'. */
  inspect(observer: (event: InspectionEvent) => void): () => void {
    return this.engine.inspection.observe(observer);
  }
}
