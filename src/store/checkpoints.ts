/**
 * The checkpoints of a running store. One is written at a time; after each, the journal that it makes unnecessary is
 * removed.
 */

import { KeyedMutex } from '../async/keyed-mutex.ts';
import { sequencesOf, writeIndexSequences } from '../indexes/index-sequences.ts';
import { planTruncation } from '../journal/write/plan-truncation.ts';
import type { Checkpointer, CheckpointResult } from '../recovery/checkpointer.ts';
import type { Subscriptions } from '../subscriptions/subscriptions.ts';
import type { DiskGuard } from './disk-guard.ts';
import { storeError } from './disk-trouble.ts';
import type { Engine } from './engine.ts';
import type { Distributions } from './metrics/catalogue.ts';
import type { Recovered } from './recovered.ts';

export interface CheckpointsParts {
  readonly engine: Engine;
  readonly recovered: Recovered;
  readonly checkpointer: Checkpointer;
  readonly disk: DiskGuard;
  readonly subscriptions: Subscriptions;
  readonly distributions: () => Distributions | undefined;
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
  private readonly turn = new KeyedMutex<'checkpoint'>();
  /** The checkpoint that is being written, or the last one. */
  private writing: Promise<unknown> = Promise.resolve();
  private notedSequences: string | undefined;

  constructor(parts: CheckpointsParts) {
    this.parts = parts;
    this.from = parts.recovered.replayFrom;
    this.begunAt = this.from;
  }

  /**
   * Waits for the running checkpoint and holds back further ones, for a backup for example. Call the result to release
   * the hold.
   */
  hold(): Promise<() => void> {
    return this.turn.acquire('checkpoint');
  }

  /** Resolves when the checkpoint that is being written, if any, is in place or has failed. */
  async idle(): Promise<void> {
    await this.writing.catch(() => {});
  }

  /** Writes a checkpoint when its turn comes. Rejects with a `TidemarkError` if the disk refuses. */
  async writeInTurn(final: boolean): Promise<CheckpointResult> {
    const release = await this.hold();
    try {
      return await this.write(final);
    } catch (error) {
      throw storeError(error, 'write', 'the checkpoint');
    } finally {
      release();
    }
  }

  /** Writes a checkpoint, then removes the journal that it makes unnecessary. The caller must have the turn. */
  async write(final: boolean, { keepJournal = false } = {}): Promise<CheckpointResult> {
    const { engine, recovered, checkpointer, disk } = this.parts;
    const { clock } = engine;
    const { bus, indexer, journal } = recovered;
    this.begunAt = journal.end;
    const written = checkpointer.write(final);
    this.writing = written;
    const result = await written;
    this.last = { endedAt: clock.monotonic(), durationMs: result.durationMs, bytes: result.bytes };
    this.parts.distributions()?.checkpointDuration.observe(result.durationMs / 1000);
    this.parts.distributions()?.checkpointChunksWritten.observe(result.chunks);
    const { from, series, chunks, bytes, durationMs } = result;
    bus.publish({ type: 'checkpointWritten', time: clock.now(), from, series, chunks, bytes, durationMs });
    this.from = from;
    if (!final) this.noteSequences();
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

  /** Records how many operations each index has taken. Unchanged numbers are not written again. */
  private noteSequences(): void {
    const { engine, recovered } = this.parts;
    if (engine.options.readOnly) return;
    const sequences = sequencesOf(recovered.databases);
    const text = JSON.stringify(sequences);
    if (text === this.notedSequences) return;
    try {
      writeIndexSequences(engine.fileSystem, engine.directory, sequences);
      this.notedSequences = text;
    } catch (error) {
      engine.logger.warn({ err: error }, 'INDEX_SEQUENCES could not be written.');
    }
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
