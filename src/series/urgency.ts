/**
 * How urgent it is to persist: the score that the store's statechart turns into normal, rushed and throttled.
 *
 * The idea is the original's, with bytes of the chunk slab where it had the size of a collected heap: of the memory that
 * could be given back, the share that cannot be given back before it is written, weighed by how full memory is.
 *
 *             waiting              used
 *     score = -------------------- * ------      at most 1
 *             waiting + evictable    target
 *
 * With plenty to evict, full memory is no reason to hurry: eviction makes room at once. With nothing to evict, the score
 * is how full memory is. Memory at its target with nothing that can be written or evicted scores 1: open head chunks
 * fill it, and only time, which closes them, helps.
 */
export interface UrgencyFacts {
  /** Closed chunks that wait for persistence. */
  readonly chunksWaiting: number;
  /** Chunks in memory that are on disk as well, and not pinned. */
  readonly chunksEvictable: number;
  readonly bytesUsed: number;
  readonly bytesTarget: number;
}

/** 0, nothing waits, to 1, nothing more can wait. */
export const persistenceUrgency = (facts: UrgencyFacts): number => {
  const { chunksWaiting, chunksEvictable, bytesUsed, bytesTarget } = facts;
  const fullness = bytesUsed / bytesTarget;
  const removable = chunksWaiting + chunksEvictable;
  if (removable === 0) return fullness >= 1 ? 1 : 0;
  return Math.min(1, (chunksWaiting / removable) * fullness);
};
