/**
 * Time ranges that were dropped from series whose files still have the samples. Queries leave these samples out. The
 * next visit rewrites the file without them; until then, checkpoints keep the journal from the drop on.
 *
 * A range concerns only what the file has now: samples in the same range that come after the drop are new samples. They
 * are in memory, or late, until the file has been rewritten.
 */
import type { SampleColumns } from '../chunk/chunk.ts';
import type { Position } from '../model/events.ts';
import type { Row } from './table.ts';

/** Milliseconds since the epoch, both ends included. */
export interface TimeSpan {
  readonly from: number;
  readonly through: number;
}

interface Erased {
  spans: TimeSpan[];
  /** The spans that a file call is taking out. They were added before those of `spans`. */
  taken: TimeSpan[];
  position: Position;
}

const none: readonly TimeSpan[] = [];

export class ErasedRanges {
  private readonly series = new Map<Row, Erased>();

  get size(): number {
    return this.series.size;
  }

  /** Rows whose files still have dropped samples. */
  rows(): Row[] {
    return [...this.series.keys()];
  }

  has(row: Row): boolean {
    return this.series.size > 0 && this.series.has(row);
  }

  /** The ranges to leave out of the series file. */
  of(row: Row): readonly TimeSpan[] {
    const erased = this.series.size === 0 ? undefined : this.series.get(row);
    if (erased === undefined) return none;
    return erased.taken.length === 0 ? erased.spans : [...erased.taken, ...erased.spans];
  }

  /** Adds a range whose event in the journal begins at `position` or later. */
  add(row: Row, span: TimeSpan, position: Position): void {
    const erased = this.series.get(row);
    if (erased === undefined) this.series.set(row, { spans: [span], taken: [], position });
    else erased.spans.push(span);
  }

  /** Replay must start here or earlier; infinity if no range waits. */
  oldestPosition(): Position {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { position } of this.series.values()) oldest = Math.min(oldest, position);
    return oldest;
  }

  /** Hands the ranges to a file call. Call {@link done} or {@link putBack} when it has ended. */
  take(row: Row): readonly TimeSpan[] {
    const erased = this.series.get(row);
    if (erased === undefined) return none;
    erased.taken = [...erased.taken, ...erased.spans];
    erased.spans = [];
    return erased.taken;
  }

  /** The file has been rewritten without the ranges that were taken. */
  done(row: Row): void {
    const erased = this.series.get(row);
    if (erased === undefined) return;
    erased.taken = [];
    if (erased.spans.length === 0) this.series.delete(row);
  }

  /** The file call has failed: the ranges wait again. */
  putBack(row: Row): void {
    const erased = this.series.get(row);
    if (erased === undefined) return;
    erased.spans = [...erased.taken, ...erased.spans];
    erased.taken = [];
  }

  /** The series or its file is gone. */
  forget(row: Row): void {
    this.series.delete(row);
  }
}

export const isErased = (spans: readonly TimeSpan[], time: number): boolean => {
  for (const { from, through } of spans) if (time >= from && time <= through) return true;
  return false;
};

/** Removes the samples in the ranges, from index `start` on. */
export const leaveOut = (columns: SampleColumns, start: number, erased: readonly TimeSpan[]): void => {
  const { count, timestamps, words } = columns;
  let kept = start;
  for (let i = start; i < count; i++) {
    if (isErased(erased, timestamps[i])) continue;
    timestamps[kept] = timestamps[i];
    words[2 * kept] = words[2 * i];
    words[2 * kept + 1] = words[2 * i + 1];
    kept++;
  }
  columns.count = kept;
};
