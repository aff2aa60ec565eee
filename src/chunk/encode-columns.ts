/** Encodes columns of samples into chunks: the way of samples that are merged, which do not come one by one. */
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import type { ChunkAppender } from './append.ts';
import type { Slot } from './slab.ts';

/** Samples in the order of time; `words` holds two 32-bit words a value in the machine's order, as SampleColumns. */
export interface Columns {
  readonly timestamps: Float64Array;
  readonly words: Int32Array;
}

/** Chunks that are linked through `slab.next`, oldest first. */
export interface SlotChain {
  readonly first: Slot;
  /** The newest chunk, which can take more samples. */
  readonly head: Slot;
}

/** Encodes the samples from index `from` to before `end`, at least one, into new chunks. */
export const encodeColumns = (appender: ChunkAppender, columns: Columns, from: number, end: number): SlotChain => {
  const { timestamps, words } = columns;
  const first = appender.start(timestamps[from], words[2 * from + HIGH_WORD], words[2 * from + LOW_WORD]);
  return { first, head: appendColumns(appender, first, columns, from + 1, end) };
};

/** Appends the samples from index `from` to before `end` to the open chunk `head`; returns the head afterwards. */
export const appendColumns = (
  appender: ChunkAppender,
  head: Slot,
  { timestamps, words }: Columns,
  from: number,
  end: number,
): Slot => {
  for (let i = from; i < end; i++) {
    head = appender.append(head, timestamps[i], words[2 * i + HIGH_WORD], words[2 * i + LOW_WORD]);
  }
  return head;
};
