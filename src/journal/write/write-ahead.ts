/**
 * What an append does for the disk without a call: asks for a commit, commits when the interval is over, writes when
 * enough is encoded, and keeps the bytes that no sync has confirmed within their bound.
 */
import type { Clock } from '../../ports/clock.ts';
import type { Commits } from './commits.ts';
import type { CurrentState } from './current-state.ts';
import type { JournalWriterOptions } from './journal-options.ts';
import type { Records } from './records.ts';

/** Samples between two readings of the clock. */
const ATTEND_EVERY = 64;
/**
 * A sync is started without a call when an eighth of `unconfirmedBytesMax` waits for one. This keeps the queue so small
 * that it stays in the processor's caches.
 */
const SYNC_AHEAD_SHARE = 8;

export interface WriteAheadParts {
  readonly state: CurrentState;
  readonly records: Records;
  readonly commits: Commits;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly options: Required<
    Pick<JournalWriterOptions, 'durability' | 'commitIntervalMs' | 'writeBytes' | 'unconfirmedBytesMax'>
  > &
    Pick<JournalWriterOptions, 'onPending'>;
}

export class WriteAhead {
  private readonly parts: WriteAheadParts;

  constructor(parts: WriteAheadParts) {
    this.parts = parts;
  }

  /** Runs for the first staged sample, then every {@link ATTEND_EVERY} samples, and when the stage is full. */
  attend(): void {
    const { records } = this.parts;
    records.stage.attendAfter(ATTEND_EVERY);
    this.commitInTime();
    if (records.stage.count === records.stage.capacity) records.seal();
    this.keepBounds();
  }

  /** Runs for every late sample. */
  attendLate(): void {
    this.commitInTime();
    this.keepBounds();
  }

  /** Asks for a commit, or commits when the interval is over. */
  private commitInTime(): void {
    const { state, clock, options } = this.parts;
    const sinceMs = state.pendingSinceMs;
    if (sinceMs === undefined) this.notePending();
    else if (clock.monotonic() - sinceMs >= options.commitIntervalMs) this.commitOverdue();
  }

  /** Called when something was appended. Asks for a commit if nothing waited for one. */
  notePending(): void {
    const { state, clock, options } = this.parts;
    if (!state.isIdle) return;
    state.enter({ type: 'appended', nowMs: clock.monotonic() });
    options.onPending?.();
  }

  /** Writes when enough is encoded, and keeps the unconfirmed bytes within their bound. */
  keepBounds(): void {
    const { state, commits, options } = this.parts;
    if (state.isWorking && commits.unwrittenBytes >= options.writeBytes) commits.writeQueue();
    if (commits.pendingBytes < options.unconfirmedBytesMax / SYNC_AHEAD_SHARE) return;
    if (state.isWorking && !commits.isRunning) commits.commitInBackground();
    if (commits.pendingBytes < options.unconfirmedBytesMax) return;
    if (state.isWorking) this.attempt(() => commits.blocking());
    if (!state.isWorking) state.enter({ type: 'filled' });
  }

  /**
   * Called when the commit interval is over and no commit has begun: the program has not let the event loop turn, or
   * the disk is slow. Starts a sync in the background, or has one follow the sync that runs. But if the event loop has
   * not turned since that sync started, its result cannot arrive, so this thread syncs itself and blocks.
   */
  private commitOverdue(): void {
    const { commits, options } = this.parts;
    if (options.durability === 'os') this.attempt(() => commits.write());
    else if (commits.isStuck) this.attempt(() => commits.blocking());
    else commits.commitInBackground();
  }

  /** Runs a write or sync on behalf of append. Its error changes the state and is not thrown to the caller. */
  private attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (this.parts.state.failure === undefined) throw error;
    }
  }
}
