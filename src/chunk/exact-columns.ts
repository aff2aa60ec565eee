/**
 * Decoded samples with times over the whole range of int64. A double holds only times within ±2^53 exactly; rewriting a
 * chunk, and reading chunks of other programs, may need more.
 */
import { SampleColumns } from './chunk.ts';

export class ExactColumns {
  times: BigInt64Array = new BigInt64Array(256);
  /** The same memory as `times`, as two words a time in the machine's order. */
  timeWords: Int32Array = new Int32Array(this.times.buffer);
  /** The values, and times as the nearest doubles. */
  readonly samples: SampleColumns = new SampleColumns();

  get count(): number {
    return this.samples.count;
  }

  clear(): void {
    this.samples.count = 0;
  }

  /** Makes room for `more` samples. */
  reserve(more: number): void {
    this.samples.reserve(more);
    const needed = this.count + more;
    if (needed <= this.times.length) return;
    const times = new BigInt64Array(Math.max(needed, this.times.length * 2));
    times.set(this.times.subarray(0, this.count));
    this.times = times;
    this.timeWords = new Int32Array(times.buffer);
  }
}
