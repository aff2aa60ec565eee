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

  /**
   * Adds a chunk's samples, without those that are not later than what is there: after a crash the original can store a
   * sample twice. Throws `TIDEMARK_CORRUPT_CHUNK` after it has taken the readable ones.
   */
  add(slot: Slot): void {
    const { slab, columns, from, through } = this;
    const before = columns.count;
    try {
      decodeChunkRange(slab.blockOf(slot), slab.offsetOf(slot), this.encodingOf(slot), from, through, columns);
    } finally {
      const { timestamps } = columns;
      if (before > 0 && columns.count > before && timestamps[before] <= timestamps[before - 1]) this.dropKnown(before);
    }
  }

  private dropKnown(before: number): void {
    const { columns } = this;
    const { timestamps, words } = columns;
    let kept = before;
    for (let i = before; i < columns.count; i++) {
      if (timestamps[i] <= timestamps[kept - 1]) continue;
      timestamps[kept] = timestamps[i];
      words[2 * kept] = words[2 * i];
      words[2 * kept + 1] = words[2 * i + 1];
      kept++;
    }
    columns.count = kept;
  }

  /** What was collected. The bits of the values are copied as integers: no signalling NaN is quieted. */
  take(): { timestamps: Float64Array; values: Float64Array } {
    const { columns } = this;
    const timestamps = columns.timestamps.slice(0, columns.count);
    const words = columns.words.slice(0, columns.count * 2);
    return { timestamps, values: new Float64Array(words.buffer) };
  }
}
