/**
 * Maps a segment's reference numbers to series. Sample records name series by reference: the first series that a
 * segment uses is 0, the next new one is 1, and so on. The record that uses a reference first defines its fingerprint.
 */

const INITIAL_CAPACITY = 1024;

/** The writer's side: fingerprints by reference. */
export class SegmentReferences {
  count = 0;
  highs: Int32Array = new Int32Array(INITIAL_CAPACITY);
  lows: Int32Array = new Int32Array(INITIAL_CAPACITY);

  /** Gives the next reference to a fingerprint. */
  add(high: number, low: number): number {
    if (this.count === this.highs.length) {
      this.highs = grown(this.highs, this.count + 1);
      this.lows = grown(this.lows, this.count + 1);
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
      this.highs = grown(this.highs, reference + 1);
      this.lows = grown(this.lows, reference + 1);
      const known = new Uint8Array(this.highs.length);
      known.set(this.known);
      this.known = known;
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

const grown = (array: Int32Array, needed: number): Int32Array => {
  const larger = new Int32Array(Math.max(needed, array.length * 2));
  larger.set(array);
  return larger;
};
