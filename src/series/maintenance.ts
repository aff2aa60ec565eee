/**
 * One visit of the maintenance sweep: collects the facts about a series on which the statechart decides.
 */
import { needsVisit, type VisitFacts } from '../../machines/series.machine.ts';
import { fingerprintText } from '../model/fingerprint.ts';
import type { ChunkCache } from './chunk-cache.ts';
import type { LateMerging } from './late-merging.ts';
import type { MemoryChunks } from './memory-chunks.ts';
import { EARLIEST, FILE_SYNCING, FILE_UNSYNCED, type Row, type SeriesTable } from './table.ts';

export interface FactSources {
  readonly table: SeriesTable;
  readonly chunks: MemoryChunks;
  readonly cache: ChunkCache;
  readonly late: Pick<LateMerging, 'dueInMemory' | 'dueInFile' | 'has'>;
  readonly headChunkTimeoutMs: number;
  /** Samples of the row's series before this time are past retention; EARLIEST keeps everything. */
  readonly beforeTime: (row: Row) => number;
  /** Trusted wall time for retention and archiving, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** The current facts about the series of a row. */
export const factsOf = (parts: FactSources, row: Row): VisitFacts => {
  const { table, chunks, cache } = parts;
  const idle = parts.now() - table.lastTime(row) > parts.headChunkTimeoutMs;
  const headOpen = table.headOpen(row);
  const inFile = table.chunksInFile[row] !== 0;
  const beforeTime = parts.beforeTime(row);
  const firstTime = inFile ? table.firstTime[row] : chunks.firstTimeOfSeries(row);
  return {
    empty: !inFile && table.chunksUnpersisted[row] === 0 && !parts.late.has(row),
    headOpen,
    headIdle: headOpen && idle,
    chunksWaiting: table.chunksWaiting(row),
    // An unknown first time counts as past retention. Dropping then reads the file, which sets firstTime and keptUntil.
    droppable: inFile
      ? beforeTime > EARLIEST && firstTime < beforeTime && table.keptUntil[row] < beforeTime
      : table.chunksWaiting(row) > 0 && firstTime < beforeTime,
    // A series is not archived while its file is unsynced: the samples would be only there. The next checkpoint syncs
    // it.
    // Nor while late samples wait.
    idle: idle && !parts.late.has(row) && (table.flags(row) & (FILE_UNSYNCED | FILE_SYNCING)) === 0,
    lateInMemory: parts.late.dueInMemory(row),
    lateInFile: parts.late.dueInFile(row),
    forgettable: idle && cache.has(fingerprintText(table.high[row], table.low[row])),
  };
};

/** The facts if a visit would change something, otherwise `undefined`. Most visits find nothing to do. */
export const visitFacts = (parts: FactSources, row: Row): VisitFacts | undefined => {
  const facts = factsOf(parts, row);
  return needsVisit(facts) ? facts : undefined;
};
