/**
 * The background work of a running store: commits, checkpoints, maintenance sweeps, measurements. Each is a stream with
 * the policy (streams/), joined here to the part that does the work, and subscribed to once.
 */
import { from, Subject } from 'rxjs';
import { type CheckpointPhase, checkpointTriggers } from '../../streams/checkpoint-triggers.ts';
import { journalCommit } from '../../streams/journal-commit.ts';
import { maintenanceSweep, type SweepBatch, sweepDurationMs } from '../../streams/maintenance-sweep.ts';
import { SingleRun } from '../async/single-run.ts';
import type { TimerHandle } from '../ports/clock.ts';
import { schedulerOf } from '../ports/clock-scheduler.ts';
import type { Row } from '../series/table.ts';
import { checkpointEnded } from './checkpoint-ended.ts';
import { QuietWork } from './quiet-work.ts';
import type { Running } from './running.ts';
import { applySizeLimit } from './size-limit.ts';

/** How often pressure, the indexing queue and the clocks are measured. */
const MEASURE_EVERY_MS = 250;
/** How often the directory's size is measured when retention limits it. */
const SIZE_EVERY_MS = 60_000;
/**
 * A checkpoint triggered by changed series comes at least this long after the last checkpoint, and at least ten times
 * as long after it as that one took.
 */
const DIRTY_CHECKPOINT_AFTER_MS = 30_000;

export class Background {
  private readonly store: Running;
  private readonly stop$ = new Subject<void>();
  private readonly checkpointPhase$ = new Subject<CheckpointPhase>();
  private readonly dirtySeries$ = new Subject<number>();
  private readonly journalBytes$ = new Subject<number>();
  private readonly hurry$ = new Subject<void>();
  private readonly ended: Promise<void>[] = [];
  private timer: TimerHandle | undefined;
  private sizeDueAt = 0;
  private measuredQueue: number | undefined;
  private readonly limiting = new SingleRun();
  private readonly merging = new SingleRun();
  private readonly quiet: QuietWork;
  private readonly quieting = new SingleRun();
  private stopped = false;

  constructor(store: Running) {
    this.store = store;
    this.quiet = new QuietWork(store, (rows) => this.betweenCheckpoints(() => this.store.visits.settled(rows)));
  }

  start(): void {
    const { engine, recovered } = this.store;
    const { options, clock } = engine;
    const scheduler = schedulerOf(clock);
    const { stop$ } = this;
    if (options.durability !== 'always') {
      this.run(
        journalCommit({
          pending$: engine.journalPending$,
          intervalMs: options.commitIntervalMs,
          commit: () => this.commit(),
          scheduler,
        }),
      );
    }
    if (options.readOnly) return;
    this.run(
      checkpointTriggers({
        intervalMs: options.checkpointIntervalMs,
        dirtySeries$: this.dirtySeries$,
        dirtySeriesMax: () => this.dirtySeriesMax(),
        journalBytes$: this.journalBytes$,
        journalBytesMax: options.checkpointJournalBytes,
        phase$: this.checkpointPhase$,
        stop$,
        scheduler,
      }),
      (reason) => this.store.actor.send({ type: 'checkpointDue', reason }),
    );
    const sweepMs = sweepDurationMs(this.store.retention.classes.times[0]);
    const random = () => options.random.next();
    this.run(
      maintenanceSweep<Row, Row>({
        source: {
          count: () => engine.table.live,
          at: (share) => Math.floor(share * engine.table.size),
          take: (cursor, max) => [this.takeRows(cursor, max)],
        },
        sweepMs,
        urgency: () => this.store.urgency(),
        hurry$: this.hurry$,
        random,
        visit: (rows) => from(this.betweenCheckpoints(() => this.store.visits.rows(rows))),
        stop$,
        scheduler,
      }),
      (notice) => {
        if (notice.type === 'visitFailed') this.store.disk.note('A maintenance visit failed.', notice.error);
      },
    );
    this.run(
      maintenanceSweep<number, number>({
        source: {
          count: () => recovered.archived.size,
          at: (share) => Math.floor(share * recovered.archived.size),
          take: (cursor, max) => [this.takeArchived(cursor, max)],
        },
        sweepMs,
        random,
        visit: (slots) => from(this.store.visits.archivedSeries(slots)),
        stop$,
        scheduler,
      }),
      (notice) => {
        if (notice.type === 'visitFailed') this.store.disk.note('A maintenance visit failed.', notice.error);
      },
    );
    this.sizeDueAt = clock.monotonic() + SIZE_EVERY_MS;
    recovered.indexer.onLevelChanged = this.measureIndexing;
    this.measureIndexing();
    this.measureLater();
  }

  /** The statechart reports what happens to a checkpoint. */
  noteCheckpoint(phase: CheckpointPhase): void {
    this.checkpointPhase$.next(phase);
  }

  /** Urgency has risen: ends the current pause of the sweeps. */
  hurry(): void {
    this.hurry$.next();
  }

  /** Stops all background work. Resolves when running work has ended. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.store.recovered.indexer.onLevelChanged = () => {};
    if (this.timer !== undefined) this.store.engine.clock.clearTimeout(this.timer);
    this.stop$.next();
    this.stop$.complete();
    this.store.engine.journalPending$.complete();
    await Promise.all([...this.ended, this.limiting.ended(), this.merging.ended(), this.quieting.ended()]);
  }

  /** Measures now. For callers whose work has just changed the values. */
  measure(): void {
    const { store } = this;
    const { engine, recovered } = store;
    store.measurePressure();
    this.measureIndexing();
    store.trustedClock.look();
    this.dirtySeries$.next(engine.chunks.dirtySeries);
    this.journalBytes$.next(recovered.journal.end - store.checkpoints.begunAt);
    store.memory.evictOverTarget();
    store.memory.releaseUnused();
    store.ingest.noteTime();
  }

  /**
   * Sends the length of the indexing queue to the statechart if it has changed, and always while new series are refused:
   * a user can reach the actor and send it a length that was never measured.
   */
  private readonly measureIndexing = (): void => {
    const { queued, capacity } = this.store.recovered.indexer;
    if (queued === this.measuredQueue && !this.store.engine.admission.refusesNewSeries) return;
    this.measuredQueue = queued;
    this.store.actor.send({ type: 'indexingMeasured', queued, capacity });
  };

  private measureLater(): void {
    const { clock } = this.store.engine;
    this.timer = clock.setTimeout(() => {
      if (this.stopped) return;
      this.measure();
      if (!this.store.engine.options.readOnly) {
        const { merging, quieting } = this;
        void merging.join(() => this.attempt(() => this.store.visits.late(), 'Late samples could not be merged.'));
        void quieting.join(() => this.attempt(() => this.quiet.step(), 'Waiting chunks could not be persisted.'));
      }
      if (this.store.retention.limitsBytes && clock.monotonic() >= this.sizeDueAt) {
        this.sizeDueAt = clock.monotonic() + SIZE_EVERY_MS;
        const failure = "The limit on the directory's size could not be applied.";
        void this.limiting.join(() => this.attempt(() => applySizeLimit(this.store), failure));
      }
      this.measureLater();
    }, MEASURE_EVERY_MS);
  }

  /**
   * Visits rows between checkpoints: a checkpoint does not contain changes that are made while it is written. So a
   * visit waits for a running checkpoint, unless persistence is urgent. If the store closes right after the checkpoint,
   * the visit is skipped, and the checkpoint holds everything.
   */
  private async betweenCheckpoints(visit: () => Promise<void>): Promise<void> {
    if (!this.store.urgency().rushed) {
      await checkpointEnded(this.store.actor, this.hurry$);
      await this.store.engine.clock.breathe();
    }
    if (!this.stopped) await visit();
  }

  /** Work that is done again at a later measurement if it fails. */
  private async attempt(work: () => Promise<void>, failure: string): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.store.disk.note(failure, error);
    }
  }

  private async commit(): Promise<void> {
    const { journal } = this.store.recovered;
    if (!journal.writable) return;
    if (this.store.engine.options.durability === 'os') journal.write();
    else await this.store.commit();
  }

  private dirtySeriesMax(): number {
    const { engine, checkpoints } = this.store;
    const { last: lastCheckpoint } = checkpoints;
    const sinceMs = engine.clock.monotonic() - lastCheckpoint.endedAt;
    const dueAfterMs = Math.max(DIRTY_CHECKPOINT_AFTER_MS, lastCheckpoint.durationMs * 10);
    return sinceMs < dueAfterMs ? Infinity : engine.options.checkpointDirtySeries;
  }

  private takeRows(cursor: Row, max: number): SweepBatch<Row, Row> {
    const { table } = this.store.engine;
    const keys: Row[] = [];
    let row = cursor;
    for (; row < table.size && keys.length < max; row++) if (table.isLive(row)) keys.push(row);
    return { keys, next: row < table.size ? row : undefined };
  }

  private takeArchived(cursor: number, max: number): SweepBatch<number, number> {
    const { archived } = this.store.recovered;
    const keys: number[] = [];
    let slot = archived.nextSlot(cursor);
    for (; slot >= 0 && keys.length < max; slot = archived.nextSlot(slot + 1)) keys.push(slot);
    return { keys, next: slot < 0 ? undefined : slot };
  }

  private run<T>(stream: import('rxjs').Observable<T>, onNext: (value: T) => void = () => {}): void {
    this.ended.push(
      new Promise((resolve) => {
        stream.subscribe({
          next: onNext,
          error: (error: unknown) => {
            this.store.actor.send({ type: 'fail', error });
            resolve();
          },
          complete: resolve,
        });
      }),
    );
  }
}
