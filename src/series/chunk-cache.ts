/**
 * The cache of chunks that are in a series file: those just persisted and those that a query loaded. When the store is
 * over its memory target, the least recently used chunks are evicted first. A reader retains the slots it uses, so an
 * evicted chunk stays valid until its last reader releases it.
 *
 * The key is the series' fingerprint and the chunk's number in the file. Retention renumbers a file's chunks, so code
 * that rewrites a file must call {@link ChunkCache.forgetSeries} first.
 */
import type { Slab, Slot } from '../chunk/slab.ts';
import { NO_SLOT } from '../chunk/slab.ts';

export class ChunkCache {
  private readonly slab: Slab;
  /** By fingerprint (text): the cached slots by chunk number. Series are in order of use, the least recent first. */
  private readonly series = new Map<string, Map<number, Slot>>();
  private chunkCount = 0;
  hits = 0;
  misses = 0;
  evicted = 0;

  constructor(slab: Slab) {
    this.slab = slab;
  }

  /** Cached chunks. */
  get size(): number {
    return this.chunkCount;
  }

  /** Whether any chunk of the series is cached. */
  has(fingerprint: string): boolean {
    return this.series.has(fingerprint);
  }

  /** Whether the chunk is cached; does not count as use. */
  holds(fingerprint: string, chunk: number): boolean {
    return this.series.get(fingerprint)?.has(chunk) ?? false;
  }

  countOf(fingerprint: string): number {
    return this.series.get(fingerprint)?.size ?? 0;
  }

  /** The chunk's slot, retained for the caller, or NO_SLOT. */
  acquire(fingerprint: string, chunk: number): Slot {
    const chunks = this.series.get(fingerprint);
    const slot = chunks?.get(chunk);
    if (chunks === undefined || slot === undefined) {
      this.misses++;
      return NO_SLOT;
    }
    this.hits++;
    this.series.delete(fingerprint);
    this.series.set(fingerprint, chunks);
    this.slab.retain(slot);
    return slot;
  }

  /** Adds a chunk; the cache takes over the caller's reference to the slot. */
  put(fingerprint: string, chunk: number, slot: Slot): void {
    const chunks = this.series.get(fingerprint) ?? new Map<number, Slot>();
    this.series.delete(fingerprint);
    this.series.set(fingerprint, chunks);
    const before = chunks.get(chunk);
    if (before === undefined) this.chunkCount++;
    else this.slab.release(before);
    chunks.set(chunk, slot);
  }

  forgetSeries(fingerprint: string): void {
    const chunks = this.series.get(fingerprint);
    if (chunks === undefined) return;
    this.series.delete(fingerprint);
    this.chunkCount -= chunks.size;
    for (const slot of chunks.values()) this.slab.release(slot);
  }

  /** Evicts the least recently used chunks, at least `count` if there are so many. Returns how many were evicted. */
  evict(count: number): number {
    let done = 0;
    for (const fingerprint of this.series.keys()) {
      if (done >= count) break;
      done += this.countOf(fingerprint);
      this.forgetSeries(fingerprint);
    }
    this.evicted += done;
    return done;
  }
}
