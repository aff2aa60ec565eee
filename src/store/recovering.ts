/**
 * Restores the content of an opened directory, in the steps of the store's statechart: `load` reads what is there and
 * plans; `replay` or `scan` follows if the plan says so; `settle` completes the recovered content.
 *
 *   created, clean   load ----------------------> settle
 *   replay           load -> replay ------------> settle
 *   scan             load -> scan (then journal)-> settle
 */
import { indexing } from '../../streams/indexing.ts';
import { Slices } from '../async/slices.ts';
import { removeHeadsSums } from '../disk/heads/heads-sums.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import { Indexer, type IndexingOperation } from '../indexes/indexer.ts';
import type { JournalWriter } from '../journal/write/journal-writer.ts';
import type { Position, SeriesQuarantined } from '../model/events.ts';
import { type FingerprintHalves, parseFingerprint } from '../model/fingerprint.ts';
import { toLabels } from '../model/labels.ts';
import { schedulerOf } from '../ports/clock-scheduler.ts';
import type { NamedSeries } from '../recovery/isolate-records.ts';
import { noteLostSeries } from '../recovery/lost-series.ts';
import type { ProgressReporter } from '../recovery/progress.ts';
import type { Problem } from '../recovery/reconcile-touched.ts';
import { howOpened, planRecovery, type RecoveryPlan } from '../recovery/recovery-plan.ts';
import { replayTail } from '../recovery/replay-tail.ts';
import {
  dropStaleArchiveEntries,
  learnMappings,
  lookUpUnknownFiles,
  settleSeriesFiles,
} from '../recovery/settle-content.ts';
import { EventBus } from '../series/event-bus.ts';
import { pairsOfRow } from '../series/row-identity.ts';
import { NO_ROW } from '../series/table.ts';
import { type Assessment, assess } from './assess.ts';
import { distrustLabelIndexes } from './distrust-labels.ts';
import type { Engine } from './engine.ts';
import type { Found } from './opening.ts';
import type { Recovered } from './recovered.ts';

/** Capacity of the indexing queue. New series are refused while it is full. */
const INDEXING_CAPACITY = 1 << 18;

/** The step `load`: assesses the directory, plans, and prepares what the plan needs. */
export const loadContent = async (engine: Engine, found: Found, progress: ProgressReporter): Promise<Recovery> => {
  // The original has changed series files without updating their checksums.
  if (found.predecessor === 'other') {
    engine.seriesFiles.discardChecksums();
    removeHeadsSums(engine.fileSystem, engine.directory);
  }
  const assessment = await assess(engine, found, progress);
  const plan = planRecovery(assessment.findings);
  const isIsolating = plan.kind === 'scan' && plan.isolateRecords;
  const isolated = isIsolating ? await isolateRecords(engine, found, assessment) : [];
  const indexer = indexerOf(engine, assessment);
  // Suspended before the first operation: the first batch gives the indexes a position even if earlier operations are
  // missing from them.
  if (plan.rebuildLabels) distrustLabelIndexes(engine, indexer);
  if (!assessment.ownHeads) for (const row of engine.table.rows()) engine.chunks.closeUnfaithfulHead(row);
  return new Recovery({ engine, found, progress, assessment, plan, isolated, indexer });
};

const isolateRecords = async (
  engine: Engine,
  { lastClose }: Found,
  { indexes, heads, sessionHeads }: Assessment,
): Promise<NamedSeries[]> => {
  const { isolateDamagedRecords } = await import('../recovery/isolate-records.ts');
  const { clock } = engine;
  const slices = new Slices(clock);
  const pause = (): Promise<void> | undefined => (slices.isOver ? slices.breathe() : undefined);
  const parts = { ...engine, labels: indexes.labels, pause, breathe: () => clock.breathe() };
  return isolateDamagedRecords(parts, { heads, expected: lastClose?.heads ?? sessionHeads });
};

const indexerOf = (engine: Engine, { indexes, journal }: Assessment): Indexer => {
  const { clock, logger } = engine;
  return new Indexer({
    labels: indexes.labels,
    archive: indexes.archive,
    clock,
    commitJournal: () => journal.commit(),
    batching: (batchOptions) => indexing({ ...batchOptions, scheduler: schedulerOf(clock) }),
    capacity: INDEXING_CAPACITY,
    onBatch: (batch) => engine.onIndexBatch(batch),
    onError: (error) => logger.warn({ err: error }, 'The indexes could not be written; the batch is tried again.'),
  });
};

interface RecoveryParts {
  readonly engine: Engine;
  readonly found: Found;
  readonly progress: ProgressReporter;
  readonly assessment: Assessment;
  readonly plan: RecoveryPlan;
  /** Series of damaged records of the checkpoint. The scan finds their samples, the journal has no labels for them. */
  readonly isolated: readonly NamedSeries[];
  readonly indexer: Indexer;
}

/** Carries out a plan. */
export class Recovery {
  private readonly parts: RecoveryParts;
  private readonly bus: EventBus;
  private readonly damaged: Problem[];
  private readonly afterCheckpoint: IndexingOperation[] = [];

  constructor(parts: RecoveryParts) {
    this.parts = parts;
    this.bus = new EventBus(parts.assessment.journal);
    this.damaged = [...parts.assessment.problems];
  }

  get plan(): RecoveryPlan {
    return this.parts.plan;
  }

  /** To be closed when the opening ends before it has settled: its timer must not outlive the opening. */
  get indexer(): Indexer {
    return this.parts.indexer;
  }

  /** To be closed after the indexer. It has the index operations that were not written. */
  get journal(): JournalWriter {
    return this.parts.assessment.journal;
  }

  /** The step `replay`: replays the journal over the checkpoint. */
  async replay(): Promise<void> {
    const { plan } = this.parts;
    if (plan.kind === 'replay') await this.replayFrom(plan.from);
  }

  /** The step `scan`: examines all series files, then adds what the journal has. */
  async scan(): Promise<void> {
    const { engine, found, progress, assessment, plan } = this.parts;
    if (plan.kind !== 'scan') return;
    // It is not known here which files were changed after their checksums were written.
    engine.seriesFiles.discardChecksums();
    const { heads, indexes, journal } = assessment;
    const isForeign = found.predecessor === 'other';
    const { recoverFromCrash } = await import('../recovery/crash-recovery.ts');
    const { after, reason } = plan;
    const replay = after.kind === 'replay' ? { ...after, end: journal.end } : undefined;
    const result = await recoverFromCrash({ ...engine, ...indexes, progress, heads, isForeign, reason, replay });
    this.afterCheckpoint.push(...result.afterCheckpoint);
    this.damaged.push(...result.damaged);
    if (after.kind === 'addFromJournal') await this.addFrom(after.from);
    if (after.kind === 'replay') {
      this.addIsolated();
      await this.replayFrom(after.from);
    }
    if (heads.status !== 'ok') {
      const { labels, archived } = indexes;
      await noteLostSeries({ ...engine, labels, archived, breathe: () => engine.clock.breathe() });
    }
    for (const event of result.quarantined) this.publishQuarantined(event);
  }

  /**
   * The series may have samples in memory from the journal. They are a new series then, which the next replay must find:
   * it may begin at a checkpoint in which these samples are in a new file.
   */
  private publishQuarantined(event: SeriesQuarantined): void {
    const { table } = this.parts.engine;
    const { high, low } = parseFingerprint(event.fingerprint) as FingerprintHalves;
    const row = table.findFingerprint(high, low);
    this.bus.publish({ ...event, hasSuccessor: row !== NO_ROW });
    if (row === NO_ROW) return;
    const { time, fingerprint } = event;
    this.bus.publish({ type: 'seriesCreated', time, fingerprint, labels: toLabels(pairsOfRow(table, row)) });
  }

  /** The step `settle`: what every plan ends with. Resolves to the parts of the store that now has its content. */
  async settle(): Promise<Recovered> {
    const { engine, found, progress, assessment, plan, indexer } = this.parts;
    const { databases, predecessor } = found;
    const { indexes, journal, heads, onFinding } = assessment;
    const { labels, archive, archived } = indexes;
    const { table, seriesFiles, logger } = engine;
    let merged = 0;
    if (plan.kind === 'clean' && plan.settleOrder) {
      const { settleOrder } = await import('../recovery/settle-order.ts');
      const onProgress = (done: number, total: number): void => progress.report('series files', done, total);
      merged = await settleOrder({ ...engine, archived, indexer, onProgress });
      if (merged > 0)
        logger.warn(
          { finding: 'merged', series: merged },
          'Chunks of series overlapped; their samples are in order now.',
        );
    }
    settleSeriesFiles(seriesFiles, logger);
    if (plan.kind !== 'scan') await lookUpUnknownFiles(table, seriesFiles, engine.clock);
    await dropStaleArchiveEntries(table, archived, indexer);
    await learnMappings({ ...engine, archive, indexer });
    const isExact = plan.kind !== 'scan' && plan.kind !== 'replay' && assessment.ownHeads && merged === 0;
    return {
      databases,
      journal,
      bus: this.bus,
      labels,
      archive,
      archived,
      indexer,
      how: howOpened(plan, predecessor),
      heads,
      exactHeads: isExact ? assessment.exactHeads : undefined,
      damaged: this.damaged,
      replayFrom: plan.kind === 'replay' ? plan.from : journal.end,
      needsCheckpoint: plan.kind === 'scan' || merged > 0,
      // A series that was archived again according to the journal stays in the archive.
      afterCheckpoint: this.afterCheckpoint.filter((operation) => !isArchivedAgain(operation, archived)),
      needsLabels: plan.rebuildLabels,
      onFinding,
    };
  }

  private async replayFrom(from: Position): Promise<void> {
    const { engine, progress, assessment, plan, indexer } = this.parts;
    const { journal, indexes, onFinding } = assessment;
    const { archive, archived } = indexes;
    const damaged = await replayTail(
      {
        ...engine,
        files: engine.seriesFiles,
        readOnly: engine.options.readOnly,
        archive,
        archived,
        indexer,
        publish: (event) => this.bus.publish(event),
        onFinding,
        progress,
      },
      { from, end: journal.end, isAfterScan: plan.kind === 'scan', damaged: this.damaged },
    );
    this.damaged.push(...damaged);
  }

  private async addFrom(from: Position): Promise<void> {
    const { engine, progress, assessment } = this.parts;
    const { journal, indexes, onFinding } = assessment;
    const { archive, archived } = indexes;
    const { addFromJournal } = await import('../recovery/overtaken-journal.ts');
    const result = await addFromJournal(
      {
        ...engine,
        directory: engine.journalDirectory,
        archive,
        archived,
        afterCheckpoint: (operation) => this.afterCheckpoint.push(operation),
        onFinding,
        onProgress: (done, total) => progress.report('journal', done, total, done),
      },
      from,
      journal.end,
    );
    engine.logger.warn({ ...result }, 'Samples that only the journal had were added.');
  }

  /**
   * Adds the series of the isolated records. The journal's tail has samples of these series, but not their labels. The
   * end of the replay removes a series that gets no sample.
   */
  private addIsolated(): void {
    const { table } = this.parts.engine;
    const { archived } = this.parts.assessment.indexes;
    for (const { high, low, pairs } of this.parts.isolated) {
      const isKnown = table.findFingerprint(high, low) !== NO_ROW || archived.has(high, low);
      if (!isKnown && table.findPairs(pairs) === NO_ROW) table.add(high, low, pairs);
    }
  }
}

const isArchivedAgain = (operation: IndexingOperation, archived: ArchiveDirectory): boolean =>
  operation.type === 'unarchive' && archived.has(operation.high, operation.low);
