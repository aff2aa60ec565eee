/**
 * Samples of one series in ascending order of time, at most one for each time. New samples may come in any order; most
 * come in ascending order, so that adding one is usually a write at the end.
 */
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { grown } from '../model/grown.ts';
import { firstAtOrAfter } from '../model/search-times.ts';

const FIRST_CAPACITY = 16;

/** What became of a sample: it was added, it was there with the same bits, or its time has another value. */
export const ADDED = 0;
export const REPEATED = 1;
export const CONFLICTING = 2;
export type Insertion = typeof ADDED | typeof REPEATED | typeof CONFLICTING;

export class SortedSamples {
  count = 0;
  timestamps: Float64Array = new Float64Array(FIRST_CAPACITY);
  /** Two 32-bit words a value, in the machine's order, so that NaN payloads survive. */
  words: Int32Array = new Int32Array(2 * FIRST_CAPACITY);

  /** Adds a sample in its place. If its time is there already, nothing changes. */
  insert(timestamp: number, high: number, low: number): Insertion {
    const { count } = this;
    let at = count;
    if (count > 0 && timestamp <= this.timestamps[count - 1]) {
      at = this.indexFrom(timestamp);
      if (this.timestamps[at] === timestamp) return this.holds(at, high, low) ? REPEATED : CONFLICTING;
    }
    if (count === this.timestamps.length) this.grow(Math.max(FIRST_CAPACITY, count * 2));
    if (at < count) {
      this.timestamps.copyWithin(at + 1, at, count);
      this.words.copyWithin(2 * at + 2, 2 * at, 2 * count);
    }
    this.timestamps[at] = timestamp;
    this.words[2 * at + HIGH_WORD] = high;
    this.words[2 * at + LOW_WORD] = low;
    this.count = count + 1;
    return ADDED;
  }

  /** Gives the sample of a time, which must be there, another value. */
  replace(timestamp: number, high: number, low: number): void {
    const at = this.indexFrom(timestamp);
    this.words[2 * at + HIGH_WORD] = high;
    this.words[2 * at + LOW_WORD] = low;
  }

  /** What {@link insert} would return, without adding anything. */
  compare(timestamp: number, high: number, low: number): Insertion {
    const at = this.indexFrom(timestamp);
    if (at === this.count || this.timestamps[at] !== timestamp) return ADDED;
    return this.holds(at, high, low) ? REPEATED : CONFLICTING;
  }

  /** Index of the first sample at `timestamp` or later; `count` if there is none. */
  indexFrom(timestamp: number): number {
    return firstAtOrAfter(this.timestamps, timestamp, 0, this.count);
  }

  /** Index after the last sample at `timestamp` or earlier. */
  indexAfter(timestamp: number): number {
    const at = this.indexFrom(timestamp);
    return at < this.count && this.timestamps[at] === timestamp ? at + 1 : at;
  }

  /** Removes the samples before index `end` and returns them. */
  takeBefore(end: number): SortedSamples {
    const taken = new SortedSamples();
    taken.timestamps = this.timestamps.slice(0, end);
    taken.words = this.words.slice(0, 2 * end);
    taken.count = end;
    this.remove(0, end);
    return taken;
  }

  /** Removes the samples from index `start` to before `end`. */
  remove(start: number, end: number): void {
    this.timestamps.copyWithin(start, end, this.count);
    this.words.copyWithin(2 * start, 2 * end, 2 * this.count);
    this.count -= end - start;
  }

  /** Adds all samples of another list. Samples that are here stay. */
  insertAll(other: SortedSamples): void {
    for (let i = 0; i < other.count; i++) {
      this.insert(other.timestamps[i], other.words[2 * i + HIGH_WORD], other.words[2 * i + LOW_WORD]);
    }
  }

  /** Infinity if there are no samples. */
  get firstTime(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.timestamps[0];
  }

  /** Minus infinity if there are no samples. */
  get lastTime(): number {
    return this.count === 0 ? Number.NEGATIVE_INFINITY : this.timestamps[this.count - 1];
  }

  private holds(at: number, high: number, low: number): boolean {
    return this.words[2 * at + HIGH_WORD] === high && this.words[2 * at + LOW_WORD] === low;
  }

  private grow(capacity: number): void {
    this.timestamps = grown(this.timestamps, new Float64Array(capacity));
    this.words = grown(this.words, new Int32Array(2 * capacity));
  }
}
