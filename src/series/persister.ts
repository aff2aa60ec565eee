/**
 * Writes waiting chunks to series files and drops chunks past retention, for many series at a time, off the main
 * thread.
 *
 * Steps of one batch:
 *   1. acquire each series' file key, so that no query reads the file meanwhile;
 *   2. publish `seriesFilesChanging` and wait until it is durable: after a crash from here on, recovery has to check
 *      only these files;
 *   3. let the worker process all files of the batch; files of which no chunk is to be kept are removed after their
 *      removal has been announced durably, too;
 *   4. per series: move the persisted chunks from the row to the cache, publish what happened, settle the caller.
 *
 * A failure concerns only its own series. The statechart decides how to handle it.
 */
import type { FileResult } from '../../machines/series.machine.ts';
import type { Slot } from '../chunk/slab.ts';
import type { PersistResult } from '../disk/series-files/append-records.ts';
import type { DropResult } from '../disk/series-files/drop-and-persist.ts';
import type { MergeRecords, MergeResult } from '../disk/series-files/merge-records.ts';
import {
  answerOf,
  type SeriesFileOutcome,
  type SeriesFileRequest,
  toError,
} from '../disk/series-files/series-file-requests.ts';
import { runOne } from '../disk/series-files/series-file-worker.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventBus } from './event-bus.ts';
import type { SeriesMemory } from './series-memory.ts';
import type { SeriesStorage } from './series-storage.ts';
import { EARLIEST, FILE_UNSYNCED, NO_ROW, type Row } from './table.ts';

/**
 * Series of one batch: enough to share the cost of a journal commit and a worker message, few enough for short waits.
 */
const BATCH_SERIES_MAX = 256;
/**
 * Chunks of one series that are persisted at a time, and chunks of a batch after which it takes no more series. They
 * are copied for the file thread, a thousand in half a millisecond.
 */
const SERIES_CHUNKS_MAX = 8192;
const BATCH_CHUNKS_MAX = 4096;

type WriteRequest = Extract<SeriesFileRequest, { kind: 'persist' | 'dropAndPersist' | 'merge' }>;
type PersistRequest = Exclude<WriteRequest, { kind: 'merge' }>;
type WriteOutcome = SeriesFileOutcome<'persist' | 'dropAndPersist' | 'merge'>;

/** A merge of samples into a series file, and of what happens when the file has them. */
export interface FileMerge {
  /** Called when the file's key is held; `undefined` if there is nothing to merge. */
  readonly prepare: () => MergeRecords | undefined;
  /** Applies the result while the file's key is held. */
  readonly settle: (result: MergeResult) => FileResult;
}

interface Job {
  readonly key: string;
  /** Builds the request once the file's key is held; `undefined` if there is nothing left to do. */
  readonly prepare: () => WriteRequest | undefined;
  /** Applies the worker's outcome; runs before the key is released. */
  readonly finish: (outcome: WriteOutcome | undefined) => void;
  readonly fail: (error: unknown) => void;
  release: () => void;
}

/** A job whose file will be removed. */
interface Emptied {
  readonly job: Job;
  readonly request: WriteRequest;
  readonly outcome: WriteOutcome;
}

export interface PersisterParts extends SeriesMemory, SeriesStorage {
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly minShrinkRatio: number;
  /** Whether a series file is synced right after it is written; otherwise the next checkpoint syncs it. */
  readonly syncNow: () => boolean;
  /** Called for each series with the number of chunks persisted, for the metrics. */
  readonly onPersisted: (chunks: number) => void;
}

export class Persister {
  private readonly parts: PersisterParts;
  private ready: Job[] = [];
  private draining: Promise<void> | undefined;
  private jobs = 0;

  constructor(parts: PersisterParts) {
    this.parts = parts;
  }

  /** Number of series that are being persisted or trimmed, or are waiting for it. */
  get pending(): number {
    return this.jobs;
  }

  /**
   * Appends the series' waiting chunks to its file. If `beforeTime` is given, drops chunks that end before it.
   */
  persist(row: Row, beforeTime: number | undefined): Promise<FileResult> {
    const { table } = this.parts;
    const high = table.high[row];
    const low = table.low[row];
    const key = fingerprintText(high, low);
    let slots: Slot[] = [];
    let request: PersistRequest | undefined;
    return this.enqueue(
      key,
      () => {
        slots = this.parts.chunks.waitingSlots(row, SERIES_CHUNKS_MAX);
        if (slots.length > 0 || beforeTime !== undefined) request = this.requestFor(high, low, slots, beforeTime);
        return request;
      },
      (outcome) => {
        if (outcome === undefined || request === undefined) return this.nothingDone(row);
        // A failed write is truncated again, but a loss of power could restore the truncated bytes. So the next
        // checkpoint, which may drop the intent from the journal, must sync the file first.
        if (!outcome.ok) table.setFlag(row, FILE_UNSYNCED);
        return this.settle(row, key, slots, request, answerOf(outcome) as PersistResult | DropResult);
      },
    );
  }

  /**
   * Drops chunks past retention from an archived series' file. If the series has a row meanwhile, borrowed or woken,
   * the row is updated before the file's key is released. `onKept` is called with the time until which nothing more can
   * be dropped.
   */
  trim(high: number, low: number, beforeTime: number, onKept: (until: number) => void): Promise<FileResult> {
    const key = fingerprintText(high, low);
    return this.enqueue(
      key,
      () => this.requestFor(high, low, [], beforeTime),
      (outcome) => {
        if (outcome === undefined) throw new Error('a trim without a request');
        const result = answerOf(outcome) as DropResult;
        if (result.dropped > 0) this.parts.cache.forgetSeries(key);
        const row = this.parts.table.findFingerprint(high, low);
        if (row !== NO_ROW) this.noteFile(row, result);
        onKept(result.keptUntil ?? EARLIEST);
        // Published last, because publishing may throw, and the file has already changed.
        if (result.dropped > 0) this.announceDrop(key, result);
        return {
          written: 0,
          dropped: result.dropped,
          allDropped: result.allDropped,
          chunksInFile: result.chunksInFile,
          firstTime: result.firstTime ?? EARLIEST,
          mtime: msOf(result.mtimeNs),
        };
      },
    );
  }

  /** Merges samples into the series' file. */
  merge(row: Row, { prepare, settle }: FileMerge): Promise<FileResult> {
    const { table } = this.parts;
    return this.enqueue(
      fingerprintText(table.high[row], table.low[row]),
      () => {
        const request = prepare();
        return request === undefined ? undefined : { kind: 'merge', ...request };
      },
      (outcome) => (outcome === undefined ? this.nothingDone(row) : settle(answerOf(outcome) as MergeResult)),
    );
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    while (this.jobs > 0) {
      await this.draining;
      await this.parts.clock.breathe();
    }
  }

  private enqueue(
    key: string,
    prepare: Job['prepare'],
    settle: (outcome: WriteOutcome | undefined) => FileResult,
  ): Promise<FileResult> {
    this.jobs++;
    return new Promise<FileResult>((resolve, reject) => {
      const job: Job = { key, prepare, finish: (outcome) => resolve(settle(outcome)), fail: reject, release: () => {} };
      this.parts.fileKeys.acquire(key).then((release) => {
        job.release = release;
        this.ready.push(job);
        this.draining ??= this.drain();
      }, reject);
    });
  }

  private async drain(): Promise<void> {
    // Series that are enqueued in the same turn of the event loop share a batch.
    await this.parts.clock.breathe();
    while (this.ready.length > 0) await this.runBatch();
    this.draining = undefined;
  }

  private async runBatch(): Promise<void> {
    const { fileChanges, files } = this.parts;
    const jobs: Job[] = [];
    const requests: WriteRequest[] = [];
    let taken = 0;
    let chunks = 0;
    for (; taken < Math.min(this.ready.length, BATCH_SERIES_MAX) && chunks < BATCH_CHUNKS_MAX; taken++) {
      const job = this.ready[taken];
      const request = job.prepare();
      if (request === undefined) {
        this.end(job, undefined);
        continue;
      }
      jobs.push(job);
      requests.push(request);
      chunks += request.slots.length;
    }
    this.ready.splice(0, taken);
    if (jobs.length === 0) return;
    const keys = jobs.map((job) => job.key);
    const merged = keys.filter((_, index) => requests[index].kind === 'merge');
    try {
      await fileChanges.around(
        keys,
        async () => {
          const outcomes: readonly WriteOutcome[] = await files.run(requests);
          const emptied: Emptied[] = [];
          for (const [index, job] of jobs.entries()) {
            const outcome = outcomes[index];
            if (leavesNothing(outcome)) emptied.push({ job, request: requests[index], outcome });
            else this.end(job, outcome);
          }
          if (emptied.length > 0) await this.removeFiles(emptied);
        },
        () => {
          if (merged.length > 0) fileChanges.announceRewriting(merged);
        },
      );
    } catch (error) {
      for (const job of jobs) this.leave(job, error);
    }
  }

  /**
   * Removes files of which no chunk is to be kept. The rest of the batch is done by then, so a failure here concerns
   * only these series.
   */
  private async removeFiles(emptied: readonly Emptied[]): Promise<void> {
    const { cache, fileChanges, files } = this.parts;
    // If the removal fails after the file is gone, the next attempt finds no chunk that it could drop.
    for (const { job } of emptied) cache.forgetSeries(job.key);
    try {
      await fileChanges.announceRemoval(emptied.map(({ job }) => job.key));
      const removals = await files.run(
        emptied.map(({ request: { high, low } }) => ({ kind: 'remove', high, low }) as const),
      );
      // Without the sync, a loss of power could bring the file back, and the next series with this fingerprint would
      // get it.
      await runOne(files, { kind: 'syncDirectories' });
      for (const [index, { job, outcome }] of emptied.entries()) {
        const removal = removals[index];
        if (removal.ok) this.end(job, outcome);
        else this.leave(job, toError(removal.error));
      }
    } catch (error) {
      for (const { job } of emptied) this.leave(job, error);
    }
  }

  private end(job: Job, outcome: WriteOutcome | undefined): void {
    try {
      job.finish(outcome);
      this.leave(job, undefined);
    } catch (error) {
      this.leave(job, error);
    }
  }

  private leave(job: Job, error: unknown): void {
    if (error !== undefined) job.fail(error);
    this.jobs--;
    job.release();
  }

  private requestFor(high: number, low: number, slots: Slot[], beforeTime: number | undefined): PersistRequest {
    const { slab, syncNow, minShrinkRatio } = this.parts;
    const encodings = Uint8Array.from(slots, (slot) => slab.encoding[slot]);
    const sync = syncNow();
    return beforeTime === undefined
      ? { kind: 'persist', high, low, slots, encodings, sync }
      : { kind: 'dropAndPersist', high, low, slots, encodings, beforeTime, minShrinkRatio, sync };
  }

  /** The result of a call that had nothing to do. */
  nothingDone(row: Row): FileResult {
    const { table } = this.parts;
    return {
      written: 0,
      dropped: 0,
      allDropped: false,
      chunksInFile: table.chunksInFile[row],
      firstTime: table.firstTime[row],
      mtime: msOf(table.mtimeNs[row]),
    };
  }

  /** Updates the row from its file, in one synchronous step. */
  private settle(
    row: Row,
    key: string,
    slots: readonly Slot[],
    request: PersistRequest,
    result: PersistResult | DropResult,
  ): FileResult {
    const { table, chunks, cache, slab, bus, clock, onPersisted } = this.parts;
    const drop = 'dropped' in result ? result : undefined;
    const dropped = drop?.dropped ?? 0;
    const allDropped = drop?.allDropped ?? false;
    if (dropped > 0) cache.forgetSeries(key);
    if (slots.length > 0) this.adoptNewest(row, slots[slots.length - 1]);
    if (drop === undefined && result.firstIndex === 0) table.firstTime[row] = chunks.firstTimeOf(slots[0]);
    this.noteFile(row, result);
    const firstKept = result.chunksInFile - slots.length;
    for (const [index, slot] of chunks.unlinkOldest(row, slots.length).entries()) {
      // The first slots may be past retention; these were not written to the file.
      if (firstKept + index >= result.firstIndex) cache.putPersisted(key, firstKept + index, slot);
      else slab.release(slot);
    }
    const written = result.chunksInFile - result.firstIndex;
    const isSynced = drop?.isSynced ?? request.sync;
    if (!isSynced && result.chunksInFile > 0) table.setFlag(row, FILE_UNSYNCED);
    chunks.touch(row);
    if (drop !== undefined && dropped > 0) this.announceDrop(key, drop);
    if (written > 0) {
      const { chunksInFile } = result;
      bus.publish({ type: 'chunksPersisted', time: clock.now(), fingerprint: key, chunks: written, chunksInFile });
      onPersisted(written);
    }
    return {
      written,
      dropped,
      allDropped,
      chunksInFile: result.chunksInFile,
      firstTime: table.firstTime[row],
      mtime: msOf(result.mtimeNs),
    };
  }

  /** Updates the row's columns about the file with the worker's result. */
  private noteFile(row: Row, result: PersistResult | DropResult): void {
    const { table } = this.parts;
    table.chunksInFile[row] = result.chunksInFile;
    table.mtimeNs[row] = result.mtimeNs;
    if (!('dropped' in result)) return;
    table.firstTime[row] = result.firstTime ?? EARLIEST;
    table.keptUntil[row] = result.keptUntil ?? EARLIEST;
  }

  /** Keeps first and last time of the chunk that is now the newest in the file, for the checkpoint's placeholder. */
  private adoptNewest(row: Row, newest: Slot): void {
    const { table, chunks } = this.parts;
    table.lastChunkFirstTime[row] = chunks.firstTimeOf(newest);
    table.lastChunkLastTime[row] = chunks.lastTimeOf(newest);
  }

  private announceDrop(key: string, { dropped, chunksInFile, firstTime }: DropResult): void {
    const { bus, clock } = this.parts;
    const event = {
      type: 'chunksDropped',
      time: clock.now(),
      fingerprint: key,
      chunks: dropped,
      chunksInFile,
    } as const;
    bus.publish(firstTime === undefined ? event : { ...event, firstTime });
  }
}

const leavesNothing = (outcome: WriteOutcome): boolean =>
  outcome.ok &&
  (('allDropped' in outcome.value && outcome.value.allDropped) ||
    ('allErased' in outcome.value && outcome.value.allErased));

const msOf = (ns: bigint): number => (ns < 0n ? -1 : Number(ns / 1_000_000n));
