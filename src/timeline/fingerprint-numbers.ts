/**
 * Numbers series from 0 by their fingerprints, in typed arrays: 16 bytes a series. The hash table is divided into
 * shards, so that growing it never takes long.
 */

const SHARDS = 256;
const FREE = -1;

/** The halves of a fingerprint's text; `undefined` if the text is not exactly 16 lower-case hex digits. */
const halvesOf = (text: string): readonly [high: number, low: number] | undefined =>
  /^[0-9a-f]{16}$/.test(text)
    ? [Number.parseInt(text.slice(0, 8), 16) | 0, Number.parseInt(text.slice(8), 16) | 0]
    : undefined;

const hex = (half: number): string => (half >>> 0).toString(16).padStart(8, '0');

export const isFingerprint = (text: string): boolean => halvesOf(text) !== undefined;

export class FingerprintNumbers {
  private readonly shards = Array.from({ length: SHARDS }, () => new Int32Array(8).fill(FREE));
  private readonly shardCounts = new Uint32Array(SHARDS);
  private highs = new Int32Array(256);
  private lows = new Int32Array(256);
  private numbers = 0;

  /** How many series have a number. */
  get count(): number {
    return this.numbers;
  }

  /** The number of a fingerprint; -1 if it has none. */
  find(fingerprint: string): number {
    const halves = halvesOf(fingerprint);
    if (halves === undefined) return -1;
    const slots = this.shards[halves[1] & (SHARDS - 1)];
    return slots[this.slotOf(slots, halves[0], halves[1])];
  }

  /** The number of a fingerprint, a new one if it has none. Throws if the text is no fingerprint. */
  number(fingerprint: string): number {
    const halves = halvesOf(fingerprint);
    if (halves === undefined) throw new Error(`A fingerprint has 16 hex digits, not ${JSON.stringify(fingerprint)}.`);
    const [high, low] = halves;
    const shard = low & (SHARDS - 1);
    const slots = this.shards[shard];
    const slot = this.slotOf(slots, high, low);
    if (slots[slot] !== FREE) return slots[slot];
    const number = this.append(high, low);
    slots[slot] = number;
    if (++this.shardCounts[shard] * 2 > slots.length) this.grow(shard);
    return number;
  }

  /** The fingerprint of a number. */
  text(number: number): string {
    return hex(this.highs[number]) + hex(this.lows[number]);
  }

  private append(high: number, low: number): number {
    if (this.numbers === this.highs.length) {
      this.highs = doubled(this.highs);
      this.lows = doubled(this.lows);
    }
    this.highs[this.numbers] = high;
    this.lows[this.numbers] = low;
    return this.numbers++;
  }

  /** The slot that has the fingerprint, or the free one where it belongs. */
  private slotOf(slots: Int32Array, high: number, low: number): number {
    const mask = slots.length - 1;
    let slot = (Math.imul(high ^ (low >>> 8), 0x9e3779b1) >>> 7) & mask;
    while (slots[slot] !== FREE && (this.highs[slots[slot]] !== high || this.lows[slots[slot]] !== low))
      slot = (slot + 1) & mask;
    return slot;
  }

  private grow(shard: number): void {
    const before = this.shards[shard];
    const slots = new Int32Array(before.length * 2).fill(FREE);
    for (const number of before)
      if (number !== FREE) slots[this.slotOf(slots, this.highs[number], this.lows[number])] = number;
    this.shards[shard] = slots;
  }
}

const doubled = (column: Int32Array): Int32Array<ArrayBuffer> => {
  const larger = new Int32Array(column.length * 2);
  larger.set(column);
  return larger;
};
