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

  constructor(capacity = 256) {
    this.timestamps = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.words = new Int32Array(this.values.buffer);
  }

  /** Makes room for `more` samples. */
  reserve(more: number): void {
    const needed = this.count + more;
    if (needed <= this.timestamps.length) return;
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
