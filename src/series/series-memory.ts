/** The series in memory: their rows, the slots of their chunks, and chunks of files that were read. */
import { ChunkAppender } from '../chunk/append.ts';
import type { Encoding } from '../chunk/chunk.ts';
import { Slab } from '../chunk/slab.ts';
import { ChunkCache } from './chunk-cache.ts';
import { MemoryChunks } from './memory-chunks.ts';
import { SeriesTable } from './table.ts';

export interface SeriesMemory {
  readonly table: SeriesTable;
  readonly slab: Slab;
  readonly chunks: MemoryChunks;
  readonly cache: ChunkCache;
}

/** `encoding` is that of new chunks. */
export const createSeriesMemory = (encoding: Encoding): SeriesMemory => {
  const table = new SeriesTable();
  const slab = new Slab();
  const chunks = new MemoryChunks(table, slab, new ChunkAppender(slab, { defaultEncoding: encoding }));
  return { table, slab, chunks, cache: new ChunkCache(slab) };
};
