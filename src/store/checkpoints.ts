/**
 * The checkpoints of a store, and the callers who wait for them. The region `checkpoint` of the store's statechart decides
 * when one is written; this file writes it, and then removes the journal that it makes unnecessary.
 *
 * A caller waits for the first write that begins after the request. A write that is already in progress does not count:
 * it may have passed the series that the caller wants to be in it.
 *
 *     request a          waits; the chart begins write 1, which takes a
 *     request b          during write 1: waits
 *     request c          during write 1: waits
 *     write 1 ends       answers a; the chart begins write 2, which takes b and c
 *
 * The chart leaves the region when the store is closed. Then one more write serves all callers who still wait, and the
 * last checkpoint of the session follows when the backups have their copies.
 * docs/decisions/0025-the-chart-decides-about-checkpoints.md
 */
import { isRunning, type StoreMachineEvent } from '../../machines/store.machine.ts';
import { SingleRun } from '../async/single-run.ts';
import { planTruncation } from '../journal/write/plan-truncation.ts';
import type { TidemarkError } from '../model/errors.ts';
import type { Checkpointer, CheckpointResult } from '../recovery/checkpointer.ts';
import type { Subscriptions } from '../subscriptions/subscriptions.ts';
import type { Counts } from './counts.ts';
import type { DiskGuard } from './disk-guard.ts';
import { storeError } from './disk-trouble.ts';
import type { Engine, StoreActor } from './engine.ts';
import type { Recovered } from './recovered.ts';

export interface CheckpointsParts {
  readonly engine: Engine;
  readonly recovered: Recovered;
  readonly actor: StoreActor;
  readonly checkpointer: Checkpointer;
  readonly disk: DiskGuard;
  readonly subscriptions: Subscriptions;
  readonly counts: Counts;
}

/** A backup's hold: no checkpoint begins before `release` is called. */
export interface BackupHold {
  /** Position from which the backup needs the journal. */
  readonly from: number;
  readonly release: () => void;
}

interface Caller<Result> {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export class Checkpoints {
  /** Position at which a replay would start. */
  from: number;
  /**
   * End of the journal when the last checkpoint began. `from` can be earlier: it stays before the announcement of a
   * file change that has not ended, so that recovery learns of that change.
   */
  begunAt: number;
  last = { endedAt: 0, durationMs: 0, bytes: 0 };
  private readonly parts: CheckpointsParts;
  private readonly writes = new SingleRun<CheckpointResult>();
  /** Serves the callers who wait while the store is being closed. */
  private readonly serving = new SingleRun();
  /** Callers of the next write. */
  private readonly waiting: Caller<void>[] = [];
  /** Callers of the write that is in progress, or has ended and is not answered yet. */
  private covered: Caller<void>[] = [];
  /** Why the write of the covered callers failed; `undefined` if it did not. */
  private failure: unknown;
  /** Backups that wait for their hold, in the order of their requests. */
  private readonly backups: Caller<BackupHold>[] = [];
  /** Resolve when the backups that are copying have released their holds. */
  private readonly holds = new Set<Promise<void>>();

  constructor(parts: CheckpointsParts) {
    this.parts = parts;
    this.from = parts.recovered.replayFrom;
    this.begunAt = this.from;
  }

  /** Requests a checkpoint. Resolves when one that began after the call is in place. */
  request(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.ask({ type: 'checkpointDue', reason: 'request' });
    });
  }

  /** Resolves when the backup may copy: its checkpoint is written, and no other begins before it calls `release`. */
  requestBackup(): Promise<BackupHold> {
    return new Promise((resolve, reject) => {
      this.backups.push({ resolve, reject });
      this.ask({ type: 'backupRequested' });
    });
  }

  /** The chart's call: writes the checkpoint that is due. Its callers are answered by `answer`. */
  async writeDue(): Promise<void> {
    await this.inTurn(() => this.writeForWaiting({ keepJournal: false }));
  }

  /** The chart's call: writes the checkpoint of the first waiting backup. */
  async writeForBackup(): Promise<void> {
    try {
      await this.inTurn(() => this.write(false, { keepJournal: true }));
    } catch (error) {
      this.backups.shift()?.reject(error);
      throw error;
    }
  }

  /** The chart's call: lets the first waiting backup copy. Resolves when it has released its hold. */
  async copyBackup(): Promise<void> {
    const backup = this.backups.shift();
    if (backup !== undefined) await this.hold(backup);
  }

  /** Answers the callers of the write that has ended. Does nothing while it is in progress. */
  answer(): void {
    if (this.writes.isRunning) return;
    const { failure } = this;
    for (const { resolve, reject } of this.covered.splice(0)) {
      if (failure === undefined) resolve();
      else reject(failure);
    }
  }

  /**
   * Called when the store is closed, and the chart has left the region. Waits for the running write and for the backup
   * that copies. Then one write serves all callers who still wait; the backups among them copy at the same time.
   */
  serveWaiting(): Promise<void> {
    return this.serving.follow(async () => {
      await this.ended();
      this.answer();
      if (this.waiting.length === 0 && this.backups.length === 0) return;
      const backups = this.backups.splice(0);
      try {
        await this.inTurn(() => this.writeForWaiting({ keepJournal: backups.length > 0 }));
        for (const backup of backups) void this.hold(backup);
      } catch (error) {
        for (const { reject } of backups) reject(error);
      }
      this.answer();
    });
  }

  /** Called when the store has failed. Waits for the running write; rejects the callers who wait for another one. */
  async abandon(error: TidemarkError): Promise<void> {
    for (const { reject } of [...this.waiting.splice(0), ...this.backups.splice(0)]) reject(error);
    await this.writes.ended();
    this.answer();
  }

  /** Writes the last checkpoint of the session, after a running one and after the backups. */
  writeLast(): Promise<CheckpointResult> {
    return this.inTurn(() => typed(this.write(true)));
  }

  /** Writes a checkpoint, then removes the journal that it makes unnecessary. No other write may be in progress. */
  async write(final: boolean, { keepJournal = false } = {}): Promise<CheckpointResult> {
    const { engine, recovered, checkpointer, disk } = this.parts;
    const { clock } = engine;
    const { bus, indexer, journal } = recovered;
    this.begunAt = journal.end;
    const result = await checkpointer.write(final);
    this.last = { endedAt: clock.monotonic(), durationMs: result.durationMs, bytes: result.bytes };
    this.parts.counts.observations.observe('checkpointDuration', result.durationMs / 1000);
    this.parts.counts.observations.observe('checkpointChunksWritten', result.chunks);
    const { from, series, chunks, bytes, durationMs } = result;
    bus.publish({ type: 'checkpointWritten', time: clock.now(), from, series, chunks, bytes, durationMs });
    this.from = from;
    if (keepJournal) return result;
    try {
      // Commit first: the record of the event above must be on disk before segments are removed. Recovery treats a
      // journal without records as deleted.
      await journal.commit();
      await this.truncateJournal(from, Math.max(from, indexer.position ?? from, journal.first), final);
    } catch (error) {
      // The checkpoint is in place nevertheless. The next one removes the journal that this one could not.
      disk.note('The journal could not be shortened.', storeError(error, 'shorten', 'the journal'));
    }
    return result;
  }

  /** Tells the chart. While the store is being closed, the chart has no region for it. */
  private ask(event: StoreMachineEvent): void {
    const { actor } = this.parts;
    if (isRunning(actor.getSnapshot())) actor.send(event);
    else void this.serveWaiting();
  }

  private async writeForWaiting(options: { readonly keepJournal: boolean }): Promise<CheckpointResult> {
    this.covered = this.waiting.splice(0);
    this.failure = undefined;
    try {
      return await typed(this.write(false, options));
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  private hold({ resolve }: Caller<BackupHold>): Promise<void> {
    const held = new Promise<void>((release) => resolve({ from: this.from, release }));
    this.holds.add(held);
    void held.then(() => this.holds.delete(held));
    return held;
  }

  /**
   * Runs a write when no other is in progress and no backup copies. While the store runs, the chart begins none before.
   * This matters when it is closed, and when a user has sent events to its actor.
   */
  private async inTurn(write: () => Promise<CheckpointResult>): Promise<CheckpointResult> {
    await this.ended();
    this.answer();
    return this.writes.join(write);
  }

  private async ended(): Promise<void> {
    while (this.writes.isRunning || this.holds.size > 0) await Promise.all([this.writes.ended(), ...this.holds]);
  }

  private async truncateJournal(checkpoint: number, indexes: number, final: boolean): Promise<void> {
    const { engine, recovered, disk, subscriptions } = this.parts;
    const { journal, bus } = recovered;
    const { options } = engine;
    // Where retention limits the directory's size, a subscription's backlog may take at most a quarter of it: samples
    // must not be dropped to keep journal for a subscriber.
    const backlogBytes = Math.min(options.subscriptionBacklogBytes, engine.retention.limits.bytes / 4);
    const plan = planTruncation({
      segmentStarts: journal.segments().map(({ start }) => start),
      end: journal.end,
      checkpoint,
      indexes,
      subscriptions: subscriptions.list(),
      readers: journal.heldFrom,
      subscriptionBacklogBytes: backlogBytes,
    });
    for (const event of await subscriptions.overrun(plan.overruns)) bus.publish(event);
    await journal.truncateBefore(plan.before, { backlogBytes, final: final || disk.isWaiting });
  }
}

const typed = async (written: Promise<CheckpointResult>): Promise<CheckpointResult> => {
  try {
    return await written;
  } catch (error) {
    throw storeError(error, 'write', 'the checkpoint');
  }
};
