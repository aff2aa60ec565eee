/**
 * Writes the queue to the segment files and makes it durable by group commits: one sync for all callers that wait.
 *
 * An error loses nothing from the queue. The disk is not used again before `retry`, which continues where the disk
 * stopped.
 */
import { SingleRun } from '../../async/single-run.ts';
import { ioError } from '../../files/io-error.ts';
import type { TidemarkError } from '../../model/errors.ts';
import type { Position } from '../../model/events.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ByteQueue } from './byte-queue.ts';
import type { CurrentState } from './current-state.ts';
import type { JournalWriterOptions } from './journal-options.ts';
import type { SegmentFiles } from './segment-files.ts';
import type { Failure } from './writer-state.ts';

export interface CommitsParts {
  readonly state: CurrentState;
  readonly queue: ByteQueue;
  readonly files: SegmentFiles;
  readonly clock: Pick<Clock, 'monotonic' | 'breathe'>;
  readonly options: Required<Pick<JournalWriterOptions, 'durability'>> & Pick<JournalWriterOptions, 'onError'>;
  /** Encodes everything appended so far into the queue. */
  readonly seal: () => void;
}

export class Commits {
  private readonly parts: CommitsParts;
  private readonly listeners = new Set<(durable: Position) => void>();
  private readonly runs = new SingleRun<Position>();
  private durablePosition: Position;
  /** Whether the event loop has turned since the last commit began. It says something about a running commit only. */
  private loopHasTurned = true;

  constructor(parts: CommitsParts) {
    this.parts = parts;
    this.durablePosition = parts.queue.start;
  }

  /** Everything before this position is durable. */
  get durable(): Position {
    return this.durablePosition;
  }

  /** Encoded bytes that are not durable yet. */
  get pendingBytes(): number {
    return this.parts.queue.end - this.durablePosition;
  }

  /** Encoded bytes that have not been written to the operating system. */
  get unwrittenBytes(): number {
    return this.parts.queue.end - this.parts.files.written;
  }

  get isRunning(): boolean {
    return this.runs.isRunning;
  }

  /** A commit runs whose result cannot have arrived, because the event loop has not turned since it began. */
  get isStuck(): boolean {
    return this.isRunning && !this.loopHasTurned;
  }

  /** Adds a listener for the durable position. Call the result to remove it. */
  onDurable(listener: (durable: Position) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Writes everything appended so far to the operating system, without a sync. */
  write(): void {
    const { state, options, seal } = this.parts;
    state.throwIfFailed();
    seal();
    this.writeQueue();
    state.throwIfFailed();
    if (options.durability === 'os') state.enter({ type: 'begun' });
  }

  /** Writes what is in the queue. An error changes the state and is not thrown. */
  writeQueue(): void {
    const { files, queue } = this.parts;
    try {
      files.write(queue);
    } catch (error) {
      this.fail('write', error);
    }
  }

  /**
   * Makes everything appended so far durable. Calls during a running commit share the next one. If none runs,
   * everything is written before this call returns, and so an error of the write is known to the caller at once.
   */
  commit(): Promise<Position> {
    return this.runs.startOrFollow(() => this.run());
  }

  /** Starts a commit, or has one follow the running one. */
  commitInBackground(): void {
    if (this.runs.isFollowed) return;
    // onError has reported the error, and every later commit rejects with it.
    this.commit().catch(() => undefined);
  }

  /** Does the same as {@link commit}, but blocks this thread. */
  blocking(): void {
    const { state, queue, files } = this.parts;
    this.write();
    state.enter({ type: 'begun' });
    const through = queue.end;
    if (through === this.durablePosition) return;
    try {
      files.syncBlocking();
    } catch (error) {
      throw this.fail('sync', error);
    }
    this.reachDurable(through);
  }

  /**
   * After an error: continues where the write stopped; after a failed sync, writes everything again that no sync has
   * confirmed. Resolves when all of it is durable.
   */
  async retry(): Promise<Position> {
    const { state, files, clock } = this.parts;
    await this.runs.ended();
    if (state.hasEnded) state.throwIfFailed();
    const { failure } = state;
    if (failure === undefined) return this.commit();
    if (failure.during === 'sync') files.abandon(this.durablePosition);
    state.enter({ type: 'retried', nowMs: clock.monotonic() });
    return this.commit();
  }

  /** Resolves when no commit runs and none follows. */
  async idle(): Promise<void> {
    await this.runs.idle();
  }

  private async run(): Promise<Position> {
    const committed = this.writeAndSync();
    this.loopHasTurned = false;
    void this.parts.clock.breathe().then(() => {
      this.loopHasTurned = true;
    });
    try {
      return await committed;
    } finally {
      this.parts.files.settle(this.durablePosition);
    }
  }

  private async writeAndSync(): Promise<Position> {
    const { state, queue, files } = this.parts;
    this.write();
    state.enter({ type: 'begun' });
    const through = queue.end;
    if (through === this.durablePosition) return through;
    try {
      await files.sync();
    } catch (error) {
      throw this.fail('sync', error);
    }
    this.reachDurable(through);
    return through;
  }

  private reachDurable(through: Position): void {
    if (through <= this.durablePosition) return;
    this.durablePosition = through;
    this.parts.queue.release(through);
    // A commit that runs may be syncing the files. It closes them when it ends.
    if (!this.isRunning) this.parts.files.settle(through);
    for (const listener of this.listeners) listener(through);
  }

  private fail(during: Failure['during'], cause: unknown): TidemarkError {
    const { state, options } = this.parts;
    const error = ioError(cause, during, 'the journal');
    const isFirst = state.failure === undefined;
    state.enter({ type: 'failed', failure: { during, error } });
    if (isFirst) options.onError?.(error);
    return error;
  }
}
