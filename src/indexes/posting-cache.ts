/**
 * A bounded cache of decoded fingerprint sets by label pair. It has two generations. Every set that is used goes to the
 * young generation. When the young one reaches half of the bound, it becomes the old one, and the previous old one is
 * forgotten. So recently used sets stay, without an ordered list.
 */
import type { FingerprintSet } from './fingerprint-set.ts';

type Generation = Map<string, Map<string, FingerprintSet>>;

/** Smaller sets are never cached: reading them costs less than managing them in the cache. */
export const CACHED_SIZE_MIN = 16;

export class PostingCache {
  private readonly halfBytes: number;
  private young: Generation = new Map();
  private old: Generation = new Map();
  private youngBytes = 0;
  private oldBytes = 0;

  constructor(bytesMax: number) {
    this.halfBytes = bytesMax / 2;
  }

  /** Bytes that the cached sets take. */
  get byteCount(): number {
    return this.youngBytes + this.oldBytes;
  }

  get(name: string, value: string): FingerprintSet | undefined {
    const young = this.young.get(name)?.get(value);
    if (young !== undefined) return young;
    const old = this.old.get(name)?.get(value);
    if (old !== undefined) this.set(name, value, old);
    return old;
  }

  set(name: string, value: string, set: FingerprintSet): void {
    this.delete(name, value);
    if (set.size < CACHED_SIZE_MIN || set.byteCount > this.halfBytes) return;
    if (this.youngBytes + set.byteCount > this.halfBytes) {
      this.old = this.young;
      this.oldBytes = this.youngBytes;
      this.young = new Map();
      this.youngBytes = 0;
    }
    const values = this.young.get(name);
    if (values === undefined) this.young.set(name, new Map([[value, set]]));
    else values.set(value, set);
    this.youngBytes += set.byteCount;
  }

  delete(name: string, value: string): void {
    this.youngBytes -= removeFrom(this.young, name, value);
    this.oldBytes -= removeFrom(this.old, name, value);
  }

  clear(): void {
    this.young = new Map();
    this.old = new Map();
    this.youngBytes = 0;
    this.oldBytes = 0;
  }
}

/** Removes a set; returns the bytes that were freed. */
const removeFrom = (generation: Generation, name: string, value: string): number => {
  const values = generation.get(name);
  const set = values?.get(value);
  if (set === undefined) return 0;
  values?.delete(value);
  return set.byteCount;
};
