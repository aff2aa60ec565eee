/**
 * What the rest of the store knows of chunks: their encodings, how a sample is added, how they are read. The bytes are
 * specified in docs/formats/chunks.md. Codecs are pure: they touch slots of a slab and nothing else.
 */

export const DELTA = 0;
export const DOUBLE_DELTA = 1;
export const VARBIT = 2;

/** 0 delta, 1 double-delta, 2 varbit: the numbers on disk. */
export type Encoding = 0 | 1 | 2;

/** Columns that decoded samples are written to: grown by the caller, filled from `count` on. */
export class SampleColumns {
  count = 0;
  timestamps: Float64Array;
  values: Float64Array;
  /** The same memory as `values`: two 32-bit words a value, in the machine's order, so that NaN payloads survive. */
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
