/**
 * Memory for chunk bytes: 1,024-byte slots in large shared blocks outside the JavaScript heap. Worker threads see the
 * same blocks, so a chunk is written to disk without being copied to another heap.
 *
 * There are also small slots of 256 bytes, in blocks of their own. They hold open heads that do not need more yet: most
 * series of a young store, and series that hardly change (src/chunk/small-head.ts).
 *
 * A slot has a reference count: the series that owns the slot holds one reference, and every open reader holds one
 * more. The slot is freed when the last reference is released, so a slot is never reused while a reader is using it.
 */
import { grown } from '../model/grown.ts';

export const CHUNK_BYTES = 1024;
/** Zeros to copy into slots: `fill` on shared memory goes byte by byte and takes three times as long. */
export const ZEROS = new Uint8Array(CHUNK_BYTES);
/** Bytes of a small slot. */
export const SMALL_SLOT_BYTES = 256;
const SMALL_ZEROS = ZEROS.subarray(0, SMALL_SLOT_BYTES);

/** Slots of one block: a block of full slots is 1 MiB, so that a small program reserves little memory. */
const SLOTS_PER_BLOCK_BITS = 10;
const SLOTS_PER_BLOCK = 1 << SLOTS_PER_BLOCK_BITS;
const SLOT_IN_BLOCK_MASK = SLOTS_PER_BLOCK - 1;
/** Bytes of a block of full slots. */
export const FULL_BLOCK_BYTES = SLOTS_PER_BLOCK * CHUNK_BYTES;
/** A decoder may read as far as a full chunk reaches, so the block has spare bytes after its last small slot. */
const SMALL_BLOCK_BYTES = SLOTS_PER_BLOCK * SMALL_SLOT_BYTES + CHUNK_BYTES;
const FULL_SHIFT = 10;
const SMALL_SHIFT = 8;

/** A slot's number; -1 stands for none. */
export type Slot = number;
export const NO_SLOT: Slot = -1;

/** Access to slots for code that allocates none: the codecs, and worker threads. */
export class SlabView {
  readonly blocks: Uint8Array[] = [];
  /** For each block, the binary logarithm of its slots' size. */
  private readonly shifts: number[] = [];

  /** The block that holds the slot. Its bytes start at {@link offsetOf}. */
  blockOf(slot: Slot): Uint8Array {
    return this.blocks[slot >> SLOTS_PER_BLOCK_BITS];
  }

  offsetOf(slot: Slot): number {
    return (slot & SLOT_IN_BLOCK_MASK) << this.shifts[slot >> SLOTS_PER_BLOCK_BITS];
  }

  /** 1,024, or 256 for a small slot. */
  sizeOf(slot: Slot): number {
    return 1 << this.shifts[slot >> SLOTS_PER_BLOCK_BITS];
  }

  /** The slot's bytes as an array of its own; allocates, not for hot paths. */
  bytesOf(slot: Slot): Uint8Array {
    const start = this.offsetOf(slot);
    return this.blockOf(slot).subarray(start, start + this.sizeOf(slot));
  }

  /** Adds a block that the owner of the slab has allocated. */
  addBlock(buffer: SharedArrayBuffer): void {
    this.blocks.push(new Uint8Array(buffer));
    this.shifts.push(buffer.byteLength === FULL_BLOCK_BYTES ? FULL_SHIFT : SMALL_SHIFT);
  }
}

/** The slab's owner: allocates, counts references, frees. One per store, on the main thread. */
export class Slab extends SlabView {
  /** Called with each new block, so that it can be passed to the worker threads. */
  onBlockAdded: ((buffer: SharedArrayBuffer) => void) | undefined;
  /** Called when the bytes of a slot are not a complete chunk any more: it was freed, or it takes samples again. */
  onContentGone: ((slot: Slot) => void) | undefined;
  /** Next chunk of the same series, oldest to newest; for a free slot, the next free slot. */
  next = new Int32Array(SLOTS_PER_BLOCK).fill(NO_SLOT);
  /** Encoding of the chunk in the slot: 0 delta, 1 double-delta, 2 varbit. */
  encoding = new Uint8Array(SLOTS_PER_BLOCK);
  private references = new Int32Array(SLOTS_PER_BLOCK);
  private firstFree: Slot = NO_SLOT;
  private firstFreeSmall: Slot = NO_SLOT;
  /** Memory for the next blocks, in the order of use. */
  private readonly prepared: SharedArrayBuffer[] = [];
  private slotCount = 0;
  private reservedBytes = 0;
  private usedCount = 0;
  private usedSmallCount = 0;
  /** Slots allocated since the start. */
  allocated = 0;

  /** Slots in use. */
  get used(): number {
    return this.usedCount;
  }

  /** Bytes of the slots in use. */
  get usedBytes(): number {
    return this.usedCount * CHUNK_BYTES - this.usedSmallCount * (CHUNK_BYTES - SMALL_SLOT_BYTES);
  }

  /** Bytes reserved for slots, used or free. */
  get bytes(): number {
    return this.reservedBytes;
  }

  /** How many blocks are ready; see {@link prepare}. */
  get preparedCount(): number {
    return this.prepared.length;
  }

  /**
   * Keeps memory ready for the next `blockCount` blocks and returns the buffers it had to add. The caller can touch
   * these pages before they are needed, so that the operating system maps them early. Ready blocks beyond the count are
   * dropped.
   */
  prepare(blockCount: number): readonly SharedArrayBuffer[] {
    const { prepared } = this;
    prepared.length = Math.min(prepared.length, blockCount);
    const before = prepared.length;
    while (prepared.length < blockCount) prepared.push(new SharedArrayBuffer(FULL_BLOCK_BYTES));
    return prepared.slice(before);
  }

  /** A zeroed slot with one reference. */
  allocate(encoding: number): Slot {
    if (this.firstFree === NO_SLOT) this.firstFree = this.grow(FULL_BLOCK_BYTES);
    const slot = this.firstFree;
    this.firstFree = this.next[slot];
    return this.taken(slot, encoding);
  }

  /** A zeroed small slot with one reference. */
  allocateSmall(encoding: number): Slot {
    if (this.firstFreeSmall === NO_SLOT) this.firstFreeSmall = this.grow(SMALL_BLOCK_BYTES);
    const slot = this.firstFreeSmall;
    this.firstFreeSmall = this.next[slot];
    this.usedSmallCount++;
    return this.taken(slot, encoding);
  }

  /** Adds a reference to the slot, for a reader or an owner. */
  retain(slot: Slot): void {
    if (this.references[slot] <= 0) throw new RangeError(`slot ${slot} retained without a reference to it`);
    this.references[slot]++;
  }

  /** Removes a reference. Removing the last one frees and zeroes the slot. */
  release(slot: Slot): void {
    const references = this.references[slot];
    if (references <= 0) throw new RangeError(`slot ${slot} released more often than retained`);
    this.references[slot] = references - 1;
    if (references > 1) return;
    this.onContentGone?.(slot);
    this.usedCount--;
    if (this.sizeOf(slot) === CHUNK_BYTES) {
      this.blockOf(slot).set(ZEROS, this.offsetOf(slot));
      this.next[slot] = this.firstFree;
      this.firstFree = slot;
    } else {
      this.blockOf(slot).set(SMALL_ZEROS, this.offsetOf(slot));
      this.next[slot] = this.firstFreeSmall;
      this.firstFreeSmall = slot;
      this.usedSmallCount--;
    }
  }

  private taken(slot: Slot, encoding: number): Slot {
    this.next[slot] = NO_SLOT;
    this.encoding[slot] = encoding;
    this.references[slot] = 1;
    this.usedCount++;
    this.allocated++;
    return slot;
  }

  /** Adds a block and returns its first slot, with the block's other slots linked after it. */
  private grow(byteCount: number): Slot {
    const ready = byteCount === FULL_BLOCK_BYTES ? this.prepared.shift() : undefined;
    const buffer = ready ?? new SharedArrayBuffer(byteCount);
    const start = this.slotCount;
    this.slotCount += SLOTS_PER_BLOCK;
    this.reservedBytes += byteCount;
    this.addBlock(buffer);
    if (this.references.length < this.slotCount) {
      const capacity = Math.max(this.slotCount, this.references.length * 2);
      this.next = grown(this.next, new Int32Array(capacity));
      this.encoding = grown(this.encoding, new Uint8Array(capacity));
      this.references = grown(this.references, new Int32Array(capacity));
    }
    for (let slot = start; slot < this.slotCount - 1; slot++) this.next[slot] = slot + 1;
    this.next[this.slotCount - 1] = NO_SLOT;
    this.onBlockAdded?.(buffer);
    return start;
  }
}
