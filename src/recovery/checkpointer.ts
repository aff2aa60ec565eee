/**
 * Writes the heads checkpoint: the snapshot that recovery starts from. It is fuzzy: it is written in slices while
 * samples are appended, and each series is recorded as it is at that moment. Recovery completes it by replaying the
 * journal from its position at the start of the checkpoint, or earlier: from the oldest unfinished change of series
 * files, from the oldest late sample that is not merged yet, or from the oldest dropped time range that a series file
 * still has.
 *
 * The order matters; each step relies only on what the steps before have made durable:
 *   1. Note the journal position.
 *   2. Write all records to heads.db.tmp.
 *   3. Wait until the indexes and the journal are durable, so that after a loss of power nothing in the snapshot is
 *      ahead of them. Note how many operations the indexes have: what they lose from now on, the replay of this
 *      snapshot does not bring back.
 *   4. Sync the series files that were written without a sync, because the snapshot no longer holds their chunks.
 *   5. Sync heads.db.tmp, rename it over heads.db, and sync the directory. At a clean close, heads.db does not name its
 *      position; so before the rename, a `storeClosing` event with the position and the checksum of heads.db is made
 *      durable in the journal.
 *   6. The journal before the position may be truncated.
 *
 * A clean close keeps the last checkpoint if no series has changed since. Then step 5 writes the `storeClosing` event
 * and cuts off the trailer of heads.db.
 */
import { seriesTags } from '../../machines/series-states.ts';
import { Slices } from '../async/slices.ts';
import type { Slab } from '../chunk/slab.ts';
import type { HeadsRecord } from '../disk/heads/heads.ts';
import { cutTrailer } from '../disk/heads/heads-trailer.ts';
import { HeadsWriter, type HeadsWritten } from '../disk/heads/heads-writer.ts';
import type { ChecksumReport } from '../disk/series-files/chunk-checksums.ts';
import { toError } from '../disk/series-files/series-file-requests.ts';
import { runOne, type SeriesFileWorker } from '../disk/series-files/series-file-worker.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { JournalWriter } from '../journal/write/journal-writer.ts';
import type { LifecycleEvent, Position } from '../model/events.ts';
import type { Clock } from '../ports/clock.ts';
import type { ErasedRanges } from '../series/erased-ranges.ts';
import type { EventBus } from '../series/event-bus.ts';
import type { FileChanges } from '../series/file-changes.ts';
import type { LateSamples } from '../series/late-samples.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import { EARLIEST, FILE_SYNCING, FILE_UNSYNCED, type Row, type SeriesTable } from '../series/table.ts';

/** Series between two readings of the clock. */
const SERIES_PER_LOOK = 64;
/** Rows whose flags are read between two readings of the clock. */
const ROWS_PER_LOOK = 8192;
/** Files synced with one message to the worker. */
const SYNCS_PER_BATCH = 256;

/** Events that change no series and no series file. Any other event makes the last checkpoint out of date. */
const CHANGING_NO_SERIES: ReadonlySet<LifecycleEvent['type']> = new Set([
  'storeOpened',
  'storeClosing',
  'checkpointWritten',
  'pressureChanged',
  'healthChanged',
  'clockJumped',
  'subscriptionOverrun',
  'retentionChanged',
  'alertPending',
  'alertFired',
  'alertResolved',
]);

export interface CheckpointParts {
  readonly table: SeriesTable;
  readonly slab: Slab;
  readonly chunks: MemoryChunks;
  readonly late: Pick<LateSamples, 'oldestPosition'>;
  readonly erased: Pick<ErasedRanges, 'oldestPosition'>;
  readonly fileChanges: FileChanges;
  readonly files: SeriesFileWorker;
  readonly fileSystem: FileSystem;
  readonly directory: string;
  /** Resolves when the indexes have applied everything that was enqueued, or when the next opening will do so. */
  readonly settleIndexes: () => Promise<void>;
  /** Records how many operations the indexes have, for the next opening. Must not throw. */
  readonly noteIndexes: () => void;
  readonly journal: JournalWriter;
  readonly bus: EventBus;
  readonly clock: Clock;
  /** Called with the report about the checksums of the series files. */
  readonly onChecksums: (report: ChecksumReport) => void;
}

export interface CheckpointResult extends HeadsWritten {
  /** Replay starts here. */
  readonly from: Position;
  readonly durationMs: number;
}

export class Checkpointer {
  private readonly parts: CheckpointParts;
  /** The last heads.db, and how many events had changed a series when it was begun. */
  private last: { readonly heads: HeadsWritten; readonly changes: number } | undefined;

  /** `heads`: the heads.db that the store was opened from, if the store still holds exactly its content. */
  constructor(parts: CheckpointParts, heads?: HeadsWritten) {
    this.parts = parts;
    if (heads !== undefined) this.last = { heads, changes: this.changes() };
  }

  /** Writes a checkpoint. `final` is for a clean close: then the file has the original's format, without a trailer. */
  async write(final: boolean): Promise<CheckpointResult> {
    const { table, slab, chunks, late, erased, fileSystem, directory, journal, clock, fileChanges } = this.parts;
    const started = clock.monotonic();
    const kept = fileChanges.oldest() ?? Number.POSITIVE_INFINITY;
    const from = Math.min(journal.beginSegment(), kept, late.oldestPosition(), erased.oldestPosition());
    const last = final ? await this.keepLast(from) : undefined;
    if (last !== undefined) return { from, ...last, durationMs: clock.monotonic() - started };
    const changes = this.changes();
    this.last = undefined;
    const writer = new HeadsWriter(fileSystem, directory, slab, clock);
    try {
      writer.begin(table.live);
      await this.writeRecords(writer, !final);
      await this.catchUp();
      if (!final) this.parts.noteIndexes();
      const written = final
        ? await writer.finish(undefined, (heads) => this.announceClosing(from, heads))
        : await writer.finish({ position: from });
      this.last = { heads: written, changes };
      return { from, ...written, durationMs: clock.monotonic() - started };
    } catch (error) {
      writer.abort();
      for (let row = 0; row < table.size; row++) if (table.isLive(row)) chunks.touch(row);
      throw error;
    }
  }

  /** Makes the existing heads.db the one of a clean close. `undefined` when a new one has to be written. */
  private async keepLast(from: Position): Promise<HeadsWritten | undefined> {
    const { chunks, fileChanges, fileSystem, directory } = this.parts;
    const { last } = this;
    if (last === undefined || last.changes !== this.changes()) return undefined;
    if (chunks.dirtySeries > 0 || fileChanges.oldest() !== undefined) return undefined;
    // A series that is being purged or quarantined is not recorded any more, although its event comes only at the end.
    if ((await this.recordCount()) !== last.heads.series) return undefined;
    this.last = undefined;
    const { recordsBytes, recordsCrc32 } = last.heads;
    const heads = { ...last.heads, bytes: recordsBytes, crc32: recordsCrc32 };
    try {
      await this.catchUp();
      const isThere = await cutTrailer(fileSystem, directory, recordsBytes, () => this.announceClosing(from, heads));
      return isThere ? heads : undefined;
    } catch {
      // After any error a new file is written. If that fails too, its error is thrown.
      return undefined;
    }
  }

  private async recordCount(): Promise<number> {
    const { table, clock } = this.parts;
    const slices = new Slices(clock);
    let count = 0;
    for (let row = 0; row < table.size; row++) {
      if ((row & (SERIES_PER_LOOK - 1)) === 0 && slices.isOver) await slices.breathe();
      if (isRecorded(table, row) && hasChunks(table, row)) count++;
    }
    return count;
  }

  /** How many events have changed a series or its file. Appended samples do not count: they mark their series dirty. */
  private changes(): number {
    let count = 0;
    for (const [type, published] of this.parts.bus.counts) if (!CHANGING_NO_SERIES.has(type)) count += published;
    return count;
  }

  /** Makes durable what the snapshot relies on: the indexes, the journal and the series files. */
  private async catchUp(): Promise<void> {
    await this.parts.settleIndexes();
    await this.parts.journal.commit();
    await this.syncSeriesFiles();
  }

  private async announceClosing(from: Position, { bytes, crc32 }: HeadsWritten): Promise<void> {
    const { bus, journal, clock } = this.parts;
    bus.publish({ type: 'storeClosing', time: clock.now(), from, headsBytes: bytes, headsCrc32: crc32 });
    await journal.commit();
  }

  /**
   * A series without chunks has no record. The journal is kept from this checkpoint on and may get samples of the
   * series, so its creation is announced there again (`announcesEmpty`).
   */
  private async writeRecords(writer: HeadsWriter, announcesEmpty: boolean): Promise<void> {
    const { table, chunks, bus, clock } = this.parts;
    const slices = new Slices(clock);
    for (let row = 0; row < table.size; row++) {
      if (isRecorded(table, row)) {
        const record = recordOf(table, chunks, row);
        if (record !== undefined) writer.add(record);
        else if (announcesEmpty)
          bus.publishCreated(clock.now(), table.high[row], table.low[row], table.labels[row] ?? []);
        chunks.clean(row);
      }
      if ((row & (SERIES_PER_LOOK - 1)) === 0 && slices.isOver) {
        writer.writeBuffered();
        await slices.breathe();
      }
    }
  }

  private async syncSeriesFiles(): Promise<void> {
    const { table, files, clock } = this.parts;
    const slices = new Slices(clock);
    let rows: Row[] = [];
    for (let row = 0; row < table.size; row++) {
      if (row % ROWS_PER_LOOK === 0 && slices.isOver) await slices.breathe();
      if (table.isLive(row) && (table.flags(row) & FILE_UNSYNCED) !== 0) rows.push(row);
      if (rows.length < SYNCS_PER_BATCH) continue;
      await this.syncBatch(rows);
      rows = [];
    }
    await this.syncBatch(rows);
    await runOne(files, { kind: 'syncDirectories' });
    this.parts.onChecksums(await runOne(files, { kind: 'syncChecksums' }));
  }

  private async syncBatch(rows: readonly Row[]): Promise<void> {
    const { table, files } = this.parts;
    const requests = rows.map((row) => ({ kind: 'sync', high: table.high[row], low: table.low[row] }) as const);
    const generations = rows.map((row) => table.generation(row));
    for (const row of rows) {
      table.clearFlag(row, FILE_UNSYNCED);
      table.setFlag(row, FILE_SYNCING);
    }
    let isSynced = false;
    try {
      const outcomes = await files.run(requests);
      for (const outcome of outcomes) if (!outcome.ok) throw toError(outcome.error);
      isSynced = true;
    } finally {
      for (const [i, row] of rows.entries()) {
        if (table.generation(row) !== generations[i]) continue;
        table.clearFlag(row, FILE_SYNCING);
        if (!isSynced) table.setFlag(row, FILE_UNSYNCED);
      }
    }
  }
}

/**
 * Whether a row is recorded. These are not: a row that an archived series borrows, the row of a quarantined series, and
 * the row of a purged series whose file could not be deleted.
 */
const isRecorded = (table: SeriesTable, row: Row): boolean => {
  if (!table.isListed(row)) return false;
  const code = table.stateCode(row);
  return seriesTags.resident[code] === 1 && seriesTags.deleted[code] === 0;
};

const hasChunks = (table: SeriesTable, row: Row): boolean =>
  table.chunksUnpersisted[row] > 0 || table.chunksInFile[row] > 0;

/** The checkpoint record of one series (docs/formats/heads.md); `undefined` for a series without chunks. */
const recordOf = (table: SeriesTable, chunks: MemoryChunks, row: Row): HeadsRecord | undefined => {
  if (!hasChunks(table, row)) return undefined;
  const inFile = table.chunksInFile[row];
  const isInMemory = table.chunksUnpersisted[row] > 0;
  // One literal, so that all records have one shape: spreading the common part took most of a record's time.
  return {
    high: table.high[row],
    low: table.low[row],
    pairs: table.labels[row] ?? [],
    watermark: isInMemory ? 0 : 1,
    mtimeNs: table.mtimeNs[row],
    chunkDescsOffset: isInMemory ? inFile : inFile - 1,
    savedFirstTime: table.firstTime[row],
    descriptorTimes: isInMemory ? [] : timesOfNewest(table, row),
    slots: isInMemory ? chunks.allSlots(row) : [],
  };
};

/** The times of the newest chunk, for a series whose chunks are all in its file. */
const timesOfNewest = (table: SeriesTable, row: Row): [first: number, last: number] => {
  const last = table.lastChunkLastTime[row] === EARLIEST ? table.lastTime(row) : table.lastChunkLastTime[row];
  const first = table.lastChunkFirstTime[row] === EARLIEST ? last : table.lastChunkFirstTime[row];
  return [first, last];
};
