/**
 * The chunks of a series that are in memory and not in its file: a chain of slots from the oldest to the head. Only
 * this file changes the chain. Only this file handles that an open varbit head keeps its codec state in the row's
 * registers, and that a short head is in a small slot.
 */

import type { ChunkAppender } from '../chunk/append.ts';
import { SampleColumns, VARBIT } from '../chunk/chunk.ts';
import {
  decodeStoredRange,
  firstTimeOf,
  isClosedForGood,
  isFaithfulHead,
  lastTimeOf,
  lastValueOf,
} from '../chunk/decode.ts';
import { encodeColumns } from '../chunk/encode-columns.ts';
import { CHUNK_BYTES, NO_SLOT, type Slab, type Slot } from '../chunk/slab.ts';
import { appendToHead, fitsSmallSlot, loadHead, moveHead, storeHead } from '../chunk/varbit-head.ts';
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { isDamage, TidemarkError } from '../model/errors.ts';
import { leaveOut, type TimeSpan } from './erased-ranges.ts';
import { type MergeCounts, mergeColumns } from './merge-columns.ts';
import type { SortedSamples } from './sorted-samples.ts';
import {
  DIRTY,
  EARLIEST,
  HEAD,
  HEAD_OPEN,
  IN_REGISTERS,
  LAST_HIGH,
  LAST_LOW,
  LAST_TIME_DOUBLE,
  OLDEST,
  REGISTERS,
  ROW_DOUBLES_SHIFT,
  ROW_SHIFT,
  type Row,
  type SeriesTable,
  VALUE_KNOWN,
} from './table.ts';

const CHUNKS_PER_NOTICE = 1024;

export class MemoryChunks {
  private readonly table: SeriesTable;
  private readonly slab: Slab;
  private readonly appender: ChunkAppender;
  /** Chunks that wait to be persisted, over all series. */
  waiting = 0;
  /** Series changed since the last checkpoint. */
  dirtySeries = 0;
  /** Number of open heads. It is counted here so that a scrape does not have to visit every series. */
  openHeads = 0;
  /** Called every {@link CHUNKS_PER_NOTICE} started chunks, because a loop of appends may keep timers from running. */
  onChunksStarted: () => void = () => {};
  /** Chunks started, and chunks that began to wait for persisting, since the store was opened. */
  started = 0;
  queued = 0;
  private noticeAt = CHUNKS_PER_NOTICE;

  constructor(table: SeriesTable, slab: Slab, appender: ChunkAppender) {
    this.table = table;
    this.slab = slab;
    this.appender = appender;
  }

  /** Adds a sample that is newer than the series' last one. Hot path: nothing is allocated here. */
  append(row: Row, timestamp: number, high: number, low: number): void {
    const ints = this.table.ints;
    const doubles = this.table.doubles;
    const base = row << ROW_SHIFT;
    const flags = ints[base];
    const timeAt = (row << ROW_DOUBLES_SHIFT) + LAST_TIME_DOUBLE;
    const isSlow = (flags & IN_REGISTERS) === 0 || !this.appendFast(ints, base, doubles[timeAt], timestamp, high, low);
    if (isSlow) this.appendSlowly(row, timestamp, high, low);
    doubles[timeAt] = timestamp;
    ints[base + LAST_HIGH] = high;
    ints[base + LAST_LOW] = low;
    if ((flags & DIRTY) === 0) this.dirtySeries++;
    ints[base] |= VALUE_KNOWN | DIRTY;
    // Called last, because the callback may append to the series or visit it, so the row must be consistent.
    if (isSlow) this.noticeStarted();
  }

  private appendFast(
    ints: Int32Array,
    base: number,
    lastTime: number,
    timestamp: number,
    high: number,
    low: number,
  ): boolean {
    const slot = ints[base + HEAD];
    return appendToHead(
      ints,
      base + REGISTERS,
      this.slab.blockOf(slot),
      this.slab.offsetOf(slot),
      lastTime,
      ints[base + LAST_HIGH],
      ints[base + LAST_LOW],
      timestamp,
      high,
      low,
    );
  }

  private appendSlowly(row: Row, timestamp: number, high: number, low: number): void {
    const { table, slab } = this;
    const base = row << ROW_SHIFT;
    if ((table.ints[base] & HEAD_OPEN) === 0) {
      this.link(row, this.appender.startSmall(timestamp, high, low));
      this.openHead(row);
      this.load(row);
      this.started++;
      return;
    }
    if (this.widen(row) && this.appendFast(table.ints, base, table.lastTime(row), timestamp, high, low)) return;
    this.store(row);
    table.ints[base] &= ~IN_REGISTERS;
    const before = table.ints[base + HEAD];
    const head = this.appender.append(before, timestamp, high, low);
    for (let slot = before; slot !== head; slot = slab.next[slot]) {
      table.chunksUnpersisted[row]++;
      this.waiting++;
      this.queued++;
    }
    table.ints[base + HEAD] = head;
    this.load(row);
    this.narrow(row);
    if (head !== before) this.started++;
  }

  private noticeStarted(): void {
    if (this.started < this.noticeAt) return;
    this.noticeAt = this.started + CHUNKS_PER_NOTICE;
    this.onChunksStarted();
  }

  /**
   * Writes the registers of an open head to its slot, so that the slot's bytes are the chunk. The registers stay valid.
   */
  store(row: Row): void {
    const { table, slab } = this;
    const base = row << ROW_SHIFT;
    if ((table.ints[base] & IN_REGISTERS) === 0) return;
    const slot = table.ints[base + HEAD];
    storeHead(
      table.ints,
      base + REGISTERS,
      slab.blockOf(slot),
      slab.offsetOf(slot),
      table.doubles[(row << ROW_DOUBLES_SHIFT) + LAST_TIME_DOUBLE],
      table.ints[base + LAST_HIGH],
      table.ints[base + LAST_LOW],
    );
  }

  /** Loads an open varbit head into the registers. Chunks of other encodings are appended to in their slot. */
  load(row: Row): void {
    const { table, slab } = this;
    const base = row << ROW_SHIFT;
    const slot = table.ints[base + HEAD];
    if (slot === NO_SLOT || slab.encoding[slot] !== VARBIT || (table.ints[base] & HEAD_OPEN) === 0) return;
    const block = slab.blockOf(slot);
    const offset = slab.offsetOf(slot);
    if (isClosedForGood(block, offset, VARBIT)) return;
    if (loadHead(table.ints, base + REGISTERS, block, offset, slab.sizeOf(slot))) table.ints[base] |= IN_REGISTERS;
  }

  /** Moves a head that was just loaded to a small slot, if it is short. */
  private narrow(row: Row): void {
    const { table, slab } = this;
    const base = row << ROW_SHIFT;
    const slot = table.ints[base + HEAD];
    if ((table.ints[base] & IN_REGISTERS) === 0 || slab.sizeOf(slot) !== CHUNK_BYTES) return;
    if (fitsSmallSlot(table.ints, base + REGISTERS)) this.moveHead(row, slab.allocateSmall(slab.encoding[slot]));
  }

  /** Moves an open head from a small slot to a full one; false if it is not in a small slot. */
  private widen(row: Row): boolean {
    const { table, slab } = this;
    const base = row << ROW_SHIFT;
    const slot = table.ints[base + HEAD];
    if (slot === NO_SLOT || slab.sizeOf(slot) === CHUNK_BYTES) return false;
    this.moveHead(row, slab.allocate(slab.encoding[slot]));
    return true;
  }

  private moveHead(row: Row, slot: Slot): void {
    const { table, slab } = this;
    const base = row << ROW_SHIFT;
    const replaced = table.ints[base + HEAD];
    moveHead(
      table.ints,
      base + REGISTERS,
      slab.blockOf(replaced),
      slab.offsetOf(replaced),
      slab.blockOf(slot),
      slab.offsetOf(slot),
    );
    this.replaceHead(row, slot);
  }

  /**
   * Moves an open head in a full slot to an earlier slot, if it is at `from` or later and one is free: see
   * {@link Slab.spreadFrom}.
   */
  moveHeadBefore(row: Row, from: Slot): void {
    const { table, slab } = this;
    const slot = table.headSlot(row);
    if (slot < from || !table.headOpen(row) || slab.sizeOf(slot) !== CHUNK_BYTES || !slab.hasRoomBefore(from)) return;
    // What is in the registers does not depend on the slot.
    const moved = slab.allocate(slab.encoding[slot]);
    slab.blockOf(moved).set(slab.bytesOf(slot), slab.offsetOf(moved));
    this.replaceHead(row, moved);
  }

  /** Puts a slot with the head's content in the place of the head. */
  private replaceHead(row: Row, slot: Slot): void {
    const { table, slab } = this;
    const base = row << ROW_SHIFT;
    const replaced = table.ints[base + HEAD];
    table.ints[base + HEAD] = slot;
    if (table.ints[base + OLDEST] === replaced) {
      table.ints[base + OLDEST] = slot;
    } else {
      let before = table.ints[base + OLDEST];
      while (slab.next[before] !== replaced) before = slab.next[before];
      slab.next[before] = slot;
    }
    slab.release(replaced);
  }

  /** Adds a complete or open chunk at the end of the chain. The chain takes over the caller's reference to the slot. */
  link(row: Row, slot: Slot): void {
    const { table, slab } = this;
    const base = row << ROW_SHIFT;
    const head = table.ints[base + HEAD];
    if (head === NO_SLOT) table.ints[base + OLDEST] = slot;
    else slab.next[head] = slot;
    table.ints[base + HEAD] = slot;
    table.chunksUnpersisted[row]++;
  }

  /** Closes an open head: it waits to be persisted from now on. */
  closeHead(row: Row): void {
    if (!this.table.headOpen(row)) return;
    this.widen(row);
    this.store(row);
    this.sealHead(row);
    this.waiting++;
    this.queued++;
    this.touch(row);
  }

  /** Sets a last time that is not that of the head chunk. The last sample of an open head is the row's, so it is closed. */
  adoptLastTime(row: Row, time: number): void {
    this.closeHead(row);
    this.table.adoptLastTime(row, time);
  }

  /**
   * Adopts the chunks of a checkpoint, oldest first, for a series that has none in memory. The newest chunk becomes an
   * open head again, as after every restart. If its newest sample can't be read, the readable samples are rewritten to
   * new chunks and the result is false.
   */
  adopt(row: Row, slots: readonly Slot[]): boolean {
    const last = slots.length - 1;
    if (last < 0) return true;
    const newest = slots[last];
    for (let i = 0; i < last; i++) this.link(row, slots[i]);
    const isSound = this.isReadable(newest);
    if (isSound) {
      this.link(row, newest);
    } else {
      this.rewriteAfter(row, newest, EARLIEST);
      this.slab.release(newest);
    }
    this.waiting += this.table.chunksUnpersisted[row];
    if (this.table.headSlot(row) === NO_SLOT) return isSound;
    this.waiting--;
    this.openHead(row);
    this.readLastSample(row);
    this.load(row);
    this.narrow(row);
    return isSound;
  }

  /**
   * Closes an open head that the original wrote, if samples appended to it would be read wrong (docs/formats/chunks.md,
   * "Limits").
   */
  closeUnfaithfulHead(row: Row): void {
    if (!this.table.headOpen(row)) return;
    this.widen(row);
    this.store(row);
    if (this.isFaithful(this.table.headSlot(row))) this.narrow(row);
    else this.closeHead(row);
  }

  /** False for a damaged head that can't be decoded: it takes no more samples, and reading it reports the damage. */
  private isFaithful(slot: Slot): boolean {
    const { slab } = this;
    try {
      return isFaithfulHead(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot]);
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.code !== 'TIDEMARK_CORRUPT_CHUNK') throw error;
      return false;
    }
  }

  /** The slots that wait to be persisted, oldest first, at most `max`. */
  waitingSlots(row: Row, max = Number.POSITIVE_INFINITY): Slot[] {
    const count = Math.min(max, this.table.chunksWaiting(row));
    const slots: Slot[] = [];
    for (let slot = this.table.oldestSlot(row); slots.length < count; slot = this.slab.next[slot]) slots.push(slot);
    return slots;
  }

  /** All slots of the chain, oldest first. Includes the open head, which is stored to its slot first. */
  allSlots(row: Row): Slot[] {
    this.store(row);
    const slots: Slot[] = [];
    const head = this.table.headSlot(row);
    if (head === NO_SLOT) return slots;
    for (let slot = this.table.oldestSlot(row); ; slot = this.slab.next[slot]) {
      slots.push(slot);
      if (slot === head) break;
    }
    return slots;
  }

  /**
   * Removes the oldest `count` chunks from the chain. The caller takes over their references.
   */
  unlinkOldest(row: Row, count: number): Slot[] {
    const { table, slab } = this;
    const base = row << ROW_SHIFT;
    const slots: Slot[] = [];
    for (let i = 0; i < count; i++) {
      const slot = table.ints[base + OLDEST];
      slots.push(slot);
      if (slot === table.ints[base + HEAD]) {
        table.ints[base + HEAD] = NO_SLOT;
        table.ints[base + OLDEST] = NO_SLOT;
      } else {
        table.ints[base + OLDEST] = slab.next[slot];
      }
      slab.next[slot] = NO_SLOT;
    }
    table.chunksUnpersisted[row] -= count;
    this.waiting -= count;
    return slots;
  }

  /**
   * Drops all samples up to `time`, because the series file has them. A chunk with samples on both sides of `time` is
   * replaced by new chunks with its later samples, so that no sample is read twice and none is lost.
   */
  dropThrough(row: Row, time: number): void {
    const { table, slab } = this;
    const head = table.headSlot(row);
    if (head === NO_SLOT || this.firstTimeOf(table.oldestSlot(row)) > time) return;
    const wasOpen = table.headOpen(row);
    const waitingBefore = table.chunksWaiting(row);
    const slots = this.allSlots(row);
    const base = row << ROW_SHIFT;
    this.sealHead(row);
    table.ints[base + HEAD] = NO_SLOT;
    table.ints[base + OLDEST] = NO_SLOT;
    table.chunksUnpersisted[row] = 0;
    for (const slot of slots) {
      slab.next[slot] = NO_SLOT;
      if (this.lastTimeOf(slot) <= time) {
        slab.release(slot);
      } else if (this.firstTimeOf(slot) > time) {
        this.link(row, slot);
      } else {
        this.rewriteAfter(row, slot, time);
        slab.release(slot);
      }
    }
    if (wasOpen && table.headSlot(row) !== NO_SLOT) {
      this.openHead(row);
      this.load(row);
    }
    this.waiting += table.chunksWaiting(row) - waitingBefore;
    this.touch(row);
  }

  /**
   * Merges the late samples from index `from` on into the chain. The chunks from the first one that they touch are
   * written again. Where the chain has a sample of the same time, that sample stays. No file call of the series may be
   * running, because it reads the chain.
   */
  mergeLate(row: Row, late: SortedSamples, from: number): MergeCounts {
    const { table, slab } = this;
    const slots = this.allSlots(row);
    const touched = slots.findIndex((slot) => this.lastTimeOf(slot) >= late.timestamps[from]);
    const keep = touched < 0 ? Math.max(0, slots.length - 1) : touched;
    const columns = new SampleColumns();
    for (const slot of slots.slice(keep)) this.decodeReadable(slot, -Infinity, columns);
    const { merged, ...counts } = mergeColumns(columns, late, from);
    const wasOpen = table.headOpen(row) || slots.length === 0;
    const waitingBefore = table.chunksWaiting(row);
    this.cutChain(row, slots, keep);
    this.linkSamples(row, merged);
    const isNewest = table.lastTime(row) <= this.lastTimeOf(table.headSlot(row));
    if (isNewest) this.readLastSample(row);
    // The last sample of an open head is the row's.
    if (wasOpen && isNewest) {
      this.openHead(row);
      this.load(row);
    }
    const waitingMore = table.chunksWaiting(row) - waitingBefore;
    this.waiting += waitingMore;
    this.queued += Math.max(0, waitingMore);
    for (const slot of slots.slice(keep)) slab.release(slot);
    this.touch(row);
    return counts;
  }

  /**
   * Removes the samples of a time range from the chain. No file call of the series may be running. The time of the
   * newest sample is the caller's to correct.
   */
  erase(row: Row, span: TimeSpan): void {
    const { from, through } = span;
    const slots = this.allSlots(row);
    const keep = slots.findIndex((slot) => this.lastTimeOf(slot) >= from && this.firstTimeOf(slot) <= through);
    if (keep < 0) return;
    const columns = new SampleColumns();
    for (const slot of slots.slice(keep)) this.decodeReadable(slot, -Infinity, columns);
    const wasOpen = this.table.headOpen(row);
    const waitingBefore = this.table.chunksWaiting(row);
    this.cutChain(row, slots, keep);
    leaveOut(columns, 0, [span]);
    this.linkSamples(row, columns);
    if (wasOpen && this.table.headSlot(row) !== NO_SLOT) {
      this.openHead(row);
      this.load(row);
    }
    this.waiting += this.table.chunksWaiting(row) - waitingBefore;
    for (const slot of slots.slice(keep)) this.slab.release(slot);
    this.touch(row);
  }

  /** Whether the chain has a sample of this time and these bits. */
  has(row: Row, timestamp: number, high: number, low: number): boolean {
    const slot = this.allSlots(row).find((one) => this.lastTimeOf(one) >= timestamp);
    if (slot === undefined || this.firstTimeOf(slot) > timestamp) return false;
    const columns = new SampleColumns();
    this.decodeReadable(slot, timestamp, columns, timestamp);
    return columns.count > 0 && columns.words[HIGH_WORD] === high && columns.words[LOW_WORD] === low;
  }

  /** Takes the slots from index `keep` on out of the chain. The caller takes over their references. */
  private cutChain(row: Row, slots: readonly Slot[], keep: number): void {
    const { table, slab } = this;
    const base = row << ROW_SHIFT;
    this.sealHead(row);
    table.ints[base + HEAD] = keep === 0 ? NO_SLOT : slots[keep - 1];
    if (keep === 0) table.ints[base + OLDEST] = NO_SLOT;
    else slab.next[slots[keep - 1]] = NO_SLOT;
    for (const slot of slots.slice(keep)) slab.next[slot] = NO_SLOT;
    table.chunksUnpersisted[row] = keep;
  }

  /** Adds the samples of a chunk in a time range; of a damaged chunk, those before the damage. */
  private decodeReadable(slot: Slot, from: number, columns: SampleColumns, through = Infinity): void {
    const { slab } = this;
    try {
      decodeStoredRange(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot], from, through, columns);
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }

  /** Links new chunks that hold the samples of `source` after `time`. */
  private rewriteAfter(row: Row, source: Slot, time: number): void {
    const columns = new SampleColumns();
    this.decodeReadable(source, time + 1, columns);
    this.linkSamples(row, columns);
  }

  /** Links new chunks that hold these samples. */
  private linkSamples(row: Row, columns: SampleColumns): void {
    if (columns.count === 0) return;
    const { slab } = this;
    const { first, head } = encodeColumns(this.appender, columns, 0, columns.count);
    for (let slot = first; slot !== NO_SLOT; ) {
      const next = slot === head ? NO_SLOT : slab.next[slot];
      slab.next[slot] = NO_SLOT;
      this.link(row, slot);
      slot = next;
    }
  }

  /** Moves all chunks in memory, and the last sample, to a row that has none. */
  move(from: Row, to: Row): void {
    const { table } = this;
    this.store(from);
    const source = from << ROW_SHIFT;
    const target = to << ROW_SHIFT;
    table.ints[target + HEAD] = table.ints[source + HEAD];
    table.ints[target + OLDEST] = table.ints[source + OLDEST];
    table.ints[target] |= table.ints[source] & (HEAD_OPEN | VALUE_KNOWN);
    table.chunksUnpersisted[to] = table.chunksUnpersisted[from];
    table.setLastTime(to, table.lastTime(from));
    table.ints[target + LAST_HIGH] = table.ints[source + LAST_HIGH];
    table.ints[target + LAST_LOW] = table.ints[source + LAST_LOW];
    table.ints[source] &= ~(HEAD_OPEN | IN_REGISTERS);
    table.ints[source + HEAD] = NO_SLOT;
    table.ints[source + OLDEST] = NO_SLOT;
    table.chunksUnpersisted[from] = 0;
    this.touch(to);
    this.load(to);
  }

  /** Releases all chunks in memory. */
  releaseAll(row: Row): void {
    const waiting = this.table.chunksWaiting(row);
    const slots = this.allSlots(row);
    const base = row << ROW_SHIFT;
    this.sealHead(row);
    this.table.ints[base + HEAD] = NO_SLOT;
    this.table.ints[base + OLDEST] = NO_SLOT;
    this.table.chunksUnpersisted[row] = 0;
    this.waiting -= waiting;
    for (const slot of slots) {
      this.slab.next[slot] = NO_SLOT;
      this.slab.release(slot);
    }
  }

  private openHead(row: Row): void {
    // After a drop of the newest samples, this may be a chunk that was complete.
    this.slab.onContentGone?.(this.table.headSlot(row));
    this.table.setFlag(row, HEAD_OPEN);
    this.openHeads++;
  }

  private sealHead(row: Row): void {
    if (this.table.headOpen(row)) this.openHeads--;
    this.table.clearFlag(row, HEAD_OPEN | IN_REGISTERS);
  }

  /** Marks the series as changed since the last checkpoint. */
  touch(row: Row): void {
    if ((this.table.flags(row) & DIRTY) !== 0) return;
    this.table.setFlag(row, DIRTY);
    this.dirtySeries++;
  }

  /** Marks the series as included in the checkpoint that is being written. */
  clean(row: Row): void {
    if ((this.table.flags(row) & DIRTY) === 0) return;
    this.table.clearFlag(row, DIRTY);
    this.dirtySeries--;
  }

  /** Time of the series' first sample if it is known in memory; EARLIEST if only the file has it. */
  firstTimeOfSeries(row: Row): number {
    const { table } = this;
    const oldest = table.oldestSlot(row);
    if (oldest === NO_SLOT) return table.firstTime[row];
    const inMemory = this.firstTimeOf(oldest);
    // The file may begin later: with chunks whose samples were dropped, until it is rewritten.
    return table.chunksInFile[row] === 0 ? inMemory : Math.min(table.firstTime[row], inMemory);
  }

  firstTimeOf(slot: Slot): number {
    return firstTimeOf(this.slab.blockOf(slot), this.slab.offsetOf(slot), this.slab.encoding[slot]);
  }

  lastTimeOf(slot: Slot): number {
    return lastTimeOf(this.slab.blockOf(slot), this.slab.offsetOf(slot), this.slab.encoding[slot]);
  }

  /** Whether the newest sample of the chunk can be read. A varbit chunk has it in its header. */
  private isReadable(slot: Slot): boolean {
    const { slab } = this;
    try {
      lastValueOf(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot]);
      return true;
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      return false;
    }
  }

  /** Sets the row's last sample to that of its newest chunk in memory. */
  readLastSample(row: Row): void {
    const slot = this.table.headSlot(row);
    const { slab } = this;
    const words = lastValueOf(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot]);
    this.table.setLastTime(row, this.lastTimeOf(slot));
    this.table.setLastValue(row, words.high, words.low);
  }
}
