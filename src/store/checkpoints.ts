/**
 * The checkpoints of a running store: one at a time, and behind each the journal that it makes unnecessary goes.
 */
import { sequencesOf, writeIndexSequences } from '../index/index-sequences.ts';
import type { Subscriptions } from '../journal/subscriptions.ts';
import { planTruncation } from '../journal/truncation.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import type { Distributions } from '../metrics.ts';
import type { Checkpointer, CheckpointResult } from '../recovery/checkpoint.ts';
import type { DiskGuard } from './disk-guard.ts';
import { storeError } from './disk-trouble.ts';
import type { Engine } from './engine.ts';
import type { Recovered } from './opening.ts';

export interface CheckpointsParts {
  readonly engine: Engine;
  readonly recovered: Recovered;
  readonly checkpointer: Checkpointer;
  readonly disk: DiskGuard;
  readonly subscriptions: () => Subscriptions;
  readonly distributions: () => Distributions | undefined;
}

export class Checkpoints {
  /** Replay would start here. */
  from: number;
  /** Where the journal ended when the last one was begun; a change of a file that can't be made keeps `from` before it. */
  begunAt: number;
  last = { endedAt: 0, durationMs: 0, bytes: 0 };
  private readonly parts: CheckpointsParts;
  private readonly turn = new KeyedMutex<'checkpoint'>();
  /** Resolves when no checkpoint is being written any more. */
  private writing: Promise<unknown> = Promise.resolve();
  private notedSequences: string | undefined;

  constructor(parts: CheckpointsParts) {
    this.parts = parts;
    this.from = parts.recovered.replayFrom;
    this.begunAt = this.from;
  }

  /** One checkpoint at a time, and none while a backup holds them off. Call the result to let go. */
  hold(): Promise<() => void> {
    return this.turn.acquire('checkpoint');
  }

  /** Resolves when the checkpoint that is being written, if any, is in place or has failed. */
  async idle(): Promise<void> {
    await this.writing.catch(() => {});
  }

  /** Writes a checkpoint when its turn comes. Rejects with an error of the store's. */
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

  /** Writes a checkpoint, then lets go of the journal that it makes unnecessary. Whoever calls it has the turn. */
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
      // So that a journal never goes as a whole: one without any record is one that somebody deleted.
      await journal.commit();
      await this.truncateJournal(from, Math.max(from, indexer.position ?? from, journal.first), final);
    } catch (error) {
      // The checkpoint is in place all the same; what is unnecessary now goes with the next one.
      disk.note('The journal could not be shortened.', storeError(error, 'shorten', 'the journal'));
    }
    return result;
  }

  /** Indexes that have taken nothing since need no new note. */
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
      engine.logger.warn({ err: error }, 'How far the indexes are could not be noted.');
    }
  }

  private async truncateJournal(checkpoint: number, indexes: number, final: boolean): Promise<void> {
    const { engine, recovered, disk } = this.parts;
    const { journal, bus } = recovered;
    const subscriptions = this.parts.subscriptions();
    const { options } = engine;
    // Where the directory is limited, no sample goes for the sake of a subscriber.
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
