/**
 * The chunk encodings, and the columns that chunks are decoded into. docs/formats/chunks.md specifies the bytes. Codecs
 * are pure: they touch the bytes of a slot and nothing else.
 */

export const DELTA = 0;
export const DOUBLE_DELTA = 1;
export const VARBIT = 2;

/** 0 delta, 1 double-delta, 2 varbit: the numbers on disk. */
export type Encoding = 0 | 1 | 2;

/** Columns for decoded samples. Decoders add samples from `count` on; room for them is made with `reserve`. */
export class SampleColumns {
  count = 0;
  timestamps: Float64Array;
  values: Float64Array;
  /** The same memory as `values`, as two 32-bit words a value in the machine's order, so that NaN payloads survive. */
  words: Int32Array;
  /**
   * The times from index `start` to before `end` are `interval` milliseconds apart, also those beyond `count`, which a
   * series before has left. Whoever writes times elsewhere than behind them says so with {@link cutRegular}.
   */
  readonly regular = { start: 0, end: 0, interval: 0 };

  constructor(capacity = 256) {
    this.timestamps = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.words = new Int32Array(this.values.buffer);
  }

  /** The times from an index on are not known to be regular. */
  cutRegular(from: number): void {
    if (this.regular.end > from) this.regular.end = from;
  }

  /** Makes room for `more` samples. */
  reserve(more: number): void {
    const needed = this.count + more;
    if (needed <= this.timestamps.length) return;
    this.cutRegular(this.count);
    const capacity = Math.max(needed, this.timestamps.length * 2);
    const timestamps = new Float64Array(capacity);
    timestamps.set(this.timestamps.subarray(0, this.count));
    const words = new Int32Array(capacity * 2);
    words.set(this.words.subarray(0, this.count * 2));
    this.timestamps = timestamps;
    this.words = words;
    this.values = new Float64Array(words.buffer);
  }
}
