/**
 * A bounded cache of answers to regular expressions: the series that have a value of a label which a matcher matches.
 * Dashboards and rules ask the same expressions again and again; without it, each lookup tries the expression on every
 * value and merges as many sets as values match. Any batch that is written to the indexes empties the cache. The least
 * recently used answer is forgotten first.
 */
import type { FingerprintSet } from './fingerprint-set.ts';

export class MatchedSets {
  private readonly bytesMax: number;
  /** In the order of use, oldest first. */
  private readonly sets = new Map<string, FingerprintSet>();
  private bytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Bytes that the cached sets take. */
  get byteCount(): number {
    return this.bytes;
  }

  get(key: string): FingerprintSet | undefined {
    const set = this.sets.get(key);
    if (set === undefined) return undefined;
    this.sets.delete(key);
    this.sets.set(key, set);
    return set;
  }

  set(key: string, set: FingerprintSet): void {
    if (set.byteCount > this.bytesMax / 2) return;
    this.delete(key);
    this.sets.set(key, set);
    this.bytes += bytesOf(key, set);
    for (const oldest of this.sets.keys()) {
      if (this.bytes <= this.bytesMax) return;
      this.delete(oldest);
    }
  }

  clear(): void {
    this.sets.clear();
    this.bytes = 0;
  }

  private delete(key: string): void {
    const set = this.sets.get(key);
    if (set === undefined) return;
    this.sets.delete(key);
    this.bytes -= bytesOf(key, set);
  }
}

/** The key comes from a query, so it may be long. */
const bytesOf = (key: string, set: FingerprintSet): number => set.byteCount + 2 * key.length;
