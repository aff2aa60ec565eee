/**
 * The queue in front of the indexes. Changes of series are enqueued here at once and written in batches to the archive
 * and the label indexes. No enqueued operation is lost: a batch that can't be written is tried again, and after a crash
 * the journal has everything after the position of the indexes.
 *
 * The queue is bounded. When it is full, the store's statechart refuses new series, which pushes back on the writer.
 * Changes of existing series, and recovery, may use a reserve of the same size. Reads see the queue through
 * {@link Indexer.pendingArchived}.
 */
import { type Observable, type OperatorFunction, Subject } from 'rxjs';
import { Slices } from '../async/slices.ts';
import { TidemarkError } from '../model/errors.ts';
import type { Position } from '../model/events.ts';
import type { LabelPairs } from '../model/labels.ts';
import type { Clock } from '../ports/clock.ts';
import { ArchiveBatch, type ArchiveIndex } from './archive-index.ts';
import { FingerprintMap } from './fingerprint-map.ts';
import type { LabelOperation } from './label-batch.ts';
import type { LabelIndex } from './label-index.ts';

/** Maximum number of operations that are given to the stream as one item. */
const STRETCH_MAX = 4096;
/** Archive operations that are written without a break: a few milliseconds. */
const ARCHIVE_OPERATIONS_PER_PART = 4096;

interface Operation {
  readonly high: number;
  readonly low: number;
  /** The journal position after the event that caused this operation. */
  readonly position?: Position | undefined;
}

export type IndexingOperation =
  | (Operation & { readonly type: 'index' | 'unindex'; readonly pairs: LabelPairs })
  | (Operation & {
      readonly type: 'archive';
      readonly pairs: LabelPairs;
      readonly firstTime: number;
      readonly lastTime: number;
    })
  | (Operation & { readonly type: 'unarchive' })
  | (Operation & { readonly type: 'updateTimeRange'; readonly firstTime: number; readonly lastTime: number })
  /** Removes a series from the archive and from the label indexes. */
  | (Operation & { readonly type: 'purgeArchived'; readonly pairs: LabelPairs });

/** Operations that were enqueued together: one item of the stream. */
type Stretch = readonly IndexingOperation[];

/** The result of one attempt to write a batch. */
export type BatchResult =
  | { readonly kind: 'written'; readonly operations: readonly Stretch[] }
  | {
      readonly kind: 'failed';
      readonly operations: readonly Stretch[];
      readonly error: unknown;
      readonly attempt: number;
    };

/** The policy of batching: `indexing` of streams/indexing.ts with the store's scheduler. */
export type Batching = (options: {
  readonly write: (stretches: readonly Stretch[]) => Promise<void>;
  readonly flush$: Observable<void>;
  readonly retries: () => boolean;
  /** Number of operations in a stretch. */
  readonly sizeOf: (stretch: Stretch) => number;
  /** Number of operations at which a batch is written without further waiting. */
  readonly countMax: number;
}) => OperatorFunction<Stretch, BatchResult>;

export interface IndexerOptions {
  readonly labels: LabelIndex;
  readonly archive: ArchiveIndex;
  readonly batching: Batching;
  readonly clock: Clock;
  /**
   * Makes the events durable that the operations follow from; called before each batch. If an index got ahead of the
   * journal, a loss of power would leave it naming series that do not exist, or without an archived series that nothing
   * else names.
   */
  readonly commitJournal?: () => Promise<unknown>;
  /** Maximum number of waiting operations. Default 2^18. */
  readonly capacity?: number;
  /** Called after every batch that was written. */
  readonly onBatch?: (batch: { readonly operationCount: number; readonly durationMs: number }) => void;
  /** Called after every failed attempt. The batch is kept and tried again, unless the indexer is closing. */
  readonly onError?: (error: unknown, attempt: number) => void;
}

interface Waiter {
  /** Number of operations that must have been written. */
  readonly count: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Indexer {
  readonly capacity: number;
  /** Called when the queue becomes full, and when the operations of a batch have left it. */
  onLevelChanged: () => void = () => {};
  private readonly options: IndexerOptions;
  private readonly operations$ = new Subject<Stretch>();
  /**
   * Operations that are enqueued but not yet given to the stream. A loop that creates series gives them to it together.
   */
  private stretch: IndexingOperation[] = [];
  private readonly flush$ = new Subject<void>();
  /** Waiting archivings, so that reads find their labels, with the number of the operation. */
  private readonly archivings = new FingerprintMap<{ readonly pairs: LabelPairs; readonly number: number }>();
  private readonly ended: Promise<void>;
  private waiters: Waiter[] = [];
  private enqueuedCount = 0;
  private writtenCount = 0;
  private writtenPosition: Position | undefined;
  private isFull = false;
  private isClosing = false;
  private writing: Promise<void> = Promise.resolve();
  /** Set while {@link alone} runs; resolves when it releases the indexes. */
  private held: Promise<void> | undefined;
  private labelsAreWhole = true;
  private exclusiveCount = 0;

  constructor(options: IndexerOptions) {
    this.options = options;
    this.capacity = options.capacity ?? 1 << 18;
    const results$ = this.operations$.pipe(
      options.batching({
        write: (stretches) => this.writeInTurn(stretches),
        flush$: this.flush$,
        retries: () => !this.isClosing,
        sizeOf: ({ length }) => length,
        // One half of the queue is written while the other half fills.
        countMax: Math.max(1, this.capacity / 2),
      }),
    );
    this.ended = new Promise((resolve, reject) => {
      results$.subscribe({ next: (result) => this.note(result), error: reject, complete: resolve });
    });
    // `close` rejects with this error. Without a `close`, it must not end the process.
    this.ended.catch(() => {});
  }

  /** Operations that wait or are being written. A running {@link alone} counts as one. */
  get queued(): number {
    return this.enqueuedCount - this.writtenCount + (this.held === undefined ? 0 : 1);
  }

  /** The journal position that the indexes have reached through this indexer; `undefined` before the first batch. */
  get position(): Position | undefined {
    return this.writtenPosition;
  }

  /** Whether the label indexes have every series. Until they do, lookups must not use them. */
  get hasWholeLabels(): boolean {
    return this.labelsAreWhole;
  }

  /**
   * From now on only the archive is written. Used while the label indexes are rebuilt from the series: a batch would
   * give an incomplete index a position. No operation may be on its way to them, so call this before the first
   * operation or in {@link alone}.
   */
  suspendLabels(): void {
    this.labelsAreWhole = false;
  }

  /** The label indexes were rebuilt and are written again. */
  resumeLabels(): void {
    this.labelsAreWhole = true;
  }

  /**
   * Enqueues an operation. Callers keep the queue below twice its capacity; beyond that this throws, because losing the
   * operation would make the indexes wrong. Operations of the work in {@link alone} have no limit: they are written only
   * after it, and a quarantine that is done already must reach the indexes. After {@link close} the operation is ignored: the next opening finds it in
   * the journal.
   */
  enqueue(operation: IndexingOperation): void {
    if (this.isClosing) return;
    if (this.held === undefined && this.queued >= this.capacity * 2)
      throw new TidemarkError('TIDEMARK_INTERNAL', `the index queue overflowed with ${this.queued} operations`);
    const number = this.enqueuedCount++;
    const { high, low } = operation;
    if (operation.type === 'archive') this.archivings.set(high, low, { pairs: operation.pairs, number });
    else if (operation.type === 'unarchive' || operation.type === 'purgeArchived') this.archivings.delete(high, low);
    this.stretch.push(operation);
    if (this.stretch.length === 1) queueMicrotask(this.endStretch);
    else if (this.stretch.length === STRETCH_MAX) this.endStretch();
    this.noteIfFull();
  }

  private noteIfFull(): void {
    if (this.isFull || this.queued < this.capacity) return;
    this.isFull = true;
    this.onLevelChanged();
  }

  /**
   * Runs `work` with exclusive access to the indexes. Operations that are enqueued in the meantime are written
   * afterwards. Readers wait, because every read flushes first.
   */
  async alone<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.held !== undefined) await this.held;
    if (this.isClosing) throw new TidemarkError('TIDEMARK_CLOSED', 'the store is closed');
    this.exclusiveCount++;
    let letGo: () => void = () => {};
    this.held = new Promise((resolve) => {
      letGo = resolve;
    });
    this.noteIfFull();
    try {
      await this.writing.catch(() => {});
      return await work();
    } finally {
      this.held = undefined;
      letGo();
    }
  }

  /** How often {@link alone} has run. If this changes during a lookup, the lookup may have missed entries. */
  get exclusiveTurns(): number {
    return this.exclusiveCount;
  }

  /** Series whose archiving is not written yet. */
  get waitingToBeArchived(): { readonly high: number; readonly low: number; readonly pairs: LabelPairs }[] {
    return [...this.archivings.entries()].map(([high, low, { pairs }]) => ({ high, low, pairs }));
  }

  /** The labels of a series whose archiving is not written yet. */
  pendingArchived(high: number, low: number): LabelPairs | undefined {
    return this.archivings.get(high, low)?.pairs;
  }

  /**
   * Resolves when all operations enqueued before are written. Rejects when an attempt fails; the batch is then tried
   * again.
   */
  flush(): Promise<void> {
    if (this.isClosing) return this.ended;
    if (this.held !== undefined) return this.held.then(() => this.flush());
    if (this.queued === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.endStretch();
      this.waiters.push({ count: this.enqueuedCount, resolve, reject });
      this.flush$.next();
    });
  }

  /**
   * Writes the waiting operations and accepts no more. Rejects when they can't be written; then the position stays
   * behind.
   */
  async close(): Promise<void> {
    if (!this.isClosing) {
      this.isClosing = true;
      this.endStretch();
      this.operations$.complete();
      this.flush$.next();
    }
    while (this.held !== undefined) await this.held;
    await this.ended;
  }

  private async writeInTurn(stretches: readonly Stretch[]): Promise<void> {
    while (this.held !== undefined) await this.held;
    this.writing = this.write(stretches);
    await this.writing;
  }

  private readonly endStretch = (): void => {
    const { stretch } = this;
    if (stretch.length === 0) return;
    this.stretch = [];
    this.operations$.next(stretch);
  };

  private async write(stretches: readonly Stretch[]): Promise<void> {
    const { labels, clock, onBatch, commitJournal } = this.options;
    const slices = new Slices(clock);
    const sorted = new SortedOperations();
    for (const stretch of stretches) {
      if (slices.isOver) await slices.breathe();
      sorted.add(stretch);
    }
    const { position } = sorted;
    await commitJournal?.();
    // The archive is written first: the position is written with the labels and covers both.
    await this.writeArchive(sorted.ofArchive);
    if (this.labelsAreWhole && (sorted.ofLabels.length > 0 || position !== undefined)) {
      await labels.apply(sorted.ofLabels, position, { slices });
    }
    this.writtenPosition = position ?? this.writtenPosition;
    onBatch?.({ operationCount: sorted.count, durationMs: clock.monotonic() - slices.begunAt });
  }

  private async writeArchive(operations: readonly IndexingOperation[]): Promise<void> {
    for (let start = 0; start < operations.length; start += ARCHIVE_OPERATIONS_PER_PART) {
      const end = start + ARCHIVE_OPERATIONS_PER_PART;
      // A sync makes everything written before durable too, so only the last part needs it.
      const sync = end >= operations.length;
      await this.options.archive.apply(archiveBatchOf(operations.slice(start, end)), { sync });
    }
  }

  private note(result: BatchResult): void {
    if (result.kind === 'failed') {
      this.options.onError?.(result.error, result.attempt);
      for (const { reject } of this.waiters.splice(0)) reject(result.error);
      return;
    }
    for (const stretch of result.operations) {
      // A burst of new series is a batch of many thousand operations, of which none archives.
      if (!this.archivings.isEmpty) this.forgetArchivings(stretch);
      this.writtenCount += stretch.length;
    }
    this.isFull = this.queued >= this.capacity;
    this.onLevelChanged();
    const done = this.waiters.filter(({ count }) => count <= this.writtenCount);
    this.waiters = this.waiters.filter(({ count }) => count > this.writtenCount);
    for (const { resolve } of done) resolve();
  }

  /** Removes the archivings of a stretch that was written: reads find them in the archive now. */
  private forgetArchivings(stretch: Stretch): void {
    for (let at = 0; at < stretch.length; at++) {
      const { type, high, low } = stretch[at];
      if (type === 'archive' && this.archivings.get(high, low)?.number === this.writtenCount + at)
        this.archivings.delete(high, low);
    }
  }
}

/** The operations of a batch by the index that they are for, in their order. */
class SortedOperations {
  readonly ofArchive: IndexingOperation[] = [];
  readonly ofLabels: LabelOperation[] = [];
  count = 0;
  /** The journal position of the last operation that has one. */
  position: Position | undefined;

  add(stretch: Stretch): void {
    this.count += stretch.length;
    for (const operation of stretch) {
      const { type, high, low, position } = operation;
      if (position !== undefined) this.position = position;
      if (type === 'index' || type === 'unindex') {
        this.ofLabels.push(operation as LabelOperation);
        continue;
      }
      this.ofArchive.push(operation);
      if (type === 'purgeArchived') this.ofLabels.push({ type: 'unindex', high, low, pairs: operation.pairs });
    }
  }
}

const archiveBatchOf = (operations: readonly IndexingOperation[]): ArchiveBatch => {
  const batch = new ArchiveBatch();
  for (const operation of operations) {
    const { type, high, low } = operation;
    if (type === 'archive') batch.archive(high, low, operation.pairs, operation);
    else if (type === 'updateTimeRange') batch.updateTimeRange(high, low, operation);
    else if (type === 'unarchive' || type === 'purgeArchived') batch.remove(high, low);
  }
  return batch;
};
