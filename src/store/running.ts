/**
 * A recovered store at work: it wires the parts that appends, queries and maintenance use. The public object is in
 * src/store/store.ts, the background work in background.ts.
 */
import type { InspectionEvent } from 'xstate';
import { phaseOfCode } from '../../machines/series-states.ts';
import { isRunning } from '../../machines/store.machine.ts';
import type { Urgency } from '../../streams/maintenance-sweep.ts';
import type { SeriesState } from '../api/api.ts';
import { isCorruptIndex } from '../indexes/replaceable-store.ts';
import { TidemarkError } from '../model/errors.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import { EARLIEST } from '../model/int64.ts';
import type { LabelPairs } from '../model/labels.ts';
import { Queries } from '../query/queries.ts';
import { SeriesReader } from '../query/read-series.ts';
import { Checkpointer } from '../recovery/checkpointer.ts';
import { ActorRows } from '../series/actor-rows.ts';
import { SeriesActors } from '../series/actors.ts';
import { Archiving } from '../series/archiving.ts';
import { seriesEffects } from '../series/effects.ts';
import { FileChanges } from '../series/file-changes.ts';
import { Ingest } from '../series/ingest.ts';
import { Isolation } from '../series/isolation.ts';
import { Persister } from '../series/persister.ts';
import { Purging } from '../series/purging.ts';
import { SeriesDirectory } from '../series/series-lookup.ts';
import { NO_ROW, type Row } from '../series/table.ts';
import { Waking } from '../series/waking.ts';
import type { Subscriptions } from '../subscriptions/subscriptions.ts';
import { Checkpoints } from './checkpoints.ts';
import { DamageReports } from './damage-reports.ts';
import { DiskGuard } from './disk-guard.ts';
import type { Engine, StoreActor } from './engine.ts';
import { IndexMender } from './index-mender.ts';
import { JournalAudit } from './journal-audit.ts';
import { Memory } from './memory.ts';
import type { Distributions } from './metrics/catalogue.ts';
import type { Recovered } from './recovered.ts';
import { Retention } from './retention.ts';
import { TrustedClock } from './trusted-clock.ts';
import { Visits } from './visits.ts';

export class Running {
  readonly engine: Engine;
  readonly recovered: Recovered;
  readonly actor: StoreActor;
  readonly rows: ActorRows;
  readonly archiving: Archiving;
  readonly isolation: Isolation;
  readonly purging: Purging;
  readonly waking: Waking;
  readonly actors: SeriesActors;
  readonly directory: SeriesDirectory;
  readonly ingest: Ingest;
  readonly persister: Persister;
  readonly fileChanges: FileChanges;
  readonly disk: DiskGuard;
  readonly checkpoints: Checkpoints;
  readonly visits: Visits;
  readonly reader: SeriesReader;
  readonly queries: Queries;
  readonly trustedClock: TrustedClock;
  readonly retention: Retention;
  readonly memory: Memory;
  readonly damageReports: DamageReports;
  readonly mender: IndexMender;
  readonly journalAudit: JournalAudit;
  subscriptions!: Subscriptions;
  /** Number of series in quarantine. */
  quarantinedCount = 0;
  persistErrors = 0;
  /** Bytes of decoded checksum files in memory, as of the last checkpoint. */
  checksumCacheBytes = 0;
  chunksPersisted = 0;
  chunksDropped = 0;
  distributions: Distributions | undefined;

  constructor(engine: Engine, recovered: Recovered, actor: StoreActor) {
    this.engine = engine;
    this.recovered = recovered;
    this.actor = actor;
    const { table, slab, chunks, cache, fileKeys, files, clock, logger, options, mapper, admission, seriesFiles } =
      engine;
    const { archived, archive, indexer, journal, bus } = recovered;
    this.memory = new Memory(engine, recovered);
    this.mender = new IndexMender(engine, recovered);
    this.journalAudit = new JournalAudit(engine, recovered);
    this.trustedClock = new TrustedClock(clock, {
      doubt: () => {
        const snapshot = actor.getSnapshot();
        // A user can reach the actor and send it a jump without a time.
        const { doubt = { offset: 0, since: 0 } } = snapshot.context;
        return snapshot.hasTag('clockDoubted') ? doubt : undefined;
      },
      send: (event) => actor.send(event),
    });
    const { limits } = engine.retention;
    this.retention = new Retention({
      ...limits,
      now: () => this.trustedClock.now(),
    });
    this.disk = new DiskGuard(engine, journal, actor);
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
    const memory = { table, slab, chunks, cache };
    const storage = { files, fileKeys, fileChanges: this.fileChanges };
    this.rows = new ActorRows({
      table,
      chunks,
      archived,
      journal,
      chunksInFile: (high, low) => seriesFiles.stat(high, low)?.chunks ?? 0,
    });
    this.archiving = new Archiving({
      ...memory,
      archived,
      indexer,
      bus,
      clock,
      firstTimeInFile: (high, low) => seriesFiles.loadDescriptors(high, low).firstTimes[0] ?? EARLIEST,
    });
    this.isolation = new Isolation({ ...memory, ...storage, archived, indexer, bus, clock, logger });
    this.purging = new Purging({ ...memory, ...storage, archived, indexer, journal, bus, clock });
    this.actors = new SeriesActors({
      rows: this.rows,
      effects: seriesEffects({
        ...memory,
        archived,
        persister: this.persister,
        archiving: this.archiving,
        isolation: this.isolation,
        purging: this.purging,
        bus,
        clock,
        logger,
        beforeTime: () => (this.retention.isOn ? this.retention.beforeTime() : undefined),
        onDiskTrouble: (error) => {
          this.persistErrors++;
          this.disk.note('A series file could not be changed.', error);
        },
      }),
      inspection: engine.inspection,
      onError: (row, error) => logger.error({ err: error, row }, 'A series actor failed; its series is at rest again.'),
    });
    this.waking = new Waking({ table, rows: this.rows, actors: this.actors });
    this.directory = new SeriesDirectory({
      table,
      mapper,
      archive,
      archived,
      indexer,
      admission,
      bus,
      clock,
      wake: (high, low, pairs) => this.waking.wakeForSample(high, low, pairs),
      leavingPairs: (high, low) => this.isolation.leavingPairs(high, low),
      makeWritable: (row) => this.waking.makeWritable(row),
    });
    this.ingest = new Ingest({
      table,
      chunks,
      directory: this.directory,
      journal,
      admission,
      commitEach: options.durability === 'always',
      keptFrom: () => (this.retention.isOn ? this.retention.beforeTime() : Number.NEGATIVE_INFINITY),
    });
    const checkpointer = new Checkpointer(
      {
        table,
        slab,
        chunks,
        fileChanges: this.fileChanges,
        files,
        fileSystem: engine.fileSystem,
        directory: engine.directory,
        settleIndexes: () => this.settleIndexes(),
        journal,
        bus,
        clock,
        onChecksums: ({ findings, cachedBytes }) => {
          this.checksumCacheBytes = cachedBytes;
          for (const finding of findings) logger.warn({ finding }, 'Checksums of series files are damaged or lost.');
        },
      },
      recovered.exactHeads,
    );
    this.checkpoints = new Checkpoints({
      engine,
      recovered,
      checkpointer,
      disk: this.disk,
      subscriptions: () => this.subscriptions,
      distributions: () => this.distributions,
    });
    this.visits = new Visits({
      engine,
      recovered,
      actor,
      actors: this.actors,
      seriesRows: this.rows,
      directory: this.directory,
      retention: this.retention,
      trustedClock: this.trustedClock,
      disk: this.disk,
      distributions: () => this.distributions,
    });
    this.reader = new SeriesReader({
      table,
      slab,
      chunks,
      archived,
      cache,
      files,
      fileKeys,
      // Another process may rewrite files while a read-only store reads them.
      verification: options.readOnly && recovered.how !== 'clean' ? 'aligned' : 'all',
      addSums: !options.readOnly,
      onDamage: (high, low, error) => this.reportDamage(high, low, error.message),
      onLoaded: () => this.memory.evictOverTarget(),
      breathe: () => clock.breathe(),
    });
    this.damageReports = new DamageReports({
      room: () => this.visits.room(),
      pass: ({ high, low, reason }) => this.quarantine(high, low, reason),
      onError: (error) => logger.error({ err: error }, 'A damaged series could not be quarantined.'),
    });
    bus.listen(
      (event) => {
        const { type } = event;
        if (type === 'seriesQuarantined') this.quarantinedCount++;
        else this.visits.noteFreed();
        if (type === 'chunksDropped') this.chunksDropped += event.chunks;
      },
      ['seriesQuarantined', 'chunksDropped', 'seriesPurged'],
    );
    this.queries = new Queries({
      table,
      chunks,
      labels: recovered.labels,
      archive,
      archived,
      indexer,
      reader: this.reader,
      isJournalRefused: () => !journal.writable,
      mendIndexes: () => this.mender.mend(),
      clock,
      visibleFrom: () =>
        limits.timeMs === Infinity ? Number.NEGATIVE_INFINITY : this.trustedClock.now() - limits.timeMs,
      assertOpen: () => {
        if (!isRunning(actor.getSnapshot())) throw admission.error();
      },
    });
    // A loop of appends that never yields keeps timers from running, so this work is also done from within appends.
    chunks.onChunksStarted = () => {
      this.memory.evictOverTarget();
      this.measurePressure();
      this.ingest.noteTime();
    };
  }

  /** Makes all samples appended so far durable. */
  async commit(): Promise<void> {
    const { clock } = this.engine;
    const started = clock.monotonic();
    await this.recovered.journal.commit();
    this.distributions?.commitDuration.observe((clock.monotonic() - started) / 1000);
  }

  /**
   * Writes the waiting index operations. A damaged index that can't be rebuilt does not stop a checkpoint: LOST_INDEXES
   * names it, and the next opening rebuilds it.
   */
  private async settleIndexes(): Promise<void> {
    const { indexer } = this.recovered;
    try {
      await this.mender.during(() => indexer.flush());
    } catch (error) {
      if (!isCorruptIndex(error)) throw error;
      this.engine.logger.error({ err: error }, 'A damaged index could not be rebuilt; the next opening rebuilds it.');
    }
  }

  /** Called when a series is found damaged. */
  reportDamage(high: number, low: number, reason: string): void {
    if (!this.engine.options.readOnly) this.damageReports.add({ high, low, reason });
    else this.engine.logger.warn({ fingerprint: fingerprintText(high, low), reason }, 'A series is damaged.');
  }

  private quarantine(high: number, low: number, reason: string): void {
    const { table } = this.engine;
    // The file is already being moved. If the fingerprint is in use again, it belongs to a new series.
    if (this.isolation.leavingPairs(high, low) !== undefined) return;
    const row = table.findFingerprint(high, low);
    const pairs = row === NO_ROW ? this.directory.archivedPairs(high, low) : table.labels[row];
    // The series is neither in memory nor archived: it no longer exists.
    if (pairs === undefined) return;
    this.actors.send(row === NO_ROW ? this.rows.borrow(high, low, pairs) : row, { type: 'damage', reason });
  }

  /**
   * Called before a clean close: tries once more to move damaged files to quarantine and to delete files of dropped
   * series. If a file remains, the directory is not closed in order, and the next opening does this work.
   */
  async finishFiles(): Promise<void> {
    await this.actors.allSettled();
    for (const row of this.unfinishedRows) this.visits.again(row);
    await this.actors.allSettled();
    const { table } = this.engine;
    const fingerprints = this.unfinishedRows.map((row) => fingerprintText(table.high[row], table.low[row]));
    if (fingerprints.length === 0) return;
    throw new TidemarkError(
      'TIDEMARK_IO',
      `${fingerprints.length} series files could not be moved to quarantine, or deleted; nothing is lost, and the next ` +
        'opening does it',
      { details: { fingerprints } },
    );
  }

  private get unfinishedRows(): Row[] {
    return [...this.isolation.unfinishedRows, ...this.purging.unfinishedRows];
  }

  urgency(): Urgency {
    // While the disk refuses writes, a rushed sweep would only repeat refused writes.
    if (this.disk.isWaiting) return { score: 0, rushed: false };
    return { score: this.memory.score, rushed: this.actor.getSnapshot().hasTag('rushed') };
  }

  /**
   * Sends the score to the statechart if it has changed. The statechart depends on nothing else, so an unchanged score
   * would have no effect.
   */
  measurePressure(): void {
    const { score } = this.memory;
    if (score === this.actor.getSnapshot().context.score) return;
    this.actor.send({ type: 'pressureMeasured', score });
  }

  private syncsSeriesFiles(): boolean {
    const { syncSeriesFiles } = this.engine.options;
    if (syncSeriesFiles !== 'adaptive') return syncSeriesFiles === 'always';
    return !this.actor.getSnapshot().hasTag('rushed');
  }

  /** Number of series in each public state. */
  stateCounts(): Readonly<Record<'inMemory' | 'persisting' | 'archived' | 'quarantined', number>> {
    const persisting = this.actors.busy;
    return {
      // A series that is being isolated is busy but no longer in the table, so the difference could be negative.
      inMemory: Math.max(0, this.engine.table.live - persisting),
      persisting,
      archived: this.recovered.archived.size,
      quarantined: this.quarantinedCount,
    };
  }

  /** The public state of a series. */
  stateOf(pairs: LabelPairs): SeriesState {
    const { table } = this.engine;
    const row = table.findPairs(pairs);
    if (row !== NO_ROW) return phaseOfCode(table.stateCode(row));
    const { high, low } = this.directory.fingerprintOf(pairs);
    return this.recovered.archived.has(high, low) ? 'archived' : 'absent';
  }

  /** Passes the inspection events of the store's actor and of all series actors to the observer. */
  inspect(observer: (event: InspectionEvent) => void): () => void {
    return this.engine.inspection.observe(observer);
  }
}
