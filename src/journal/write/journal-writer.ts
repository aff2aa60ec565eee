/**
 * Writes the journal. Appended samples are staged in columns, encoded a batch at a time, written to the operating
 * system in large writes, and made durable by group commits: one sync for all callers that wait (docs/durability.md).
 *
 *     appendSample -> stage -> (batch full, event, commit) -> record in the queue -> write -> sync -> durable
 *
 * Bounds: the stage holds one batch. The queue holds the bytes that no sync has confirmed, at most
 * `unconfirmedBytesMax`; when the queue is full, an append waits for the disk.
 *
 * An error loses nothing from the stage or the queue. `writable` is false from then on, until `retry` has written and
 * synced everything from where the disk stopped. The states of the writer are in writer-state.ts.
 *
 * This file has the writer's methods. What they do is in records.ts (encoding), commits.ts (writing and syncing),
 * write-ahead.ts (what an append does for the disk) and segment-remover.ts (truncation).
 */
import { dirname } from 'node:path';
import type { FileSystem } from '../../files/file-system.ts';
import { ioError } from '../../files/io-error.ts';
import type { TidemarkError } from '../../model/errors.ts';
import type { LifecycleEvent, Position } from '../../model/events.ts';
import type { LabelPairs } from '../../model/labels.ts';
import type { Clock } from '../../ports/clock.ts';
import { HistoryLog } from '../history/history-log.ts';
import type { JournalFinding } from '../read/journal-findings.ts';
import { ByteQueue } from './byte-queue.ts';
import { Commits } from './commits.ts';
import { CurrentState } from './current-state.ts';
import { type JournalWriterOptions, journalDefaults } from './journal-options.ts';
import { type JournalTail, prepareTail } from './journal-tail.ts';
import { Records } from './records.ts';
import type { SampleStage } from './sample-stage.ts';
import { SegmentFiles } from './segment-files.ts';
import { SegmentRemover, type Truncated } from './segment-remover.ts';
import { WriteAhead } from './write-ahead.ts';

export interface JournalWriterParts {
  readonly fileSystem: FileSystem;
  /** The journal's own directory; created when missing. */
  readonly directory: string;
  readonly clock: Clock;
  /** 16 hex digits: the store id for a new journal. An existing journal keeps its own. */
  readonly storeId: string;
  /** New records start at this position or later, because other files mention positions up to here. */
  readonly notBefore?: Position;
  /** The previous process did not close the journal, so its last writes may not be durable. Default false. */
  readonly isAfterCrash?: boolean;
  readonly options?: JournalWriterOptions;
}

export class JournalWriter {
  /** What was wrong with the files and the end of the journal when it was opened. */
  readonly findings: readonly JournalFinding[];
  /** 16 hex digits. */
  readonly storeId: string;
  /** Where the records ended when the journal was opened; `undefined` when there were none. */
  readonly foundEnd: Position | undefined;
  private readonly lingerMs: number;
  private readonly state: CurrentState;
  private readonly queue: ByteQueue;
  private readonly files: SegmentFiles;
  private readonly records: Records;
  /** The stage of `records`, for appends. */
  private readonly stage: SampleStage;
  private readonly commits: Commits;
  private readonly ahead: WriteAhead;
  private readonly history: HistoryLog;
  private readonly remover: SegmentRemover;
  /** True while appends throw. Only the state sets it. It is a plain field, because every append reads it. */
  private refusing = false;
  private readonly endListeners = new Set<() => void>();
  private readonly holds = new Set<() => Position>();
  private truncation: Promise<unknown> = Promise.resolve();

  static open(parts: JournalWriterParts): JournalWriter {
    const { fileSystem, directory, notBefore = 0, isAfterCrash = false } = parts;
    try {
      if (fileSystem.stat(directory) === undefined) {
        fileSystem.makeDirectory(directory);
        // Sync the parent directory too: otherwise a loss of power could lose the new directory with a synced journal.
        fileSystem.syncDirectory(dirname(directory));
      }
      return new JournalWriter(parts, prepareTail(fileSystem, directory, notBefore, isAfterCrash));
    } catch (error) {
      throw ioError(error, 'open', directory);
    }
  }

  private constructor(parts: JournalWriterParts, tail: JournalTail) {
    const state = new CurrentState((isRefusing) => {
      this.refusing = isRefusing;
    });
    const { clock, fileSystem, directory } = parts;
    const options = { ...journalDefaults, ...parts.options };
    this.lingerMs = options.lingerMs;
    this.findings = tail.findings;
    this.foundEnd = tail.segments.length === 0 ? undefined : tail.end;
    this.storeId = tail.storeId ?? parts.storeId;
    const { storeId } = this;
    // If the previous process crashed, it may have created its last segments a moment ago. Readers may still need them.
    const found = parts.isAfterCrash === true ? { createdAtMs: clock.monotonic() } : {};
    const closed = tail.segments.map((segment) => ({ ...segment, ...found }));
    const queue = new ByteQueue(tail.start);
    const files = new SegmentFiles({ fileSystem, clock, directory, storeId, closed, start: tail.start });
    const records = new Records({ queue, files, clock, storeId, options });
    files.begin(tail.start, tail.end, records.stage.defined);
    const commits = new Commits({ state, queue, files, clock, options, seal: () => records.seal() });
    this.state = state;
    this.queue = queue;
    this.files = files;
    this.records = records;
    this.stage = records.stage;
    this.commits = commits;
    this.ahead = new WriteAhead({ state, records, commits, clock, options });
    this.history = new HistoryLog({ ...parts, storeId, bytesMax: options.historyBytes });
    this.remover = new SegmentRemover({ ...parts, files, history: this.history, isClosed: () => state.isClosing });
  }

  /** Position after the last encoded record. Staged samples will come after it. */
  get end(): Position {
    return this.queue.end;
  }

  /** Everything before this position is durable. */
  get durable(): Position {
    return this.commits.durable;
  }

  /** Position of the oldest record, or of the next one when there is none. Segments that are not synced yet count. */
  get first(): Position {
    return this.files.firstStart;
  }

  /** Encoded bytes that are not durable yet. */
  get pendingBytes(): number {
    return this.commits.pendingBytes;
  }

  /** Memory of the queue, in bytes. */
  get bufferBytes(): number {
    return this.queue.capacityBytes;
  }

  /** Size of the lifecycle history's files. */
  get historyBytes(): number {
    return this.history.bytes;
  }

  /** Bytes of all segment files. */
  get fileBytes(): number {
    return this.segments().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** False after the disk has failed, until `retry` succeeds. Nothing should be appended while it is false. */
  get writable(): boolean {
    return this.state.failure === undefined;
  }

  /** The error because of which `writable` is false. */
  get error(): TidemarkError | undefined {
    return this.state.failure?.error;
  }

  /** Whether the journal is closed and no more records will come. */
  get hasEnded(): boolean {
    return this.state.hasEnded;
  }

  /** Every segment, oldest first. */
  segments(): { readonly start: Position; readonly bytes: number }[] {
    return this.files.list(this.queue.end);
  }

  /**
   * Appends one sample of the series in `row`. The halves of the value are signed or unsigned 32-bit integers. Throws
   * only when the disk has failed before and the queue is full.
   */
  appendSample(
    row: number,
    fingerprintHigh: number,
    fingerprintLow: number,
    timestamp: number,
    high: number,
    low: number,
  ): void {
    if (this.refusing) this.state.throwIfFailed();
    if (this.stage.add(row, fingerprintHigh, fingerprintLow, timestamp, high, low)) this.ahead.attend();
  }

  /** Appends one sample that is older than its series' newest one. The same arguments as {@link appendSample}. */
  appendLate(
    row: number,
    fingerprintHigh: number,
    fingerprintLow: number,
    timestamp: number,
    high: number,
    low: number,
  ): void {
    if (this.refusing) this.state.throwIfFailed();
    const { lateStage } = this.records;
    lateStage.add(row, fingerprintHigh, fingerprintLow, timestamp, high, low);
    if (lateStage.count === lateStage.capacity) this.records.seal();
    this.ahead.attendLate();
  }

  /**
   * Appends an event after everything that was appended before. Only `seriesCreated` may come before staged samples: it
   * follows the last encoded record.
   */
  appendEvent(event: LifecycleEvent): Position {
    return this.appendEvents([event]);
  }

  /** Appends events that happened together as one record. All have the position at which the record ends. */
  appendEvents(events: readonly LifecycleEvent[]): Position {
    if (this.refusing) this.state.throwIfFailed();
    this.records.addEvents(events);
    const position = this.queue.end;
    this.ahead.notePending();
    this.ahead.keepBounds();
    return position;
  }

  /**
   * Appends the creation of a series. The creations before the next batch, event or commit share one record. Returns
   * the position at which that record will begin.
   */
  appendCreated(time: number, high: number, low: number, pairs: LabelPairs): Position {
    if (this.refusing) this.state.throwIfFailed();
    const position = this.queue.end;
    const isRecordAdded = this.records.addCreated(time, high, low, pairs);
    this.ahead.notePending();
    if (isRecordAdded) this.ahead.keepBounds();
    return position;
  }

  /** Called when the row is free for another series. */
  forget(row: number): void {
    this.stage.forget(row);
    this.records.lateStage.forget(row);
  }

  /** Encodes everything staged. Everything appended so far lies before the returned position, which is `end`. */
  seal(): Position {
    this.records.seal();
    return this.queue.end;
  }

  /**
   * Begins a new segment, so that a checkpoint at this position needs none of the earlier segments. A small segment is
   * continued instead. Returns the position of the next record.
   */
  beginSegment(): Position {
    this.records.endSegment();
    return this.queue.end;
  }

  /** Writes everything appended so far to the operating system, without a sync. */
  write(): void {
    this.commits.write();
  }

  /**
   * Makes everything appended so far durable and resolves with the durable position. Calls during a running sync share
   * the next one. Rejects with `TIDEMARK_DISK_FULL` or `TIDEMARK_IO`; nothing is lost then.
   */
  commit(): Promise<Position> {
    return this.commits.commit();
  }

  /** Does the same as {@link commit}, but blocks this thread. */
  commitBlocking(): void {
    this.commits.blocking();
  }

  /**
   * After an error: continues where the write stopped; after a failed sync, writes everything again that no sync has
   * confirmed. Resolves when all of it is durable. Rejects while the disk still fails; nothing is lost then.
   */
  retry(): Promise<Position> {
    return this.commits.retry();
  }

  /**
   * Removes the segments that end at a position or before it, after their lifecycle events have been moved to the
   * history. Resolves with what was removed. A call waits for earlier ones. Readers in this process hold back at most
   * `backlogBytes`. `final` is for the last call before the journal is closed: young segments then stay only a quarter
   * of `lingerMs` for readers in other processes.
   */
  truncateBefore(
    position: Position,
    { backlogBytes = Number.POSITIVE_INFINITY, final = false }: { backlogBytes?: number; final?: boolean } = {},
  ): Promise<Truncated> {
    const keep = {
      from: () => Math.max(this.heldFrom, this.queue.end - backlogBytes),
      lingerMs: final ? this.lingerMs / 4 : this.lingerMs,
      lingersFrom: () => this.queue.end - backlogBytes,
    };
    const truncation = this.truncation.catch(() => undefined).then(() => this.remover.before(position, keep));
    this.truncation = truncation;
    return truncation;
  }

  /** Keeps truncation from removing anything at a reader's position or after it. Call the result to end this. */
  hold(position: () => Position): () => void {
    this.holds.add(position);
    return () => this.holds.delete(position);
  }

  /** Position of the slowest reader that holds back truncation; infinity when there is none. */
  get heldFrom(): Position {
    let from = Number.POSITIVE_INFINITY;
    for (const position of this.holds) from = Math.min(from, position());
    return from;
  }

  /** Adds a listener for the durable position. Call the result to remove it. */
  onDurable(listener: (durable: Position) => void): () => void {
    return this.commits.onDurable(listener);
  }

  /** Adds a listener that is called when the journal is closed and no more come. Call the result to remove it. */
  onEnd(listener: () => void): () => void {
    this.endListeners.add(listener);
    return () => this.endListeners.delete(listener);
  }

  /** Commits everything, also what an earlier error left uncommitted, and closes the files. Idempotent. */
  async close(): Promise<void> {
    const { state, commits } = this;
    if (state.isClosing) return;
    state.enter({ type: 'closing' });
    try {
      await this.retry();
    } finally {
      await Promise.allSettled([this.truncation]);
      // A commit that was asked for meanwhile still needs the files.
      do await commits.idle();
      while (commits.isRunning);
      this.files.close();
      state.enter({ type: 'ended' });
      for (const listener of this.endListeners) listener();
    }
  }
}
