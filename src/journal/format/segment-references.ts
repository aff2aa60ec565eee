/**
 * Maps a segment's reference numbers to series. Sample records name series by reference: the first series that a
 * segment uses is 0, the next new one is 1, and so on. The record that uses a reference first defines its fingerprint.
 */
import { grown } from '../../model/grown.ts';

const INITIAL_CAPACITY = 1024;

/** The writer's side: fingerprints by reference. */
export class SegmentReferences {
  count = 0;
  highs: Int32Array = new Int32Array(INITIAL_CAPACITY);
  lows: Int32Array = new Int32Array(INITIAL_CAPACITY);

  /** Gives the next reference to a fingerprint. */
  add(high: number, low: number): number {
    if (this.count === this.highs.length) {
      const capacity = this.highs.length * 2;
      this.highs = grown(this.highs, new Int32Array(capacity));
      this.lows = grown(this.lows, new Int32Array(capacity));
    }
    this.highs[this.count] = high;
    this.lows[this.count] = low;
    return this.count++;
  }
}

/** The reader's side. Definitions are missing if the record that held them is damaged. */
export class ReferenceTable {
  /** One more than the highest reference defined. */
  count = 0;
  /** References below `count` that no record defined. */
  holes = 0;
  highs: Int32Array = new Int32Array(INITIAL_CAPACITY);
  lows: Int32Array = new Int32Array(INITIAL_CAPACITY);
  private known = new Uint8Array(INITIAL_CAPACITY);

  clear(): void {
    this.count = 0;
    this.holes = 0;
    this.known.fill(0);
  }

  /** Whether a reference has been defined. */
  has(reference: number): boolean {
    return reference < this.count && (this.holes === 0 || this.known[reference] === 1);
  }

  define(reference: number, high: number, low: number): void {
    if (reference >= this.highs.length) {
      const capacity = Math.max(reference + 1, this.highs.length * 2);
      this.highs = grown(this.highs, new Int32Array(capacity));
      this.lows = grown(this.lows, new Int32Array(capacity));
      this.known = grown(this.known, new Uint8Array(capacity));
    }
    if (reference >= this.count) {
      this.holes += reference - this.count;
      this.count = reference + 1;
    } else if (this.known[reference] === 0) {
      this.holes--;
    }
    this.known[reference] = 1;
    this.highs[reference] = high;
    this.lows[reference] = low;
  }
}
