/**
 * Shared memory for columns that are handed to the thread of series files: it reads them without a copy, and they are
 * used again. Without that, a long backfill would leave more garbage than the collector takes away in time.
 */
const SMALLEST_BYTES = 4096;
/** Memory beyond this is left to the garbage collector. */
const KEPT_BYTES_MAX = 32 << 20;

export class ColumnMemory {
  /** Free memory by size. Sizes are powers of two. */
  private readonly free = new Map<number, SharedArrayBuffer[]>();
  private kept = 0;

  take(bytes: number): SharedArrayBuffer {
    let size = SMALLEST_BYTES;
    while (size < bytes) size *= 2;
    const found = this.free.get(size)?.pop();
    if (found === undefined) return new SharedArrayBuffer(size);
    this.kept -= size;
    return found;
  }

  giveBack(memory: SharedArrayBuffer): void {
    const size = memory.byteLength;
    if (this.kept + size > KEPT_BYTES_MAX) return;
    this.kept += size;
    const same = this.free.get(size);
    if (same === undefined) this.free.set(size, [memory]);
    else same.push(memory);
  }
}
