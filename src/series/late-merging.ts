/**
 * Decides when and where late samples are merged, and merges them. Takes dropped time ranges out of series files in the
 * same call.
 *
 * Where: samples that are newer than everything in the series file belong to the chunks in memory. Merging them there
 * is cheap and touches no file. Older samples belong to the file, which is rewritten from the first touched chunk on.
 *
 * When: a merge costs as much for one sample as for a hundred. So late samples wait until many have come, or until the
 * oldest one has waited for {@link WAIT_MS}. Those of the chunks in memory are also merged before the chunks go to the
 * file: afterwards, the file would have to be rewritten for them. Both limits are ignored when the late samples of
 * all series take more than their share of the memory target, and when the store closes. A dropped range does not wait:
 * nothing else may be written to the file before. Backfilled columns do not wait either.
 *
 * Backfilled columns always go to the file. If some are newer than the oldest chunk in memory, all chunks of memory are
 * written with them, so that the file stays older than what is in memory.
 */
import type { FileResult } from '../../machines/series.machine.ts';
import type { Encoding, SampleColumns } from '../chunk/chunk.ts';
import { NO_SLOT } from '../chunk/slab.ts';
import type { MergeRecords, MergeResult } from '../disk/series-files/merge-records.ts';
import { TidemarkError } from '../model/errors.ts';
import type { Clock } from '../ports/clock.ts';
import { type Backfill, Backfills } from './backfills.ts';
import { closeHead } from './close-head.ts';
import type { EventBus } from './event-bus.ts';
import { type MergeCounts, mergeColumns } from './merge-columns.ts';
import type { Persister } from './persister.ts';
import { keyOfRow } from './row-identity.ts';
import type { SeriesMemory } from './series-memory.ts';
import type { SortedSamples } from './sorted-samples.ts';
import { EARLIEST, FILE_UNSYNCED, type Row } from './table.ts';

/** Late samples that are merged without further waiting, into chunks in memory and into a series file. */
const MEMORY_COUNT = 1024;
const FILE_COUNT = 4096;
/** The longest wait. It is the interval of checkpoints: until the merge, they keep the journal. */
const WAIT_MS = 5 * 60_000;
/** Share of the memory target that late samples may take before they are merged at once. */
const MEMORY_SHARE = 1 / 8;

export interface LateMergingParts extends SeriesMemory {
  readonly persister: Pick<Persister, 'merge' | 'nothingDone'>;
  readonly bus: Pick<EventBus, 'publish'>;
  readonly clock: Clock;
  readonly encoding: Encoding;
  readonly memoryTarget: number;
}

/** Samples to merge into a file. */
type Taken = Pick<MergeRecords, 'timestamps' | 'words' | 'marked'>;

export class LateMerging {
  /** Columns for the next file calls. */
  readonly backfills = new Backfills();
  /** Samples merged, repeated and refused since the store was opened, and how often a file was rewritten for them. */
  readonly counts = { added: 0, repeated: 0, refused: 0, inMemory: 0, inFile: 0 };
  private readonly parts: LateMergingParts;
  private mergesAll = false;
  /** No late sample has waited long enough before this monotonic time. Many that come at once are announced. */
  private nextDueAt = 0;

  constructor(parts: LateMergingParts) {
    this.parts = parts;
  }

  /** Whether the series has late samples or waiting columns, or its file has dropped samples. */
  has(row: Row): boolean {
    return this.parts.late.has(row) || this.parts.erased.has(row) || this.backfills.has(row);
  }

  /** Whether the row's last time is only a bound: the series may have no sample at this time. */
  isLastTimeBound(row: Row): boolean {
    return this.parts.erased.has(row) || this.backfills.has(row);
  }

  /** From now on all late samples are due: the store closes. */
  mergeAll(): void {
    this.mergesAll = true;
  }

  /** Rows whose late samples are due, or whose files have dropped samples; at most `max`. */
  dueRows(max: number): Row[] {
    const { erased, late, clock } = this.parts;
    const rows = erased.rows().slice(0, max);
    const now = clock.monotonic();
    if (now < this.nextDueAt && !this.isUrgent()) return rows;
    let oldest = now;
    for (const row of late.size === 0 ? [] : late.rows()) {
      if (rows.length === max) return rows;
      if ((this.dueInMemory(row) || this.dueInFile(row)) && !erased.has(row)) rows.push(row);
      else oldest = Math.min(oldest, late.of(row)?.since ?? now);
    }
    this.nextDueAt = oldest + WAIT_MS;
    return rows;
  }

  dueInMemory(row: Row): boolean {
    const found = this.parts.late.of(row);
    if (found === undefined) return false;
    const count = found.waiting.count - this.memoryStart(row);
    return count > 0 && (count >= MEMORY_COUNT || this.hasWaited(found.since));
  }

  dueInFile(row: Row): boolean {
    if (this.parts.erased.has(row) || this.backfills.has(row)) return true;
    const found = this.parts.late.of(row);
    if (found === undefined) return false;
    const count = this.memoryStart(row);
    return count > 0 && (count >= FILE_COUNT || this.hasWaited(found.since));
  }

  /** Merges the waiting samples that belong to the chunks in memory. */
  inMemory(row: Row): void {
    const { late, chunks } = this.parts;
    const found = late.of(row);
    if (found === undefined) return;
    const start = this.memoryStart(row);
    if (start === found.waiting.count) return;
    const counts = chunks.mergeLate(row, found.waiting, start);
    late.settle(row, start);
    this.counts.inMemory++;
    this.count(counts);
    // No file has changed, so only a refused sample is worth an event.
    if (counts.refused > 0) this.announce(row, 'memory', { ...counts, erased: 0 });
  }

  /** Merges the waiting samples that belong to the series file, after those that belong to the chunks in memory. */
  async inFile(row: Row): Promise<FileResult> {
    this.inMemory(row);
    const { table, late, erased, persister } = this.parts;
    const key = keyOfRow(table, row);
    const backfill = this.backfills.of(row);
    let isChanged = false;
    try {
      return await persister.merge(row, {
        prepare: () => this.prepare(row, backfill),
        settle: (result) => {
          isChanged = true;
          return this.settle(row, key, result, backfill);
        },
      });
    } catch (error) {
      // When the worker is gone, the file may have been changed. Then the last time stays a bound.
      const isUnchanged = !isChanged && !(error instanceof TidemarkError && error.code === 'TIDEMARK_INTERNAL');
      if (isUnchanged) backfill?.lowerLastTime(table, row, late.lastTime(row));
      if (backfill !== undefined) backfill.outcome = { error };
      throw error;
    } finally {
      this.backfills.remove(row);
      // If the call has failed, the samples wait again. Otherwise nothing is left to put back.
      late.putBack(row);
      erased.putBack(row);
    }
  }

  /** Called while the file's key is held. */
  private prepare(row: Row, backfill: Backfill | undefined): MergeRecords | undefined {
    const { table, slab, erased, encoding } = this.parts;
    const taken = backfill === undefined ? this.takeLate(row, this.fileEnd(row)) : this.takeBackfill(row, backfill);
    const spans = erased.take(row);
    if (taken.timestamps.length === 0 && spans.length === 0) return undefined;
    const slots = backfill?.slots ?? [];
    const encodings = Uint8Array.from(slots, (slot) => slab.encoding[slot]);
    return { high: table.high[row], low: table.low[row], ...taken, erased: spans, slots, encodings, encoding };
  }

  private takeLate(row: Row, end: number): Taken {
    const { count, timestamps, words } = this.parts.late.take(row, end);
    return { timestamps: timestamps.slice(0, count), words: words.slice(0, 2 * count) };
  }

  /**
   * The columns, with the late samples that would otherwise be merged after them: of equal times, the sample that came
   * first stays. Chunks of memory that are not newer than the columns are written with them.
   */
  private takeBackfill(row: Row, backfill: Backfill): Taken {
    const { table, chunks, late } = this.parts;
    const { columns } = backfill;
    const oldest = table.oldestSlot(row);
    const memoryBegins = oldest === NO_SLOT ? Number.POSITIVE_INFINITY : chunks.firstTimeOf(oldest);
    const joinsMemory = columns.lastTime >= memoryBegins;
    if (joinsMemory) {
      if (table.headOpen(row)) closeHead(this.parts, row);
      backfill.slots = chunks.waitingSlots(row);
    }
    const end = Math.min(memoryBegins, Math.max(this.fileEnd(row), columns.lastTime + 1));
    const before = late.take(row, joinsMemory ? Number.POSITIVE_INFINITY : end);
    backfill.raiseLastTime(table, row);
    if (before.count === 0) return { timestamps: columns.timestamps, words: columns.words };
    const { merged, refused } = mergeColumns(before, columns, 0);
    backfill.refused = refused;
    backfill.isAlone = false;
    const { count, timestamps, words } = merged;
    const marked = markedOutside(before, merged);
    return { timestamps: timestamps.slice(0, count), words: words.slice(0, 2 * count), marked };
  }

  private settle(row: Row, key: string, result: MergeResult, backfill: Backfill | undefined): FileResult {
    const { table, slab, cache, late, erased, chunks, persister } = this.parts;
    const slots = backfill?.slots ?? [];
    for (const slot of chunks.unlinkOldest(row, slots.length)) slab.release(slot);
    // An attempt that failed may have removed the file: then nothing changes in the file any more, but the row has to.
    const isAsKnown = result.chunksInFile === table.chunksInFile[row];
    if (!isAsKnown || slots.length > 0 || result.firstIndex < Math.max(result.chunksInFile, result.chunksBefore)) {
      cache.forgetSeries(key);
      table.chunksInFile[row] = result.chunksInFile;
      table.mtimeNs[row] = result.mtimeNs;
      table.firstTime[row] = result.firstTime ?? EARLIEST;
      table.keptUntil[row] = EARLIEST;
      table.lastChunkFirstTime[row] = result.lastChunkFirstTime ?? EARLIEST;
      table.lastChunkLastTime[row] = result.lastTime ?? EARLIEST;
      if (!result.isSynced) table.setFlag(row, FILE_UNSYNCED);
      chunks.touch(row);
    }
    // After a drop the time was only a bound.
    if (erased.has(row) && table.oldestSlot(row) === NO_SLOT) table.adoptLastTime(row, result.lastTime ?? EARLIEST);
    late.merged(row);
    erased.done(row);
    backfill?.noteNewest(table, row);
    const refused = result.conflicting + (backfill?.refused ?? 0);
    this.counts.inFile++;
    this.count({ ...result, refused });
    this.announce(row, 'file', { ...result, refused, erased: result.erasedSamples });
    if (backfill !== undefined) {
      const own = backfill.isAlone ? result.conflicting : result.conflictingMarked;
      backfill.outcome = { refused: backfill.refused + own, isSynced: result.isSynced };
    }
    return { ...persister.nothingDone(row), allDropped: result.allErased, reason: 'empty' };
  }

  private announce(
    row: Row,
    where: 'memory' | 'file',
    { added, repeated, refused, erased }: MergeCounts & { readonly erased: number },
  ): void {
    const { bus, clock, table } = this.parts;
    const fingerprint = keyOfRow(table, row);
    const chunksInFile = table.chunksInFile[row];
    const counts = { added, repeated, refused, erased };
    bus.publish({ type: 'lateSamplesMerged', time: clock.now(), fingerprint, where, ...counts, chunksInFile });
  }

  private count({ added, repeated, refused }: MergeCounts): void {
    this.counts.added += added;
    this.counts.repeated += repeated;
    this.counts.refused += refused;
  }

  private hasWaited(since: number): boolean {
    return this.isUrgent() || this.parts.clock.monotonic() - since >= WAIT_MS;
  }

  private isUrgent(): boolean {
    return this.mergesAll || this.parts.late.bytes > this.parts.memoryTarget * MEMORY_SHARE;
  }

  /** Index of the first waiting sample that belongs to the chunks in memory. */
  private memoryStart(row: Row): number {
    return this.parts.late.of(row)?.waiting.indexFrom(this.fileEnd(row)) ?? 0;
  }

  /** Late samples before this time belong to the series file. */
  private fileEnd(row: Row): number {
    const { table, chunks } = this.parts;
    if (table.chunksInFile[row] === 0) return Number.NEGATIVE_INFINITY;
    const oldest = table.oldestSlot(row);
    if (oldest === NO_SLOT) return Number.POSITIVE_INFINITY;
    const lastInFile = table.lastChunkLastTime[row];
    return lastInFile === EARLIEST ? chunks.firstTimeOf(oldest) : Math.min(lastInFile + 1, chunks.firstTimeOf(oldest));
  }
}

/** 1 for each sample of `all` that is not among `some`. */
const markedOutside = (some: SortedSamples, all: SampleColumns): Uint8Array => {
  const marked = new Uint8Array(all.count);
  let at = 0;
  for (let i = 0; i < all.count; i++) {
    if (at < some.count && some.timestamps[at] === all.timestamps[i]) at++;
    else marked[i] = 1;
  }
  return marked;
};
