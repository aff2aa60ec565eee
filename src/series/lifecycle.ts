/**
 * Carries out the decisions of the series statechart: the effects of `machines/series.machine.ts` on rows, chunks,
 * files and indexes. `SeriesActors` also writes the row's state through here, so every change of a series' life happens
 * in this file.
 *
 * The intent to change a file is durable before the file is touched, and the event that reports the change is published
 * after the file was moved or deleted.
 */
import type { FileResult, PurgeReason, SeriesContext } from '../../machines/series.machine.ts';
import { codeOfPath, type SeriesStateCode, seriesTags } from '../../machines/series-states.ts';
import type { KeyedMutex } from '../async/keyed-mutex.ts';
import type { SeriesFileAnswers, SeriesFileRequest } from '../disk/series-files/series-file-requests.ts';
import { runOne, type SeriesFileWorker } from '../disk/series-files/series-file-worker.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { Indexer } from '../indexes/indexer.ts';
import { TidemarkError } from '../model/errors.ts';
import type { Position } from '../model/events.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import { type LabelPairs, toLabels } from '../model/labels.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { SeriesActors, SeriesEffects, SeriesFacts, SeriesRows } from './actors.ts';
import type { ChunkCache } from './chunk-cache.ts';
import type { EventBus } from './event-bus.ts';
import type { FileChanges } from './file-changes.ts';
import type { MemoryChunks } from './memory-chunks.ts';
import type { Persister } from './persister.ts';
import { EARLIEST, FILE_UNSYNCED, NO_ROW, type Row, type SeriesTable } from './table.ts';

export interface LifecycleParts {
  readonly table: SeriesTable;
  readonly chunks: MemoryChunks;
  readonly cache: ChunkCache;
  readonly persister: Persister;
  readonly files: SeriesFileWorker;
  readonly fileKeys: KeyedMutex<string>;
  readonly archived: ArchiveDirectory;
  readonly indexer: Indexer;
  /** `forget` is called when a row is freed, before it can go to another series. */
  readonly journal: { readonly end: Position; forget(row: Row): void };
  readonly fileChanges: FileChanges;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Chunks that end before this time are past retention; `undefined` if there is no retention. */
  readonly beforeTime: () => number | undefined;
  /** Number of chunks in the series' file, read from the file system on this thread. */
  readonly chunksInFile: (high: number, low: number) => number;
  /** First time in the series' file, read on this thread. Needed only if the checkpoint did not have it. */
  readonly firstTimeInFile: (high: number, low: number) => number;
  readonly onDiskTrouble: (error: unknown) => void;
  readonly onArchived: () => void;
  readonly onUnarchived: () => void;
}

const ARCHIVED = codeOfPath('archived.resting');

/** A series on its way to quarantine. */
interface Leaving {
  readonly row: Row;
  readonly pairs: LabelPairs;
  readonly wasArchived: boolean;
  /** Ends the hold on the journal ({@link FileChanges.hold}). */
  readonly letGo: () => void;
}

export class Lifecycle implements SeriesRows, SeriesEffects {
  private readonly parts: LifecycleParts;
  /** The reasons for which rows are quarantined or about to be. */
  private readonly reasons = new Map<Row, string>();
  /** Series whose damaged files are not moved away yet. Nothing may be written to these files. */
  private readonly unmoved = new Map<string, Leaving>();
  /** Deleted series whose files could not be deleted yet. */
  private readonly undeleted = new Map<string, Pick<Leaving, 'row' | 'letGo'>>();
  /** Series purged since the store was opened, by where they were and why. */
  readonly purges = { fromMemory: 0, fromArchive: 0, onRequest: 0 };
  /** How often a damaged file could not be moved away. Each move is retried. */
  failedIsolations = 0;
  actors!: SeriesActors;
  private refusedRow: Row = NO_ROW;

  constructor(parts: LifecycleParts) {
    this.parts = parts;
  }

  // The rows, as the actor registry uses them.

  factsOf(row: Row): SeriesFacts {
    const { table } = this.parts;
    return {
      code: table.stateCode(row),
      fingerprint: this.keyOf(row),
      chunksInFile: table.chunksInFile[row],
      reason: this.reasons.get(row) ?? '',
    };
  }

  writeState(row: Row, code: SeriesStateCode, context: SeriesContext): void {
    this.parts.table.setState(row, code, seriesTags.writable[code] === 1);
    if (context.reason !== '') this.reasons.set(row, context.reason);
    else this.reasons.delete(row);
  }

  passivated(row: Row, code: SeriesStateCode): void {
    if (seriesTags.resident[code] === 1) return;
    this.reasons.delete(row);
    this.parts.chunks.releaseAll(row);
    this.parts.chunks.clean(row);
    this.parts.journal.forget(row);
    this.parts.table.remove(row);
  }

  /** Adds a row for an archived series, for the time that its actor is in memory. */
  borrow(high: number, low: number, pairs: LabelPairs): Row {
    const { table, archived } = this.parts;
    // Read before the row is added: if the disk fails, no row with an unknown chunk count must remain.
    const chunksInFile = this.parts.chunksInFile(high, low);
    const row = table.add(high, low, pairs, ARCHIVED);
    table.setState(row, ARCHIVED, false);
    table.chunksInFile[row] = chunksInFile;
    table.firstTime[row] = archived.firstTimeOf(high, low);
    table.setLastTime(row, archived.lastTimeOf(high, low));
    table.lastChunkLastTime[row] = archived.lastTimeOf(high, low);
    return row;
  }

  /** Wakes an archived series for a sample. */
  wakeForSample(high: number, low: number, pairs: LabelPairs): Row {
    const found = this.parts.table.findFingerprint(high, low);
    const row = found === NO_ROW ? this.borrow(high, low, pairs) : found;
    this.actors.send(row, { type: 'wake' });
    return row;
  }

  /** Resolves when the running call of the series of the last refused sample has ended. */
  async refusedRowSettled(): Promise<void> {
    await this.actors.settled(this.refusedRow);
  }

  /** For a row whose state takes no samples: wakes an archived series, otherwise throws. */
  makeWritable(row: Row): void {
    const { table } = this.parts;
    if (seriesTags.onDisk[table.stateCode(row)] === 1) this.actors.send(row, { type: 'wake' });
    if (seriesTags.writable[table.stateCode(row)] === 1) return;
    this.refusedRow = row;
    throw new TidemarkError(
      'TIDEMARK_THROTTLED',
      `series ${this.keyOf(row)} is being removed and takes samples again when that is done; await store.ready() and append again`,
    );
  }

  // Effects.

  closeHead(row: Row): void {
    const { chunks, bus, clock } = this.parts;
    chunks.closeHead(row);
    bus.publish({ type: 'headChunksClosed', time: clock.now(), fingerprints: [this.keyOf(row)] });
  }

  forgetDescriptors(row: Row): void {
    this.parts.cache.forgetSeries(this.keyOf(row));
  }

  /** The persister has already applied the result, while it still held the file's key. */
  notePersisted(): void {}

  noteTrimmed(row: Row, result: FileResult): void {
    const { table, archived, indexer } = this.parts;
    if (result.dropped === 0 || result.allDropped) return;
    const high = table.high[row];
    const low = table.low[row];
    const lastTime = archived.lastTimeOf(high, low);
    archived.add(high, low, result.firstTime, lastTime);
    indexer.enqueue({ type: 'updateTimeRange', high, low, firstTime: result.firstTime, lastTime });
  }

  archive(row: Row): void {
    const { table, archived, indexer, bus, clock, cache, chunks } = this.parts;
    const high = table.high[row];
    const low = table.low[row];
    const pairs = this.pairsOf(row);
    if (table.firstTime[row] === EARLIEST) table.firstTime[row] = this.parts.firstTimeInFile(high, low);
    const firstTime = table.firstTime[row];
    const lastTime = table.lastTime(row);
    cache.forgetSeries(this.keyOf(row));
    bus.publish({
      type: 'seriesArchived',
      time: clock.now(),
      fingerprint: this.keyOf(row),
      labels: toLabels(pairs),
      firstTime,
      lastTime,
    });
    archived.add(high, low, firstTime, lastTime);
    indexer.enqueue({ type: 'archive', high, low, pairs, firstTime, lastTime });
    chunks.clean(row);
    this.parts.onArchived();
  }

  wake(row: Row): void {
    const { table, archived, indexer, bus, clock, chunks } = this.parts;
    const high = table.high[row];
    const low = table.low[row];
    bus.publish({
      type: 'seriesUnarchived',
      time: clock.now(),
      fingerprint: this.keyOf(row),
      labels: toLabels(this.pairsOf(row)),
      lastTime: archived.lastTimeOf(high, low),
    });
    archived.remove(high, low);
    indexer.enqueue({ type: 'unarchive', high, low });
    chunks.touch(row);
    this.parts.onUnarchived();
  }

  /** A series that {@link deleteFile} has deleted is already removed here. */
  purge(row: Row, reason: PurgeReason): void {
    if (reason === 'dropped') return;
    this.publishPurge(row, reason);
    this.forgetSeries(row, reason);
  }

  private publishPurge(row: Row, reason: PurgeReason): void {
    const { bus, clock } = this.parts;
    const labels = toLabels(this.pairsOf(row));
    bus.publish({ type: 'seriesPurged', time: clock.now(), fingerprint: this.keyOf(row), labels, reason });
  }

  private forgetSeries(row: Row, reason: PurgeReason): void {
    const { table, archived, indexer, cache, chunks, journal } = this.parts;
    const high = table.high[row];
    const low = table.low[row];
    const pairs = this.pairsOf(row);
    cache.forgetSeries(this.keyOf(row));
    chunks.releaseAll(row);
    const wasArchived = archived.has(high, low);
    if (wasArchived) {
      archived.remove(high, low);
      indexer.enqueue({ type: 'purgeArchived', high, low, pairs });
    }
    if (reason === 'dropped') this.purges.onRequest++;
    else if (wasArchived) this.purges.fromArchive++;
    else this.purges.fromMemory++;
    indexer.enqueue({ type: 'unindex', high, low, pairs, position: journal.end });
    table.detach(row);
  }

  reportDiskTrouble(row: Row, error: unknown): void {
    this.parts.logger.warn(
      { err: error, fingerprint: this.keyOf(row) },
      'A series file could not be changed; it will be tried again.',
    );
    if (seriesTags.quarantined[this.parts.table.stateCode(row)] === 1) this.failedIsolations++;
    this.parts.onDiskTrouble(error);
  }

  /** Rows of series whose files could not be moved away or deleted yet. */
  get unfinishedRows(): Row[] {
    return [...this.unmoved.values(), ...this.undeleted.values()].map(({ row }) => row);
  }

  /** The labels of a series on its way to quarantine. Its fingerprint stays in use until its file has been moved. */
  leavingPairs(high: number, low: number): LabelPairs | undefined {
    return this.unmoved.size === 0 ? undefined : this.unmoved.get(fingerprintText(high, low))?.pairs;
  }

  nothingInMemory(row: Row): boolean {
    return this.parts.table.chunksUnpersisted[row] === 0;
  }

  async persist(row: Row): Promise<FileResult> {
    // Nothing is written to a damaged file that could not be moved away yet. The chunks wait until it has been moved.
    if (this.unmoved.has(this.keyOf(row))) return this.parts.persister.nothingDone(row);
    return this.parts.persister.persist(row, this.parts.beforeTime());
  }

  trim(row: Row): Promise<FileResult> {
    const { table, archived, persister, beforeTime } = this.parts;
    const high = table.high[row];
    const low = table.low[row];
    return persister.trim(high, low, beforeTime() ?? EARLIEST, (until) => archived.setKeptUntil(high, low, until));
  }

  /**
   * Moves the file to orphaned/. Samples that are only in memory stay, as a new series with the same labels, because
   * they were acknowledged and are not damaged.
   */
  async isolate(row: Row, reason: string): Promise<void> {
    const { table, archived, indexer, bus, clock, cache, logger } = this.parts;
    const high = table.high[row];
    const low = table.low[row];
    const key = this.keyOf(row);
    const pairs = this.pairsOf(row);
    cache.forgetSeries(key);
    const successor = this.split(row);
    // No checkpoint includes a series to which the file belongs. So the journal is held: until the file has been moved,
    // recovery finds it only through the journal.
    const leaving = this.unmoved.get(key) ?? {
      row,
      pairs,
      wasArchived: archived.has(high, low),
      letGo: this.parts.fileChanges.hold(),
    };
    this.unmoved.set(key, leaving);
    // From here on a sample must not wake the series from the archive: it creates a new series instead.
    archived.remove(high, low);
    await this.changeFile(row, { kind: 'quarantine', high, low, reason, pairs }, (file) => {
      const labels = toLabels(pairs);
      const hasSuccessor = successor !== NO_ROW || table.findFingerprint(high, low) !== NO_ROW;
      const what = { fingerprint: key, labels, reason, hasSuccessor };
      const event = { type: 'seriesQuarantined', time: clock.now(), ...what } as const;
      const position = bus.publish(file === undefined ? event : { ...event, file });
      leaving.letGo();
      this.unmoved.delete(key);
      logger.error({ fingerprint: key, labels, reason, file }, 'A series was quarantined.');
      if (hasSuccessor) {
        // The label indexes keep their entries: they are now the new series' entries.
        if (leaving.wasArchived) indexer.enqueue({ type: 'unarchive', high, low });
        bus.publish({ type: 'seriesCreated', time: clock.now(), fingerprint: key, labels });
      } else {
        if (leaving.wasArchived) indexer.enqueue({ type: 'purgeArchived', high, low, pairs });
        indexer.enqueue({ type: 'unindex', high, low, pairs, position });
      }
    });
  }

  /**
   * The purge is durable in the journal before the file is deleted, so that a crash in between does not leave a part of
   * the series. The series is removed from memory while the change still counts as under way, so that no checkpoint
   * both includes the series and drops the purge from the journal.
   */
  async deleteFile(row: Row): Promise<void> {
    const { table, fileChanges } = this.parts;
    const key = this.keyOf(row);
    // After the purge no checkpoint includes the series. So the journal is held until the file is deleted.
    const leaving = this.undeleted.get(key) ?? { row, letGo: fileChanges.hold() };
    this.undeleted.set(key, leaving);
    await this.changeFile(
      row,
      { kind: 'remove', high: table.high[row], low: table.low[row] },
      () => {
        leaving.letGo();
        this.undeleted.delete(key);
        table.chunksInFile[row] = 0;
        this.forgetSeries(row, 'dropped');
      },
      () => this.publishPurge(row, 'dropped'),
    );
  }

  /** Moves the chunks in memory to a new row with the same labels. The old row is no longer found. */
  private split(row: Row): Row {
    const { table, chunks } = this.parts;
    const wasFound = table.findFingerprint(table.high[row], table.low[row]) === row;
    if (!wasFound) return NO_ROW;
    const pairs = this.pairsOf(row);
    const kept = table.chunksUnpersisted[row] > 0;
    table.detach(row);
    if (!kept) return NO_ROW;
    const successor = table.add(table.high[row], table.low[row], pairs);
    chunks.move(row, successor);
    return successor;
  }

  /**
   * Changes a series' file while holding its key. `announce` publishes the intent before the change, `publish` the
   * outcome after it.
   */
  private async changeFile<const Request extends SeriesFileRequest>(
    row: Row,
    request: Request,
    publish: (answer: SeriesFileAnswers[Request['kind']]) => void,
    announce?: () => void,
  ): Promise<void> {
    const { fileKeys, fileChanges, files, table } = this.parts;
    const key = this.keyOf(row);
    const release = await fileKeys.acquire(key);
    try {
      const change = async (): Promise<void> => {
        const answer = await runOne(files, request);
        // Without the sync, a loss of power could bring the file back, and the next series with this fingerprint would
        // get it.
        if (request.kind === 'remove') await runOne(files, { kind: 'syncDirectories' });
        table.clearFlag(row, FILE_UNSYNCED);
        publish(answer);
      };
      await fileChanges.around([key], change, announce);
    } finally {
      release();
    }
  }

  private keyOf(row: Row): string {
    return fingerprintText(this.parts.table.high[row], this.parts.table.low[row]);
  }

  private pairsOf(row: Row): LabelPairs {
    return this.parts.table.labels[row] ?? [];
  }
}
