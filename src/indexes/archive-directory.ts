/**
 * The archived series and their time ranges: the archive's time-range index held in memory, about 40 bytes for each
 * series. With it, a new series needs no read to find that it is not archived, a query skips series outside its range,
 * and the maintenance sweep visits archived series without LevelDB.
 *
 * Entries are columns. A slot is the number of an entry and stays the same while the entry exists. The hash table has
 * slots, with open addressing. A removal moves later entries of a run back, so that no tombstones accumulate.
 */
import { grown } from '../model/grown.ts';

const NO_SLOT = -1;
const FIRST_CAPACITY = 64;

export class ArchiveDirectory {
  private highs = new Int32Array(FIRST_CAPACITY);
  private lows = new Int32Array(FIRST_CAPACITY);
  private firstTimes = new Float64Array(FIRST_CAPACITY);
  /** NaN marks a free slot. Its `lows` entry is then the next free slot. */
  private lastTimes = new Float64Array(FIRST_CAPACITY);
  /** Nothing of the series can be dropped while the retention limit is at or before this time. */
  private keptUntils = new Float64Array(FIRST_CAPACITY);
  /** Slots allocated so far, including free ones. */
  private slotCount = 0;
  private firstFree = NO_SLOT;
  private entryCount = 0;
  /** Slot + 1, or 0 for none. Twice as long as the columns. */
  private places = new Int32Array(FIRST_CAPACITY * 2);

  /** Number of archived series. */
  get size(): number {
    return this.entryCount;
  }

  /** Memory in bytes. */
  get byteCount(): number {
    return this.highs.length * 32 + this.places.byteLength;
  }

  has(high: number, low: number): boolean {
    return this.slotOf(high, low) !== NO_SLOT;
  }

  /** Adds a series, or sets its times if it exists. */
  add(high: number, low: number, firstTime: number, lastTime: number): void {
    let slot = this.slotOf(high, low);
    if (slot === NO_SLOT) {
      slot = this.takeSlot();
      this.highs[slot] = high;
      this.lows[slot] = low;
      this.places[this.placeFor(high, low)] = slot + 1;
      this.entryCount++;
    }
    this.firstTimes[slot] = firstTime;
    this.lastTimes[slot] = lastTime;
    this.keptUntils[slot] = Number.NEGATIVE_INFINITY;
  }

  /**
   * Notes a result of reading the series file: nothing can be dropped while the retention limit is at or before `time`.
   */
  setKeptUntil(high: number, low: number, time: number): void {
    const slot = this.slotOf(high, low);
    if (slot !== NO_SLOT) this.keptUntils[slot] = time;
  }

  /** Whether some samples of the series may be past retention. */
  isDroppable(high: number, low: number, beforeTime: number): boolean {
    const slot = this.slotOf(high, low);
    return slot !== NO_SLOT && this.firstTimes[slot] < beforeTime && this.keptUntils[slot] < beforeTime;
  }

  /** Removes a series; returns whether it existed. */
  remove(high: number, low: number): boolean {
    const place = this.placeFor(high, low);
    const slot = this.places[place] - 1;
    if (slot === NO_SLOT) return false;
    this.closeGap(place);
    this.lastTimes[slot] = Number.NaN;
    this.lows[slot] = this.firstFree;
    this.firstFree = slot;
    this.entryCount--;
    return true;
  }

  /** Time of the first sample, -2^63 when unknown; NaN when the series is not archived. */
  firstTimeOf(high: number, low: number): number {
    const slot = this.slotOf(high, low);
    return slot === NO_SLOT ? Number.NaN : this.firstTimes[slot];
  }

  /** Time of the last sample; NaN when the series is not archived. */
  lastTimeOf(high: number, low: number): number {
    const slot = this.slotOf(high, low);
    return slot === NO_SLOT ? Number.NaN : this.lastTimes[slot];
  }

  /** Whether the series is archived and may have samples in [from, through]. */
  overlaps(high: number, low: number, from: number, through: number): boolean {
    const slot = this.slotOf(high, low);
    return slot !== NO_SLOT && this.lastTimes[slot] >= from && this.firstTimes[slot] <= through;
  }

  /** Forgets all series. */
  clear(): void {
    this.slotCount = 0;
    this.firstFree = NO_SLOT;
    this.entryCount = 0;
    this.places.fill(0);
  }

  /**
   * The next occupied slot from `slot` on, -1 when there is none: `for (let s = next(0); s >= 0; s = next(s + 1))`.
   * Series may be added and removed during the loop. A series that exists all the time is visited once.
   */
  nextSlot(slot: number): number {
    for (let next = slot; next < this.slotCount; next++) {
      if (!Number.isNaN(this.lastTimes[next])) return next;
    }
    return NO_SLOT;
  }

  /** High half of the fingerprint in an occupied slot. */
  highAt(slot: number): number {
    return this.highs[slot];
  }

  lowAt(slot: number): number {
    return this.lows[slot];
  }

  firstTimeAt(slot: number): number {
    return this.firstTimes[slot];
  }

  lastTimeAt(slot: number): number {
    return this.lastTimes[slot];
  }

  private slotOf(high: number, low: number): number {
    return this.places[this.placeFor(high, low)] - 1;
  }

  /** The place of the series in the hash table, or the free place where it belongs. */
  private placeFor(high: number, low: number): number {
    const { places, highs, lows } = this;
    const mask = places.length - 1;
    let place = hashOf(high, low) & mask;
    while (places[place] !== 0) {
      const slot = places[place] - 1;
      if (lows[slot] === low && highs[slot] === high) return place;
      place = (place + 1) & mask;
    }
    return place;
  }

  /** Frees a place and moves back later entries that are not at their home place only because it was taken. */
  private closeGap(freed: number): void {
    const { places, highs, lows } = this;
    const mask = places.length - 1;
    let gap = freed;
    let place = gap;
    for (;;) {
      place = (place + 1) & mask;
      if (places[place] === 0) break;
      const slot = places[place] - 1;
      const home = hashOf(highs[slot], lows[slot]) & mask;
      // The entry may move if its home is not between the gap and its place, in cyclic order.
      if (((place - home) & mask) >= ((place - gap) & mask)) {
        places[gap] = places[place];
        gap = place;
      }
    }
    places[gap] = 0;
  }

  private takeSlot(): number {
    if (this.firstFree !== NO_SLOT) {
      const slot = this.firstFree;
      this.firstFree = this.lows[slot];
      return slot;
    }
    if (this.slotCount === this.highs.length) this.grow();
    return this.slotCount++;
  }

  private grow(): void {
    const capacity = this.highs.length * 2;
    this.highs = grown(this.highs, new Int32Array(capacity));
    this.lows = grown(this.lows, new Int32Array(capacity));
    this.firstTimes = grown(this.firstTimes, new Float64Array(capacity));
    this.lastTimes = grown(this.lastTimes, new Float64Array(capacity));
    this.keptUntils = grown(this.keptUntils, new Float64Array(capacity));
    this.places = new Int32Array(capacity * 2);
    for (let slot = this.nextSlot(0); slot >= 0; slot = this.nextSlot(slot + 1)) {
      this.places[this.placeFor(this.highs[slot], this.lows[slot])] = slot + 1;
    }
  }
}

/** Fingerprints of similar series share their leading digits, so the low half is mixed in as well. */
const hashOf = (high: number, low: number): number => {
  const mixed = Math.imul(high ^ (low >>> 15), 0x9e3779b1) ^ Math.imul(low, 0x85ebca6b);
  return mixed ^ (mixed >>> 16);
};
