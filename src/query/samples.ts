/**
 * Collects the samples of one series, oldest first, bit for bit, into arrays that belong to the caller.
 */
import { SampleColumns } from '../chunk/chunk.ts';
import { decodeChunkRange } from '../chunk/decode.ts';
import type { SlabView, Slot } from '../chunk/slab.ts';

export class SampleCollector {
  private readonly columns = new SampleColumns(1024);
  private readonly slab: SlabView;
  private readonly encodingOf: (slot: Slot) => number;
  private from = 0;
  private through = 0;

  constructor(slab: SlabView, encodingOf: (slot: Slot) => number) {
    this.slab = slab;
    this.encodingOf = encodingOf;
  }

  /** Begins a series; only samples in [from, through] are taken. */
  begin(from: number, through: number): void {
    this.columns.count = 0;
    this.from = from;
    this.through = through;
  }

  get count(): number {
    return this.columns.count;
  }

  /** Adds a chunk's samples. Throws `TIDEMARK_CORRUPT_CHUNK` after it has taken the readable ones. */
  add(slot: Slot): void {
    const { slab, columns } = this;
    decodeChunkRange(slab.blockOf(slot), slab.offsetOf(slot), this.encodingOf(slot), this.from, this.through, columns);
  }

  /** What was collected. The bits of the values are copied as integers: no signalling NaN is quieted. */
  take(): { timestamps: Float64Array; values: Float64Array } {
    const { columns } = this;
    const timestamps = columns.timestamps.slice(0, columns.count);
    const words = columns.words.slice(0, columns.count * 2);
    return { timestamps, values: new Float64Array(words.buffer) };
  }
}
