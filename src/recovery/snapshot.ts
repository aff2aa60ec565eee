/**
 * Loads the records of heads.db into the series table. This is the snapshot on which replay, or the crash recovery,
 * builds. Nothing is compared with the series files here.
 */
import type { HeadsRecord } from '../disk/heads/heads.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import type { Row, SeriesTable } from '../series/table.ts';

/**
 * Adds the series of one record. The record's slots become the series' chunks; the newest one becomes the head chunk.
 * `isSound` is false when the newest chunk could not be read to its end: then only its readable samples were loaded.
 */
export const adoptRecord = (
  table: SeriesTable,
  chunks: MemoryChunks,
  record: HeadsRecord,
): { row: Row; isSound: boolean } => {
  const row = table.add(record.high, record.low, record.pairs);
  table.firstTime[row] = record.savedFirstTime;
  table.mtimeNs[row] = record.mtimeNs;
  // Version 1 of heads.db may have -1 here: there is a file, but the number of its chunks is unknown.
  table.chunksInFile[row] = record.chunkDescsOffset < 0 ? -1 : record.chunkDescsOffset + record.watermark;
  const times = record.descriptorTimes;
  if (times.length > 0) {
    table.lastChunkFirstTime[row] = times[times.length - 2];
    table.lastChunkLastTime[row] = times[times.length - 1];
    table.setLastTime(row, times[times.length - 1]);
  }
  return { row, isSound: chunks.adopt(row, record.slots) };
};

/**
 * Whether the record has no chunks and describes none, so it does not say where its series' samples are
 * (docs/formats/heads.md). The original panics on such a record.
 */
export const isEmptyRecord = (record: HeadsRecord): boolean =>
  record.slots.length === 0 && record.descriptorTimes.length === 0;
