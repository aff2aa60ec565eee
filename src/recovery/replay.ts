/**
 * Replays the journal's tail over a snapshot: the series table becomes what it was when the last record was written.
 *
 * The snapshot is fuzzy, so the tail may tell again what it holds already. Replaying is therefore idempotent: samples of
 * a series only ever move forward in time, so one that is not newer than the series' last is known; a series that is
 * created again is the one that is there; one that is archived or purged again is gone already.
 *
 * Series files are not read here. Those that the tail says were about to change are collected in `touched`;
 * reconcile.ts looks at them, and only at them, afterwards.
 */
import type { Clock } from '../clock.ts';
import type { FileSystem } from '../disk/file-system.ts';
import type { ArchiveDirectory } from '../index/archive-directory.ts';
import type { Indexer } from '../index/indexer.ts';
import type { FindingListener } from '../journal/findings.ts';
import { type JournalRecord, readJournal, type SamplesRecord } from '../journal/read-journal.ts';
import { HIGH_WORD, LOW_WORD } from '../journal/samples-codec.ts';
import type { LifecycleEvent, Position, SeriesQuarantined } from '../model/events.ts';
import { type Fingerprint, type FingerprintHalves, parseFingerprint } from '../model/fingerprint.ts';
import { type LabelPairs, type Labels, pairsEqual, toLabelPairs } from '../model/labels.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import { EARLIEST, NO_ROW, type Row, type SeriesTable } from '../series/table.ts';
import { Slices } from '../slices.ts';

/** Longest stretch of work between two breaths of the host's event loop. */
const SLICE_MS = 8;

export interface ReplayParts {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  readonly table: SeriesTable;
  readonly chunks: MemoryChunks;
  readonly archived: ArchiveDirectory;
  readonly indexer: Indexer;
  readonly clock: Clock;
  readonly onFinding: FindingListener;
  readonly onProgress: (done: number, total: number) => void;
}

export interface ReplayResult {
  readonly records: number;
  readonly samples: number;
  /** Samples of series that nothing names any more: purged, archived or quarantined later in the tail. */
  readonly skipped: number;
  /** Series whose files were, or were about to be, changed. */
  readonly touched: ReadonlySet<Fingerprint>;
  /** Series whose last event says that they were deleted. */
  readonly purged: ReadonlySet<Fingerprint>;
  /** Series whose file was, or was about to be, removed because all of it was past retention. */
  readonly emptied: ReadonlySet<Fingerprint>;
}

export const replay = async (parts: ReplayParts, from: Position, end: Position): Promise<ReplayResult> => {
  const run = new Replay(parts);
  const { fileSystem, directory, clock, indexer, onFinding, onProgress } = parts;
  const slices = new Slices(clock, SLICE_MS);
  for (const record of readJournal({ fileSystem, directory, from, limit: end, onFinding })) {
    run.apply(record);
    if (indexer.queued >= indexer.capacity) await indexer.flush();
    if (!slices.isOver) continue;
    onProgress(record.position - from, end - from);
    await slices.breathe();
  }
  return run.result();
};

class Replay {
  private readonly parts: ReplayParts;
  private readonly touched = new Set<Fingerprint>();
  private readonly purgedLast = new Set<Fingerprint>();
  private readonly emptied = new Set<Fingerprint>();
  private records = 0;
  private samples = 0;
  private skipped = 0;

  constructor(parts: ReplayParts) {
    this.parts = parts;
  }

  apply(record: JournalRecord): void {
    this.records++;
    if (record.type === 'samples') this.applySamples(record);
    else for (const event of record.events) this.applyEvent(event, record.position);
  }

  result(): ReplayResult {
    const { records, samples, skipped, touched, purgedLast, emptied } = this;
    return { records, samples, skipped, touched, purged: purgedLast, emptied };
  }

  private applySamples({ count, highs, lows, timestamps, words }: SamplesRecord): void {
    const { table, chunks } = this.parts;
    for (let i = 0; i < count; i++) {
      const row = table.findFingerprint(highs[i], lows[i]);
      if (row === NO_ROW) {
        this.skipped++;
        continue;
      }
      if (timestamps[i] <= table.lastTime(row)) continue;
      chunks.append(row, timestamps[i], words[2 * i + HIGH_WORD], words[2 * i + LOW_WORD]);
      this.samples++;
    }
  }

  private applyEvent(event: LifecycleEvent, position: Position): void {
    switch (event.type) {
      case 'seriesCreated':
        this.created(event.fingerprint, event.labels, position);
        return;
      case 'headChunksClosed':
        for (const fingerprint of event.fingerprints)
          this.withRow(fingerprint, (row) => this.parts.chunks.closeHead(row));
        return;
      case 'seriesFilesChanging':
        for (const fingerprint of event.fingerprints) {
          this.touched.add(fingerprint);
          if (event.removing) this.emptied.add(fingerprint);
        }
        return;
      case 'chunksPersisted':
      case 'chunksDropped':
        this.touched.add(event.fingerprint);
        return;
      case 'seriesArchived':
        this.archivedAgain(event.fingerprint, event.labels, event.firstTime, event.lastTime);
        return;
      case 'seriesUnarchived':
        this.unarchived(event.fingerprint, event.labels, event.lastTime);
        return;
      case 'seriesQuarantined':
        this.quarantined(event, position);
        return;
      case 'seriesPurged':
        this.purged(event.fingerprint, event.labels, position);
        return;
      default:
        // What happened to the store itself is in its state again once it runs.
        return;
    }
  }

  private created(fingerprint: Fingerprint, labels: Labels, position: Position): void {
    const { high, low } = halvesOf(fingerprint);
    const pairs = toLabelPairs(labels);
    this.purgedLast.delete(fingerprint);
    this.emptied.delete(fingerprint);
    const { table, indexer } = this.parts;
    const row = table.findFingerprint(high, low);
    const former = row === NO_ROW ? pairs : (table.labels[row] as LabelPairs);
    if (!pairsEqual(former, pairs)) {
      // Quarantine left nothing of the series that had the fingerprint, only replay could not know.
      this.remove(row);
      indexer.enqueue({ type: 'unindex', high, low, pairs: former, position });
    }
    if (table.findFingerprint(high, low) === NO_ROW) table.add(high, low, pairs);
    indexer.enqueue({ type: 'index', high, low, pairs, position });
  }

  private archivedAgain(fingerprint: Fingerprint, labels: Labels, firstTime: number, lastTime: number): void {
    const { archived, indexer } = this.parts;
    const { high, low } = halvesOf(fingerprint);
    this.withRow(fingerprint, (row) => this.remove(row));
    archived.add(high, low, firstTime, lastTime);
    indexer.enqueue({ type: 'archive', high, low, pairs: toLabelPairs(labels), firstTime, lastTime });
  }

  private unarchived(fingerprint: Fingerprint, labels: Labels, toldLastTime: number | undefined): void {
    const { archived, indexer, table } = this.parts;
    const { high, low } = halvesOf(fingerprint);
    if (table.findFingerprint(high, low) === NO_ROW) {
      const row = table.add(high, low, toLabelPairs(labels));
      // Unknown until its file is looked at: what has been written since may be in it.
      table.chunksInFile[row] = -1;
      const lastTime = toldLastTime ?? (archived.has(high, low) ? archived.lastTimeOf(high, low) : undefined);
      if (lastTime !== undefined) {
        table.setLastTime(row, lastTime);
        table.lastChunkLastTime[row] = lastTime;
      }
      this.touched.add(fingerprint);
    }
    archived.remove(high, low);
    indexer.enqueue({ type: 'unarchive', high, low });
  }

  /** The file is gone to orphaned/. What was in memory only stayed with the labels, or the series is no more. */
  private quarantined({ fingerprint, labels, ...event }: SeriesQuarantined, position: Position): void {
    const { table, archived, indexer } = this.parts;
    const { high, low } = halvesOf(fingerprint);
    this.touched.add(fingerprint);
    const row = table.findFingerprint(high, low);
    const pairs = row === NO_ROW ? labels && toLabelPairs(labels) : table.labels[row];
    // What the snapshot has in memory may have been in the file by then.
    const hasSuccessor = event.hasSuccessor !== false && row !== NO_ROW && table.chunksUnpersisted[row] > 0;
    if (archived.has(high, low) && pairs !== undefined) {
      archived.remove(high, low);
      indexer.enqueue(hasSuccessor ? { type: 'unarchive', high, low } : { type: 'purgeArchived', high, low, pairs });
    }
    if (hasSuccessor) {
      this.forgetFile(row);
      // Its creation follows, unless a crash came between.
      indexer.enqueue({ type: 'index', high, low, pairs: table.labels[row] as LabelPairs, position });
      return;
    }
    if (row !== NO_ROW) this.remove(row);
    if (pairs !== undefined) indexer.enqueue({ type: 'unindex', high, low, pairs, position });
  }

  private purged(fingerprint: Fingerprint, labels: Labels, position: Position): void {
    const { archived, indexer } = this.parts;
    const { high, low } = halvesOf(fingerprint);
    const pairs: LabelPairs = toLabelPairs(labels);
    this.touched.add(fingerprint);
    this.purgedLast.add(fingerprint);
    this.withRow(fingerprint, (row) => this.remove(row));
    if (archived.has(high, low)) {
      archived.remove(high, low);
      indexer.enqueue({ type: 'purgeArchived', high, low, pairs });
    }
    indexer.enqueue({ type: 'unindex', high, low, pairs, position });
  }

  private forgetFile(row: Row): void {
    const { table } = this.parts;
    table.chunksInFile[row] = 0;
    table.firstTime[row] = EARLIEST;
    table.lastChunkFirstTime[row] = EARLIEST;
    table.lastChunkLastTime[row] = EARLIEST;
    table.mtimeNs[row] = -1n;
  }

  private remove(row: Row): void {
    const { table, chunks } = this.parts;
    chunks.releaseAll(row);
    chunks.clean(row);
    table.remove(row);
  }

  private withRow(fingerprint: Fingerprint, action: (row: Row) => void): void {
    const { high, low } = halvesOf(fingerprint);
    const row = this.parts.table.findFingerprint(high, low);
    if (row !== NO_ROW) action(row);
  }
}

/** The journal's own decoder has checked the text. */
const halvesOf = (fingerprint: Fingerprint): FingerprintHalves => parseFingerprint(fingerprint) ?? { high: 0, low: 0 };
