/**
 * Backfill: merges whole columns into series files. The journal does not carry the samples; a column is done when its
 * file is durable.
 *
 * 1. The columns of a series are cut into pieces, checked and sorted (series/backfill-columns.ts).
 * 2. A piece waits until the series' statechart is at rest, and is handed to a file call (series/backfills.ts).
 * 3. When all calls have ended, the journal is committed: it has the new series, and says that the files were rewritten.
 *
 * Pieces of many series are under way at the same time, so that they share journal commits and messages to the worker.
 * Their memory is bounded. The pieces of one series follow each other: of equal times, the first sample stays.
 */
import { seriesTags } from '../../machines/series-states.ts';
import type { BackfillOptions, BackfillResult, SeriesColumns } from '../api/api.ts';
import { Slices } from '../async/slices.ts';
import { runOne } from '../disk/series-files/series-file-worker.ts';
import { type ErrorCode, TidemarkError } from '../model/errors.ts';
import { type LabelPairs, toLabelPairs, toLabels } from '../model/labels.ts';
import { detailOf, shownValue } from '../model/shown-value.ts';
import { type PreparedColumns, prepareColumns } from '../series/backfill-columns.ts';
import type { BackfillOutcome } from '../series/backfills.ts';
import type { ColumnMemory } from '../series/column-memory.ts';
import { keyOfRow } from '../series/row-identity.ts';
import type { SortedSamples } from '../series/sorted-samples.ts';
import { NO_ROW, type Row } from '../series/table.ts';
import type { Running } from './running.ts';

/** The most samples of one series that are merged in one call. */
const PIECE_SAMPLES = 1 << 20;
/** Bytes of pieces that are under way. A piece that is larger goes alone. */
const UNDER_WAY_BYTES = 16 << 20;
const SAMPLE_BYTES = 16;
/** What a series under way takes beside its samples: an estimate. */
const SERIES_BYTES = 4096;

type Input = AsyncIterable<SeriesColumns> | Iterable<SeriesColumns>;

/** The input as something to iterate over. */
export const seriesOf = (given: SeriesColumns | Input): Input => {
  if (typeof given === 'object' && given !== null) {
    if (Symbol.iterator in given || Symbol.asyncIterator in given) return given;
    if ('labels' in given) return [given];
  }
  throw new TidemarkError(
    'TIDEMARK_INVALID_OPTION',
    `series is ${shownValue(given)}; allowed: { labels, timestamps, values }, or an iterable of these`,
    { details: { option: 'series', value: detailOf(given) } },
  );
};

export const backfill = (
  running: Running,
  input: Input,
  options: BackfillOptions,
  { ready, memory }: { readonly ready: () => Promise<void>; readonly memory: ColumnMemory },
): Promise<BackfillResult> => new BackfillRun(running, options, ready, memory, totalOf(input)).run(input);

type Rejected = BackfillResult['rejected'][number];

class BackfillRun {
  private readonly running: Running;
  private readonly options: BackfillOptions;
  private readonly ready: () => Promise<void>;
  readonly memory: ColumnMemory;
  private readonly total: number;
  readonly slices: Slices;
  /** The last piece under way of each series. */
  private readonly last = new Map<string, Promise<void>>();
  private readonly underWay = new Set<Promise<void>>();
  private bytes = 0;
  private accepted = 0;
  private done = 0;
  private readonly rejected = new Map<string, Rejected>();
  private failure: { readonly error: unknown } | undefined;
  private needsSync = false;

  constructor(
    running: Running,
    options: BackfillOptions,
    ready: () => Promise<void>,
    memory: ColumnMemory,
    total: number,
  ) {
    this.running = running;
    this.options = options;
    this.ready = ready;
    this.memory = memory;
    this.total = total;
    this.slices = new Slices(running.engine.clock);
  }

  async run(input: Input): Promise<BackfillResult> {
    // The store's timers don't keep the process alive.
    const release = this.running.engine.clock.hold?.();
    try {
      await this.takeAll(input);
    } catch (error) {
      this.failure ??= { error };
    }
    try {
      await Promise.all(this.underWay);
      await this.makeDurable();
    } catch (error) {
      this.failure ??= { error };
    } finally {
      release?.();
    }
    if (this.failure !== undefined) throw this.failure.error;
    const rejected = [...this.rejected.values()].sort((a, b) => a.index - b.index);
    return { accepted: this.accepted, rejected };
  }

  private async takeAll(input: Input): Promise<void> {
    let index = 0;
    for await (const series of input) {
      this.checkAborted();
      await this.take(series, index++);
      if (this.failure !== undefined) return;
    }
    this.checkAborted();
  }

  private checkAborted(): void {
    const { signal } = this.options;
    if (signal?.aborted === true) {
      throw new TidemarkError('TIDEMARK_ABORTED', 'the backfill was aborted', { cause: signal.reason });
    }
  }

  /** Begins the pieces of one series. Resolves when there is room for more. */
  private async take(series: SeriesColumns, index: number): Promise<void> {
    const { timestamps, values } = checkedColumns(series, index);
    const { ingest } = this.running;
    let pairs: LabelPairs;
    try {
      pairs = toLabelPairs(series.labels);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      this.reject(index, series.labels, new Map([[error.code, timestamps.length]]));
      return;
    }
    for (let start = 0; start < timestamps.length; start += PIECE_SAMPLES) {
      this.checkAborted();
      const end = Math.min(timestamps.length, start + PIECE_SAMPLES);
      const size = (end - start) * SAMPLE_BYTES + SERIES_BYTES;
      while (this.bytes > 0 && this.bytes + size > UNDER_WAY_BYTES) await Promise.race(this.underWay);
      if (this.failure !== undefined) return;
      this.bytes += size;
      const times = ingest.timesTaken(pairs);
      const piece = await prepareColumns({ timestamps, values }, [start, end], times, this);
      this.begin(pairs, index, piece, size);
    }
  }

  private begin(pairs: LabelPairs, index: number, piece: PreparedColumns, size: number): void {
    const key = JSON.stringify(pairs);
    const before = this.last.get(key);
    const work = (before ?? Promise.resolve())
      .then(() => this.merge(pairs, index, piece))
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .finally(() => {
        for (const each of piece.memory) this.memory.giveBack(each);
        this.bytes -= size;
        this.underWay.delete(work);
        if (this.last.get(key) === work) this.last.delete(key);
      });
    this.last.set(key, work);
    this.underWay.add(work);
  }

  private async merge(pairs: LabelPairs, index: number, piece: PreparedColumns): Promise<void> {
    if (this.failure !== undefined) return;
    const { columns, repeated } = piece;
    const rejected = new Map(piece.rejected);
    let accepted = 0;
    if (columns.count > 0) {
      try {
        const { refused, isSynced } = await this.intoFile(pairs, columns);
        this.needsSync ||= !isSynced;
        accepted = columns.count + repeated - refused;
        addCount(rejected, 'TIDEMARK_DUPLICATE_TIMESTAMP', refused);
      } catch (error) {
        if (!(error instanceof TidemarkError) || error.code !== 'TIDEMARK_TOO_MANY_COLLISIONS') throw error;
        rejected.set(error.code, columns.count + repeated);
      }
    }
    this.accepted += accepted;
    this.running.ingest.countBackfilled(accepted, rejected);
    this.reject(index, toLabels(pairs), rejected);
    this.done += accepted + [...rejected.values()].reduce((sum, count) => sum + count, 0);
    this.options.onProgress?.({ phase: 'backfilling', done: this.done, total: this.total });
  }

  /** Hands the columns to a file call of the series, as soon as one may start. */
  private async intoFile(
    pairs: LabelPairs,
    columns: SortedSamples,
  ): Promise<Exclude<BackfillOutcome, { readonly error: unknown }>> {
    const { visits, merging, actors, engine } = this.running;
    let hasErased = false;
    for (;;) {
      await visits.room();
      // Nothing is awaited from here to `send`: a visit may remove a new series, which has no samples yet.
      const row = this.writableRow(pairs);
      if (row === NO_ROW) {
        await this.ready();
        continue;
      }
      if (seriesTags.busy[engine.table.stateCode(row)] === 1 || merging.backfills.has(row)) {
        await actors.settled(row);
        // The call's promise is settled before that of its result.
        await engine.clock.breathe();
        continue;
      }
      if (!hasErased && engine.erased.has(row)) {
        // Dropped samples are taken out of the file in a call before. After a crash it would not be known whether the
        // file's samples in the dropped range came from the columns.
        hasErased = true;
        visits.again(row);
        continue;
      }
      // Nothing was awaited, so no other visit can take the columns.
      const backfill = merging.backfills.add(row, columns);
      try {
        visits.again(row);
        await actors.settled(row);
      } finally {
        if (backfill.outcome === undefined) merging.backfills.remove(row);
      }
      const { outcome } = backfill;
      if (outcome === undefined) {
        await this.untilFileIsFree(row, pairs);
        continue;
      }
      if ('error' in outcome) throw outcome.error;
      return outcome;
    }
  }

  /**
   * No call took the columns: the file of a series before this one, with the same labels, is on its way to quarantine.
   * Waits until it is there. If the last attempt to move it has failed, makes another one. In any case gives the event
   * loop away.
   *
   * @throws {TidemarkError} `TIDEMARK_IO`: the file could not be moved, and not because the disk refuses everything.
   */
  private async untilFileIsFree(row: Row, pairs: LabelPairs): Promise<void> {
    const { isolation, visits, actors, engine } = this.running;
    const { fileKeys, table, clock, admission } = engine;
    const leaving = isolation.leavingBefore(row);
    if (leaving !== NO_ROW) {
      visits.again(leaving);
      await actors.settled(leaving);
    }
    const release = await fileKeys.acquire(keyOfRow(table, row));
    release();
    await clock.breathe();
    if (leaving === NO_ROW || isolation.leavingBefore(row) !== leaving || admission.refusal !== undefined) return;
    const labels = toLabels(pairs);
    throw new TidemarkError(
      'TIDEMARK_IO',
      `the damaged file of ${shownValue(labels)} could not be moved to quarantine`,
      {
        details: { labels },
      },
    );
  }

  /** The series' row; NO_ROW while the store takes no samples. */
  private writableRow(pairs: LabelPairs): Row {
    const { engine, directory } = this.running;
    const { admission, table } = engine;
    try {
      if (admission.refusal !== undefined) throw admission.error();
      const row = directory.resolvePairs(pairs);
      if (seriesTags.writable[table.stateCode(row)] === 0) directory.makeWritable(row);
      return row;
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.code !== 'TIDEMARK_THROTTLED') throw error;
      return NO_ROW;
    }
  }

  private async makeDurable(): Promise<void> {
    const { engine, commit } = this.running;
    if (this.needsSync) await runOne(engine.files, { kind: 'syncDirectories' });
    if (this.done > 0) await commit();
  }

  private reject(index: number, labels: SeriesColumns['labels'], counts: ReadonlyMap<ErrorCode, number>): void {
    for (const [code, count] of counts) {
      const key = `${index} ${code}`;
      const before = this.rejected.get(key)?.count ?? 0;
      this.rejected.set(key, { index, labels, code, count: before + count });
    }
  }
}

const addCount = (counts: Map<ErrorCode, number>, code: ErrorCode, count: number): void => {
  if (count > 0) counts.set(code, (counts.get(code) ?? 0) + count);
};

const checkedColumns = (series: SeriesColumns, index: number): Pick<SeriesColumns, 'timestamps' | 'values'> => {
  const { timestamps, values } = Object(series) as SeriesColumns;
  const isColumn = (given: unknown): boolean =>
    Array.isArray(given) || (ArrayBuffer.isView(given) && 'length' in given);
  if (isColumn(timestamps) && isColumn(values) && timestamps.length === values.length) return { timestamps, values };
  throw new TidemarkError(
    'TIDEMARK_INVALID_OPTION',
    `series ${index} is ${shownValue(series)}; allowed: { labels, timestamps, values }, with arrays of the same length`,
    { details: { option: 'series', index } },
  );
};

const totalOf = (input: Input): number =>
  Array.isArray(input)
    ? input.reduce(
        (sum: number, series: Partial<SeriesColumns> | undefined) => sum + (series?.timestamps?.length ?? 0),
        0,
      )
    : 0;
