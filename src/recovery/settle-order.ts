/**
 * Reads the headers of all series files after the original has had the directory and closed it cleanly. Chunks may
 * overlap each other or those of heads.db, because the original accepts older samples after its own recovery. Such
 * series are merged, because the rest of the store relies on chunks in order.
 */

import { type ChunkDescriptors, firstUnsoundChunk } from '../disk/series-files/series-file-reader.ts';
import type { SeriesFileWorker } from '../disk/series-files/series-file-worker.ts';
import type { ArchiveDirectory } from '../indexes/archive-directory.ts';
import type { Indexer } from '../indexes/indexer.ts';
import type { Clock } from '../ports/clock.ts';
import { EARLIEST, NO_ROW, type Row } from '../series/table.ts';
import { type MergeParts, mergeSeries } from './merge-series.ts';

/** Series files whose headers are read with one message to the worker. */
const FILES_PER_BATCH = 128;

export interface SettleParts extends MergeParts {
  readonly files: SeriesFileWorker;
  readonly archived: ArchiveDirectory;
  readonly indexer: Pick<Indexer, 'enqueue' | 'queued' | 'capacity' | 'flush'>;
  readonly clock: Clock;
  readonly onProgress: (done: number, total: number) => void;
}

interface Place {
  readonly high: number;
  readonly low: number;
  readonly row: Row;
}

/** Whether a chunk of the file begins before the end of the chunk before it, or at the same time. */
export const overlaps = ({ firstTimes, lastTimes }: Pick<ChunkDescriptors, 'firstTimes' | 'lastTimes'>): boolean => {
  for (let i = 1; i < firstTimes.length; i++) if (firstTimes[i] <= lastTimes[i - 1]) return true;
  return false;
};

/** Returns how many series were merged. */
export const settleOrder = async (parts: SettleParts): Promise<number> => {
  const places = placesOf(parts);
  let merged = 0;
  for (let start = 0; start < places.length; start += FILES_PER_BATCH) {
    const batch = places.slice(start, start + FILES_PER_BATCH);
    const outcomes = await parts.files.run(
      batch.map(({ high, low }) => ({ kind: 'descriptors', high, low, skipFromEnd: 0 }) as const),
    );
    for (const [i, place] of batch.entries()) {
      const outcome = outcomes[i];
      // A file that can't be read, or has a wrong header, is damaged. The damage is reported when the series is read.
      if (!outcome.ok || outcome.value.encodings.length === 0 || firstUnsoundChunk(outcome.value) >= 0) continue;
      if (settle(parts, place, outcome.value)) merged++;
    }
    if (parts.indexer.queued >= parts.indexer.capacity) await parts.indexer.flush();
    parts.onProgress(Math.min(start + FILES_PER_BATCH, places.length), places.length);
    await parts.clock.breathe();
  }
  return merged;
};

const placesOf = ({ table, archived }: SettleParts): Place[] => {
  const places: Place[] = [];
  for (const row of table.rows()) {
    if (table.chunksInFile[row] !== 0) places.push({ high: table.high[row], low: table.low[row], row });
  }
  for (let slot = archived.nextSlot(0); slot >= 0; slot = archived.nextSlot(slot + 1)) {
    places.push({ high: archived.highAt(slot), low: archived.lowAt(slot), row: NO_ROW });
  }
  return places;
};

const settle = (parts: SettleParts, place: Place, times: ChunkDescriptors): boolean => {
  const { table, chunks, archived, indexer } = parts;
  const { high, low, row } = place;
  const lastTime = times.lastTimes[times.lastTimes.length - 1];
  if (row === NO_ROW) {
    const isMerged = overlaps(times);
    const found = isMerged ? mergeSeries(parts, place) : { firstTime: times.firstTimes[0], lastTime };
    if (found === undefined || (!isMerged && lastTime <= archived.lastTimeOf(high, low))) return false;
    archived.add(high, low, found.firstTime, found.lastTime);
    indexer.enqueue({ type: 'updateTimeRange', high, low, firstTime: found.firstTime, lastTime: found.lastTime });
    return isMerged;
  }
  const hasMemory = table.chunksUnpersisted[row] > 0;
  const memoryOverlaps = hasMemory && chunks.firstTimeOf(table.oldestSlot(row)) <= lastTime;
  if (overlaps(times) || memoryOverlaps) return mergeSeries(parts, place) !== undefined;
  if (!hasMemory && table.lastTime(row) < lastTime) table.adoptLastTime(row, lastTime);
  if (table.lastChunkLastTime[row] === EARLIEST) table.lastChunkLastTime[row] = lastTime;
  return false;
};
