/**
 * The batches of a LevelDB log. Each record begins with the sequence number of its first operation and the number of
 * operations.
 */
import { readLogRecords } from './log-records.ts';

const HEADER_BYTES = 12;

export interface Batches {
  /** Number of batches that can be read. */
  readonly count: number;
  /** Sequence number of the last operation; 0 when there is no batch. */
  readonly lastSequence: number;
  /** Sequence number of the first operation; 0 when there is no batch. */
  readonly firstSequence: number;
  /** Whether a batch is missing between others. */
  readonly hasHole: boolean;
}

export const readBatches = (bytes: Uint8Array): Batches => {
  const { records, hasHole } = readLogRecords(bytes);
  let firstSequence = 0;
  let lastSequence = 0;
  let count = 0;
  let isContinuous = true;
  for (const record of records) {
    if (record.length < HEADER_BYTES) continue;
    const view = new DataView(record.buffer, record.byteOffset, record.length);
    const sequence = Number(view.getBigUint64(0, true));
    if (count === 0) firstSequence = sequence;
    else if (sequence !== lastSequence + 1) isContinuous = false;
    lastSequence = sequence + view.getUint32(8, true) - 1;
    count++;
  }
  return { count, firstSequence, lastSequence, hasHole: hasHole || !isContinuous };
};
