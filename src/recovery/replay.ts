/**
 * Replays the journal's tail over a snapshot. The series table becomes what it was when the last record was written.
 *
 * The snapshot is fuzzy, so it may already hold the effects of some records of the tail. So replay is idempotent:
 *
 *   - A sample that is not newer than the series' last one is skipped, because samples that were appended in order only
 *     move forward in time.
 *   - A late sample waits to be merged again. Merging it twice changes nothing.
 *   - A drop of a time range also takes out of the snapshot what came after the drop. So the series' samples that
 *     follow in the journal wait to be merged if they are not newer than its last one.
 *   - Creating a series that exists with the same labels changes nothing.
 *   - Archiving or purging a series that is gone changes nothing in memory.
 *
 * Replay does not read series files. Files that the tail names as changing are collected in `touched`; reconcile.ts
 * looks at exactly these files afterwards.
 */

import { Slices } from '../async/slices.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { Indexer } from '../indexes/indexer.ts';
import type { FindingListener } from '../journal/read/journal-findings.ts';
import {
  type EventsRecord,
  type JournalRecord,
  readJournal,
  type SamplesRecord,
} from '../journal/read/read-journal.ts';
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import type { LifecycleEvent, Position, SamplesDropped, SeriesQuarantined } from '../model/events.ts';
import { type Fingerprint, type FingerprintHalves, parseFingerprint } from '../model/fingerprint.ts';
import { type LabelPairs, type Labels, pairsEqual, toLabelPairs } from '../model/labels.ts';
import type { Clock } from '../ports/clock.ts';
import { eraseSpan } from '../series/erase-span.ts';
import type { ErasedRanges } from '../series/erased-ranges.ts';
import type { LateSamples } from '../series/late-samples.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import { NO_ROW, type Row, type SeriesTable } from '../series/table.ts';

export interface ReplayParts {
  readonly fileSystem: FileSystem;
  /** The journal's own directory. */
  readonly directory: string;
  readonly table: SeriesTable;
  readonly chunks: MemoryChunks;
  readonly late: LateSamples;
  readonly erased: ErasedRanges;
  readonly archived: ArchiveDirectory;
  readonly indexer: Indexer;
  readonly clock: Clock;
  readonly onFinding: FindingListener;
  readonly onProgress: (done: number, total: number) => void;
}

export interface ReplayResult {
  readonly records: number;
  readonly samples: number;
  /** Samples of series without a row: they were purged, archived or quarantined later, or their creation is lost. */
  readonly skipped: number;
  /** Series whose files were changed or were about to be changed. */
  readonly touched: ReadonlySet<Fingerprint>;
  /** Series that were purged and not created again. */
  readonly purged: ReadonlySet<Fingerprint>;
  /** Series whose file was removed, or was about to be, because all its samples were past retention. */
  readonly emptied: ReadonlySet<Fingerprint>;
  /** Series whose file was rewritten, or was about to be, with late samples or without dropped ones. */
  readonly rewritten: ReadonlySet<Fingerprint>;
}

export const replay = async (parts: ReplayParts, from: Position, end: Position): Promise<ReplayResult> => {
  const run = new Replay(parts);
  const { fileSystem, directory, clock, indexer, onFinding, onProgress } = parts;
  const slices = new Slices(clock);
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
  private readonly rewritten = new Set<Fingerprint>();
  /** Rows of which the drop of a time range was replayed, with where the record of the first drop begins. */
  private readonly dropped = new Map<Row, Position>();
  private records = 0;
  private samples = 0;
  private skipped = 0;

  constructor(parts: ReplayParts) {
    this.parts = parts;
  }

  apply(record: JournalRecord): void {
    this.records++;
    if (record.type === 'events') for (const event of record.events) this.applyEvent(event, record);
    else if (record.type === 'samples') this.applySamples(record);
    else this.applyLate(record);
  }

  result(): ReplayResult {
    const { records, samples, skipped, touched, purgedLast, emptied, rewritten } = this;
    return { records, samples, skipped, touched, purged: purgedLast, emptied, rewritten };
  }

  private applySamples({ count, highs, lows, timestamps, words }: SamplesRecord): void {
    const { table, chunks, late, clock } = this.parts;
    for (let i = 0; i < count; i++) {
      const row = table.findFingerprint(highs[i], lows[i]);
      if (row === NO_ROW) {
        this.skipped++;
        continue;
      }
      const high = words[2 * i + HIGH_WORD];
      const low = words[2 * i + LOW_WORD];
      if (timestamps[i] > table.lastTime(row)) chunks.append(row, timestamps[i], high, low);
      else {
        // The drop that was replayed may have taken this sample out of the snapshot. Or the sample came when the series'
        // last time was known again, and here it is still a bound.
        const dropStart = this.dropped.get(row);
        if (dropStart === undefined) continue;
        // The next recovery finds the sample in the same way, so it has to replay the drop again.
        late.add(row, timestamps[i], high, low, dropStart, clock.monotonic());
      }
      this.samples++;
    }
  }

  private applyLate({ count, highs, lows, timestamps, words, start }: SamplesRecord): void {
    const { table, chunks, late, clock } = this.parts;
    const now = clock.monotonic();
    for (let i = 0; i < count; i++) {
      const row = table.findFingerprint(highs[i], lows[i]);
      if (row === NO_ROW) {
        this.skipped++;
        continue;
      }
      const high = words[2 * i + HIGH_WORD];
      const low = words[2 * i + LOW_WORD];
      // The series' newer samples may be in a file only, or in a damaged part of the journal. So the sample stays late: a
      // chunk in memory with times before the file's end would be taken for one that the file has.
      late.add(row, timestamps[i], high, low, start, now);
      if (timestamps[i] > table.lastTime(row)) chunks.adoptLastTime(row, timestamps[i]);
      this.samples++;
    }
  }

  private applyEvent(event: LifecycleEvent, { start, position }: EventsRecord): void {
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
          if (event.rewriting) this.rewritten.add(fingerprint);
        }
        return;
      case 'chunksPersisted':
      case 'chunksDropped':
        this.touched.add(event.fingerprint);
        return;
      case 'lateSamplesMerged':
        this.touched.add(event.fingerprint);
        // The file no longer has the samples of the ranges dropped so far. It may have backfilled samples there.
        if (event.where === 'file') this.withRow(event.fingerprint, (row) => this.parts.erased.forget(row));
        return;
      case 'samplesDropped':
        this.spanDropped(event, start);
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
        // Events about the store itself need no replay: the running store derives its state again.
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
      // The row belongs to a former series with this fingerprint. Quarantine had removed it completely, but replay kept
      // its chunks, because it could not know that they were in the quarantined file.
      this.remove(row);
      indexer.enqueue({ type: 'unindex', high, low, pairs: former, position });
    }
    if (table.findFingerprint(high, low) === NO_ROW) table.add(high, low, pairs);
    indexer.enqueue({ type: 'index', high, low, pairs, position });
  }

  private spanDropped({ fingerprint, from = -Infinity, through = Infinity }: SamplesDropped, start: Position): void {
    this.touched.add(fingerprint);
    this.withRow(fingerprint, (row) => {
      // The samples may have moved to the file between the snapshot and the drop.
      eraseSpan(this.parts, row, { from, through }, start, { mayBeInFile: true });
      if (!this.dropped.has(row)) this.dropped.set(row, start);
    });
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
      // The number of chunks is unknown until reconcile.ts reads the file, which may have newer chunks.
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

  /**
   * The series file was moved to orphaned/. If the series had chunks that were only in memory, a new series with the
   * same labels has them (docs/decisions/0005-what-is-in-memory-survives-quarantine.md). Otherwise the series ended.
   */
  private quarantined({ fingerprint, labels, ...event }: SeriesQuarantined, position: Position): void {
    const { table, archived, indexer } = this.parts;
    const { high, low } = halvesOf(fingerprint);
    this.touched.add(fingerprint);
    const row = table.findFingerprint(high, low);
    const pairs = row === NO_ROW ? labels && toLabelPairs(labels) : table.labels[row];
    // The snapshot's chunks may have been in the quarantined file by then. So the event decides whether any stayed.
    const hasSuccessor = event.hasSuccessor !== false && row !== NO_ROW && this.hasInMemory(row);
    if (archived.has(high, low) && pairs !== undefined) {
      archived.remove(high, low);
      indexer.enqueue(hasSuccessor ? { type: 'unarchive', high, low } : { type: 'purgeArchived', high, low, pairs });
    }
    if (hasSuccessor) {
      this.forgetFile(row);
      // The creation event of the new series follows, unless a crash came between.
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
    const { table, erased } = this.parts;
    erased.forget(row);
    table.forgetFile(row);
  }

  /** Whether the series has samples that are not in its file. */
  private hasInMemory(row: Row): boolean {
    return this.parts.table.chunksUnpersisted[row] > 0 || this.parts.late.has(row);
  }

  private remove(row: Row): void {
    const { table, chunks, late, erased } = this.parts;
    late.forget(row);
    this.dropped.delete(row);
    erased.forget(row);
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

/** The halves of a fingerprint. The text is valid, because the journal's decoder has checked it. */
const halvesOf = (fingerprint: Fingerprint): FingerprintHalves => parseFingerprint(fingerprint) ?? { high: 0, low: 0 };
