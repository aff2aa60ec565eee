/**
 * Composes the running store from the engine and what recovery has handed over: a list of steps, each of which uses only
 * the parts of the steps before it. No part is replaced later. These callbacks are set after their part was made:
 *
 *   chunks.onChunksStarted       at the end of this file
 *   databases[…].onDamage        by the constructor of IndexMender
 *   indexer.onLevelChanged       by Background, from its start until it is stopped
 *   engine.onJournalError        by Session, when the store runs
 *   engine.onIndexBatch          with the metrics, in metrics/readings.ts
 *   ingest.listener              by the store object, while samples are watched
 */
import { isRunning } from '../../machines/store.machine.ts';
import { isCorruptIndex } from '../indexes/replaceable-store.ts';
import { Queries } from '../query/queries.ts';
import { SeriesReader } from '../query/read-series.ts';
import { Checkpointer } from '../recovery/checkpointer.ts';
import { DecodedChunks } from '../series/decoded-chunks.ts';
import { FileChanges } from '../series/file-changes.ts';
import { LabelObjects } from '../series/label-objects.ts';
import { Subscriptions } from '../subscriptions/subscriptions.ts';
import { Checkpoints } from './checkpoints.ts';
import { composeSeries } from './compose-series.ts';
import { Counts } from './counts.ts';
import { DiskGuard } from './disk-guard.ts';
import type { Engine, StoreActor } from './engine.ts';
import { finishFiles } from './finish-files.ts';
import { IndexMender } from './index-mender.ts';
import { JournalAudit } from './journal-audit.ts';
import { Memory } from './memory.ts';
import { NotedSequences } from './noted-sequences.ts';
import { Pressure } from './pressure.ts';
import { lastTimeOf, stateCounts, stateOf } from './public-states.ts';
import { quarantineDamaged } from './quarantine-damaged.ts';
import type { Recovered } from './recovered.ts';
import { Retention } from './retention.ts';
import type { Running } from './running.ts';
import { TrustedClock } from './trusted-clock.ts';
import { Visits } from './visits.ts';

/**
 * Decoded chunks may take this share of the memory target, and no more than these bytes; label objects that are kept may
 * take as much again.
 */
const QUERY_CACHE_SHARE = 1 / 16;
const QUERY_CACHE_BYTES_MAX = 32 * 1024 * 1024;

export const compose = (engine: Engine, recovered: Recovered, actor: StoreActor): Running => {
  const { table, slab, chunks, cache, late, erased, files, fileKeys, clock, turn, logger, options, admission } = engine;
  const { archived, journal, bus } = recovered;
  const seriesMemory = { table, slab, chunks, cache, late, erased };
  const storage = { files, fileKeys, fileChanges: new FileChanges(journal, bus, clock) };
  const counts = new Counts();

  // What the store measures and obeys.
  const trustedClock = new TrustedClock(clock, {
    doubt: () => {
      const snapshot = actor.getSnapshot();
      // A user can reach the actor and send it a jump without a time.
      const { doubt = { offset: 0, since: 0 } } = snapshot.context;
      return snapshot.hasTag('clockDoubted') ? doubt : undefined;
    },
    send: (event) => actor.send(event),
  });
  const { limits } = engine.retention;
  const retention = new Retention({ limits, now: () => trustedClock.now() });
  const cacheBytesMax = Math.min(QUERY_CACHE_BYTES_MAX, options.memoryTarget * QUERY_CACHE_SHARE);
  const decoded = new DecodedChunks(slab, cacheBytesMax);
  const labelObjects = new LabelObjects(table, cacheBytesMax);
  const memory = new Memory(engine, recovered, decoded, labelObjects);
  const disk = new DiskGuard(engine, journal, actor);
  const pressure = new Pressure({ memory, disk, actor, syncSeriesFiles: options.syncSeriesFiles });

  // What watches the indexes and the journal.
  const mender = new IndexMender(engine, recovered);
  const journalAudit = new JournalAudit(engine, recovered);
  const subscriptions = new Subscriptions({ ...engine, directory: engine.journalDirectory, journal });

  const series = composeSeries({ engine, recovered, seriesMemory, storage, retention, disk, pressure, counts });
  const { rows, actors, isolation, directory, ingest, merging } = series;

  // What goes on in the background.
  const noted = new NotedSequences(engine, recovered);
  const checkpointer = new Checkpointer(
    {
      ...seriesMemory,
      ...storage,
      fileSystem: engine.fileSystem,
      directory: engine.directory,
      settleIndexes: () => settleIndexes(engine, recovered, mender),
      noteIndexes: () => noted.note(),
      journal,
      bus,
      clock,
      onChecksums: ({ findings, cachedBytes }) => {
        counts.checksumCacheBytes = cachedBytes;
        for (const finding of findings) logger.warn({ finding }, 'Checksums of series files are damaged or lost.');
      },
    },
    recovered.exactHeads,
  );
  const checkpoints = new Checkpoints({
    engine,
    recovered,
    actor,
    checkpointer,
    disk,
    subscriptions,
    counts,
  });
  const visits = new Visits({
    engine,
    recovered,
    actor,
    actors,
    seriesRows: rows,
    directory,
    merging,
    retention,
    trustedClock,
    disk,
    counts,
  });
  const damaged = quarantineDamaged({
    table,
    rows,
    actors,
    isolation,
    directory,
    logger,
    readOnly: options.readOnly,
    room: () => visits.room(),
  });

  // What answers queries.
  const reader = new SeriesReader({
    ...seriesMemory,
    decoded,
    ...storage,
    archived,
    // Another process may rewrite files while a read-only store reads them.
    ownsFiles: !options.readOnly,
    verification: options.readOnly && recovered.how !== 'clean' ? 'aligned' : 'all',
    addSums: !options.readOnly,
    onDamage: (high, low, error) => damaged.report(high, low, error.message),
    onLoaded: () => memory.evictOverTarget(),
    turn,
  });
  const queries = new Queries({
    ...recovered,
    table,
    chunks,
    late,
    isLastTimeBound: (row) => merging.isLastTimeBound(row),
    reader,
    labelObjects,
    isJournalRefused: () => !journal.writable,
    mendIndexes: () => mender.mend(),
    clock,
    turn,
    visibleFrom: () => retention.earliestVisible(),
    visibleFromOf: retention.hasRules ? (pairs) => retention.visibleFrom(retention.classes.classOf(pairs)) : undefined,
    assertOpen: () => {
      if (!isRunning(actor.getSnapshot())) throw admission.error();
    },
  });

  // What parts are told of each other.
  bus.listen(
    (event) => {
      const { type } = event;
      if (type === 'seriesQuarantined') counts.quarantined++;
      else visits.noteFreed();
      if (type === 'chunksDropped') counts.chunksDropped += event.chunks;
    },
    ['seriesQuarantined', 'chunksDropped', 'seriesPurged'],
  );
  // A loop of appends that never yields keeps timers from running, so this work is also done from within appends.
  chunks.onChunksStarted = () => {
    memory.evictOverTarget();
    pressure.measure();
    ingest.noteTime();
  };

  ingest.onLate = (row) => {
    visits.now(row);
    pressure.measure();
  };

  const statesParts = { table, archived, actors, directory, counts };
  return {
    engine,
    recovered,
    actor,
    ...series,
    fileChanges: storage.fileChanges,
    counts,
    trustedClock,
    retention,
    memory,
    disk,
    mender,
    journalAudit,
    subscriptions,
    checkpoints,
    visits,
    damageReports: damaged.reports,
    reader,
    labelObjects,
    queries,
    commit: () => timedCommit(engine, recovered, counts),
    reportDamage: damaged.report,
    finishFiles: () => finishFiles({ table, late, erased, actors, merging, visits, clock }),
    urgency: () => pressure.urgency(),
    measurePressure: () => pressure.measure(),
    stateCounts: () => stateCounts(statesParts),
    stateOf: (pairs) => stateOf(statesParts, pairs),
    lastTimeOf: (pairs) => lastTimeOf(statesParts, pairs),
  };
};

/**
 * Writes the waiting index operations. A damaged index that can't be rebuilt does not stop a checkpoint: LOST_INDEXES
 * names it, and the next opening rebuilds it.
 */
const settleIndexes = async ({ logger }: Engine, { indexer }: Recovered, mender: IndexMender): Promise<void> => {
  try {
    await mender.during(() => indexer.flush());
  } catch (error) {
    if (!isCorruptIndex(error)) throw error;
    logger.error({ err: error }, 'A damaged index could not be rebuilt; the next opening rebuilds it.');
  }
};

const timedCommit = async ({ clock }: Engine, { journal }: Recovered, counts: Counts): Promise<void> => {
  const started = clock.monotonic();
  await journal.commit();
  counts.observations.observe('commitDuration', (clock.monotonic() - started) / 1000);
};
