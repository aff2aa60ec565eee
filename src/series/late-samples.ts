/**
 * Samples that are older than their series' newest one. They are in the journal and answer queries like all others, but
 * are not in the series' chunks yet. They wait here, sorted, for a visit that merges them: into the chunks in memory, or
 * into the series file (docs/decisions/0028-late-samples-wait-and-are-merged.md).
 *
 * Example: a series has chunks up to 10:00 in its file and up to 11:00 in memory.
 *
 *     1. A sample of 10:30 and a sample of 9:30 arrive. Both wait.
 *     2. A visit merges the sample of 10:30 into the chunks in memory.
 *     3. The same visit hands the sample of 9:30 to a file call. While the file is rewritten, the sample is `merging`:
 *        queries still read it from here.
 *     4. The file call ends. The file has the sample, and it is forgotten here.
 *
 * A checkpoint does not contain the samples that wait. So it keeps the journal from {@link LateSamples.oldestPosition}
 * on.
 */
import type { Position } from '../model/events.ts';
import type { TimeSpan } from './erased-ranges.ts';
import { ADDED, CONFLICTING, type Insertion, SortedSamples } from './sorted-samples.ts';
import type { Row } from './table.ts';

/** Memory of a series with late samples, and of one sample in columns that grow by doubling: estimates. */
const SERIES_BYTES = 512;
const SAMPLE_BYTES = 32;

export interface LateSeries {
  /** Samples that no file call has yet. */
  readonly waiting: SortedSamples;
  /** Samples that a file call is merging. */
  merging: SortedSamples | undefined;
  /** The journal has the samples that wait from here on. */
  waitingFrom: Position;
  /** The journal has the samples that are being merged from here on. */
  mergingFrom: Position;
  /** Monotonic time at which the oldest waiting sample came. */
  since: number;
}

export class LateSamples {
  /** Samples that wait or are being merged, over all series. */
  count = 0;
  private readonly series = new Map<Row, LateSeries>();

  /** Number of series with late samples. */
  get size(): number {
    return this.series.size;
  }

  /** Memory, in bytes. */
  get bytes(): number {
    return this.series.size * SERIES_BYTES + this.count * SAMPLE_BYTES;
  }

  of(row: Row): LateSeries | undefined {
    return this.series.size === 0 ? undefined : this.series.get(row);
  }

  has(row: Row): boolean {
    return this.series.size > 0 && this.series.has(row);
  }

  /** Rows with late samples. The order is that of their first late sample. */
  rows(): Row[] {
    return [...this.series.keys()];
  }

  /** What {@link add} would return for this sample. */
  compare(row: Row, timestamp: number, high: number, low: number): Insertion {
    const found = this.of(row);
    if (found === undefined) return ADDED;
    const merging = found.merging?.compare(timestamp, high, low) ?? ADDED;
    return merging === ADDED ? found.waiting.compare(timestamp, high, low) : merging;
  }

  /** Adds a sample whose record in the journal begins at `position` or later. `now` is monotonic. */
  add(row: Row, timestamp: number, high: number, low: number, position: Position, now: number): Insertion {
    const late = this.series.get(row) ?? this.begin(row);
    const merging = late.merging?.compare(timestamp, high, low) ?? ADDED;
    if (merging !== ADDED) return merging;
    const insertion = late.waiting.insert(timestamp, high, low);
    if (insertion !== ADDED) return insertion;
    if (late.waiting.count === 1) late.since = now;
    late.waitingFrom = Math.min(late.waitingFrom, position);
    this.count++;
    return ADDED;
  }

  /** As {@link add}, for a sample that was accepted before the late ones: it takes the place of one of the same time. */
  addFirst(row: Row, timestamp: number, high: number, low: number, position: Position, now: number): void {
    if (this.add(row, timestamp, high, low, position, now) === CONFLICTING)
      this.of(row)?.waiting.replace(timestamp, high, low);
  }

  /** Replay must start here or earlier, so that no late sample is lost; infinity if there are none. */
  oldestPosition(): Position {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { waitingFrom, mergingFrom } of this.series.values())
      oldest = Math.min(oldest, waitingFrom, mergingFrom);
    return oldest;
  }

  /** Time of the series' oldest late sample; infinity if it has none. */
  firstTime(row: Row): number {
    const late = this.of(row);
    if (late === undefined) return Number.POSITIVE_INFINITY;
    return Math.min(late.waiting.firstTime, late.merging?.firstTime ?? Number.POSITIVE_INFINITY);
  }

  /** Time of the series' newest late sample; minus infinity if it has none. */
  lastTime(row: Row): number {
    const late = this.of(row);
    if (late === undefined) return Number.NEGATIVE_INFINITY;
    return Math.max(late.waiting.lastTime, late.merging?.lastTime ?? Number.NEGATIVE_INFINITY);
  }

  /** The late samples of a series, as sorted lists without a common time. */
  lists(row: Row): readonly SortedSamples[] {
    const late = this.of(row);
    if (late === undefined) return [];
    return late.merging === undefined ? [late.waiting] : [late.merging, late.waiting];
  }

  /**
   * Hands the waiting samples before `end` to a file call. Call {@link merged} or {@link putBack} when it has ended.
   */
  take(row: Row, end: number): SortedSamples {
    const late = this.series.get(row);
    if (late === undefined) return new SortedSamples();
    late.merging = late.waiting.takeBefore(late.waiting.indexFrom(end));
    late.mergingFrom = late.waitingFrom;
    if (late.waiting.count === 0) late.waitingFrom = Number.POSITIVE_INFINITY;
    return late.merging;
  }

  /** The file call has ended: the file has the samples. */
  merged(row: Row): void {
    const late = this.series.get(row);
    if (late?.merging === undefined) return;
    this.count -= late.merging.count;
    late.merging = undefined;
    late.mergingFrom = Number.POSITIVE_INFINITY;
    this.endIfEmpty(row, late);
  }

  /** The file call has failed: the samples wait again. */
  putBack(row: Row): void {
    const late = this.series.get(row);
    if (late?.merging === undefined) return;
    late.waiting.insertAll(late.merging);
    late.waitingFrom = Math.min(late.waitingFrom, late.mergingFrom);
    late.merging = undefined;
    late.mergingFrom = Number.POSITIVE_INFINITY;
  }

  /** The waiting samples from index `start` on are in chunks now. */
  settle(row: Row, start: number): void {
    const late = this.series.get(row);
    if (late === undefined) return;
    this.count -= late.waiting.count - start;
    late.waiting.remove(start, late.waiting.count);
    if (start === 0) late.waitingFrom = Number.POSITIVE_INFINITY;
    this.endIfEmpty(row, late);
  }

  /** Removes the waiting samples of a time range. No file call may be merging samples of the series. */
  erase(row: Row, { from, through }: TimeSpan): void {
    const late = this.of(row);
    if (late === undefined) return;
    const start = late.waiting.indexFrom(from);
    const end = late.waiting.indexAfter(through);
    this.count -= end - start;
    late.waiting.remove(start, end);
    if (late.waiting.count === 0) late.waitingFrom = Number.POSITIVE_INFINITY;
    this.endIfEmpty(row, late);
  }

  /** The series is gone. */
  forget(row: Row): void {
    const late = this.of(row);
    if (late === undefined) return;
    this.count -= late.waiting.count + (late.merging?.count ?? 0);
    this.series.delete(row);
  }

  /** The late samples belong to another row from now on, which has none. */
  move(from: Row, to: Row): void {
    const late = this.of(from);
    if (late === undefined) return;
    this.putBack(from);
    this.series.delete(from);
    this.series.set(to, late);
  }

  private begin(row: Row): LateSeries {
    const none = Number.POSITIVE_INFINITY;
    const late = { waiting: new SortedSamples(), merging: undefined, waitingFrom: none, mergingFrom: none, since: 0 };
    this.series.set(row, late);
    return late;
  }

  private endIfEmpty(row: Row, { waiting, merging }: LateSeries): void {
    if (waiting.count === 0 && merging === undefined) this.series.delete(row);
  }
}
