/**
 * Opens a directory in two steps. First: what it is, the lock, the indexes, the mark that it is in use; nothing is
 * written before the lock is held, and the lock is LevelDB's on the archive index, which the operating system frees
 * however the process ends. Then: what it holds, recovered as its tier demands. docs/recovery.md tells it for users.
 */
import { join } from 'node:path';
import { indexing } from '../../streams/indexing.ts';
import { allOf } from '../all-of.ts';
import { FULL_BLOCK_BYTES } from '../chunk/slab.ts';
import { schedulerOf } from '../clock-scheduler.ts';
import { claimForWriting, lockedError, markDirty, prepareDirectory, readMark, readOwner } from '../disk/directory.ts';
import type { DirectoryClaim } from '../disk/file-system.ts';
import { corruptHeads, HEADS_FILE, HEADS_VERSION, type HeadsRead, type HeadsRecord } from '../disk/heads.ts';
import { readHeads } from '../disk/heads-reader.ts';
import { removeHeadsSums } from '../disk/heads-sums.ts';
import type { HeadsWritten } from '../disk/heads-writer.ts';
import { type LastClose, type Predecessor, readLastClose } from '../disk/last-close.ts';
import { readMappings } from '../disk/mappings.ts';
import { isSeriesDirectoryName } from '../disk/series-path.ts';
import { TidemarkError } from '../errors.ts';
import { ArchiveDirectory } from '../index/archive-directory.ts';
import { ArchiveIndex, type BadEntry } from '../index/archive-index.ts';
import { databaseFolders } from '../index/database-folders.ts';
import type { IndexSequences } from '../index/index-sequences.ts';
import { Indexer, type IndexingOperation } from '../index/indexer.ts';
import { LabelIndex } from '../index/label-index.ts';
import { describeFinding, type FindingListener, type JournalFinding } from '../journal/findings.ts';
import { JournalWriter } from '../journal/journal-writer.ts';
import { isSettled, readSettledDamage } from '../journal/settled-damage.ts';
import type { Mapping } from '../model/collisions.ts';
import type { Position } from '../model/events.ts';
import { fastFingerprint, fingerprintText } from '../model/fingerprint.ts';
import { parseUniqueMetric } from '../model/unique-metric.ts';
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
import { Slices } from '../slices.ts';

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

/** Index operations that may wait before new series have to. */
const INDEXING_CAPACITY = 1 << 18;

/** Longest stretch of work between two breaths of the host's event loop. */
const SLICE_MS = 8;
/** Blocks of the slab whose memory is made ready ahead of reading into them. */
const BLOCKS_AHEAD = 32;

/** Size from which on a journal segment is followed by a new one. */
const SEGMENT_BYTES = 32 * 1024 * 1024;
const SEGMENT_BYTES_MIN = 256 * 1024;
/** How long a segment stays at least: readers in other processes look for new ones five times a second. */
const SEGMENT_LINGER_MS = 2000;

export interface Found {
  readonly databases: Databases;
  /** Keeps every other opener out; `undefined` for reading, and on file systems without claims. */
  readonly claim: DirectoryClaim | undefined;
  readonly created: boolean;
  /** DIRTY was there. */
  readonly dirty: boolean;
  /** What DIRTY said before this opening. */
  readonly mark: string | undefined;
  readonly predecessor: Predecessor;
  /** What the last clean close of Tidemark left, if nobody had the directory open for writing since. */
  readonly lastClose: LastClose | undefined;
}

export type HowOpened = 'created' | 'clean' | 'journal' | 'crashRecovery';

/** What recovery adds to the engine. */
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
  /** The checkpoint, when the store is exactly what it says and a clean close would write the same again. */
  readonly exactHeads: HeadsWritten | undefined;
  /** Series found damaged: to be quarantined as soon as their statecharts run. */
  readonly damaged: readonly Problem[];
  /** Where replay began, or would. */
  readonly replayFrom: Position;
  /** A checkpoint has to be written before anything else: what was recovered is nowhere else yet. */
  readonly needsCheckpoint: boolean;
  /** Changes of the archive that must not be made before that checkpoint. */
  readonly afterCheckpoint: readonly IndexingOperation[];
  /** The label indexes are to be made anew from what exists. */
  readonly needsLabels: boolean;
  /** Tells of damage in the journal, each once. */
  readonly onFinding: FindingListener;
}

/** Throws `TIDEMARK_LOCKED`, `TIDEMARK_NOT_A_STORE`, `TIDEMARK_UNSUPPORTED_VERSION`, `TIDEMARK_IO`. */
export const openDirectory = async (engine: Engine): Promise<Found> => {
  const { fileSystem, directory, stores, logger, options, clock } = engine;
  const { readOnly } = options;
  // Before anything else: what follows writes, and LevelDB's lock does not keep every other opener out.
  const claim = readOnly ? undefined : await claimForWriting(fileSystem, directory, clock.now());
  try {
    const { created, dirty } = prepareDirectory(fileSystem, directory, { readOnly });
    const mark = readMark(fileSystem, directory);
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
    return { databases, claim, created, dirty, mark, predecessor, lastClose };
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
 * Who had the directory last. Whoever opens a LevelDB database leaves a manifest of its own kind; an opening of Tidemark
 * that did not come to its end has noted what it found. Any of the four databases tells: that with the lock is opened
 * before the note is written, the others after.
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
    // What waits for the indexes is in the journal; its timer must not outlive a store that does not come to be.
    await begun.indexer?.close().catch(() => undefined);
    throw error;
  }
};

/** What a recovery that fails has to end. */
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
  // The original has changed series files without their checksums.
  if (found.predecessor === 'other') {
    engine.seriesFiles.discardChecksums();
    removeHeadsSums(engine.fileSystem, engine.directory);
  }
  let labels = new LabelIndex(databases.names, databases.pairs, { texts: engine.texts });
  const archiveAndHeads = await allOf([loadArchive(engine, databases, progress), loadHeads(engine, progress)]);
  let [loaded] = archiveAndHeads;
  const { exactHeads, problems } = archiveAndHeads[1];
  const heads = comparedWithClose(engine, found, archiveAndHeads[1].heads);
  // Positions that the checkpoint or the indexes have seen must not be given out again, also when the journal was deleted
  // or a loss of power took its end.
  const indexed = await labels.position();
  const notBefore = Math.max(heads.trailer?.position ?? 0, indexed ?? 0);
  const journal = openJournal(engine, notBefore, found.dirty && !engine.options.readOnly);
  // The journal is read more than once; each thing is said once.
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
    onError: (error) => logger.warn({ err: error }, 'An index could not be written; it is tried again.'),
  });
  begun.indexer = indexer;
  const trouble =
    tier.kind === 'crash' ? tier.reason : await unexplained(engine, found, { heads, ownHeads, unreadable });
  const mustRecover = trouble !== undefined;
  const labelsLost = databases.lost.has('names') || databases.lost.has('pairs');
  // Asked before replay, whose first batch gives the indexes a position whether what comes before it is in them or not.
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
    // The tail may lack the name of a file that was changed.
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
    logger.warn({ ...result }, "The journal's samples that were nowhere else were added.");
  };
  if (mustRecover) {
    // Which files were changed since their checksums were written is not known here.
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
      // The journal's tail has samples of them, and not their labels. A series that gets none ends with the replay.
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
  // What recovery itself moved and could not sync at once: the checkpoints to come know only of their own worker's moves.
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
    // What the journal says was archived since is to stay where it is.
    afterCheckpoint: afterCheckpoint.filter((operation) => !isArchivedAgain(operation, archived)),
    needsLabels,
    onFinding,
  };
};

const isArchivedAgain = (operation: IndexingOperation, archived: ArchiveDirectory): boolean =>
  operation.type === 'unarchive' && archived.has(operation.high, operation.low);

/**
 * Why a directory has to be recovered in full although it looks as if it did not: what nothing else would notice.
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
    // The original takes this for a store without series in memory, and forgets those that there are.
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

/** The archive, and its time ranges in memory. Databases that can't be read to their end are renewed, and count as lost. */
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
      // The entries that learning the mappings will read: now they can still be recovered.
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
      // Of a directory whose size is limited, the journal must not take the larger part; and a checkpoint gives back
      // whole segments only.
      segmentBytes: Math.min(
        SEGMENT_BYTES,
        checkpointJournalBytes,
        Math.max(SEGMENT_BYTES_MIN, Math.floor(retentionBytes / 32)),
      ),
      historyBytes: Math.min(historyBytes, Math.floor(retentionBytes / 16)),
      // No sample goes for the sake of a reader.
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
  /** When the table is exactly what a clean close wrote. */
  readonly exactHeads: HeadsWritten | undefined;
  readonly problems: Problem[];
}

/** Takes the checkpoint into the table. */
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
      // Whatever it has is in its file: recovery, or the first look at the file, tells how much.
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
 * A clean close says which heads.db it left. The original's format has no checksum, so a changed byte in a chunk would
 * otherwise read as other samples.
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
 * Has the file thread back the memory of the next chunks while this one decodes: the first touch of a page takes as long
 * as filling it. Of what is left of heads.db as much will be chunks as of what is done.
 */
const warmBlocks = ({ slab, files }: Engine, bytesDone: number, bytesLeft: number): void => {
  if (files.warm === undefined) return;
  const share = bytesDone === 0 ? 1 : Math.min(1, slab.bytes / bytesDone);
  const blocks = Math.min(BLOCKS_AHEAD, Math.floor((bytesLeft * share) / FULL_BLOCK_BYTES));
  if (slab.preparedCount < blocks / 2) files.warm(slab.prepare(blocks));
};

/** Checkpoints of versions before 0.13 can leave open how many chunks a series has in its file (formats/heads.md). */
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

/** A crash between a checkpoint and the archive's update leaves a series in both: the checkpoint is newer. */
const dropStaleArchiveEntries = ({ table }: Engine, archived: ArchiveDirectory, indexer: Indexer): void => {
  for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1)) {
    const high = archived.highAt(slot);
    const low = archived.lowAt(slot);
    if (table.findFingerprint(high, low) === NO_ROW) continue;
    archived.remove(high, low);
    indexer.enqueue({ type: 'unarchive', high, low });
  }
};

/** The mapping table: from its file, and from the series that have a mapped fingerprint. */
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

/** A changed byte in the labels of a mapping gives those of another series, which is never looked for there. */
const isSoundMapping = ({ rawHigh, rawLow, metric }: Mapping): boolean => {
  fastFingerprint(parseUniqueMetric(metric), raw);
  return raw[0] === rawHigh && raw[1] === rawLow;
};

const raw = new Int32Array(2);

const isMapped = (high: number, low: number): boolean => high === 0 && low >>> 0 <= 1 << 20;
