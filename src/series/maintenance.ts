/**
 * One visit of the maintenance sweep: what the row says of its series, as the facts that the statechart decides on.
 */
import { needsVisit, type VisitFacts } from '../../machines/series.machine.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import type { ChunkCache } from './chunk-cache.ts';
import type { MemoryChunks } from './memory-chunks.ts';
import { EARLIEST, FILE_SYNCING, FILE_UNSYNCED, type Row, type SeriesTable } from './table.ts';

export interface FactSources {
  readonly table: SeriesTable;
  readonly chunks: MemoryChunks;
  readonly cache: ChunkCache;
  readonly headChunkTimeoutMs: number;
  /** Samples before this time are past retention; -Infinity keeps everything. */
  readonly beforeTime: () => number;
  /** Wall time that retention and archiving may trust, milliseconds since the epoch. */
  readonly now: () => number;
}

/** What the row says now. */
export const factsOf = (parts: FactSources, row: Row): VisitFacts => {
  const { table, chunks, cache } = parts;
  const idle = parts.now() - table.lastTime(row) > parts.headChunkTimeoutMs;
  const headOpen = table.headOpen(row);
  const inFile = table.chunksInFile[row] !== 0;
  const beforeTime = parts.beforeTime();
  const firstTime = inFile ? table.firstTime[row] : chunks.firstTimeOfSeries(row);
  return {
    empty: !inFile && table.chunksUnpersisted[row] === 0,
    headOpen,
    headIdle: headOpen && idle,
    chunksWaiting: table.chunksWaiting(row),
    // An unknown first time counts as old: looking at the file makes it known, and until when nothing of it can go.
    droppable: inFile
      ? beforeTime > EARLIEST && firstTime < beforeTime && table.keptUntil[row] < beforeTime
      : table.chunksWaiting(row) > 0 && firstTime < beforeTime,
    // A file that was not synced yet must not be all there is: the next checkpoint syncs it.
    idle: idle && (table.flags(row) & (FILE_UNSYNCED | FILE_SYNCING)) === 0,
    forgettable: idle && cache.has(fingerprintText(table.high[row], table.low[row])),
  };
};

/** The facts of a visit that would change something, or `undefined`: most visits find a series at rest. */
export const visitFacts = (parts: FactSources, row: Row): VisitFacts | undefined => {
  const facts = factsOf(parts, row);
  return needsVisit(facts) ? facts : undefined;
};
