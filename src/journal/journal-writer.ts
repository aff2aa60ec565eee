/**
 * Writes the journal. Appended samples are staged in columns, encoded a batch at a time, handed to the operating system
 * in large writes, and acknowledged by group commits: one sync for everyone who waits (docs/durability.md).
 *
 *     appendSample -> stage -> (batch full, event, commit) -> record in the queue -> write -> sync -> durable
 *
 * Bounds: the stage holds one batch, the queue holds what the disk has not confirmed, at most `unconfirmedBytesMax`;
 * when it is reached `append` waits for the disk. After an error nothing is lost from either: `writable` is false until
 * `retry` succeeds, which continues exactly where the disk stopped.
 */
import { dirname } from 'node:path';
import type { Clock } from '../clock.ts';
import type { FileSystem } from '../disk/file-system.ts';
import { ioError } from '../disk/io-error.ts';
import { TidemarkError } from '../errors.ts';
import { ByteWriter } from '../model/byte-writer.ts';
import type { LifecycleEvent, Position } from '../model/events.ts';
import type { LabelPairs } from '../model/labels.ts';
import { ByteQueue } from './byte-queue.ts';
import { CreationStage } from './creation-stage.ts';
import { encodeEvents } from './events-codec.ts';
import type { JournalFinding } from './findings.ts';
import { HistoryLog } from './history-log.ts';
import { type JournalWriterOptions, journalDefaults } from './journal-options.ts';
import { type JournalTail, prepareTail } from './journal-tail.ts';
import { EVENTS, FRAME_BYTES, frameSeed, PAYLOAD_BYTES_MAX, SAMPLES, sealFrame } from './record-frame.ts';
import { SampleStage } from './sample-stage.ts';
import { encodeSamples, samplesBytesMax } from './samples-codec.ts';
import { SegmentFiles } from './segment-files.ts';
import { storeSalt } from './segment-header.ts';
import { type Truncated, Truncator } from './truncator.ts';

export interface JournalWriterParts {
  readonly fileSystem: FileSystem;
  /** The journal's own directory; created when missing. */
  readonly directory: string;
  readonly clock: Clock;
  /** 16 hex digits: the id of a journal that does not exist yet. One that does keeps its own. */
  readonly storeId: string;
  /** The journal goes on at this position or later: one that other files are known to have seen. */
  readonly notBefore?: Position;
  /** The process before did not close it: what that wrote last may have failed to reach the disk. Default false. */
  readonly isAfterCrash?: boolean;
  readonly options?: JournalWriterOptions;
}

/** How many samples may pass between two looks at the clock. */
const ATTEND_EVERY = 64;
/** A sync is begun unasked when this share of the bound waits: what is kept stays small, and in the processor's caches. */
const SYNC_AHEAD_SHARE = 8;
/** A segment repeats 8 bytes of each series in it: one that is ended early should save more than that. */
const SEGMENT_BYTES_WORTH_ENDING = 256 * 1024;

export class JournalWriter {
  /** What was wrong with the end of the journal when it was opened. */
  readonly findings: readonly JournalFinding[];
  /** 16 hex digits. */
  readonly storeId: string;
  /** Where the records that were found when it was opened end; `undefined` when there were none. */
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
  /** Monotonic time of the first append since then. */
  private pendingSince = 0;
  private running: Promise<Position> | undefined;
  private following: Promise<Position> | undefined;
  private failure: { readonly during: 'write' | 'sync'; readonly error: TidemarkError } | undefined;
  /** Whether the event loop has turned since the last commit began. */
  private loopHasTurned = true;
  /** The disk has refused, and the buffers are full. */
  private refusing = false;
  private closed = false;
  /** The files are closed: nothing more can be written. */
  private ended = false;

  static open(parts: JournalWriterParts): JournalWriter {
    const { fileSystem, directory, notBefore = 0, isAfterCrash = false } = parts;
    try {
      if (fileSystem.stat(directory) === undefined) {
        fileSystem.makeDirectory(directory);
        // Its name lies in the directory above: without this, loss of power could take a journal that was synced.
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
    // A process that was killed may have created its last segments a moment ago.
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

  /** Position after the last record; staged samples come after it. */
  get end(): Position {
    return this.queue.end;
  }

  /** Everything before this position is on the disk. */
  get durable(): Position {
    return this.durablePosition;
  }

  /** Position of the oldest record there is, or of the next one. A segment that waits for the disk counts. */
  get first(): Position {
    return this.files.firstStart;
  }

  /** Encoded bytes that the disk has not confirmed. */
  get pendingBytes(): number {
    return this.queue.end - this.durablePosition;
  }

  /** Memory that the queue holds. */
  get bufferBytes(): number {
    return this.queue.capacityBytes;
  }

  /** Bytes that the lifecycle history takes on the disk. */
  get historyBytes(): number {
    return this.history.bytes;
  }

  /** Bytes of all segment files. */
  get fileBytes(): number {
    return this.segments().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Whether the disk takes what is appended. While it is false, nothing should be. */
  get writable(): boolean {
    return this.failure === undefined;
  }

  /** What made the writer not writable. */
  get error(): TidemarkError | undefined {
    return this.failure?.error;
  }

  /** Whether it is closed, and nothing comes any more. */
  get hasEnded(): boolean {
    return this.ended;
  }

  /** Every segment, oldest first. */
  segments(): { readonly start: Position; readonly bytes: number }[] {
    return this.files.list(this.queue.end);
  }

  /**
   * Appends one sample of the series in `row`. The halves of the value are signed or unsigned 32-bit integers. Throws
   * only when the disk has refused before and the buffers are full.
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

  /** Appends an event. It comes after everything appended before it; a new series' creation, after every record. */
  appendEvent(event: LifecycleEvent): Position {
    return this.appendEvents([event]);
  }

  /** Appends events that happened together as one record: all have its position. */
  appendEvents(events: readonly LifecycleEvent[]): Position {
    if (this.refusing) this.throwIfFailed();
    // No staged sample is of a series that does not exist yet, so creations need not wait for the batch to end.
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
   * Appends the creation of a series. It shares a record with others that come before the next batch, event or commit;
   * the position returned is where that record will begin, so nothing of it is before.
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

  /** The row is free for another series. */
  forget(row: number): void {
    this.stage.forget(row);
  }

  /** Puts what is staged into a record: afterwards `end` is the position of everything appended so far. */
  seal(): Position {
    this.sealBatch();
    return this.queue.end;
  }

  /**
   * Has what follows go to a new segment, so that a checkpoint that starts here needs nothing of the ones before; a small
   * segment is not worth it. Returns the position of the next record.
   */
  beginSegment(): Position {
    this.sealBatch();
    if (this.queue.end - this.files.currentStart >= SEGMENT_BYTES_WORTH_ENDING) this.startSegment();
    return this.queue.end;
  }

  /** Hands everything appended so far to the operating system, without waiting for the disk. */
  write(): void {
    this.throwIfFailed();
    this.sealBatch();
    this.writeQueue();
    this.throwIfFailed();
    if (this.options.durability === 'os') this.becomeIdle();
  }

  /**
   * Waits until everything appended so far is on the disk; resolves with the position that is. Callers that come while a
   * sync runs share the next one. Rejects with `TIDEMARK_DISK_FULL` or `TIDEMARK_IO`; nothing is lost then.
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

  /** As {@link commit}, on this thread. */
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
   * After an error: continues where the disk stopped, and after a failed sync writes again everything that it has not
   * confirmed. Resolves when all of it is on the disk; rejects, and changes nothing, while the disk still refuses.
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
   * Removes the segments that end at a position or before it; what they say of series' lives goes into the history
   * first. Resolves with what is gone. Calls that come while one runs wait for it. Readers of this process hold back at
   * most `backlogBytes`; `final` is for the last call before the journal is closed, which leaves only the segments of
   * the last moment for readers of other processes.
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

  /** Holds back truncation: what lies at a reader's position or after it stays. Call the result to end it. */
  hold(position: () => Position): () => void {
    this.holds.add(position);
    return () => this.holds.delete(position);
  }

  /** Where the slowest reader stands that holds back truncation; infinity when there is none. */
  get heldFrom(): Position {
    let from = Number.POSITIVE_INFINITY;
    for (const position of this.holds) from = Math.min(from, position());
    return from;
  }

  /** Adds a listener for the durable position; returns what removes it. */
  onDurable(listener: (durable: Position) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Adds a listener for the moment from which on nothing comes any more; returns what removes it. */
  onEnd(listener: () => void): () => void {
    this.endListeners.add(listener);
    return () => this.endListeners.delete(listener);
  }

  /** Commits, what the disk has refused before too, and closes the files. Idempotent. */
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

  /** Called for the first sample after a commit, then every {@link ATTEND_EVERY} samples, and when the stage is full. */
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
   * The interval is over and nobody committed: the program has not let the event loop turn, or the disk is slow. A sync
   * that is started now runs beside the program. When one was started before and the loop has not turned since, nobody
   * can learn of its end, and this thread waits for the disk itself.
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
    // The error has been told by onError, and every later commit rejects with it.
    this.commit().catch(() => undefined);
  }

  /** For what append does on the side: its errors make the writer not writable, and are nobody's exception. */
  private attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (this.failure === undefined) throw error;
    }
  }

  /** Writes what is much, and keeps what the disk has not confirmed within its bound. */
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

  /** Records what is staged: creations before the samples of the series that they create. */
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

  /** Frames the payload that `record` has after room for the header, queues it, and begins a new segment when one is due. */
  private addRecord(record: Buffer, kind: number, payloadBytes: number): void {
    const { queue, files } = this;
    queue.append(record, sealFrame(record, 0, kind, payloadBytes, frameSeed(this.salt, queue.end)));
    // A segment ends only where nothing is staged, because references that are staged are the segment's.
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
    // A failed sync needs the larger repair, whichever came first.
    this.failure = { during: this.failure?.during === 'sync' ? 'sync' : during, error };
    if (first) this.options.onError?.(error);
    return error;
  }
}
