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
 * synced everything from where the disk stopped.
 */
import { dirname } from 'node:path';
import type { FileSystem } from '../../files/file-system.ts';
import { ioError } from '../../files/io-error.ts';
import { ByteWriter } from '../../model/byte-writer.ts';
import { TidemarkError } from '../../model/errors.ts';
import type { LifecycleEvent, Position } from '../../model/events.ts';
import type { LabelPairs } from '../../model/labels.ts';
import type { Clock } from '../../ports/clock.ts';
import { encodeEvents } from '../format/events-codec.ts';
import { EVENTS, FRAME_BYTES, frameSeed, PAYLOAD_BYTES_MAX, SAMPLES, sealFrame } from '../format/record-frame.ts';
import { encodeSamples, samplesBytesMax } from '../format/samples-codec.ts';
import { storeSalt } from '../format/segment-header.ts';
import { HistoryLog } from '../history/history-log.ts';
import type { JournalFinding } from '../read/journal-findings.ts';
import { ByteQueue } from './byte-queue.ts';
import { CreationStage } from './creation-stage.ts';
import { type JournalWriterOptions, journalDefaults } from './journal-options.ts';
import { type JournalTail, prepareTail } from './journal-tail.ts';
import { SampleStage } from './sample-stage.ts';
import { SegmentFiles } from './segment-files.ts';
import { type Truncated, Truncator } from './segment-remover.ts';

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

/** Samples between two readings of the clock. */
const ATTEND_EVERY = 64;
/**
 * A sync is started without a call when an eighth of `unconfirmedBytesMax` waits for one. This keeps the queue so small
 * that it stays in the processor's caches.
 */
const SYNC_AHEAD_SHARE = 8;
/**
 * Smallest segment that is ended early. Each segment repeats 8 bytes for every series in it, so ending a smaller one
 * would cost more than it saves.
 */
const SEGMENT_BYTES_WORTH_ENDING = 256 * 1024;

export class JournalWriter {
  /** What was wrong with the files and the end of the journal when it was opened. */
  readonly findings: readonly JournalFinding[];
  /** 16 hex digits. */
  readonly storeId: string;
  /** Where the records ended when the journal was opened; `undefined` when there were none. */
  readonly foundEnd: Position | undefined;
  private readonly clock: Clock;
  private readonly options: Required<Omit<JournalWriterOptions, 'onPending' | 'onError'>> &
    Pick<JournalWriterOptions, 'onPending' | 'onError'>;
  private readonly stage: SampleStage;
  private readonly creations = new CreationStage();
  private readonly queue: ByteQueue;
  private readonly files: SegmentFiles;
  private readonly salt: number;
  private readonly eventWriter = new ByteWriter(4096);
  private readonly listeners = new Set<(durable: Position) => void>();
  private readonly endListeners = new Set<() => void>();
  private readonly holds = new Set<() => Position>();
  private readonly history: HistoryLog;
  private readonly truncator: Truncator;
  private truncation: Promise<unknown> = Promise.resolve();
  private scratch: Buffer;
  private durablePosition: Position;
  /** Nothing has been appended since the last commit began. */
  private idle = true;
  /** Monotonic time of the first append since the last commit began. */
  private pendingSince = 0;
  private running: Promise<Position> | undefined;
  private following: Promise<Position> | undefined;
  private failure: { readonly during: 'write' | 'sync'; readonly error: TidemarkError } | undefined;
  /** Whether the event loop has turned since the last commit began. */
  private loopHasTurned = true;
  /** The disk has failed and the queue is full, so appends throw. */
  private refusing = false;
  private closed = false;
  /** The files are closed: nothing more can be written. */
  private ended = false;

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
    this.clock = parts.clock;
    this.options = { ...journalDefaults, ...parts.options };
    this.findings = tail.findings;
    this.foundEnd = tail.segments.length === 0 ? undefined : tail.end;
    this.storeId = tail.storeId ?? parts.storeId;
    this.salt = storeSalt(this.storeId);
    this.history = new HistoryLog({ ...parts, storeId: this.storeId, bytesMax: this.options.historyBytes });
    this.stage = new SampleStage(this.options.batchSamples);
    this.scratch = Buffer.allocUnsafeSlow(samplesBytesMax(this.options.batchSamples, this.options.batchSamples));
    this.queue = new ByteQueue(tail.start);
    this.durablePosition = tail.start;
    // If the previous process crashed, it may have created its last segments a moment ago. Readers may still need them.
    const found = parts.isAfterCrash === true ? { createdAtMs: parts.clock.monotonic() } : {};
    this.files = new SegmentFiles({
      fileSystem: parts.fileSystem,
      clock: parts.clock,
      directory: parts.directory,
      storeId: this.storeId,
      closed: tail.segments.map((segment) => ({ ...segment, ...found })),
      start: tail.start,
    });
    this.files.begin(tail.start, tail.end, this.stage.defined);
    this.truncator = new Truncator({ ...parts, files: this.files, history: this.history, isClosed: () => this.closed });
  }

  /** Position after the last encoded record. Staged samples will come after it. */
  get end(): Position {
    return this.queue.end;
  }

  /** Everything before this position is durable. */
  get durable(): Position {
    return this.durablePosition;
  }

  /** Position of the oldest record, or of the next one when there is none. Segments that are not synced yet count. */
  get first(): Position {
    return this.files.firstStart;
  }

  /** Encoded bytes that are not durable yet. */
  get pendingBytes(): number {
    return this.queue.end - this.durablePosition;
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
    return this.failure === undefined;
  }

  /** The error because of which `writable` is false. */
  get error(): TidemarkError | undefined {
    return this.failure?.error;
  }

  /** Whether the journal is closed and no more records will come. */
  get hasEnded(): boolean {
    return this.ended;
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
    if (this.refusing) this.throwIfFailed();
    if (this.stage.add(row, fingerprintHigh, fingerprintLow, timestamp, high, low)) this.attend();
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
    if (this.refusing) this.throwIfFailed();
    // No staged sample can belong to a series that is only being created, so its creation may precede the batch.
    if (events.every(({ type }) => type === 'seriesCreated')) this.sealCreations();
    else this.sealBatch();
    this.addEventsRecord((writer) => encodeEvents(events, writer));
    const position = this.queue.end;
    if (this.idle) {
      this.becomePending();
      this.expectAttention();
    }
    this.writeAhead();
    return position;
  }

  /**
   * Appends the creation of a series. The creations before the next batch, event or commit share one record. Returns
   * the position at which that record will begin.
   */
  appendCreated(time: number, high: number, low: number, pairs: LabelPairs): Position {
    if (this.refusing) this.throwIfFailed();
    const position = this.queue.end;
    this.creations.add(time, high, low, pairs);
    if (this.idle) {
      this.becomePending();
      this.expectAttention();
    }
    if (this.creations.isFull) {
      this.sealCreations();
      this.writeAhead();
    }
    return position;
  }

  /** Called when the row is free for another series. */
  forget(row: number): void {
    this.stage.forget(row);
  }

  /** Encodes everything staged. Everything appended so far lies before the returned position, which is `end`. */
  seal(): Position {
    this.sealBatch();
    return this.queue.end;
  }

  /**
   * Begins a new segment, so that a checkpoint at this position needs none of the earlier segments. A small segment is
   * continued instead. Returns the position of the next record.
   */
  beginSegment(): Position {
    this.sealBatch();
    if (this.queue.end - this.files.currentStart >= SEGMENT_BYTES_WORTH_ENDING) this.startSegment();
    return this.queue.end;
  }

  /** Writes everything appended so far to the operating system, without a sync. */
  write(): void {
    this.throwIfFailed();
    this.sealBatch();
    this.writeQueue();
    this.throwIfFailed();
    if (this.options.durability === 'os') this.becomeIdle();
  }

  /**
   * Makes everything appended so far durable and resolves with the durable position. Calls during a running sync share
   * the next one. Rejects with `TIDEMARK_DISK_FULL` or `TIDEMARK_IO`; nothing is lost then.
   */
  commit(): Promise<Position> {
    if (this.following !== undefined) return this.following;
    if (this.running === undefined) return this.startCommit();
    const following = this.running
      .catch(() => undefined)
      .then(() => {
        this.following = undefined;
        return this.startCommit();
      });
    this.following = following;
    return following;
  }

  /** Does the same as {@link commit}, but blocks this thread. */
  commitBlocking(): void {
    this.write();
    this.becomeIdle();
    const through = this.queue.end;
    if (through === this.durablePosition) return;
    try {
      this.files.syncBlocking();
    } catch (error) {
      throw this.fail('sync', error);
    }
    this.reachDurable(through);
  }

  /**
   * After an error: continues where the write stopped; after a failed sync, writes everything again that no sync has
   * confirmed. Resolves when all of it is durable. Rejects while the disk still fails; nothing is lost then.
   */
  async retry(): Promise<Position> {
    await this.running?.catch(() => undefined);
    if (this.ended) this.throwIfFailed();
    const { failure } = this;
    if (failure === undefined) return this.commit();
    if (failure.during === 'sync') this.files.abandon(this.durablePosition);
    this.failure = undefined;
    this.refusing = false;
    return this.commit();
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
      lingerMs: final ? this.options.lingerMs / 4 : this.options.lingerMs,
      lingersFrom: () => this.queue.end - backlogBytes,
    };
    const truncation = this.truncation.catch(() => undefined).then(() => this.truncator.before(position, keep));
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
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Adds a listener that is called when the journal is closed and no more come. Call the result to remove it. */
  onEnd(listener: () => void): () => void {
    this.endListeners.add(listener);
    return () => this.endListeners.delete(listener);
  }

  /** Commits everything, also what an earlier error left uncommitted, and closes the files. Idempotent. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    try {
      await this.retry();
    } finally {
      await Promise.allSettled([this.running, this.truncation]);
      this.files.close();
      this.ended = true;
      for (const listener of this.endListeners) listener();
    }
  }

  private throwIfFailed(): void {
    if (this.ended) throw new TidemarkError('TIDEMARK_CLOSED', 'the journal is closed');
    if (this.failure !== undefined) throw this.failure.error;
  }

  private startCommit(): Promise<Position> {
    const running = this.commitOnce().finally(() => {
      this.running = undefined;
      this.files.settle(this.durablePosition);
    });
    this.running = running;
    this.loopHasTurned = false;
    void this.clock.breathe().then(() => {
      this.loopHasTurned = true;
    });
    return running;
  }

  private async commitOnce(): Promise<Position> {
    this.write();
    this.becomeIdle();
    const through = this.queue.end;
    if (through === this.durablePosition) return through;
    try {
      await this.files.sync();
    } catch (error) {
      throw this.fail('sync', error);
    }
    this.reachDurable(through);
    return through;
  }

  private reachDurable(through: Position): void {
    if (through <= this.durablePosition) return;
    this.durablePosition = through;
    this.queue.release(through);
    if (this.running === undefined) this.files.settle(through);
    for (const listener of this.listeners) listener(through);
  }

  /** Runs for the first sample after a commit, then every {@link ATTEND_EVERY} samples, and when the stage is full. */
  private attend(): void {
    if (this.idle) this.becomePending();
    else if (this.clock.monotonic() - this.pendingSince >= this.options.commitIntervalMs) this.commitOverdue();
    if (this.stage.count === this.stage.capacity) this.sealBatch();
    this.writeAhead();
    this.expectAttention();
  }

  private expectAttention(): void {
    this.stage.attendAt = this.idle ? 1 : Math.min(this.stage.capacity, this.stage.count + ATTEND_EVERY);
  }

  private becomePending(): void {
    this.idle = false;
    this.pendingSince = this.clock.monotonic();
    this.options.onPending?.();
  }

  private becomeIdle(): void {
    this.idle = true;
    this.expectAttention();
  }

  /**
   * Called when the commit interval is over and no commit has started: the program has not let the event loop turn, or
   * the disk is slow. Starts a sync in the background, or has one follow the sync that runs. But if the event loop has
   * not turned since that sync started, its result cannot arrive, so this thread syncs itself and blocks.
   */
  private commitOverdue(): void {
    if (this.failure !== undefined) return;
    if (this.options.durability === 'os') this.attempt(() => this.write());
    else if (this.running === undefined) this.commitInBackground();
    else if (this.loopHasTurned) this.rememberCommit();
    else this.attempt(() => this.commitBlocking());
  }

  private rememberCommit(): void {
    if (this.following === undefined) this.commitInBackground();
  }

  private commitInBackground(): void {
    // onError has reported the error, and every later commit rejects with it.
    this.commit().catch(() => undefined);
  }

  /** Runs a write or sync on behalf of append. Its error makes `writable` false and is not thrown to the caller. */
  private attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (this.failure === undefined) throw error;
    }
  }

  /** Writes when enough is encoded, and keeps the unconfirmed bytes within their bound. */
  private writeAhead(): void {
    const { queue, files, options } = this;
    if (this.ended) {
      this.refusing = this.pendingBytes >= options.unconfirmedBytesMax;
      return;
    }
    if (this.failure === undefined && queue.end - files.written >= options.writeBytes) this.writeQueue();
    if (this.pendingBytes < options.unconfirmedBytesMax / SYNC_AHEAD_SHARE) return;
    if (this.failure === undefined && this.running === undefined) this.commitInBackground();
    if (this.pendingBytes < options.unconfirmedBytesMax) return;
    if (this.failure === undefined) this.attempt(() => this.commitBlocking());
    this.refusing = this.failure !== undefined;
  }

  private sealCreations(): void {
    if (this.creations.count > 0) this.addEventsRecord((writer) => this.creations.drainTo(writer));
  }

  private addEventsRecord(encode: (writer: ByteWriter) => void): void {
    const { eventWriter } = this;
    eventWriter.clear();
    eventWriter.gap(FRAME_BYTES);
    encode(eventWriter);
    const payloadBytes = eventWriter.length - FRAME_BYTES;
    if (payloadBytes > PAYLOAD_BYTES_MAX) {
      throw new TidemarkError('TIDEMARK_INTERNAL', `an event of ${payloadBytes} bytes exceeds ${PAYLOAD_BYTES_MAX}`);
    }
    this.addRecord(eventWriter.view(), EVENTS, payloadBytes);
  }

  /** Encodes what is staged: creations before the samples of the series that they create. */
  private sealBatch(): void {
    this.sealCreations();
    const { stage } = this;
    if (stage.count === 0) return;
    this.reserve(samplesBytesMax(stage.count, stage.defined.count - stage.definedBefore));
    const time = this.clock.now();
    const end = encodeSamples(stage, time, stage.defined, stage.definedBefore, this.scratch, FRAME_BYTES);
    stage.clear();
    this.addRecord(this.scratch, SAMPLES, end - FRAME_BYTES);
    this.expectAttention();
  }

  /**
   * Frames the payload, which follows room for the header in `record`, and queues the record. Begins a new segment if
   * one is due.
   */
  private addRecord(record: Buffer, kind: number, payloadBytes: number): void {
    const { queue, files } = this;
    queue.append(record, sealFrame(record, 0, kind, payloadBytes, frameSeed(this.salt, queue.end)));
    // A segment ends only when nothing is staged, because staged samples use the references of this segment.
    if (queue.end - files.currentStart < this.options.segmentBytes || this.stage.count > 0) return;
    this.startSegment();
  }

  private startSegment(): void {
    this.stage.beginSegment();
    this.files.begin(this.queue.end, this.queue.end, this.stage.defined);
  }

  private reserve(payloadBytes: number): void {
    if (FRAME_BYTES + payloadBytes > this.scratch.length)
      this.scratch = Buffer.allocUnsafeSlow(FRAME_BYTES + payloadBytes);
  }

  private writeQueue(): void {
    try {
      this.files.write(this.queue);
    } catch (error) {
      this.fail('write', error);
    }
  }

  private fail(during: 'write' | 'sync', cause: unknown): TidemarkError {
    const error = ioError(cause, during === 'write' ? 'write' : 'sync', 'the journal');
    const first = this.failure === undefined;
    // A failed sync needs the larger repair, so it counts even when a failed write came later.
    this.failure = { during: this.failure?.during === 'sync' ? 'sync' : during, error };
    if (first) this.options.onError?.(error);
    return error;
  }
}
