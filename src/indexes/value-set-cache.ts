/** A bounded cache of value sets by label name. The least recently used set is removed first. */
import type { ValueSet } from './value-set.ts';

export class ValueSetCache {
  private readonly bytesMax: number;
  /** Least recently used first. A set can grow after it was cached, so its size is computed when it is needed. */
  private readonly sets = new Map<string, ValueSet>();

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Bytes that the cached sets take. */
  get byteCount(): number {
    let bytes = 0;
    for (const { byteCount } of this.sets.values()) bytes += byteCount;
    return bytes;
  }

  get(name: string): ValueSet | undefined {
    const set = this.sets.get(name);
    if (set !== undefined) this.moveToEnd(name, set);
    return set;
  }

  set(name: string, set: ValueSet): void {
    this.moveToEnd(name, set);
    let bytes = this.byteCount;
    for (const [oldest, { byteCount }] of this.sets) {
      if (bytes <= this.bytesMax) break;
      this.sets.delete(oldest);
      bytes -= byteCount;
    }
  }

  clear(): void {
    this.sets.clear();
  }

  private moveToEnd(name: string, set: ValueSet): void {
    this.sets.delete(name);
    this.sets.set(name, set);
  }
}
