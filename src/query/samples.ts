/**
 * Collects the samples of one series, oldest first, bit for bit, into arrays that belong to the caller.
 */
import { SampleColumns } from '../chunk/chunk.ts';
import { decodeStoredRange } from '../chunk/decode.ts';
import type { Slab, Slot } from '../chunk/slab.ts';

/** Samples in the order of time: milliseconds since the epoch, and values. */
export interface ReadSamples {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  /** What could not be read; absent when nothing is missing. */
  readonly problems?: readonly string[];
}

const CAPACITY = 1024;
/** Columns that a long series has made larger than this are not kept for the next one. */
const CAPACITY_KEPT_MAX = 1 << 16;

export class SampleCollector {
  private columns = new SampleColumns(CAPACITY);
  private readonly slab: Slab;
  private from = 0;
  private through = 0;
  /** Each sample is later than the one before it. */
  private isInOrder = true;

  constructor(slab: Slab) {
    this.slab = slab;
  }

  /** Samples of the series so far. */
  get count(): number {
    return this.columns.count;
  }

  /** Begins a series; only samples in [from, through] are taken. */
  begin(from: number, through: number): void {
    this.columns.count = 0;
    this.isInOrder = true;
    this.from = from;
    this.through = through;
  }

  /**
   * Adds a chunk's samples. Throws `TIDEMARK_CORRUPT_CHUNK` after it has taken the readable ones. Chunks may overlap: after a
   * crash the original can store a sample twice, or take samples older than what is in the file.
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

  /** What was collected. `slice` copies bytes as they are: no signalling NaN is quieted. */
  take(): ReadSamples {
    if (!this.isInOrder) this.columns = sorted(this.columns);
    const { count, timestamps, values } = this.columns;
    if (timestamps.length > CAPACITY_KEPT_MAX) this.columns = new SampleColumns(CAPACITY);
    return { timestamps: timestamps.slice(0, count), values: values.slice(0, count) };
  }
}

/** In the order of time, of each time the sample that was there first. */
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
