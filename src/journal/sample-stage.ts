/**
 * Where appended samples wait for their batch: columns, the references of the current segment, and the row -> reference
 * table that makes the usual append one comparison. Nothing here allocates per sample.
 */
import { HIGH_WORD, LOW_WORD, type SampleBatch } from './samples-codec.ts';
import { SegmentReferences } from './segment-references.ts';

const INITIAL_ROWS = 4096;
/** References are numbered through all segments, so that a new segment invalidates every row's at once. */
const REFERENCE_LIMIT = 0x40000000;

export class SampleStage implements SampleBatch {
  count = 0;
  /** `add` asks for attention when this many samples are staged. */
  attendAt = 1;
  readonly capacity: number;
  readonly references: Int32Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly words: Int32Array;
  /** What the current segment's references stand for. */
  defined = new SegmentReferences();
  /** How many of them earlier records define. */
  definedBefore = 0;
  /** Through all segments: reference of a row, valid from `base` on. */
  private rows = new Int32Array(INITIAL_ROWS).fill(-1);
  private base = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.references = new Int32Array(capacity);
    this.timestamps = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.words = new Int32Array(this.values.buffer);
  }

  /** Stages one sample. Returns whether the writer should attend. There must be room. */
  add(
    row: number,
    fingerprintHigh: number,
    fingerprintLow: number,
    timestamp: number,
    high: number,
    low: number,
  ): boolean {
    let reference = row < this.rows.length ? this.rows[row] - this.base : -1;
    if (reference < 0) reference = this.define(row, fingerprintHigh, fingerprintLow);
    const index = this.count;
    this.references[index] = reference;
    this.timestamps[index] = timestamp;
    this.words[2 * index + HIGH_WORD] = high;
    this.words[2 * index + LOW_WORD] = low;
    this.count = index + 1;
    return this.count >= this.attendAt;
  }

  /** The row is free for another series: its next sample defines a new reference. */
  forget(row: number): void {
    if (row < this.rows.length) this.rows[row] = -1;
  }

  /** The staged samples have been recorded. */
  clear(): void {
    this.count = 0;
    this.definedBefore = this.defined.count;
  }

  /** A new segment begins: no reference is defined in it. The stage must be empty. */
  beginSegment(): void {
    this.base += this.defined.count;
    this.defined = new SegmentReferences();
    this.definedBefore = 0;
    if (this.base < REFERENCE_LIMIT) return;
    this.rows.fill(-1);
    this.base = 0;
  }

  private define(row: number, high: number, low: number): number {
    if (row >= this.rows.length) {
      const larger = new Int32Array(Math.max(row + 1, this.rows.length * 2)).fill(-1);
      larger.set(this.rows);
      this.rows = larger;
    }
    const reference = this.defined.add(high, low);
    this.rows[row] = this.base + reference;
    return reference;
  }
}
