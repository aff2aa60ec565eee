/**
 * The memory of merges, about 1.2 MiB: a slab of its own for chunks that are encoded, and columns for samples that are
 * decoded. A series-file worker has none until the first merge.
 */
import { SampleColumns } from '../../chunk/chunk.ts';
import { Slab } from '../../chunk/slab.ts';
import { BATCH_RECORDS, RECORD_BYTES } from './series-record.ts';

/** Memory that a merge has grown beyond this size is not kept for the next one. */
const KEPT_BYTES_MAX = 4 << 20;
const BYTES_PER_SAMPLE = 16;

export class MergeMemory {
  readonly slab = new Slab();
  /** The samples of the piece that is merged. */
  columns = new SampleColumns(4096);
  /** The samples of two chunks that are divided evenly. */
  readonly divided = new SampleColumns(4096);
  /** Records to be written. */
  readonly batch = Buffer.alloc(BATCH_RECORDS * RECORD_BYTES);

  get isLarge(): boolean {
    const samples = this.columns.timestamps.length + this.divided.timestamps.length;
    return this.slab.bytes + samples * BYTES_PER_SAMPLE > KEPT_BYTES_MAX;
  }
}
