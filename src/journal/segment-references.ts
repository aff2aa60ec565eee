/**
 * Which series a segment's reference numbers stand for. A reference is the ordinal of a series' first use in its
 * segment; sample records carry references and define new ones where they first use them.
 */

const INITIAL_CAPACITY = 1024;

/** The writer's side: references in the order in which they were given out. */
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

/** The reader's side: definitions may be missing where a damaged record held them. */
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
