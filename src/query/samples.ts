/**
 * Collects the samples of one series, oldest first, bit for bit.
 */
import { SampleColumns } from '../chunk/chunk.ts';
import { decodeStoredRange } from '../chunk/decode.ts';
import type { Slab, Slot } from '../chunk/slab.ts';
import { sortedByTime } from '../chunk/sort-columns.ts';
import { isDamage } from '../model/errors.ts';
import { firstAtOrAfter } from '../model/search-times.ts';
import type { DecodedChunks } from '../series/decoded-chunks.ts';
import { leaveOut, type TimeSpan } from '../series/erased-ranges.ts';

/** Samples in the order of time: times in milliseconds since the epoch, and values. */
export interface ReadSamples {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  /** Parts that could not be read; absent if nothing is missing. */
  readonly problems?: readonly string[];
}

/** The samples from a time on. The slices are copies, as the columns of an answer always are. */
export const withoutOlder = (samples: ReadSamples, from: number): ReadSamples => {
  const { timestamps, values } = samples;
  const first = firstAtOrAfter(timestamps, from, 0, timestamps.length);
  return first === 0 ? samples : { ...samples, timestamps: timestamps.slice(first), values: values.slice(first) };
};

/** Columns grow, so that many collectors of short series stay small. */
const CAPACITY = 64;
/** Columns that a long series has grown beyond this size are not kept for the next one. */
const CAPACITY_KEPT_MAX = 1 << 16;

export class SampleCollector {
  private columns = new SampleColumns(CAPACITY);
  private readonly slab: Slab;
  private readonly decoded: DecodedChunks;
  private from = 0;
  private through = 0;
  /** Whether each sample is later than the one before it. */
  private isInOrder = true;

  constructor({ slab, decoded }: { readonly slab: Slab; readonly decoded: DecodedChunks }) {
    this.slab = slab;
    this.decoded = decoded;
  }

  /** Samples for which there is room. */
  get capacity(): number {
    return this.columns.timestamps.length;
  }

  /** Number of samples of the series so far. */
  get count(): number {
    return this.columns.count;
  }

  /** Begins a series. Only samples in [from, through] are collected. */
  begin(from: number, through: number): void {
    if (this.columns.timestamps.length > CAPACITY_KEPT_MAX) this.columns = new SampleColumns(CAPACITY);
    this.columns.count = 0;
    this.isInOrder = true;
    this.from = from;
    this.through = through;
  }

  /**
   * Adds a chunk's samples. If the chunk is damaged, adds the readable samples, then throws `TIDEMARK_CORRUPT_CHUNK`.
   * Chunks may overlap: after a crash the original can store a sample twice, or take samples that are older than those
   * in the file. Samples in the erased ranges are left out. An open head (`isOpen`) still takes samples.
   */
  add(slot: Slot, erased: readonly TimeSpan[] = [], isOpen = false): void {
    const { columns } = this;
    const before = columns.count;
    try {
      this.decode(slot, isOpen);
    } finally {
      if (erased.length > 0) {
        columns.cutRegular(before);
        leaveOut(columns, before, erased);
      }
      const { timestamps } = columns;
      if (before > 0 && columns.count > before && timestamps[before] <= timestamps[before - 1]) this.isInOrder = false;
    }
  }

  private decode(slot: Slot, isOpen: boolean): void {
    const { decoded, columns, from, through } = this;
    if (!isOpen && decoded.addTo(columns, slot, from, through)) return;
    if (!isOpen && decoded.noteDecoding(slot) && this.decodeAndKeep(slot)) return;
    this.decodeRange(slot, from, through);
  }

  /** Decodes the whole chunk, keeps it, and adds its samples. False, and nothing is added, if it can't be kept. */
  private decodeAndKeep(slot: Slot): boolean {
    const { decoded, columns, from, through } = this;
    const before = columns.count;
    try {
      this.decodeRange(slot, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    } catch (error) {
      if (!isDamage(error)) throw error;
      columns.count = before;
      return false;
    }
    decoded.keep(slot, columns, before);
    columns.count = before;
    return decoded.addTo(columns, slot, from, through);
  }

  private decodeRange(slot: Slot, from: number, through: number): void {
    const { slab, columns } = this;
    columns.cutRegular(columns.count);
    decodeStoredRange(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot], from, through, columns);
  }

  /** The collected samples, for the caller to keep. `slice` copies bytes, so a signalling NaN keeps its bits. */
  take(): ReadSamples {
    const { timestamps, values } = this.view();
    return { timestamps: timestamps.slice(), values: values.slice() };
  }

  /** The collected samples, valid until the next series begins. */
  view(): ReadSamples {
    if (!this.isInOrder) this.columns = sortedByTime(this.columns);
    const { count, timestamps, values } = this.columns;
    return { timestamps: timestamps.subarray(0, count), values: values.subarray(0, count) };
  }
}
