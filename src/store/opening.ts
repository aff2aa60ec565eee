/**
 * Opens a directory in two steps.
 *
 *   1. `openDirectory` finds out what kind of directory it is, takes the lock, opens the indexes and marks the
 *      directory as in use. Nothing is written before the directory is claimed. The lock is LevelDB's lock on the
 *      archive index; the operating system releases it however the process ends.
 *   2. `recover` restores the content, as the directory's tier requires. docs/recovery.md describes this for users.
 */
import { join } from 'node:path';
import { indexing } from '../../streams/indexing.ts';
import { allOf } from '../async/all-of.ts';
import { Slices } from '../async/slices.ts';
import { FULL_BLOCK_BYTES } from '../chunk/slab.ts';
import { corruptHeads, HEADS_FILE, HEADS_VERSION, type HeadsRead, type HeadsRecord } from '../disk/heads/heads.ts';
import { readHeads } from '../disk/heads/heads-reader.ts';
import { removeHeadsSums } from '../disk/heads/heads-sums.ts';
import type { HeadsWritten } from '../disk/heads/heads-writer.ts';
import { type LastClose, type Predecessor, readLastClose } from '../disk/last-close.ts';
import { readMappings } from '../disk/mappings.ts';
import { isSeriesDirectoryName } from '../disk/series-path.ts';
import {
  claimForWriting,
  lockedError,
  markDirty,
  prepareDirectory,
  readOwner,
  traceOfWriters,
} from '../disk/store-directory.ts';
import type { DirectoryClaim } from '../files/file-system.ts';
import { ArchiveDirectory } from '../indexes/archive-directory.ts';
import { ArchiveIndex, type BadEntry } from '../indexes/archive-index.ts';
import { databaseFolders } from '../indexes/database-folders.ts';
import type { IndexSequences } from '../indexes/index-sequences.ts';
import { Indexer, type IndexingOperation } from '../indexes/indexer.ts';
import { LabelIndex } from '../indexes/label-index.ts';
import { describeFinding, type FindingListener, type JournalFinding } from '../journal/read/journal-findings.ts';
import { isSettled, readSettledDamage } from '../journal/read/settled-damage.ts';
import { JournalWriter } from '../journal/write/journal-writer.ts';
import type { Mapping } from '../model/collisions.ts';
import { TidemarkError } from '../model/errors.ts';
import type { Position } from '../model/events.ts';
import { fastFingerprint, fingerprintText } from '../model/fingerprint.ts';
import { parseUniqueMetric } from '../model/unique-metric.ts';
import { schedulerOf } from '../ports/clock-scheduler.ts';
import { recoverFromCrash } from '../recovery/crash-recovery.ts';
import { endEmptySeries } from '../recovery/empty-series.ts';
import { isolateDamagedRecords, type NamedSeries } from '../recovery/isolate-records.ts';
import { isOwnFingerprint, isReserved } from '../recovery/naming.ts';
import { addFromJournal } from '../recovery/overtaken-journal.ts';
import type { ProgressReporter } from '../recovery/progress.ts';
import { type Problem, reconcileTouched } from '../recovery/reconcile-touched.ts';
import { replay } from '../recovery/replay.ts';
import { settleOrder } from '../recovery/settle-order.ts';
import { adoptRecord, isEmptyRecord } from '../recovery/snapshot.ts';
import { chooseTier } from '../recovery/tier.ts';
import { EventBus } from '../series/event-bus.ts';
import { NO_ROW } from '../series/table.ts';

import {
  closeDatabases,
  type Databases,
  databasePartsOf,
  describeDatabases,
  openDatabases,
  renewUnreadable,
} from './databases.ts';
import { distrustLabelIndexes } from './distrust-labels.ts';

import type { Engine } from './engine.ts';
import { chooseRetention } from './retention-choice.ts';

/** Capacity of the indexing queue. New series are refused while it is full. */
const INDEXING_CAPACITY = 1 << 18;

/** Longest stretch of work before the host's event loop has its turn. */
const SLICE_MS = 8;
/** Number of slab blocks whose memory is prepared before chunks are read into them. */
const BLOCKS_AHEAD = 32;

/** A journal segment of this size is followed by a new one. */
const SEGMENT_BYTES = 32 * 1024 * 1024;
const SEGMENT_BYTES_MIN = 256 * 1024;
/** Shortest time that a segment exists. Readers in other processes look for new segments five times a second. */
const SEGMENT_LINGER_MS = 2000;

export interface Found {
  readonly databases: Databases;
  /**
   * Keeps out all other openings for writing. `undefined` for a read-only store, and on file systems without claims.
   */
  readonly claim: DirectoryClaim | undefined;
  readonly created: boolean;
  /** The directory had a DIRTY file. */
  readonly dirty: boolean;
  /** What writers had left when a read-only store began to read; `undefined` for another one. See traceOfWriters. */
  readonly trace: string | undefined;
  readonly predecessor: Predecessor;
  /** The record of Tidemark's last clean close, if no program has had the directory open for writing since. */
  readonly lastClose: LastClose | undefined;
}

export type HowOpened = 'created' | 'clean' | 'journal' | 'crashRecovery';

/** The parts that recovery adds to the engine. */
export interface Recovered {
  readonly databases: Databases;
  readonly journal: JournalWriter;
  readonly bus: EventBus;
  readonly labels: LabelIndex;
  readonly archive: ArchiveIndex;
  readonly archived: ArchiveDirectory;
  readonly indexer: Indexer;
  readonly how: HowOpened;
  readonly heads: Pick<HeadsRead, 'bytes' | 'crc32'>;
  /**
   * The checkpoint, if the store's content is exactly that of heads.db, so that a clean close need not write it again.
   */
  readonly exactHeads: HeadsWritten | undefined;
  /** Damaged series. They are quarantined as soon as their statecharts run. */
  readonly damaged: readonly Problem[];
  /** Position at which replay began, or would begin. */
  readonly replayFrom: Position;
  /** A checkpoint must be written before anything else: the recovered content exists only in memory. */
  readonly needsCheckpoint: boolean;
  /** Changes of the archive that must wait for that checkpoint. */
  readonly afterCheckpoint: readonly IndexingOperation[];
  /** The label indexes must be rebuilt from the existing series. */
  readonly needsLabels: boolean;
  /** Logs damage in the journal, each finding once. */
  readonly onFinding: FindingListener;
}

/** Throws `TIDEMARK_LOCKED`, `TIDEMARK_NOT_A_STORE`, `TIDEMARK_UNSUPPORTED_VERSION`, `TIDEMARK_IO`. */
export const openDirectory = async (engine: Engine): Promise<Found> => {
  const { fileSystem, directory, stores, logger, options, clock } = engine;
  const { readOnly } = options;
  // Claim first: the following steps write, and LevelDB's lock does not keep out every other opening.
  const claim = readOnly ? undefined : await claimForWriting(fileSystem, directory, clock.now());
  try {
    const { created, dirty } = prepareDirectory(fileSystem, directory, { readOnly });
    const trace = readOnly ? traceOfWriters(engine.outside, directory) : undefined;
    const { predecessor, lastClose } = await predecessorOf(engine, { created, dirty });
    const onLocked = (): void => {
      markDirty(fileSystem, directory, clock.now(), predecessor, claim?.identity);
      claim?.noteMarked(true);
    };
    const closedAt = closedSequences(lastClose);
    const breathe = (): Promise<void> => clock.breathe();
    const parts = { fileSystem, directory, stores, readOnly, created, closedAt, logger, onLocked, breathe };
    const databases = await openDatabases(parts).catch((error: unknown) => {
      const isLocked = error instanceof TidemarkError && error.code === 'TIDEMARK_LOCKED';
      throw isLocked ? lockedError(fileSystem, directory, error) : error;
    });
    try {
      engine.retention = chooseRetention(engine, created);
    } catch (error) {
      await closeDatabases(databases);
      throw error;
    }
    return { databases, claim, created, dirty, trace, predecessor, lastClose };
  } catch (error) {
    await claim?.release();
    throw error;
  }
};

const closedSequences = (lastClose: LastClose | undefined): IndexSequences =>
  Object.fromEntries(
    Object.entries(databaseFolders).flatMap(([name, folder]) => {
      const sequence = lastClose?.indexes[folder]?.sequence;
      return sequence === undefined ? [] : [[name, sequence]];
    }),
  );

/**
 * Which program had the directory open last. The original and Tidemark write different kinds of LevelDB manifest when
 * they open a database, so a foreign manifest shows that the original was there since. An opening of Tidemark that did
 * not end has noted in DIRTY that the original was there before. One foreign manifest is enough: Tidemark opens the
 * database with the lock before it writes that note and the other three after it, so a crash in between leaves three
 * foreign manifests.
 */
const predecessorOf = async (
  { fileSystem, directory, stores }: Engine,
  { created, dirty }: Pick<Found, 'created' | 'dirty'>,
): Promise<Pick<Found, 'predecessor' | 'lastClose'>> => {
  if (created) return { predecessor: 'created', lastClose: undefined };
  const databases = Object.values(await describeDatabases(stores, directory));
  const isNoted = dirty && readOwner(fileSystem, directory)?.after === 'other';
  if (isNoted || databases.some(({ isForeign }) => isForeign)) return { predecessor: 'other', lastClose: undefined };
  return { predecessor: 'tidemark', lastClose: dirty ? undefined : readLastClose(fileSystem, directory) };
};

export const recover = async (engine: Engine, found: Found, progress: ProgressReporter): Promise<Recovered> => {
  const begun: Begun = { indexer: undefined };
  try {
    return await recoverWith(engine, found, progress, begun);
  } catch (error) {
    // The journal has the waiting index operations, so none is lost here. The indexer's timer must not outlive the
    // failed opening.
    await begun.indexer?.close().catch(() => undefined);
    throw error;
  }
};

/** The parts that must be closed when recovery fails. */
interface Begun {
  indexer: Indexer | undefined;
}

const recoverWith = async (
  engine: Engine,
  found: Found,
  progress: ProgressReporter,
  begun: Begun,
): Promise<Recovered> => {
  const { clock, logger } = engine;
  const { databases } = found;
  // The original has changed series files without updating their checksums.
  if (found.predecessor === 'other') {
    engine.seriesFiles.discardChecksums();
    removeHeadsSums(engine.fileSystem, engine.directory);
  }
  let labels = new LabelIndex(databases.names, databases.pairs, { texts: engine.texts });
  const archiveAndHeads = await allOf([loadArchive(engine, databases, progress), loadHeads(engine, progress)]);
  let [loaded] = archiveAndHeads;
  const { exactHeads, problems } = archiveAndHeads[1];
  const heads = comparedWithClose(engine, found, archiveAndHeads[1].heads);
  // The journal must not reuse positions that the checkpoint or the indexes have recorded, even if the journal was
  // deleted or a loss of power took its end.
  const indexed = await labels.position();
  const notBefore = Math.max(heads.trailer?.position ?? 0, indexed ?? 0);
  const journal = openJournal(engine, notBefore, found.dirty && !engine.options.readOnly);
  // The journal is read more than once. Each finding is logged once.
  const told = new Set<string>();
  const settled = readSettledDamage(engine.fileSystem, engine.journalDirectory);
  const onFinding = (finding: JournalFinding): void => {
    if (isSettled(settled, finding)) return;
    const description = describeFinding(finding);
    if (told.has(description)) return;
    told.add(description);
    logger.warn({ finding }, description);
  };
  for (const finding of journal.findings) onFinding(finding);
  const bus = new EventBus(journal);
  const { tier, ownHeads, sessionHeads } = chooseTier({
    fileSystem: engine.fileSystem,
    directory: engine.journalDirectory,
    dirty: found.dirty,
    forced: engine.options.forceRecovery,
    overtaken: found.predecessor === 'other',
    heads,
    first: journal.first,
    recordsEnd: journal.foundEnd,
  });
  if (tier.kind === 'crash' && (await renewUnreadable(databasePartsOf(engine), databases))) {
    labels = new LabelIndex(databases.names, databases.pairs, { texts: engine.texts });
    loaded = await loadArchive(engine, databases, progress);
  }
  let isolated: readonly NamedSeries[] = [];
  if (tier.kind === 'crash' && found.predecessor === 'tidemark') {
    const slices = new Slices(clock, SLICE_MS);
    const pause = (): Promise<void> | undefined => (slices.isOver ? slices.breathe() : undefined);
    const parts = { ...engine, labels, pause, breathe: () => clock.breathe() };
    isolated = await isolateDamagedRecords(parts, { heads, expected: found.lastClose?.heads ?? sessionHeads });
  }
  const { archive, archived, unreadable } = loaded;
  const indexer = new Indexer({
    labels,
    archive,
    clock,
    commitJournal: () => journal.commit(),
    batching: (batchOptions) => indexing({ ...batchOptions, scheduler: schedulerOf(clock) }),
    capacity: INDEXING_CAPACITY,
    onBatch: (batch) => engine.onIndexBatch(batch),
    onError: (error) => logger.warn({ err: error }, 'The indexes could not be written; the batch is tried again.'),
  });
  begun.indexer = indexer;
  const trouble =
    tier.kind === 'crash' ? tier.reason : await unexplained(engine, found, { heads, ownHeads, unreadable });
  const mustRecover = trouble !== undefined;
  const labelsLost = databases.lost.has('names') || databases.lost.has('pairs');
  // Decided before the replay: its first batch gives the indexes a position even if earlier operations are missing from
  // them.
  const needsLabels =
    mustRecover || (labelsLost && !found.created) || (tier.kind === 'journal' && indexed === undefined);
  if (needsLabels) distrustLabelIndexes(engine, indexer);
  if (!ownHeads) for (const row of engine.table.rows()) engine.chunks.closeUnfaithfulHead(row);
  const damaged: Problem[] = [...problems];
  const afterCheckpoint: IndexingOperation[] = [];
  const replayFrom = async (from: number): Promise<void> => {
    const tail = { ...engine, directory: engine.journalDirectory, archived, indexer };
    let tailIsDamaged = false;
    const noteFinding = (finding: JournalFinding): void => {
      if (finding.kind === 'badRecord' || finding.kind === 'missingSegment') tailIsDamaged = true;
      onFinding(finding);
    };
    const result = await replay(
      { ...tail, onFinding: noteFinding, onProgress: (done, total) => progress.report('journal', done, total, done) },
      from,
      journal.end,
    );
    // The damaged tail may not name every changed file, so the checksum of any file may be outdated.
    if (tailIsDamaged) engine.seriesFiles.discardChecksums();
    const reconciled = await reconcileTouched(
      {
        ...engine,
        files: engine.seriesFiles,
        archived,
        archive,
        indexer,
        emptied: result.emptied,
        publish: (event) => bus.publish(event),
        tailIsDamaged,
        writtenAgain: engine.options.readOnly ? 'none' : mustRecover || tailIsDamaged ? 'all' : 'new',
        onProgress: (done, total) => progress.report('series files', done, total),
      },
      result.touched,
      result.purged,
    );
    damaged.push(...reconciled.damaged);
    const lossy = new Set(damaged.map(({ high, low }) => fingerprintText(high, low)));
    await endEmptySeries({ ...engine, indexer, publish: (event) => bus.publish(event) }, lossy);
    const { records, samples, skipped, touched } = result;
    const { chunksCut, filesRemoved } = reconciled;
    logger.info(
      { records, samples, skipped, touched: touched.size, chunksCut, filesRemoved },
      'The journal was replayed.',
    );
  };
  const addFrom = async (from: number): Promise<void> => {
    const result = await addFromJournal(
      {
        ...engine,
        directory: engine.journalDirectory,
        archive,
        archived,
        afterCheckpoint: (operation) => afterCheckpoint.push(operation),
        onFinding,
        onProgress: (done, total) => progress.report('journal', done, total, done),
      },
      from,
      journal.end,
    );
    logger.warn({ ...result }, 'Samples that only the journal had were added.');
  };
  if (mustRecover) {
    // It is not known here which files were changed after their checksums were written.
    engine.seriesFiles.discardChecksums();
    const result = await recoverFromCrash({
      ...engine,
      archive,
      archived,
      unreadable,
      labels,
      progress,
      heads,
      isForeign: found.predecessor === 'other',
      reason: trouble,
    });
    for (const operation of result.afterCheckpoint) afterCheckpoint.push(operation);
    damaged.push(...result.damaged);
    if (tier.kind === 'crash' && tier.overtaken === true) {
      if (tier.from !== undefined) await addFrom(tier.from);
    } else if (tier.kind !== 'clean' && tier.from !== undefined) {
      // The journal's tail has samples of these series, but not their labels. The end of the replay removes a series
      // that gets no sample.
      for (const { high, low, pairs } of isolated) {
        const isKnown = engine.table.findFingerprint(high, low) !== NO_ROW || archived.has(high, low);
        if (!isKnown && engine.table.findPairs(pairs) === NO_ROW) engine.table.add(high, low, pairs);
      }
      await replayFrom(tier.from);
    }
    for (const event of result.quarantined) bus.publish(event);
  } else if (tier.kind === 'journal') {
    await replayFrom(tier.from);
  }
  let merged = 0;
  if (!mustRecover && found.predecessor === 'other') {
    merged = await settleOrder({
      ...engine,
      archived,
      indexer,
      onProgress: (done, total) => progress.report('series files', done, total),
    });
    if (merged > 0) logger.warn({ series: merged }, 'Chunks of series overlapped; their samples are in order now.');
  }
  // Sync the directories of files that recovery moved but could not sync then. Later checkpoints only sync directories
  // of files that their own worker moved.
  engine.seriesFiles.syncDirectories();
  for (const finding of engine.seriesFiles.syncChecksums().findings)
    logger.warn({ finding }, 'Checksums of series files are damaged or lost.');
  engine.seriesFiles.releaseChecksums();
  if (!mustRecover) lookUpUnknownFiles(engine);
  dropStaleArchiveEntries(engine, archived, indexer);
  await learnMappings(engine, archive);
  return {
    databases,
    journal,
    bus,
    labels,
    archive,
    archived,
    indexer,
    how: found.created ? 'created' : mustRecover ? 'crashRecovery' : tier.kind === 'journal' ? 'journal' : 'clean',
    heads,
    exactHeads: tier.kind === 'clean' && !mustRecover && ownHeads && merged === 0 ? exactHeads : undefined,
    damaged,
    replayFrom: tier.kind === 'journal' ? tier.from : journal.end,
    needsCheckpoint: mustRecover || merged > 0,
    // A series that was archived again according to the journal stays in the archive.
    afterCheckpoint: afterCheckpoint.filter((operation) => !isArchivedAgain(operation, archived)),
    needsLabels,
    onFinding,
  };
};

const isArchivedAgain = (operation: IndexingOperation, archived: ArchiveDirectory): boolean =>
  operation.type === 'unarchive' && archived.has(operation.high, operation.low);

/**
 * Why a directory needs the full recovery although its tier does not require it, or `undefined`. No other check would
 * notice these cases.
 */
const unexplained = async (
  { fileSystem, directory, table }: Engine,
  { databases, created }: Found,
  {
    heads,
    ownHeads,
    unreadable,
  }: { readonly heads: HeadsRead; readonly ownHeads: boolean; readonly unreadable: readonly BadEntry[] },
): Promise<string | undefined> => {
  if (created) return undefined;
  if (databases.lost.has('metric') || databases.lost.has('timeRange') || unreadable.length > 0) {
    return 'an archive index is damaged or missing';
  }
  if (heads.status === 'missing' && heads.trailer === undefined && !ownHeads) {
    // The original would treat this as a store without series in memory, and lose the series that exist.
    if (fileSystem.readDirectory(directory).some(({ name }) => isSeriesDirectoryName(name)))
      return 'heads.db is missing, but there are series files';
    for await (const page of databases.pairs.entries())
      if (page.length > 0) return 'heads.db is missing, but the label indexes name series';
  }
  if (!ownHeads) {
    for (const row of table.rows()) {
      const high = table.high[row];
      const low = table.low[row];
      if (table.chunksInFile[row] < 0 && table.chunksUnpersisted[row] === 0)
        return 'a series has no chunks in heads.db';
      if (!isReserved(high, low) && !isOwnFingerprint(high, low, table.labels[row] ?? []))
        return 'heads.db has a fingerprint that is not that of its labels';
    }
  }
  return undefined;
};

interface LoadedArchive {
  readonly archive: ArchiveIndex;
  readonly archived: ArchiveDirectory;
  readonly unreadable: readonly BadEntry[];
}

/**
 * Loads the archive, with its time ranges in memory. Databases that can't be read to their end are replaced and count
 * as lost.
 */
const loadArchive = async (
  engine: Engine,
  databases: Databases,
  progress: ProgressReporter,
): Promise<LoadedArchive> => {
  const { clock } = engine;
  for (let attempt = 1; ; attempt++) {
    const archive = new ArchiveIndex(databases.metric, databases.timeRange, engine.texts);
    const archived = new ArchiveDirectory();
    try {
      const unreadable = await archive.loadDirectory(archived, (done) => progress.report('archive', done, 0));
      // `learnMappings` reads these entries later. Damage that is found now can still be recovered.
      for await (const page of archive.scanMapped()) if (page.entries.length > 0) await clock.breathe();
      return { archive, archived, unreadable };
    } catch (error) {
      if (attempt > 1 || !(error instanceof TidemarkError) || error.code !== 'TIDEMARK_CORRUPT_INDEX') throw error;
      await renewUnreadable(databasePartsOf(engine), databases);
    }
  }
};

const openJournal = (engine: Engine, notBefore: Position, isAfterCrash: boolean): JournalWriter => {
  const { fileSystem, journalDirectory, clock, options, random } = engine;
  const { durability, commitIntervalMs, historyBytes, checkpointJournalBytes } = options;
  const retentionBytes = engine.retention.limits.bytes;
  return JournalWriter.open({
    fileSystem,
    directory: journalDirectory,
    clock,
    storeId: newStoreId(() => random.next()),
    notBefore,
    isAfterCrash,
    options: {
      durability,
      commitIntervalMs,
      // Where retention limits the directory's size, the journal must not take most of it. Segments are small then,
      // because a checkpoint only frees whole segments.
      segmentBytes: Math.min(
        SEGMENT_BYTES,
        checkpointJournalBytes,
        Math.max(SEGMENT_BYTES_MIN, Math.floor(retentionBytes / 32)),
      ),
      historyBytes: Math.min(historyBytes, Math.floor(retentionBytes / 16)),
      // Where the size is limited, samples must not be dropped to keep segments for a reader.
      lingerMs: retentionBytes === Number.POSITIVE_INFINITY ? SEGMENT_LINGER_MS : 0,
      onPending: () => engine.journalPending$.next(),
      onError: (error) => engine.onJournalError(error),
    },
  });
};

const newStoreId = (next: () => number): string =>
  fingerprintText(Math.floor(next() * 2 ** 32) | 0, Math.floor(next() * 2 ** 32) | 0);

interface LoadedHeads {
  readonly heads: HeadsRead;
  /** Set when the table is exactly what a clean close wrote. */
  readonly exactHeads: HeadsWritten | undefined;
  readonly problems: Problem[];
}

/** Loads the checkpoint into the series table. */
const loadHeads = async (engine: Engine, progress: ProgressReporter): Promise<LoadedHeads> => {
  const { fileSystem, directory, slab, table, chunks, clock, texts } = engine;
  const problems: Problem[] = [];
  let chunkCount = 0;
  let isExact = true;
  const take = (record: HeadsRecord): void => {
    const { high, low } = record;
    if (table.findFingerprint(high, low) !== NO_ROW) {
      for (const slot of record.slots) slab.release(slot);
      problems.push({ high, low, reason: 'the checkpoint names the series twice' });
      return;
    }
    if (isEmptyRecord(record)) {
      // All chunks of this series are in its file. Recovery, or `lookUpUnknownFiles`, finds out how many.
      const row = table.add(high, low, record.pairs);
      table.chunksInFile[row] = -1;
      isExact = false;
      return;
    }
    chunkCount += record.slots.length;
    if (!adoptRecord(table, chunks, record).isSound) isExact = false;
  };
  const slices = new Slices(clock, SLICE_MS);
  warmBlocks(engine, 0, fileSystem.stat(join(directory, HEADS_FILE))?.size ?? 0);
  const heads = await readHeads(fileSystem, directory, slab, take, {
    texts,
    breathe: () => (slices.isOver ? slices.breathe() : undefined),
    onSeriesExpected: (count) => table.reserve(count),
    onProgress: (done, total) => {
      warmBlocks(engine, done, total - done);
      progress.report('checkpoint', done, total, done);
    },
  });
  slab.prepare(0);
  isExact &&= heads.status === 'ok' && heads.version === HEADS_VERSION && heads.trailer === undefined;
  const { seriesCount: series, bytes, crc32 } = heads;
  const sums = { series, chunks: chunkCount, bytes, crc32, recordsBytes: bytes, recordsCrc32: crc32 };
  return { heads, exactHeads: isExact && problems.length === 0 ? sums : undefined, problems };
};

/**
 * Compares heads.db with the size and checksum that the last clean close recorded. The original's format has no
 * checksum, so a changed byte in a chunk would otherwise be read as different samples.
 */
const comparedWithClose = ({ directory }: Engine, { predecessor, lastClose }: Found, heads: HeadsRead): HeadsRead => {
  if (lastClose === undefined || predecessor !== 'tidemark' || heads.status !== 'ok') return heads;
  const { bytes, crc32 } = lastClose.heads;
  if (heads.bytes === bytes && heads.crc32 === crc32) return heads;
  const problem = `the file is not as it was closed: ${bytes} bytes then, ${heads.bytes} now, or another checksum`;
  const damage = corruptHeads(join(directory, HEADS_FILE), 0, problem);
  return { ...heads, status: 'damaged', damage, problems: [damage], problemCount: 1 };
};

/**
 * Lets the file thread touch the memory of the next slab blocks while this thread decodes, because the first touch of a
 * page takes as long as filling it. The number of blocks is an estimate: it assumes that the rest of heads.db has as
 * many chunk bytes per byte as the part read so far.
 */
const warmBlocks = ({ slab, files }: Engine, bytesDone: number, bytesLeft: number): void => {
  if (files.warm === undefined) return;
  const share = bytesDone === 0 ? 1 : Math.min(1, slab.bytes / bytesDone);
  const blocks = Math.min(BLOCKS_AHEAD, Math.floor((bytesLeft * share) / FULL_BLOCK_BYTES));
  if (slab.preparedCount < blocks / 2) files.warm(slab.prepare(blocks));
};

/**
 * Checkpoints in format version 1 (Prometheus up to 0.12) may not say how many chunks a series has in its file
 * (docs/formats/heads.md).
 */
const lookUpUnknownFiles = ({ table, seriesFiles }: Engine): void => {
  for (let row = 0; row < table.size; row++) {
    if (table.chunksInFile[row] >= 0 || !table.isLive(row)) continue;
    const { firstTimes, lastTimes } = seriesFiles.loadDescriptors(table.high[row], table.low[row], 0, true);
    const last = firstTimes.length - 1;
    table.chunksInFile[row] = firstTimes.length;
    if (last < 0) continue;
    table.firstTime[row] = firstTimes[0];
    table.lastChunkFirstTime[row] = firstTimes[last];
    table.lastChunkLastTime[row] = lastTimes[last];
  }
};

/**
 * A crash between a checkpoint and the update of the archive leaves a series in both. The checkpoint is newer, so the
 * archive's entry is removed.
 */
const dropStaleArchiveEntries = ({ table }: Engine, archived: ArchiveDirectory, indexer: Indexer): void => {
  for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1)) {
    const high = archived.highAt(slot);
    const low = archived.lowAt(slot);
    if (table.findFingerprint(high, low) === NO_ROW) continue;
    archived.remove(high, low);
    indexer.enqueue({ type: 'unarchive', high, low });
  }
};

/** Fills the mapping table from its file and from the series that have a mapped fingerprint. */
const learnMappings = async (
  { fileSystem, directory, table, mapper, logger }: Engine,
  archive: ArchiveIndex,
): Promise<void> => {
  const { mappings, damage } = readMappings(fileSystem, directory);
  const sound = mappings.filter(isSoundMapping);
  mapper.load(sound);
  if (sound.length < mappings.length)
    logger.warn(
      { mappings: mappings.length - sound.length },
      'The mappings file has series below fingerprints that are not theirs; they are left out.',
    );
  if (damage !== undefined)
    logger.warn({ err: damage }, 'The mappings file is damaged; the table is completed from the series.');
  for (let row = 0; row < table.size; row++) {
    if (isMapped(table.high[row], table.low[row]) && table.isLive(row))
      mapper.note(table.high[row], table.low[row], table.labels[row] ?? []);
  }
  for await (const page of archive.scanMapped()) {
    for (const { high, low, pairs } of page.entries) mapper.note(high, low, pairs);
  }
};

/**
 * Whether a mapping is listed under the fingerprint of its labels. A changed byte in the labels turns them into those
 * of another series. A lookup of that series would never reach this mapping, because its own fingerprint differs.
 */
const isSoundMapping = ({ rawHigh, rawLow, metric }: Mapping): boolean => {
  fastFingerprint(parseUniqueMetric(metric), raw);
  return raw[0] === rawHigh && raw[1] === rawLow;
};

const raw = new Int32Array(2);

const isMapped = (high: number, low: number): boolean => high === 0 && low >>> 0 <= 1 << 20;
