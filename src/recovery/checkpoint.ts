/**
 * Writes the heads checkpoint: the snapshot that recovery starts from. It is fuzzy: samples go on flowing while it is
 * written in slices, and each series is recorded as it is when its turn comes. Replaying the journal from where the
 * journal stood at the start (or from the oldest unfinished change of series files, if that is earlier) makes it whole.
 *
 * Order matters; each step only relies on what the one before has made durable:
 *   1. note the journal position;
 *   2. write all records to heads.db.tmp;
 *   3. the indexes and the journal catch up, so that nothing in the snapshot is ahead of them after a loss of power;
 *   4. series files that were written without a sync are synced: the snapshot no longer holds their chunks;
 *   5. sync heads.db.tmp, rename it over heads.db, sync the directory; at a clean close, whose heads.db does not name
 *      its position, the journal is told of it durably before the renaming;
 *   6. the journal before the position may go.
 *
 * A clean close writes none when nothing has changed since the one before: then step 5 is that the journal is told, and
 * the trailer is cut off.
 */
import { phaseOfCode, seriesTags } from '../../machines/series-states.ts';
import type { Slab } from '../chunk/slab.ts';
import type { Clock } from '../clock.ts';
import type { ChecksumReport } from '../disk/chunk-checksums.ts';
import type { FileSystem } from '../disk/file-system.ts';
import type { HeadsRecord } from '../disk/heads.ts';
import { cutTrailer } from '../disk/heads-trailer.ts';
import { HeadsWriter, type HeadsWritten } from '../disk/heads-writer.ts';
import { toError } from '../disk/series-file-requests.ts';
import { runOne, type SeriesFileWorker } from '../disk/series-file-worker.ts';
import type { JournalWriter } from '../journal/journal-writer.ts';
import type { LifecycleEvent, Position } from '../model/events.ts';
import type { EventBus } from '../series/event-bus.ts';
import type { FileChanges } from '../series/file-changes.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import { DETACHED, EARLIEST, FILE_SYNCING, FILE_UNSYNCED, type Row, type SeriesTable } from '../series/table.ts';
import { Slices } from '../slices.ts';

/** Longest stretch of work between two breaths of the host's event loop. */
const SLICE_MS = 4;
/** Series between two looks at the clock. */
const SERIES_PER_LOOK = 64;
/** Files synced by one message to the worker. */
const SYNCS_PER_BATCH = 256;

/** Events after which every series and every series file is as it was before. Any other makes a checkpoint out of date. */
const CHANGING_NO_SERIES: ReadonlySet<LifecycleEvent['type']> = new Set([
  'storeOpened',
  'storeClosing',
  'checkpointWritten',
  'pressureChanged',
  'healthChanged',
  'clockJumped',
  'subscriptionOverrun',
]);

export interface CheckpointParts {
  readonly table: SeriesTable;
  readonly slab: Slab;
  readonly chunks: MemoryChunks;
  readonly fileChanges: FileChanges;
  readonly files: SeriesFileWorker;
  readonly fileSystem: FileSystem;
  readonly directory: string;
  /** Resolves when the indexes have everything that was enqueued, or when the next opening will see to it. */
  readonly settleIndexes: () => Promise<void>;
  readonly journal: JournalWriter;
  readonly bus: EventBus;
  readonly clock: Clock;
  /** Told what the checksums of the series files say of themselves. */
  readonly onChecksums: (report: ChecksumReport) => void;
}

export interface CheckpointResult extends HeadsWritten {
  /** Replay starts here. */
  readonly from: Position;
  readonly durationMs: number;
}

export class Checkpointer {
  private readonly parts: CheckpointParts;
  /** What is in heads.db, and how many events had changed a series when it was begun. */
  private last: { readonly heads: HeadsWritten; readonly changes: number } | undefined;

  /** `heads`: what the store was opened from, if that is what it holds, to the last bit. */
  constructor(parts: CheckpointParts, heads?: HeadsWritten) {
    this.parts = parts;
    if (heads !== undefined) this.last = { heads, changes: this.changes() };
  }

  /** Writes a checkpoint. `final` is the clean close's: exactly the original's bytes, without Tidemark's trailer. */
  async write(final: boolean): Promise<CheckpointResult> {
    const { table, slab, chunks, fileSystem, directory, journal, clock, fileChanges } = this.parts;
    const started = clock.monotonic();
    const from = Math.min(journal.beginSegment(), fileChanges.oldest() ?? Number.POSITIVE_INFINITY);
    const kept = final ? await this.keepLast(from) : undefined;
    if (kept !== undefined) return { from, ...kept, durationMs: clock.monotonic() - started };
    const changes = this.changes();
    this.last = undefined;
    const writer = new HeadsWriter(fileSystem, directory, slab);
    try {
      writer.begin(table.live);
      await this.writeRecords(writer);
      await this.catchUp();
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

  /** The heads.db that is there as that of a clean close, or `undefined` when a new one has to be written. */
  private async keepLast(from: Position): Promise<HeadsWritten | undefined> {
    const { chunks, fileChanges, fileSystem, directory } = this.parts;
    const { last } = this;
    if (last === undefined || last.changes !== this.changes()) return undefined;
    if (chunks.dirtySeries > 0 || fileChanges.oldest() !== undefined) return undefined;
    // A series that is being deleted, or isolated, is not recorded from the decision on; its event comes when it is done.
    if (this.recordCount() !== last.heads.series) return undefined;
    this.last = undefined;
    const { recordsBytes, recordsCrc32 } = last.heads;
    const heads = { ...last.heads, bytes: recordsBytes, crc32: recordsCrc32 };
    try {
      await this.catchUp();
      const isThere = await cutTrailer(fileSystem, directory, recordsBytes, () => this.announceClosing(from, heads));
      return isThere ? heads : undefined;
    } catch {
      // Whatever it was, a new file is the answer: if that can't be written either, it says so.
      return undefined;
    }
  }

  private recordCount(): number {
    const { table } = this.parts;
    let count = 0;
    for (let row = 0; row < table.size; row++) if (isRecorded(table, row) && hasChunks(table, row)) count++;
    return count;
  }

  /** How many events have changed a series or its file. Samples are not among them: their series are dirty. */
  private changes(): number {
    let count = 0;
    for (const [type, published] of this.parts.bus.counts) if (!CHANGING_NO_SERIES.has(type)) count += published;
    return count;
  }

  /** Nothing in the snapshot may be ahead of the indexes and the journal, nor missing in series files. */
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

  private async writeRecords(writer: HeadsWriter): Promise<void> {
    const { table, chunks, clock } = this.parts;
    const slices = new Slices(clock, SLICE_MS);
    for (let row = 0; row < table.size; row++) {
      if (isRecorded(table, row)) {
        const record = recordOf(table, chunks, row);
        if (record !== undefined) writer.add(record);
        chunks.clean(row);
      }
      if ((row & (SERIES_PER_LOOK - 1)) === 0 && slices.isOver) {
        writer.writeBuffered();
        await slices.breathe();
      }
    }
  }

  private async syncSeriesFiles(): Promise<void> {
    const { table, files } = this.parts;
    let rows: Row[] = [];
    for (let row = 0; row < table.size; row++) {
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
 * A row that an archived series borrows, that a quarantined one still has, or one that was deleted and whose file could not
 * be, is no series of the checkpoint.
 */
const isRecorded = (table: SeriesTable, row: Row): boolean => {
  if (!table.isLive(row) || (table.flags(row) & DETACHED) !== 0) return false;
  const code = table.stateCode(row);
  return seriesTags.resident[code] === 1 && phaseOfCode(code) !== 'purged';
};

const hasChunks = (table: SeriesTable, row: Row): boolean =>
  table.chunksUnpersisted[row] > 0 || table.chunksInFile[row] > 0;

/** The record of one series, as formats.md 9.2 has it; `undefined` for a series without chunks. */
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

/** Everything is in the file: the newest chunk's times stand for the series. */
const timesOfNewest = (table: SeriesTable, row: Row): [first: number, last: number] => {
  const last = table.lastChunkLastTime[row] === EARLIEST ? table.lastTime(row) : table.lastChunkLastTime[row];
  const first = table.lastChunkFirstTime[row] === EARLIEST ? last : table.lastChunkFirstTime[row];
  return [first, last];
};
