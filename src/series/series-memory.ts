/** The series in memory: rows, the slots of their chunks, chunks of files that were read, and late samples. */
import { ChunkAppender } from '../chunk/append.ts';
import type { Encoding } from '../chunk/chunk.ts';
import { Slab } from '../chunk/slab.ts';
import { ChunkCache } from './chunk-cache.ts';
import { ErasedRanges } from './erased-ranges.ts';
import { LateSamples } from './late-samples.ts';
import { MemoryChunks } from './memory-chunks.ts';
import { type Row, SeriesTable } from './table.ts';

export interface SeriesMemory {
  readonly table: SeriesTable;
  readonly slab: Slab;
  readonly chunks: MemoryChunks;
  readonly cache: ChunkCache;
  readonly late: LateSamples;
  readonly erased: ErasedRanges;
}

/** Time of the first sample of a row's series; EARLIEST if only the file has it. */
export const firstTimeOfRow = ({ chunks, late }: Pick<SeriesMemory, 'chunks' | 'late'>, row: Row): number =>
  Math.min(chunks.firstTimeOfSeries(row), late.firstTime(row));

/** `encoding` is that of new chunks. */
export const createSeriesMemory = (encoding: Encoding): SeriesMemory => {
  const table = new SeriesTable();
  const slab = new Slab();
  const chunks = new MemoryChunks(table, slab, new ChunkAppender(slab, { defaultEncoding: encoding }));
  return { table, slab, chunks, cache: new ChunkCache(slab), late: new LateSamples(), erased: new ErasedRanges() };
};
