/**
 * Takes the records of heads.db into the series table: the snapshot that replay, or the original's crash recovery,
 * builds on. Nothing is checked against the series files here.
 */
import type { HeadsRecord } from '../disk/heads.ts';
import type { MemoryChunks } from '../series/memory-chunks.ts';
import type { Row, SeriesTable } from '../series/table.ts';

/**
 * Adds the series of one record. The record's slots become the series' chunks; the newest one is open again. `isSound` is
 * false when the newest chunk could not be read to its end, and only what can be read of it was taken.
 */
export const adoptRecord = (
  table: SeriesTable,
  chunks: MemoryChunks,
  record: HeadsRecord,
): { row: Row; isSound: boolean } => {
  const row = table.add(record.high, record.low, record.pairs);
  table.firstTime[row] = record.savedFirstTime;
  table.mtimeNs[row] = record.mtimeNs;
  // Version 1 may say -1: there is a file, and how many chunks it has is unknown.
  table.chunksInFile[row] = record.chunkDescsOffset < 0 ? -1 : record.chunkDescsOffset + record.watermark;
  const times = record.descriptorTimes;
  if (times.length > 0) {
    table.lastChunkFirstTime[row] = times[times.length - 2];
    table.lastChunkLastTime[row] = times[times.length - 1];
    table.setLastTime(row, times[times.length - 1]);
  }
  return { row, isSound: chunks.adopt(row, record.slots) };
};

/** Whether the record says nothing about where its series' samples are (formats.md 16.13). */
export const isEmptyRecord = (record: HeadsRecord): boolean =>
  record.slots.length === 0 && record.descriptorTimes.length === 0;
