/**
 * The journal's newest bytes. They stay in memory from encoding until a sync has confirmed them. After a failed write,
 * writing continues from here; after a failed sync, the bytes are written again from here. A byte is addressed by its
 * position.
 *
 * Memory is allocated in blocks, which are reused. An empty queue keeps at most {@link SPARE_BLOCKS} spare blocks.
 */
import type { Position } from '../../model/events.ts';

const BLOCK_BYTES = 256 * 1024;
const SPARE_BLOCKS = 4;

export class ByteQueue {
  /** Position of the first byte in the queue. */
  start: Position;
  /** Position after the last byte. */
  end: Position;
  private readonly blocks: Buffer[] = [];
  private readonly spare: Buffer[] = [];
  /** Position of the first byte of the first block. */
  private base: Position;

  constructor(start: Position) {
    this.start = start;
    this.end = start;
    this.base = start;
  }

  /** Bytes of memory held. */
  get capacityBytes(): number {
    return (this.blocks.length + this.spare.length) * BLOCK_BYTES;
  }

  /** Adds the first `byteCount` bytes of a buffer. */
  append(source: Buffer, byteCount: number): void {
    let taken = 0;
    while (taken < byteCount) {
      const place = this.end - this.base;
      const index = Math.floor(place / BLOCK_BYTES);
      if (index === this.blocks.length) this.blocks.push(this.spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES));
      const offset = place % BLOCK_BYTES;
      const count = source.copy(this.blocks[index], offset, taken, byteCount);
      taken += count;
      this.end += count;
    }
  }

  /** A view of the bytes from `position` to `limit`, or to the end of the block if that comes first. */
  view(position: Position, limit: Position): Buffer {
    const place = position - this.base;
    const offset = place % BLOCK_BYTES;
    const count = Math.min(limit - position, BLOCK_BYTES - offset);
    return this.blocks[Math.floor(place / BLOCK_BYTES)].subarray(offset, offset + count);
  }

  /** Drops everything before a position. */
  release(before: Position): void {
    this.start = before;
    while (this.blocks.length > 0 && this.base + BLOCK_BYTES <= before) {
      const block = this.blocks.shift()!;
      this.base += BLOCK_BYTES;
      if (this.spare.length < SPARE_BLOCKS) this.spare.push(block);
    }
    if (this.start === this.end && this.blocks.length === 1) this.base = this.start;
  }
}
