/**
 * Measures the store's memory part by part. From this follow how much the chunk cache has to release, and how many
 * chunks may wait for their series files. The memory target covers all parts, but only some of them can be reduced at
 * will: chunks that are also in a file are evicted, samples of decoded chunks and label objects are released; chunks that
 * wait for a file are persisted, and appends are refused until then.
 */
import { CHUNK_BYTES } from '../chunk/slab.ts';
import type { DecodedChunks } from '../series/decoded-chunks.ts';
import type { LabelObjects } from '../series/label-objects.ts';
import type { Engine } from './engine.ts';
import type { Recovered } from './recovered.ts';

/** Bytes of a cached chunk beside its slot: its entries in two maps. */
const CACHE_ENTRY_BYTES = 96;
/** Bytes of a waiting index operation. Its labels belong to the series table. */
const OPERATION_BYTES = 160;
/** Number of chunks that may always wait. With fewer, a store with little memory would throttle without need. */
const WAITING_MIN = 1024;

export const memoryParts = [
  'chunks',
  'chunk_cache',
  'decoded_chunks',
  'label_objects',
  'late_samples',
  'series_table',
  'archive_directory',
  'index_caches',
  'indexing_queue',
  'journal',
] as const;
export type MemoryPart = (typeof memoryParts)[number];

export class Memory {
  private readonly engine: Engine;
  private readonly recovered: Recovered;
  private readonly decoded: DecodedChunks;
  private readonly labelObjects: LabelObjects;

  constructor(engine: Engine, recovered: Recovered, decoded: DecodedChunks, labelObjects: LabelObjects) {
    this.engine = engine;
    this.recovered = recovered;
    this.decoded = decoded;
    this.labelObjects = labelObjects;
  }

  /** Bytes of a part. `chunks` are open heads, waiting chunks, and chunks that readers hold beyond the cache. */
  bytesOf(part: MemoryPart): number {
    const { slab, cache, late, table } = this.engine;
    const { archived, labels, indexer, journal } = this.recovered;
    switch (part) {
      case 'chunks':
        return Math.max(0, slab.usedBytes - cache.size * CHUNK_BYTES);
      case 'chunk_cache':
        return cache.size * (CHUNK_BYTES + CACHE_ENTRY_BYTES) + cache.timesBytes;
      case 'decoded_chunks':
        return this.decoded.bytes;
      case 'label_objects':
        return this.labelObjects.bytes;
      case 'late_samples':
        return late.bytes;
      case 'series_table':
        return table.bytes;
      case 'archive_directory':
        return archived.byteCount;
      case 'index_caches':
        return labels.cacheBytes;
      case 'indexing_queue':
        return indexer.queued * OPERATION_BYTES;
      case 'journal':
        return journal.bufferBytes;
    }
  }

  /** Bytes that count against the memory target. */
  get used(): number {
    return memoryParts.reduce((sum, part) => sum + this.bytesOf(part), 0);
  }

  /** Chunks that wait for persistence. Late samples count as the chunks that would take as much memory. */
  private get waiting(): number {
    const { chunks, late } = this.engine;
    return chunks.waiting + Math.ceil(late.bytes / CHUNK_BYTES);
  }

  /** How many chunks may wait for persistence: the memory target minus everything that must be in memory. */
  get waitingMax(): number {
    const { options } = this.engine;
    const evictable = this.bytesOf('chunk_cache') + this.bytesOf('decoded_chunks') + this.bytesOf('label_objects');
    const fixed = this.used - evictable - this.waiting * CHUNK_BYTES;
    return Math.max(WAITING_MIN, Math.floor((options.memoryTarget - fixed) / CHUNK_BYTES));
  }

  /** The persistence-urgency score, 0 to 1: the number of waiting chunks divided by the number that may wait. */
  get score(): number {
    return Math.min(1, this.waiting / this.waitingMax);
  }

  /**
   * Evicts cached chunks, least recently used ones first, until the target is met or none is left. Then it releases
   * what queries use all the time: the samples of decoded chunks, then label objects.
   */
  evictOverTarget(): void {
    const { cache, options } = this.engine;
    const over = this.used - options.memoryTarget;
    if (over <= 0) return;
    cache.evict(Math.ceil(over / (CHUNK_BYTES + CACHE_ENTRY_BYTES)));
    if (this.used > options.memoryTarget) this.decoded.clear();
    if (this.used > options.memoryTarget) this.labelObjects.clear();
  }

  /** Releases chunks of files, decoded chunks and label objects that no query has used for a while. */
  releaseUnused(): void {
    const now = this.engine.clock.monotonic();
    this.engine.cache.evictUnused(now);
    this.decoded.releaseUnused(now);
    this.labelObjects.releaseUnused(now);
  }
}
