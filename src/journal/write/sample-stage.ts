/**
 * Collects appended samples for the next batch: sample columns, the references of the current segment, and a table
 * row -> reference. With the table the usual append costs one comparison. Nothing here allocates per sample.
 */

import { HIGH_WORD, LOW_WORD } from '../../model/byte-order.ts';
import { grown } from '../../model/grown.ts';
import type { SampleBatch } from '../format/samples-codec.ts';
import { SegmentReferences } from '../format/segment-references.ts';

const INITIAL_ROWS = 4096;
/** Limit of `base`, so that `base` plus a reference stays an int32. When it is reached, all rows are reset. */
const REFERENCE_LIMIT = 0x40000000;

export class SampleStage implements SampleBatch {
  count = 0;
  /**
   * `add` returns true when this many samples are staged. It is 1 while the stage is empty, so the first sample after
   * a batch gets attention: it may be the first one since a commit.
   */
  attendAt = 1;
  readonly capacity: number;
  readonly references: Int32Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly words: Int32Array;
  /** The fingerprints of the current segment's references. */
  defined = new SegmentReferences();
  /** How many of these references earlier records define. */
  definedBefore = 0;
  /**
   * For each row, `base` plus its reference. The numbers go on through all segments: a value below `base` belongs to an
   * earlier segment, so a new segment invalidates all rows by raising `base`.
   */
  private rows = new Int32Array(INITIAL_ROWS).fill(-1);
  private base = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.references = new Int32Array(capacity);
    this.timestamps = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.words = new Int32Array(this.values.buffer);
  }

  /** Stages one sample. Returns whether `attendAt` is reached. The stage must not be full. */
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

  /** The next attention is due after so many more samples, or when the stage is full. */
  attendAfter(samples: number): void {
    this.attendAt = Math.min(this.capacity, this.count + samples);
  }

  /** Called when the row is free for another series: its next sample defines a new reference. */
  forget(row: number): void {
    if (row < this.rows.length) this.rows[row] = -1;
  }

  /** Empties the stage after its samples have been encoded in a record. */
  clear(): void {
    this.count = 0;
    this.attendAt = 1;
    this.definedBefore = this.defined.count;
  }

  /** Begins a new segment, in which no reference is defined. The stage must be empty. */
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
      this.rows = grown(this.rows, new Int32Array(Math.max(row + 1, this.rows.length * 2)).fill(-1));
    }
    const reference = this.defined.add(high, low);
    this.rows[row] = this.base + reference;
    return reference;
  }
}
