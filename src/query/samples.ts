/**
 * Collects the samples of one series, oldest first, bit for bit, into arrays that belong to the caller.
 */
import { SampleColumns } from '../chunk/chunk.ts';
import { decodeStoredRange } from '../chunk/decode.ts';
import type { Slab, Slot } from '../chunk/slab.ts';

/** Samples in the order of time: times in milliseconds since the epoch, and values. */
export interface ReadSamples {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  /** Parts that could not be read; absent if nothing is missing. */
  readonly problems?: readonly string[];
}

const CAPACITY = 1024;
/** Columns that a long series has grown beyond this size are not kept for the next series. */
const CAPACITY_KEPT_MAX = 1 << 16;

export class SampleCollector {
  private columns = new SampleColumns(CAPACITY);
  private readonly slab: Slab;
  private from = 0;
  private through = 0;
  /** Whether each sample is later than the one before it. */
  private isInOrder = true;

  constructor(slab: Slab) {
    this.slab = slab;
  }

  /** Number of samples of the series so far. */
  get count(): number {
    return this.columns.count;
  }

  /** Begins a series. Only samples in [from, through] are collected. */
  begin(from: number, through: number): void {
    this.columns.count = 0;
    this.isInOrder = true;
    this.from = from;
    this.through = through;
  }

  /**
   * Adds a chunk's samples. If the chunk is damaged, adds the readable samples, then throws `TIDEMARK_CORRUPT_CHUNK`.
   * Chunks may overlap: after a crash the original can store a sample twice, or take samples that are older than those
   * in the file.
   */
  add(slot: Slot): void {
    const { slab, columns, from, through } = this;
    const before = columns.count;
    try {
      decodeStoredRange(slab.blockOf(slot), slab.offsetOf(slot), slab.encoding[slot], from, through, columns);
    } finally {
      const { timestamps } = columns;
      if (before > 0 && columns.count > before && timestamps[before] <= timestamps[before - 1]) this.isInOrder = false;
    }
  }

  /** The collected samples. `slice` copies bytes, so a signalling NaN keeps its bits. */
  take(): ReadSamples {
    if (!this.isInOrder) this.columns = sorted(this.columns);
    const { count, timestamps, values } = this.columns;
    if (timestamps.length > CAPACITY_KEPT_MAX) this.columns = new SampleColumns(CAPACITY);
    return { timestamps: timestamps.slice(0, count), values: values.slice(0, count) };
  }
}

/** Sorts by time. Of several samples with the same time, only the first is kept. */
const sorted = ({ count, timestamps, words }: SampleColumns): SampleColumns => {
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  order.sort((a, b) => timestamps[a] - timestamps[b] || a - b);
  const columns = new SampleColumns(count);
  let kept = 0;
  for (const i of order) {
    if (kept > 0 && timestamps[i] === columns.timestamps[kept - 1]) continue;
    columns.timestamps[kept] = timestamps[i];
    columns.words[2 * kept] = words[2 * i];
    columns.words[2 * kept + 1] = words[2 * i + 1];
    kept++;
  }
  columns.count = kept;
  return columns;
};
