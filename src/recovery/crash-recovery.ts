/**
 * The full recovery of a directory that crashed and whose journal does not fit. It follows the steps of the original
 * (docs/recovery.md) but does not lose samples as the original does. It scans every series file and combines the files,
 * the checkpoint's records, the archive and the label-pair index:
 *
 *   1. List the series files and delete everything else in their directories.
 *   2. Correct records of the checkpoint whose labels do not have the record's fingerprint.
 *   3. Join each series of the checkpoint with its file: samples that are in the file are dropped from memory.
 *   4. Compare archived series with their files.
 *   5. Find the labels of files that neither the checkpoint nor the archive names. Quarantine a file if its labels are
 *      not found.
 *
 * If the journal continues the checkpoint, most files that it names are left to its replay instead (left-to-replay.ts).
 *
 * Until a checkpoint holds what was recovered, no data is removed that exists only on the disk. Series files are
 * trimmed, merged, copied or moved, but deleted only if they are empty. Changes of the archive are returned, to be made
 * later. The label indexes are read as they are and rebuilt afterwards. So a crash at any moment leads to this recovery
 * again, with the same result.
 */

import type { Encoding } from '../chunk/chunk.ts';
import { NO_SLOT, type Slab } from '../chunk/slab.ts';
import type { HeadsRead } from '../disk/heads/heads.ts';
import type { SeriesFiles } from '../disk/series-files/series-file.ts';
import type { SeriesFileWorker } from '../disk/series-files/series-file-worker.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import { ArchiveBatch, type ArchivedMetric, type ArchiveIndex, type BadEntry } from '../indexes/archive-index.ts';
import type { IndexingOperation } from '../indexes/indexer.ts';
import type { LabelIndex } from '../indexes/label-index.ts';
import { isReserved } from '../model/collisions.ts';
import type { SeriesQuarantined } from '../model/events.ts';
import { type FingerprintHalves, fastFingerprint, fingerprintText } from '../model/fingerprint.ts';
import { EARLIEST } from '../model/int64.ts';
import { type LabelPairs, toLabels } from '../model/labels.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import { FILE_UNSYNCED, NO_ROW, type Row, type SeriesTable } from '../series/table.ts';
import { type ExaminedFile, FileExaminer, type FileToExamine } from './file-examiner.ts';
import { type KnownFile, LeftToReplay, type ReplayAfterScan } from './left-to-replay.ts';
import { mergeSeries, timesInFile, timesInMemory } from './merge-series.ts';
import { isOwnFingerprint, nameSeries } from './naming.ts';
import type { ProgressReporter } from './progress.ts';
import type { Problem } from './reconcile-touched.ts';
import { RecoveryFindings } from './recovery-findings.ts';
import { type FileIndex, NO_FILE, type SeriesScan, scanSeriesFiles } from './series-scan.ts';

/** Series files examined with one message to the worker. */
const FILES_PER_BATCH = 128;
/** All chunks of the file count as whole, unless the recovery is pedantic. The original never reads them either. */
const ALL = Number.MAX_SAFE_INTEGER;

export interface CrashRecoveryParts {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly journalDirectory: string;
  readonly table: SeriesTable;
  readonly slab: Slab;
  readonly chunks: MemoryChunks;
  readonly files: SeriesFileWorker;
  readonly seriesFiles: SeriesFiles;
  readonly archive: ArchiveIndex;
  readonly archived: ArchiveDirectory;
  /** Entries of the archive's time-range index that could not be read. */
  readonly unreadable: readonly BadEntry[];
  readonly labels: LabelIndex;
  readonly heads: HeadsRead;
  /** The original has had the directory since Tidemark: it accepts samples that are older than those in the file. */
  readonly isForeign: boolean;
  readonly options: { readonly pedantic: boolean; readonly encoding: Encoding };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly progress: Pick<ProgressReporter, 'report'>;
  /** Why recovery is needed. */
  readonly reason: string;
  /** `undefined` if the journal is not replayed. */
  readonly replay: ReplayAfterScan | undefined;
}

export interface CrashRecoveryResult {
  /** Changes of the archive that must wait until a checkpoint holds what was recovered. */
  readonly afterCheckpoint: readonly IndexingOperation[];
  /** Series to be quarantined when the store runs. */
  readonly damaged: readonly Problem[];
  /** Files that were quarantined because their labels were not found. */
  readonly quarantined: readonly SeriesQuarantined[];
}

export const recoverFromCrash = async (parts: CrashRecoveryParts): Promise<CrashRecoveryResult> => {
  const { clock, files, heads, logger, progress, reason } = parts;
  const started = clock.monotonic();
  logger.warn(
    { reason },
    'The content does not follow from the checkpoint and the journal; all series files are examined.',
  );
  for (const problem of heads.problems) logger.warn({ err: problem }, 'The checkpoint is damaged.');
  const findings = new RecoveryFindings(logger);
  const scan = await scanSeriesFiles(files, findings, (done, total) =>
    progress.report('series directories', done, total),
  );
  const leftToReplay = await LeftToReplay.read({ ...parts, isPedantic: parts.options.pedantic }, parts.replay);
  const run = new CrashRecovery(parts, scan, findings, leftToReplay);
  await run.nameRecords();
  await run.joinRecords();
  await run.compareArchive();
  await run.nameFiles();
  const seconds = (clock.monotonic() - started) / 1000;
  const { table, archived } = parts;
  logger.warn(
    { ...findings.counts, seconds, files: scan.size, inMemory: table.live, archived: archived.size },
    'The directory was recovered.',
  );
  return run.result();
};

class CrashRecovery {
  private readonly parts: CrashRecoveryParts;
  private readonly scan: SeriesScan;
  private readonly findings: RecoveryFindings;
  private readonly examiner: FileExaminer;
  private readonly afterCheckpoint: IndexingOperation[] = [];
  private readonly quarantined: SeriesQuarantined[] = [];
  private readonly leftToReplay: LeftToReplay;
  private filesDone = 0;
  private bytesDone = 0;

  constructor(parts: CrashRecoveryParts, scan: SeriesScan, findings: RecoveryFindings, leftToReplay: LeftToReplay) {
    this.parts = parts;
    this.leftToReplay = leftToReplay;
    this.scan = scan;
    this.findings = findings;
    this.examiner = new FileExaminer({ ...parts, findings, pedantic: parts.options.pedantic }, scan);
  }

  result(): CrashRecoveryResult {
    return { afterCheckpoint: this.afterCheckpoint, damaged: [], quarantined: this.quarantined };
  }

  /**
   * Corrects records whose labels do not have the record's fingerprint. Such a record is damaged, unless the
   * fingerprint is a mapped one. Either the labels or the fingerprint may be wrong; the label-pair index and the other
   * sources of naming.ts decide.
   */
  async nameRecords(): Promise<void> {
    const { table } = this.parts;
    const doubtful: Row[] = [];
    for (const row of table.rows()) {
      const high = table.high[row];
      const low = table.low[row];
      if (!isReserved(high, low) && !isOwnFingerprint(high, low, table.labels[row] ?? [])) doubtful.push(row);
    }
    if (doubtful.length === 0) return;
    const halves = doubtful.flatMap((row) => {
      const own = ownFingerprint(table.labels[row] ?? []);
      return [{ high: table.high[row], low: table.low[row] }, own];
    });
    const names = await nameSeries(this.namingParts(), halves);
    for (const row of doubtful) {
      const high = table.high[row];
      const low = table.low[row];
      const pairs = table.labels[row] ?? [];
      const own = ownFingerprint(pairs);
      const named = names.get(high, low);
      if (named !== undefined) {
        this.give(row, high, low, named);
        this.findings.noteSeries('renamed', high, low, named, 'The checkpoint has wrong labels for the series.');
      } else if (
        table.findFingerprint(own.high, own.low) === NO_ROW &&
        (this.scan.find(own.high, own.low) !== NO_FILE || names.get(own.high, own.low) !== undefined)
      ) {
        this.give(row, own.high, own.low, pairs);
        this.findings.noteSeries('renamed', own.high, own.low, pairs, 'The checkpoint has a wrong fingerprint.');
      } else {
        this.findings.noteSeries(
          'renamed',
          high,
          low,
          pairs,
          'The fingerprint is not that of the labels; kept as it is.',
        );
      }
    }
  }

  /** Moves the content of a row to a new row with another fingerprint or other labels. */
  private give(from: Row, high: number, low: number, pairs: LabelPairs): void {
    const { table, chunks } = this.parts;
    const { firstTime, chunksInFile, mtimeNs, lastChunkFirstTime, lastChunkLastTime } = table;
    const kept = {
      firstTime: firstTime[from],
      chunksInFile: chunksInFile[from],
      mtimeNs: mtimeNs[from],
      lastChunkFirstTime: lastChunkFirstTime[from],
      lastChunkLastTime: lastChunkLastTime[from],
    };
    table.detach(from);
    const row = table.add(high, low, pairs);
    chunks.move(from, row);
    chunks.clean(from);
    table.remove(from);
    table.firstTime[row] = kept.firstTime;
    table.chunksInFile[row] = kept.chunksInFile;
    table.mtimeNs[row] = kept.mtimeNs;
    table.lastChunkFirstTime[row] = kept.lastChunkFirstTime;
    table.lastChunkLastTime[row] = kept.lastChunkLastTime;
  }

  /** Joins the checkpoint's series with their files. */
  async joinRecords(): Promise<void> {
    const { table } = this.parts;
    const changed: Row[] = [];
    for (const row of [...table.rows()]) {
      const file = this.scan.find(table.high[row], table.low[row]);
      if (file === NO_FILE) {
        this.withoutFile(row);
        continue;
      }
      this.scan.claim(file);
      if (this.isAsRecorded(row, file)) this.advance(file);
      else changed.push(row);
    }
    const rows = await this.leaveRows(changed);
    const requests = rows.map((row) => {
      const known = Math.max(0, table.chunksInFile[row]);
      return { file: this.fileOf(row), pairs: table.labels[row], known, mayBeEmpty: known === 0 };
    });
    await this.examineAll(requests, (index, found) => {
      if (found === undefined) this.withoutFile(rows[index]);
      else this.join(rows[index], found);
    });
  }

  private fileOf(row: Row): FileIndex {
    return this.scan.find(this.parts.table.high[row], this.parts.table.low[row]);
  }

  /** Leaves files of rows to the replay. Returns the rows whose files are to be examined. */
  private async leaveRows(rows: readonly Row[]): Promise<Row[]> {
    const { table } = this.parts;
    const candidates = rows.filter((row) => this.leftToReplay.mayLeave(table.high[row], table.low[row]));
    const isLeft = await this.leftToReplay.choose(candidates.map((row) => this.knownOf(row)));
    const leftRows = new Set(candidates.filter((_, i) => isLeft[i]));
    for (const row of leftRows) this.advance(this.fileOf(row));
    return rows.filter((row) => !leftRows.has(row));
  }

  private knownOf(row: Row): KnownFile {
    const { table, chunks } = this.parts;
    const { high, low, chunksInFile, firstTime, lastChunkLastTime } = table;
    const oldest = table.oldestSlot(row);
    // The checkpoint does not state the last time of a file whose series has chunks in memory.
    const lastTime = oldest === NO_SLOT ? lastChunkLastTime[row] : chunks.firstTimeOf(oldest);
    const count = chunksInFile[row] < 0 ? undefined : chunksInFile[row];
    return { high: high[row], low: low[row], chunks: count, firstTime: firstTime[row], lastTime };
  }

  /** The original's shortcut: the file has the chunks and the modification time that the checkpoint states. */
  private isAsRecorded(row: Row, file: FileIndex): boolean {
    const { table, options } = this.parts;
    return (
      !options.pedantic &&
      this.scan.trailingBytesOf(file) === 0 &&
      table.chunksInFile[row] > 0 &&
      table.chunksInFile[row] === this.scan.chunksOf(file) &&
      table.mtimeNs[row] !== -1n &&
      table.mtimeNs[row] === this.scan.mtimesNs[file]
    );
  }

  /**
   * A series of the checkpoint without a file: it keeps its chunks of the checkpoint. Without any, it is removed. If the
   * journal is replayed, it stays for the samples that may come, and empty-series.ts removes it if none come.
   */
  private withoutFile(row: Row): void {
    const { table, chunks } = this.parts;
    const high = table.high[row];
    const low = table.low[row];
    const pairs = table.labels[row];
    const expected = table.chunksInFile[row];
    const isEmpty = table.chunksUnpersisted[row] === 0;
    if (isEmpty && this.parts.replay === undefined) {
      this.findings.noteSeries(
        'seriesLost',
        high,
        low,
        pairs,
        'The series file is missing; nothing is left of the series.',
      );
      chunks.clean(row);
      table.remove(row);
      return;
    }
    if (expected !== 0) {
      const count = expected > 0 ? `${expected} chunks` : 'older chunks';
      this.findings.noteSeries('fileMissing', high, low, pairs, `The series file is missing, and with it ${count}.`);
    }
    // The last time is that of the missing file. The journal may still have samples up to it.
    if (isEmpty) table.adoptLastTime(row, EARLIEST);
    table.forgetFile(row);
  }

  /** Joins a row with its file: samples that are in the file are dropped from memory. */
  private join(row: Row, found: ExaminedFile): void {
    const { table, chunks } = this.parts;
    const expected = table.chunksInFile[row];
    const missing = expected - found.chunks;
    if (missing > 0) {
      const what = table.chunksUnpersisted[row] > 0 ? 'a hole before what the checkpoint holds' : 'the newest ones';
      this.findings.noteSeries(
        'hole',
        table.high[row],
        table.low[row],
        table.labels[row],
        `${missing} chunks of the series file are missing: ${what}.`,
      );
    }
    table.chunksInFile[row] = found.chunks;
    table.mtimeNs[row] = found.mtimeNs;
    table.firstTime[row] = found.firstTime;
    table.lastChunkFirstTime[row] = found.lastChunkFirstTime;
    table.lastChunkLastTime[row] = found.lastTime;
    const before = table.chunksUnpersisted[row];
    // It is unknown whether the file's tail is durable, so mark the file unsynced: the next checkpoint syncs it.
    table.setFlag(row, FILE_UNSYNCED);
    if (found.overlaps || this.memoryHasMore(row, found)) {
      this.merge(row);
      return;
    }
    chunks.dropThrough(row, found.lastTime);
    if (table.chunksUnpersisted[row] === 0) {
      // The checkpoint may be older than the file, or the file may have lost its end. The file counts.
      table.adoptLastTime(row, found.lastTime);
    }
    if (before !== table.chunksUnpersisted[row]) {
      this.findings.noteSeries(
        'stitched',
        table.high[row],
        table.low[row],
        table.labels[row],
        'The series file has samples that the checkpoint has, too; they were joined.',
      );
    }
    chunks.touch(row);
  }

  /**
   * Whether the checkpoint's chunks have samples before the file's end that the file does not have. In a directory that
   * only Tidemark wrote, this means that the series was dropped and created again after the checkpoint. The journal,
   * which is replayed afterwards, handles that, so the answer is no.
   */
  private memoryHasMore(row: Row, found: ExaminedFile): boolean {
    const { table, chunks, isForeign } = this.parts;
    if (!isForeign) return false;
    if (table.chunksUnpersisted[row] === 0 || chunks.firstTimeOf(table.oldestSlot(row)) > found.lastTime) return false;
    const inMemory = timesInMemory(this.parts, row);
    const older = inMemory.times.filter((time) => time <= found.lastTime);
    const inFile = timesInFile(this.parts, { high: table.high[row], low: table.low[row] }, older);
    // If a chunk can't be read, a merge is not possible. The samples in memory stay.
    return !inMemory.isIncomplete && !inFile.isIncomplete && inFile.times.length < older.length;
  }

  private merge(row: Row): void {
    const { table, chunks } = this.parts;
    const high = table.high[row];
    const low = table.low[row];
    const pairs = table.labels[row];
    if (mergeSeries(this.parts, { high, low, row }) === undefined) return;
    chunks.touch(row);
    this.findings.noteSeries('merged', high, low, pairs, 'Chunks of the series overlapped; its samples are in order.');
  }

  /** Compares archived series with their files and with the series in memory. */
  async compareArchive(): Promise<void> {
    const { archive, clock, unreadable } = this.parts;
    await archive.deleteKeys(unreadable.map(({ key }) => key));
    for await (const { entries, bad } of archive.scanMetrics()) {
      await this.compareEntries(entries);
      // An unreadable entry names no series. Step 5 may find the labels of its series elsewhere.
      await archive.deleteKeys(bad.map(({ key }) => key));
      await clock.breathe();
    }
    this.cleanTimeRanges();
  }

  private async compareEntries(entries: readonly ArchivedMetric[]): Promise<void> {
    const { table } = this.parts;
    const sound: ArchivedMetric[] = [];
    for (const entry of entries) {
      const { high, low, pairs } = entry;
      const file = this.scan.find(high, low);
      const row = table.findFingerprint(high, low);
      if (row !== NO_ROW) {
        this.leaveArchive(high, low);
        continue;
      }
      if (!isReserved(high, low) && !isOwnFingerprint(high, low, pairs)) {
        // The entry has the labels of another series. If there is a file, step 5 finds its labels elsewhere.
        this.leaveArchive(high, low);
        this.findings.noteSeries('archiveCleaned', high, low, pairs, 'The archive has wrong labels for the series.');
        continue;
      }
      if (file === NO_FILE) {
        this.leaveArchive(high, low);
        this.findings.noteSeries('seriesLost', high, low, pairs, 'The file of an archived series is missing.');
        continue;
      }
      this.scan.claim(file);
      sound.push(entry);
    }
    const compared = await this.leaveArchived(sound);
    const requests = compared.map(({ high, low, pairs }) => ({ file: this.scan.find(high, low), pairs, known: ALL }));
    const corrections = new ArchiveBatch();
    await this.examineAll(requests, (index, found) => this.compare(compared[index], found, corrections));
    // Nothing depends on the old times, so this correction need not wait for the checkpoint.
    if (corrections.timeRanges.length > 0) await this.parts.archive.apply(corrections, { sync: true });
  }

  /** Leaves files of archived series to the replay, which wakes these series. Returns the others. */
  private async leaveArchived(entries: readonly ArchivedMetric[]): Promise<ArchivedMetric[]> {
    const woken = await this.leaveWoken(entries);
    for (const { high, low } of woken) {
      // The replay removes the labels of a woken series from the archive only if the archive has its times.
      if (!this.parts.archived.has(high, low)) this.leaveArchive(high, low);
    }
    return entries.filter((entry) => !woken.has(entry));
  }

  /** Leaves the files of those series to the replay that it wakes. Returns these series. */
  private async leaveWoken<Series extends FingerprintHalves>(series: readonly Series[]): Promise<Set<Series>> {
    const candidates = series.flatMap((each) => {
      const known = this.leftToReplay.wokenFile(each.high, each.low);
      return known === undefined ? [] : [{ each, known }];
    });
    const isLeft = await this.leftToReplay.choose(candidates.map(({ known }) => known));
    const woken = new Set(candidates.filter((_, i) => isLeft[i]).map(({ each }) => each));
    for (const { high, low } of woken) this.advance(this.scan.find(high, low));
    return woken;
  }

  private compare(
    { high, low, pairs }: ArchivedMetric,
    found: ExaminedFile | undefined,
    corrections: ArchiveBatch,
  ): void {
    const { archived } = this.parts;
    if (found === undefined) {
      this.leaveArchive(high, low);
      this.findings.noteSeries('seriesLost', high, low, pairs, 'Nothing is left of an archived series.');
      return;
    }
    if (!archived.has(high, low)) {
      this.bringIn(high, low, pairs, found);
      this.findings.noteSeries(
        'backInMemory',
        high,
        low,
        pairs,
        'The archive has the labels of a series, but not its times; the series is in memory again.',
      );
      return;
    }
    const merged = found.overlaps ? mergeSeries(this.parts, { high, low, row: NO_ROW }) : undefined;
    if (merged !== undefined) {
      this.findings.noteSeries(
        'merged',
        high,
        low,
        pairs,
        'Chunks of the series overlapped; its samples are in order.',
      );
    }
    const { firstTime, lastTime } = merged ?? found;
    if (archived.firstTimeOf(high, low) === firstTime && archived.lastTimeOf(high, low) === lastTime) return;
    archived.add(high, low, firstTime, lastTime);
    corrections.updateTimeRange(high, low, { firstTime, lastTime });
    this.findings.noteSeries('timesCorrected', high, low, pairs, 'The times of an archived series were corrected.');
  }

  /** Removes time ranges whose series has no labels in the archive. If such a series has a file, step 5 names it. */
  private cleanTimeRanges(): void {
    const { archived, table } = this.parts;
    for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1)) {
      const high = archived.highAt(slot);
      const low = archived.lowAt(slot);
      const file = this.scan.find(high, low);
      if (table.findFingerprint(high, low) !== NO_ROW || file === NO_FILE || !this.scan.isClaimed(file)) {
        this.leaveArchive(high, low);
        this.findings.noteSeries(
          'archiveCleaned',
          high,
          low,
          undefined,
          'The archive has the times of a series, but not its labels.',
        );
      }
    }
  }

  /** Finds the labels of the files that neither the checkpoint nor the archive names. */
  async nameFiles(): Promise<void> {
    const { table } = this.parts;
    const { highs, lows } = this.scan;
    const files = await this.leaveUnclaimed();
    const names = await nameSeries(
      this.namingParts(),
      files.map((file) => ({ high: highs[file], low: lows[file] })),
    );
    const named: FileIndex[] = [];
    for (const file of files) {
      const pairs = names.get(highs[file], lows[file]);
      if (pairs !== undefined) named.push(file);
      else this.quarantine(file, 'no checkpoint, index, hint or journal names the series of this file', undefined);
    }
    const pairsOf = (file: FileIndex): LabelPairs => names.get(highs[file], lows[file]) ?? [];
    const requests = named.map((file) => ({ file, pairs: pairsOf(file), known: ALL, mayBeEmpty: true }));
    await this.examineAll(requests, (index, found) => {
      const file = named[index];
      const pairs = pairsOf(file);
      if (found === undefined) return;
      const other = table.findPairs(pairs);
      if (other !== NO_ROW) {
        // The checkpoint's series may have ended since, and its labels may have a new series with another fingerprint.
        // Replaying the journal ends the one, creates the other, and reads its file.
        if (this.leftToReplay.isCreated(highs[file], lows[file])) return;
        const holder = fingerprintText(table.high[other], table.low[other]);
        this.quarantine(file, `its labels are those of the series with fingerprint ${holder}`, pairs);
        return;
      }
      this.bringIn(highs[file], lows[file], pairs, found);
      this.findings.noteSeries('named', highs[file], lows[file], pairs, 'The labels of a series file were found.');
    });
  }

  /** Leaves files that neither the checkpoint nor the archive names to the replay. Returns the others. */
  private async leaveUnclaimed(): Promise<FileIndex[]> {
    const { highs, lows } = this.scan;
    const series = this.scan.unclaimed().map((file) => ({ file, high: highs[file], low: lows[file] }));
    const woken = await this.leaveWoken(series);
    return series.flatMap((each) => {
      if (woken.has(each)) return [];
      if (!this.leftToReplay.leavesCreated(each.high, each.low)) return [each.file];
      this.advance(each.file);
      return [];
    });
  }

  /** Adds a row for a series that has only a file. */
  private bringIn(high: number, low: number, pairs: LabelPairs, found: ExaminedFile): void {
    const { table, chunks } = this.parts;
    this.leaveArchive(high, low);
    const row = table.add(high, low, pairs);
    table.chunksInFile[row] = found.chunks;
    table.firstTime[row] = found.firstTime;
    table.lastChunkFirstTime[row] = found.lastChunkFirstTime;
    table.lastChunkLastTime[row] = found.lastTime;
    table.mtimeNs[row] = found.mtimeNs;
    table.setFlag(row, FILE_UNSYNCED);
    table.adoptLastTime(row, found.lastTime);
    chunks.touch(row);
    if (found.overlaps) this.merge(row);
  }

  private leaveArchive(high: number, low: number): void {
    this.parts.archived.remove(high, low);
    this.afterCheckpoint.push({ type: 'unarchive', high, low });
  }

  private quarantine(file: FileIndex, reason: string, pairs: LabelPairs | undefined): void {
    const { clock, seriesFiles } = this.parts;
    const high = this.scan.highs[file];
    const low = this.scan.lows[file];
    const moved = seriesFiles.quarantine(high, low, reason, pairs);
    this.findings.noteSeries('quarantined', high, low, pairs, `A series file was moved to ${moved}: ${reason}.`);
    this.quarantined.push({
      type: 'seriesQuarantined',
      time: clock.now(),
      fingerprint: fingerprintText(high, low),
      reason,
      ...(pairs === undefined ? {} : { labels: toLabels(pairs) }),
      ...(moved === undefined ? {} : { file: moved }),
    });
  }

  private async examineAll(
    requests: readonly FileToExamine[],
    take: (index: number, found: ExaminedFile | undefined) => void,
  ): Promise<void> {
    for (let start = 0; start < requests.length; start += FILES_PER_BATCH) {
      const batch = requests.slice(start, start + FILES_PER_BATCH);
      const found = await this.examiner.examine(batch);
      for (let i = 0; i < batch.length; i++) {
        take(start + i, found[i]);
        this.advance(batch[i].file);
      }
      await this.parts.clock.breathe();
    }
  }

  private advance(file: FileIndex): void {
    this.filesDone++;
    this.bytesDone += this.scan.sizes[file];
    this.parts.progress.report('series files', this.filesDone, this.scan.size, this.bytesDone);
  }

  private namingParts(): Parameters<typeof nameSeries>[0] {
    const { clock } = this.parts;
    return { ...this.parts, breathe: () => clock.breathe() };
  }
}

const scratch = new Int32Array(2);

const ownFingerprint = (pairs: LabelPairs): { high: number; low: number } => {
  fastFingerprint(pairs, scratch);
  return { high: scratch[0], low: scratch[1] };
};
