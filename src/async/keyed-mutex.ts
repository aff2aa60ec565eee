/**
 * One holder at a time per key, first come first served. Work on a series file holds the key of its fingerprint, so a
 * query never reads chunk numbers of a file that retention is rewriting. Keys without holders cost nothing.
 */
export class KeyedMutex<Key> {
  private readonly tails = new Map<Key, Promise<void>>();

  /** Keys that are held or waited for. */
  get size(): number {
    return this.tails.size;
  }

  isHeld(key: Key): boolean {
    return this.tails.has(key);
  }

  /** Resolves with the release function once the key is free. Call it exactly once. */
  async acquire(key: Key): Promise<() => void> {
    const before = this.tails.get(key);
    let open: () => void = () => {};
    const mine = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.tails.set(key, mine);
    if (before !== undefined) await before;
    return () => {
      if (this.tails.get(key) === mine) this.tails.delete(key);
      open();
    };
  }
}
