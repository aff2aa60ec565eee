/**
 * The cache of chunks that are in a series file: those just persisted and those that a query loaded. When the store is
 * over its memory target, the least recently used chunks are evicted first. Chunks that were not used for a while are
 * evicted in any case: the operating system still has the file in its cache, and there a chunk costs the program
 * nothing. A reader retains the slots it uses, so an evicted chunk stays valid until its last reader releases it. With
 * the chunks, the cache has the times of all chunks of the file once a query has read them: the next query finds its
 * chunks without opening the file.
 *
 * The key is the series' fingerprint and the chunk's number in the file. Retention renumbers a file's chunks, so code
 * that rewrites a file must call {@link ChunkCache.forgetSeries} first.
 */
import type { Slab, Slot } from '../chunk/slab.ts';
import { NO_SLOT } from '../chunk/slab.ts';

/**
 * How long chunks are kept that no query uses any more, and chunks of which none has used any. The latter may stay as
 * long as the former where queries use other series, because the order is that of use.
 */
const UNUSED_MS = 120_000;
const NEVER_USED_MS = 15_000;
/** About so many unused chunks are evicted at a stretch, which takes a millisecond. */
const UNUSED_AT_ONCE = 8192;

/** The times of a file's chunks in milliseconds, oldest first. */
export interface ChunkTimes {
  readonly firstTimes: Float64Array;
  readonly lastTimes: Float64Array;
}

interface CachedSeries {
  /** Slots by chunk number; at least one. */
  readonly chunks: Map<number, Slot>;
  /** Of all chunks of the file; `undefined` if they are not known. */
  times: ChunkTimes | undefined;
  /** Chunks, from `first` to before `end`, with so many samples that they are read with pauses. */
  long: { readonly first: number; readonly end: number } | undefined;
  usedAt: number;
}

export class ChunkCache {
  private readonly slab: Slab;
  /** By fingerprint (text). Series are in order of use, the least recent first. */
  private readonly series = new Map<string, CachedSeries>();
  private chunkCount = 0;
  /** Milliseconds of a monotonic clock, as of the last {@link evictUnused}. */
  private now: number | undefined;
  /** Bytes of the times of files. */
  timesBytes = 0;
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
    return this.series.get(fingerprint)?.chunks.has(chunk) ?? false;
  }

  countOf(fingerprint: string): number {
    return this.series.get(fingerprint)?.chunks.size ?? 0;
  }

  /** The chunk's slot, retained for the caller, or NO_SLOT. */
  acquire(fingerprint: string, chunk: number): Slot {
    const cached = this.series.get(fingerprint);
    const slot = cached?.chunks.get(chunk);
    if (cached === undefined || slot === undefined) {
      this.misses++;
      return NO_SLOT;
    }
    this.hits++;
    this.use(fingerprint, cached);
    this.slab.retain(slot);
    return slot;
  }

  /** Adds a chunk that was just persisted, as {@link put}. Only queries count as use of the series. */
  putPersisted(fingerprint: string, chunk: number, slot: Slot): void {
    const usedAt = this.series.get(fingerprint)?.usedAt ?? (this.now ?? 0) - UNUSED_MS + NEVER_USED_MS;
    this.put(fingerprint, chunk, slot);
    const cached = this.series.get(fingerprint);
    if (cached !== undefined) cached.usedAt = usedAt;
  }

  /** Adds a chunk; the cache takes over the caller's reference to the slot. */
  put(fingerprint: string, chunk: number, slot: Slot): void {
    const cached = this.series.get(fingerprint) ?? {
      chunks: new Map<number, Slot>(),
      times: undefined,
      long: undefined,
      usedAt: 0,
    };
    this.use(fingerprint, cached);
    const before = cached.chunks.get(chunk);
    if (before === undefined) this.chunkCount++;
    else this.slab.release(before);
    cached.chunks.set(chunk, slot);
    // The file has grown.
    if (cached.times !== undefined && chunk >= cached.times.firstTimes.length) this.setTimes(cached, undefined);
  }

  /** The times of all chunks of a series' file. They are only kept while a chunk of the series is cached. */
  putTimes(fingerprint: string, times: ChunkTimes): void {
    const cached = this.series.get(fingerprint);
    if (cached !== undefined) this.setTimes(cached, times);
  }

  timesOf(fingerprint: string): ChunkTimes | undefined {
    return this.series.get(fingerprint)?.times;
  }

  /** Whether these chunks are cached, and have not so many samples that they are read with pauses. */
  holdsAll(fingerprint: string, first: number, end: number): boolean {
    const cached = this.series.get(fingerprint);
    if (cached === undefined || isLong(cached, first, end)) return false;
    for (let chunk = first; chunk < end; chunk++) if (!cached.chunks.has(chunk)) return false;
    return true;
  }

  /**
   * The slots of the chunks from `first` to before `end`, or `undefined` if they are not all there: {@link holdsAll}.
   * They are not retained: they are valid until something else may run.
   */
  slotsOf(fingerprint: string, first: number, end: number): readonly Slot[] | undefined {
    const cached = this.series.get(fingerprint);
    if (cached === undefined || isLong(cached, first, end)) return undefined;
    const slots: Slot[] = [];
    for (let chunk = first; chunk < end; chunk++) {
      const slot = cached.chunks.get(chunk);
      if (slot === undefined) return undefined;
      slots.push(slot);
    }
    this.hits += slots.length;
    this.use(fingerprint, cached);
    return slots;
  }

  /** These chunks have so many samples that they are read with pauses. */
  noteLong(fingerprint: string, first: number, end: number): void {
    const cached = this.series.get(fingerprint);
    if (cached !== undefined) cached.long = { first, end };
  }

  forgetSeries(fingerprint: string): void {
    const cached = this.series.get(fingerprint);
    if (cached === undefined) return;
    this.series.delete(fingerprint);
    this.setTimes(cached, undefined);
    this.chunkCount -= cached.chunks.size;
    for (const slot of cached.chunks.values()) this.slab.release(slot);
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

  /** Evicts chunks of series that were not used for a while, some at each call. `now` is of a monotonic clock. */
  evictUnused(now: number): void {
    // What was put before the first call was put just now.
    if (this.now === undefined) for (const cached of this.series.values()) cached.usedAt += now;
    this.now = now;
    let done = 0;
    for (const [fingerprint, cached] of this.series) {
      if (now - cached.usedAt < UNUSED_MS || done >= UNUSED_AT_ONCE) break;
      done += this.evictSome(fingerprint, cached, UNUSED_AT_ONCE - done);
    }
    this.evicted += done;
  }

  /** Evicts chunks of a series, at most `max`. Returns how many. */
  private evictSome(fingerprint: string, cached: CachedSeries, max: number): number {
    const { size } = cached.chunks;
    if (size <= max) {
      this.forgetSeries(fingerprint);
      return size;
    }
    let done = 0;
    for (const [chunk, slot] of cached.chunks) {
      if (done === max) break;
      cached.chunks.delete(chunk);
      this.slab.release(slot);
      done++;
    }
    this.chunkCount -= done;
    return done;
  }

  private setTimes(cached: CachedSeries, times: ChunkTimes | undefined): void {
    this.timesBytes += bytesOf(times) - bytesOf(cached.times);
    cached.times = times;
  }

  private use(fingerprint: string, cached: CachedSeries): void {
    cached.usedAt = this.now ?? 0;
    this.series.delete(fingerprint);
    this.series.set(fingerprint, cached);
  }
}

const isLong = ({ long }: CachedSeries, first: number, end: number): boolean =>
  long !== undefined && first <= long.first && end >= long.end;

const bytesOf = (times: ChunkTimes | undefined): number =>
  times === undefined ? 0 : times.firstTimes.byteLength + times.lastTimes.byteLength;
