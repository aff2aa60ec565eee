/**
 * The series table: one row per series in memory, as columns of typed arrays. It is the data plane's only state: an
 * append reads and writes only its row, the head chunk and the journal's buffer.
 *
 * The fields that an append uses are together, in two neighbouring cache lines (128 bytes) per row:
 *
 *   int 0      flags: state, head open, dirty, registers valid …
 *   int 1      slot of the newest chunk in memory (the head), or -1
 *   int 2, 3   time of the last sample, a double
 *   int 4, 5   value of the last sample: high and low half of its bits
 *   int 6      generation: changes when the row is given to another series, so that a handle can detect it
 *   int 7      slot of the oldest chunk in memory that is not in the series file, or -1
 *   int 8…27   registers of the open varbit head (src/chunk/varbit-head.ts)
 *
 * The other columns are read once per batch or per query. A series is found by its labels (by a 32-bit hash, then by
 * comparison) or by its fingerprint (row-index.ts).
 */

import { NO_SLOT, type Slot } from '../chunk/slab.ts';
import { EARLIEST } from '../model/int64.ts';
import {
  type LabelPairs,
  type Labels,
  labelHash,
  labelsEqual,
  labelsIdentical,
  pairsEqual,
  pairsHash,
} from '../model/labels.ts';
import { NO_ROW, type Row } from './row.ts';
import { RowIndex } from './row-index.ts';
import { longerColumn, newColumn } from './table-columns.ts';

export { EARLIEST, NO_ROW, type Row };

/** The low byte of the flags: 0 for a free row, otherwise 1 + the state's code (machines/series-states.ts). */
const STATE_MASK = 0xff;
const STATE_FREE = 0;

/** The newest chunk takes samples. */
export const HEAD_OPEN = 0x100;
/** Changed since the last checkpoint. */
export const DIRTY = 0x200;
/** The open head's codec state is in the registers, not in the slot. */
export const IN_REGISTERS = 0x400;
/** `LAST_HIGH` and `LAST_LOW` hold the last value. After a restart the value may be unknown. */
export const VALUE_KNOWN = 0x800;
/** The last change of the series file may not be durable yet; the next checkpoint syncs the file. */
export const FILE_UNSYNCED = 0x1000;
/** The series' state takes no samples: it is archived, or being deleted or isolated. */
export const NOT_WRITABLE = 0x2000;
/** The series file is being synced. It counts as unsynced until the sync has succeeded. */
export const FILE_SYNCING = 0x8000;
/**
 * The row is in neither of the table's two hash indexes. Another row may have its labels and fingerprint by now.
 *
 * This is a fact about the indexes, and no state of the series decides it. For example, a series in
 * `quarantined.unmoved` is listed if its actor was stopped before the first attempt to move the file: its chunks are
 * still in this row. It is unlisted after the first attempt, which gives its chunks to a new row with the same labels.
 */
const UNLISTED = 0x4000;

/** Size of a row in int32s and in doubles, as shifts. */
export const ROW_SHIFT = 5;
export const ROW_DOUBLES_SHIFT = 4;
const FLAGS = 0;
export const HEAD = 1;
export const LAST_TIME_DOUBLE = 1;
export const LAST_HIGH = 4;
export const LAST_LOW = 5;
export const GENERATION = 6;
export const OLDEST = 7;
export const REGISTERS = 8;

const INTS_PER_ROW = 1 << ROW_SHIFT;
/** The maximum number of rows to reserve: 230 MB of address space, but hardly any memory. */
const RESERVED_MAX = 1 << 20;
const FIRST_CAPACITY = 1024;
/** Rows to reserve per requested row. Unused rows are never touched and so take no memory. */
const HEADROOM = 1.25;

export class SeriesTable {
  /** Rows given out so far, including freed ones: iterate up to here and skip {@link STATE_FREE}. */
  size = 0;
  ints = newColumn(Int32Array, FIRST_CAPACITY * INTS_PER_ROW);
  /** The same memory as `ints`; row r begins at `r << ROW_DOUBLES_SHIFT`. */
  doubles = doublesOf(this.ints);

  /** Stored fingerprint. */
  high = newColumn(Int32Array, FIRST_CAPACITY);
  low = newColumn(Int32Array, FIRST_CAPACITY);
  /** First time of the oldest chunk in the series file, as the checkpoint stores it; EARLIEST if unknown. */
  firstTime = newColumn(Float64Array, FIRST_CAPACITY);
  /**
   * While the retention limit is not later than this time, no chunk of the file can be dropped; EARLIEST if unknown.
   */
  keptUntil = newColumn(Float64Array, FIRST_CAPACITY);
  /** Chunks in the series file; -1 if unknown (files of versions before 0.13). */
  chunksInFile = newColumn(Int32Array, FIRST_CAPACITY);
  /** First time of the newest chunk in the file, for the checkpoint's placeholder; EARLIEST if unknown. */
  lastChunkFirstTime = newColumn(Float64Array, FIRST_CAPACITY);
  /** Last time of the newest chunk in the file. */
  lastChunkLastTime = newColumn(Float64Array, FIRST_CAPACITY);
  /** Modification time of the series file in nanoseconds; -1 if unknown. */
  mtimeNs = newColumn(BigInt64Array, FIRST_CAPACITY);
  /** Chunks in memory that are not in the file, including the open head. */
  chunksUnpersisted = newColumn(Int32Array, FIRST_CAPACITY);
  /** The class of the series' retention (model/retention-classes.ts); empty, and so `undefined`, without rules. */
  retentionClass = new Uint8Array(0);
  /** Labels; `undefined` for free rows. */
  readonly labels: (LabelPairs | undefined)[] = [];
  /** Called when a row gives up its labels. */
  onLabelsGone: ((row: Row, pairs: LabelPairs) => void) | undefined;
  private hashes = newColumn(Int32Array, FIRST_CAPACITY);
  private readonly byLabels = new RowIndex((row) => this.hashes[row]);
  private readonly byFingerprint = new RowIndex((row) => fingerprintHash(this.high[row], this.low[row]));
  private freeRows: Row[] = [];
  private classOf: ((pairs: LabelPairs) => number) | undefined;
  private liveCount = 0;
  private detachCount = 0;
  private labelBytes = 0;

  /** Series in memory. */
  get live(): number {
    return this.liveCount;
  }

  /** Number of rows that were detached so far. While it stays the same, rows that were looked up keep their series. */
  get detachedCount(): number {
    return this.detachCount;
  }

  /** Bytes of the used rows, and roughly those of the labels. Rows that were never used take no memory. */
  get bytes(): number {
    const columns = this.size * (INTS_PER_ROW * 4 + 4 * 4 + 4 * 8 + 8 + 4);
    return columns + this.byLabels.bytes + this.byFingerprint.bytes + this.labelBytes;
  }

  capacity(): number {
    return this.high.length;
  }

  /** Gives every row a class of retention when it is added. Call it before the first row is added. */
  classify(classOf: (pairs: LabelPairs) => number): void {
    this.classOf = classOf;
    this.retentionClass = newColumn(Uint8Array, this.high.length);
  }

  /** The row of the series with these labels (empty values count as absent), or NO_ROW. */
  find(labels: Labels): Row {
    return this.findHashed(labels, labelHash(labels));
  }

  findHashed(labels: Labels, hash: number): Row {
    const places = this.byLabels.placesFor(hash);
    const mask = places.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const row = places[place];
      if (row === NO_ROW) return NO_ROW;
      if (this.hashes[row] === hash && labelsEqual(this.labels[row] as LabelPairs, labels)) return row;
    }
  }

  findPairs(pairs: LabelPairs): Row {
    return this.findPairsHashed(pairs, pairsHash(pairs));
  }

  findPairsHashed(pairs: LabelPairs, hash: number): Row {
    const places = this.byLabels.placesFor(hash);
    const mask = places.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const row = places[place];
      if (row === NO_ROW) return NO_ROW;
      if (this.hashes[row] === hash && pairsEqual(this.labels[row] as LabelPairs, pairs)) return row;
    }
  }

  findFingerprint(high: number, low: number): Row {
    const hash = fingerprintHash(high, low);
    const places = this.byFingerprint.placesFor(hash);
    const mask = places.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const row = places[place];
      if (row === NO_ROW) return NO_ROW;
      if (this.low[row] === low && this.high[row] === high) return row;
    }
  }

  /** All rows that are found by labels and fingerprint. */
  *rows(): Generator<Row> {
    for (let row = 0; row < this.size; row++) if (this.isListed(row)) yield row;
  }

  /**
   * Whether {@link find} would return this row for these labels. `isSame` makes this faster if the values are probably
   * the very strings of the row's labels.
   */
  matches(row: Row, labels: Labels, isSame = false): boolean {
    const pairs = this.labels[row];
    if (pairs === undefined || (this.ints[row << ROW_SHIFT] & UNLISTED) !== 0) return false;
    return isSame ? labelsIdentical(pairs, labels) : labelsEqual(pairs, labels);
  }

  isLive(row: Row): boolean {
    return (this.ints[row << ROW_SHIFT] & STATE_MASK) !== STATE_FREE;
  }

  /** Whether the row is found by its labels and its fingerprint. */
  isListed(row: Row): boolean {
    return this.isLive(row) && (this.ints[row << ROW_SHIFT] & UNLISTED) === 0;
  }

  /**
   * Reserves rows for this many series in total, with some headroom, so that adding them does not grow the table again
   * and again. The number may come from a damaged file, so at most a million rows are reserved; beyond that the table
   * grows as series are added.
   */
  reserve(announced: number): void {
    const seriesCount = Math.min(announced, RESERVED_MAX);
    if (seriesCount > this.high.length) this.grow(Math.ceil(seriesCount * HEADROOM));
    this.byLabels.reserve(seriesCount);
    this.byFingerprint.reserve(seriesCount);
  }

  /**
   * Adds a row for a series that has none, in the state with this code, without samples. `hash` is that of its labels.
   */
  add(high: number, low: number, pairs: LabelPairs, stateCode = 0, hash = pairsHash(pairs)): Row {
    const freed = this.freeRows.pop();
    const row = freed ?? this.size;
    if (row >= this.high.length) this.grow(this.high.length * 2);
    if (freed === undefined) this.size++;
    const base = row << ROW_SHIFT;
    const generation = this.ints[base + GENERATION] + 1;
    if (freed !== undefined) this.ints.fill(0, base, base + INTS_PER_ROW);
    this.ints[base + FLAGS] = stateCode + 1;
    this.ints[base + HEAD] = NO_SLOT;
    this.ints[base + OLDEST] = NO_SLOT;
    this.ints[base + GENERATION] = generation;
    this.doubles[(row << ROW_DOUBLES_SHIFT) + LAST_TIME_DOUBLE] = EARLIEST;
    this.high[row] = high;
    this.low[row] = low;
    this.keptUntil[row] = EARLIEST;
    this.forgetFile(row);
    this.chunksUnpersisted[row] = 0;
    this.labels[row] = pairs;
    this.labelBytes += bytesOfPairs(pairs);
    this.hashes[row] = hash;
    if (this.classOf !== undefined) this.retentionClass[row] = this.classOf(pairs);
    this.liveCount++;
    this.insert(row);
    return row;
  }

  /** Makes the row no longer found by labels or fingerprint. The row itself stays until {@link remove}. */
  detach(row: Row): void {
    if (!this.isListed(row)) return;
    this.byLabels.erase(row, this.hashes[row]);
    this.byFingerprint.erase(row, fingerprintHash(this.high[row], this.low[row]));
    this.ints[row << ROW_SHIFT] |= UNLISTED;
    this.ints[(row << ROW_SHIFT) + GENERATION]++;
    this.liveCount--;
    this.detachCount++;
  }

  /** Frees the row. Its chunks must have been released. */
  remove(row: Row): void {
    this.detach(row);
    this.ints[row << ROW_SHIFT] = STATE_FREE;
    const pairs = this.labels[row];
    if (pairs !== undefined) {
      this.labelBytes -= bytesOfPairs(pairs);
      this.onLabelsGone?.(row, pairs);
    }
    this.labels[row] = undefined;
    this.freeRows.push(row);
  }

  generation(row: Row): number {
    return this.ints[(row << ROW_SHIFT) + GENERATION];
  }

  flags(row: Row): number {
    return this.ints[row << ROW_SHIFT];
  }

  setFlag(row: Row, flag: number): void {
    this.ints[row << ROW_SHIFT] |= flag;
  }

  clearFlag(row: Row, flag: number): void {
    this.ints[row << ROW_SHIFT] &= ~flag;
  }

  /** The code of the series' state. */
  stateCode(row: Row): number {
    return (this.ints[row << ROW_SHIFT] & STATE_MASK) - 1;
  }

  setState(row: Row, code: number, writable: boolean): void {
    const at = row << ROW_SHIFT;
    this.ints[at] = (this.ints[at] & ~(STATE_MASK | NOT_WRITABLE)) | (code + 1) | (writable ? 0 : NOT_WRITABLE);
  }

  lastTime(row: Row): number {
    return this.doubles[(row << ROW_DOUBLES_SHIFT) + LAST_TIME_DOUBLE];
  }

  setLastTime(row: Row, time: number): void {
    this.doubles[(row << ROW_DOUBLES_SHIFT) + LAST_TIME_DOUBLE] = time;
  }

  /** Sets the last time when the last value is not known. */
  adoptLastTime(row: Row, time: number): void {
    this.setLastTime(row, time);
    this.ints[row << ROW_SHIFT] &= ~VALUE_KNOWN;
  }

  /** Whether the series has chunks neither in memory nor in a file. Its samples, if any, are late ones that wait. */
  hasNoChunks(row: Row): boolean {
    return this.chunksUnpersisted[row] === 0 && this.chunksInFile[row] === 0;
  }

  /** The series has no file. */
  forgetFile(row: Row): void {
    this.chunksInFile[row] = 0;
    this.firstTime[row] = EARLIEST;
    this.lastChunkFirstTime[row] = EARLIEST;
    this.lastChunkLastTime[row] = EARLIEST;
    this.mtimeNs[row] = -1n;
  }

  setLastValue(row: Row, high: number, low: number): void {
    const base = row << ROW_SHIFT;
    this.ints[base + LAST_HIGH] = high;
    this.ints[base + LAST_LOW] = low;
    this.ints[base] |= VALUE_KNOWN;
  }

  headSlot(row: Row): Slot {
    return this.ints[(row << ROW_SHIFT) + HEAD];
  }

  oldestSlot(row: Row): Slot {
    return this.ints[(row << ROW_SHIFT) + OLDEST];
  }

  headOpen(row: Row): boolean {
    return (this.ints[row << ROW_SHIFT] & HEAD_OPEN) !== 0;
  }

  /** Chunks in memory that wait to be persisted: all except an open head. */
  chunksWaiting(row: Row): number {
    return this.chunksUnpersisted[row] - (this.headOpen(row) ? 1 : 0);
  }

  private insert(row: Row): void {
    this.byLabels.insert(row, this.hashes[row]);
    this.byFingerprint.insert(row, fingerprintHash(this.high[row], this.low[row]));
  }

  private grow(capacity: number): void {
    this.ints = longerColumn(Int32Array, this.ints, capacity * INTS_PER_ROW);
    this.doubles = doublesOf(this.ints);
    this.low = longerColumn(Int32Array, this.low, capacity);
    this.firstTime = longerColumn(Float64Array, this.firstTime, capacity);
    this.keptUntil = longerColumn(Float64Array, this.keptUntil, capacity);
    this.chunksInFile = longerColumn(Int32Array, this.chunksInFile, capacity);
    this.lastChunkFirstTime = longerColumn(Float64Array, this.lastChunkFirstTime, capacity);
    this.lastChunkLastTime = longerColumn(Float64Array, this.lastChunkLastTime, capacity);
    this.chunksUnpersisted = longerColumn(Int32Array, this.chunksUnpersisted, capacity);
    this.hashes = longerColumn(Int32Array, this.hashes, capacity);
    this.mtimeNs = longerColumn(BigInt64Array, this.mtimeNs, capacity);
    if (this.classOf !== undefined) this.retentionClass = longerColumn(Uint8Array, this.retentionClass, capacity);
    // Last: its length is the capacity, also if there was no memory for another column.
    this.high = longerColumn(Int32Array, this.high, capacity);
  }
}

/**
 * The memory of labels in V8, at most: the array with its header, and for each pair the value's string with its header.
 * All series share the strings of names, and many share those of values.
 */
const bytesOfPairs = (pairs: LabelPairs): number => {
  let bytes = 32 + pairs.length * 8;
  for (let i = 1; i < pairs.length; i += 2) bytes += 16 + pairs[i].length;
  return bytes;
};

/** The same memory as doubles. */
const doublesOf = ({ buffer, length }: Int32Array): Float64Array => new Float64Array(buffer, 0, length >> 1);

/** Fast fingerprints of similar series share their leading digits, so the bits are mixed before masking. */
const fingerprintHash = (high: number, low: number): number => {
  const mixed = Math.imul(low ^ (high << 7), 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
};
