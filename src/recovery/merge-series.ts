/**
 * Merges the samples of a series that are not in order: chunks of its file overlap each other or chunks in memory, or
 * the journal has samples between them. The original makes such files when it accepts older samples after its own
 * recovery (docs/recovery.md).
 *
 * All samples are collected, sorted by time, and written as one file that replaces the old one atomically. Memory keeps
 * none of them. If two samples have the same time, the first one is kept: those of the file come first, in their order,
 * then those of memory, then others. Merging again gives the same file, so a crash in between does no harm.
 */

import { ChunkAppender } from '../chunk/append.ts';
import { type Encoding, SampleColumns } from '../chunk/chunk.ts';
import { decodeStored } from '../chunk/decode.ts';
import { NO_SLOT, type Slab, type Slot } from '../chunk/slab.ts';
import type { SeriesFiles } from '../disk/series-files/series-file.ts';
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { isDamage } from '../model/errors.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import { EARLIEST, FILE_UNSYNCED, NO_ROW, type Row, type SeriesTable } from '../series/table.ts';

/** Most chunks of a file that are in memory at the same time while it is read. */
const CHUNKS_PER_READ = 62;

export interface MergeParts {
  readonly table: SeriesTable;
  readonly slab: Slab;
  readonly chunks: MemoryChunks;
  /** Used on this thread, without the worker: nothing else runs during recovery. */
  readonly seriesFiles: SeriesFiles;
  readonly options: { readonly encoding: Encoding };
}

/** A series file after the merge. */
export interface MergedFile {
  readonly chunks: number;
  readonly firstTime: number;
  readonly lastTime: number;
  /** Number of samples in the file. */
  readonly samples: number;
}

/** Samples of a series in any order. */
export class SampleBag {
  readonly columns = new SampleColumns(16);

  add(timestamp: number, high: number, low: number): void {
    const { columns } = this;
    columns.reserve(1);
    const at = columns.count++;
    columns.timestamps[at] = timestamp;
    columns.words[2 * at + HIGH_WORD] = high;
    columns.words[2 * at + LOW_WORD] = low;
  }

  /** Adds the samples of a chunk. Throws `TIDEMARK_CORRUPT_CHUNK`. */
  addChunk(slab: Slab, slot: Slot): void {
    decodeStored(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot], this.columns);
  }

  addAll({ columns: other }: SampleBag): void {
    for (let i = 0; i < other.count; i++) {
      this.add(other.timestamps[i], other.words[2 * i + HIGH_WORD], other.words[2 * i + LOW_WORD]);
    }
  }

  /** Indexes of the samples in order of time. Of samples with the same time, only the first one added. */
  inOrder(): Uint32Array {
    const { count, timestamps } = this.columns;
    const order = new Uint32Array(count);
    for (let i = 0; i < count; i++) order[i] = i;
    order.sort((a, b) => timestamps[a] - timestamps[b] || a - b);
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (kept > 0 && timestamps[order[i]] === timestamps[order[kept - 1]]) continue;
      order[kept++] = order[i];
    }
    return order.subarray(0, kept);
  }

  /** Times of the samples, in order. */
  sortedTimes(): Float64Array {
    return this.columns.timestamps.slice(0, this.columns.count).sort();
  }
}

/** What is known of the times of a series. */
export interface KnownTimes {
  /** In order. */
  readonly times: Float64Array;
  /** A chunk that may have more of them can't be read. */
  readonly isIncomplete: boolean;
}

/** Returns those of the times, which are given in order, that samples in the series file have. */
export const timesInFile = (
  parts: MergeParts,
  { high, low }: { readonly high: number; readonly low: number },
  times: Float64Array,
): KnownTimes => {
  const { seriesFiles, slab } = parts;
  const isFound = new Uint8Array(times.length);
  const slot = slab.allocate(0);
  let isIncomplete = false;
  try {
    const { firstTimes, lastTimes } = seriesFiles.loadDescriptors(high, low, 0, true);
    for (let chunk = 0; chunk < firstTimes.length; chunk++) {
      let at = lowerBound(times, firstTimes[chunk]);
      if (at === times.length || times[at] > lastTimes[chunk]) continue;
      const inChunk = timesUnlessDamaged(() => {
        slab.encoding[slot] = seriesFiles.load(high, low, chunk, [slot])[0];
        return timesOfSlot(slab, slot);
      });
      isIncomplete ||= inChunk === undefined;
      for (const time of inChunk ?? []) {
        while (at < times.length && times[at] < time) at++;
        for (let equal = at; equal < times.length && times[equal] === time; equal++) isFound[equal] = 1;
      }
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    isIncomplete = true;
  } finally {
    slab.release(slot);
  }
  return { times: times.filter((_, i) => isFound[i] === 1), isIncomplete };
};

/** The times of the samples that a series has in memory. */
export const timesInMemory = ({ chunks, slab }: MergeParts, row: Row): KnownTimes => {
  const bag = new SampleBag();
  let isIncomplete = false;
  for (const slot of chunks.allSlots(row)) {
    const times = timesUnlessDamaged(() => timesOfSlot(slab, slot));
    isIncomplete ||= times === undefined;
    for (const time of times ?? []) bag.add(time, 0, 0);
  }
  return { times: bag.sortedTimes(), isIncomplete };
};

const timesOfSlot = (slab: Slab, slot: Slot): Float64Array => {
  const bag = new SampleBag();
  bag.addChunk(slab, slot);
  return bag.sortedTimes();
};

const timesUnlessDamaged = (read: () => Float64Array): Float64Array | undefined => {
  try {
    return read();
  } catch (error) {
    if (!isDamage(error)) throw error;
    return undefined;
  }
};

/** Index of the first time that is not before the given one. */
const lowerBound = (times: Float64Array, time: number): number => {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** All samples of a series file, in the order of its chunks. Throws `TIDEMARK_CORRUPT_…` when a chunk can't be read. */
const samplesOfFile = ({ seriesFiles, slab }: MergeParts, high: number, low: number): SampleBag => {
  const bag = new SampleBag();
  const chunkCount = seriesFiles.stat(high, low)?.chunks ?? 0;
  for (let first = 0; first < chunkCount; first += CHUNKS_PER_READ) {
    const length = Math.min(CHUNKS_PER_READ, chunkCount - first);
    const slots = Array.from({ length }, () => slab.allocate(0));
    try {
      const encodings = seriesFiles.load(high, low, first, slots);
      for (const [i, slot] of slots.entries()) {
        slab.encoding[slot] = encodings[i];
        bag.addChunk(slab, slot);
      }
    } finally {
      for (const slot of slots) slab.release(slot);
    }
  }
  return bag;
};

/** The samples that a series has in memory. */
const samplesOfMemory = ({ chunks, slab }: MergeParts, row: Row): SampleBag => {
  const bag = new SampleBag();
  for (const slot of chunks.allSlots(row)) bag.addChunk(slab, slot);
  return bag;
};

/**
 * Merges the series' file, its chunks in memory if it has a row, and `others`. `undefined` when a chunk can't be read:
 * then nothing is changed, and the damage is reported when the series is read.
 */
export const mergeSeries = (
  parts: MergeParts,
  { high, low, row }: { readonly high: number; readonly low: number; readonly row: Row },
  others?: SampleBag,
): MergedFile | undefined => {
  const bag = collect(parts, high, low, row, others);
  if (bag === undefined) return undefined;
  const order = bag.inOrder();
  const { slab, seriesFiles } = parts;
  const slots: Slot[] = [];
  try {
    encode(parts, bag, order, slots);
    const encodings = Uint8Array.from(slots, (slot) => slab.encoding[slot]);
    const { mtimeNs } = seriesFiles.replace(high, low, slots, encodings);
    const { timestamps } = bag.columns;
    const merged = {
      chunks: slots.length,
      firstTime: timestamps[order[0]],
      lastTime: timestamps[order[order.length - 1]],
      samples: order.length,
    };
    if (row !== NO_ROW) settleRow(parts, row, merged, mtimeNs, slots);
    return merged;
  } finally {
    for (const slot of slots) slab.release(slot);
  }
};

const collect = (
  parts: MergeParts,
  high: number,
  low: number,
  row: Row,
  others: SampleBag | undefined,
): SampleBag | undefined => {
  try {
    const bag = samplesOfFile(parts, high, low);
    if (row !== NO_ROW) bag.addAll(samplesOfMemory(parts, row));
    if (others !== undefined) bag.addAll(others);
    return bag.columns.count === 0 ? undefined : bag;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return undefined;
  }
};

/** Encodes the samples in chunks, and adds the slot of each chunk to `slots` when the chunk is begun. */
const encode = ({ slab, options }: MergeParts, { columns }: SampleBag, order: Uint32Array, slots: Slot[]): void => {
  const appender = new ChunkAppender(slab, { defaultEncoding: options.encoding });
  const { timestamps, words } = columns;
  let head: Slot = NO_SLOT;
  for (const i of order) {
    const high = words[2 * i + HIGH_WORD];
    const low = words[2 * i + LOW_WORD];
    const before = head;
    head =
      before === NO_SLOT ? appender.start(timestamps[i], high, low) : appender.append(before, timestamps[i], high, low);
    if (head === before) continue;
    // An append may begin more than one chunk.
    let slot = before === NO_SLOT ? head : slab.next[before];
    if (before !== NO_SLOT) slab.next[before] = NO_SLOT;
    for (;;) {
      slots.push(slot);
      if (slot === head) break;
      const next = slab.next[slot];
      slab.next[slot] = NO_SLOT;
      slot = next;
    }
  }
};

const settleRow = (
  { table, chunks }: MergeParts,
  row: Row,
  merged: MergedFile,
  mtimeNs: bigint,
  slots: readonly Slot[],
): void => {
  chunks.releaseAll(row);
  table.chunksInFile[row] = merged.chunks;
  table.mtimeNs[row] = mtimeNs;
  table.firstTime[row] = merged.firstTime;
  table.keptUntil[row] = EARLIEST;
  table.lastChunkFirstTime[row] = chunks.firstTimeOf(slots[slots.length - 1]);
  table.lastChunkLastTime[row] = merged.lastTime;
  table.adoptLastTime(row, merged.lastTime);
  table.setFlag(row, FILE_UNSYNCED);
  chunks.touch(row);
};
