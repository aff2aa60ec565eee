/**
 * Memory for chunk bytes: 1,024-byte slots in large blocks outside the JavaScript heap.
 *
 * There are also small slots of 256 bytes, in blocks of their own. They hold open heads that do not need more yet: most
 * series of a young store, and series that hardly change (src/chunk/small-head.ts).
 *
 * The slots in use stay in as few blocks as possible: a new slot comes from the first block that has one. So blocks
 * become empty when chunks are persisted and evicted after a burst, and their memory can be given back.
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
/** Fewer blocks than this are not worth moving chunks. */
const SPREAD_BLOCKS_MIN = 8;

/**
 * Memory of a block. A buffer that could grow has pages of its own, which go back to the operating system when it is
 * collected. Other buffers come from the process' heap, which keeps what is freed between others in use. It is shared
 * although no thread sees it: a shared buffer can't shrink, so that the views' length need not be looked up.
 */
const blockMemory = (byteCount: number): SharedArrayBuffer =>
  new SharedArrayBuffer(byteCount, { maxByteLength: byteCount });

/** A copy from an odd offset into shared memory goes byte by byte. A chunk is copied to here first, then by words. */
const aligned = new Uint8Array(CHUNK_BYTES);

/** A slot's number; -1 stands for none. */
export type Slot = number;
export const NO_SLOT: Slot = -1;

/** Access to slots for code that allocates none: the codecs, and the code of series files. */
export class SlabView {
  /** An empty array stands for a block that was given back. */
  readonly blocks: Uint8Array[] = [];
  /** For each block, the binary logarithm of its slots' size. */
  protected readonly shifts: number[] = [];

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

  /** Copies the chunk that begins at `start` of `bytes` into a full slot. */
  fill(slot: Slot, bytes: Uint8Array, start: number): void {
    aligned.set(bytes.subarray(start, start + CHUNK_BYTES));
    this.blockOf(slot).set(aligned, this.offsetOf(slot));
  }

  /**
   * Shows full slots that lie in a buffer one after the other, as the slots 0, 1, 2 and so on, instead of what was
   * shown before.
   */
  show(bytes: ArrayBuffer): void {
    this.blocks.length = 0;
    this.shifts.length = 0;
    for (let start = 0; start < bytes.byteLength; start += FULL_BLOCK_BYTES) {
      this.blocks.push(new Uint8Array(bytes, start, Math.min(FULL_BLOCK_BYTES, bytes.byteLength - start)));
      this.shifts.push(FULL_SHIFT);
    }
  }
}

const NO_BLOCK = new Uint8Array(0);

/** The slab's owner: allocates, counts references, frees. One per store, on the main thread. */
export class Slab extends SlabView {
  /** Called when the bytes of a slot are not a complete chunk any more: it was freed, or it takes samples again. */
  onContentGone: ((slot: Slot) => void) | undefined;
  /** Next chunk of the same series, oldest to newest; for a free slot, the next free slot of its block. */
  next = new Int32Array(SLOTS_PER_BLOCK).fill(NO_SLOT);
  /** Encoding of the chunk in the slot: 0 delta, 1 double-delta, 2 varbit. */
  encoding = new Uint8Array(SLOTS_PER_BLOCK);
  private references = new Int32Array(SLOTS_PER_BLOCK);
  /** For each block, its first free slot, and how many of its slots are in use. */
  private readonly firstFree: Slot[] = [];
  private readonly usedIn: number[] = [];
  /** No block before these has a free slot of the kind. */
  private fullFrom = 0;
  private smallFrom = 0;
  /** Numbers of the blocks that were given back. */
  private readonly absent: number[] = [];
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

  /** A zeroed slot with one reference. */
  allocate(encoding: number): Slot {
    this.fullFrom = this.blockWithRoom(this.fullFrom, FULL_SHIFT);
    return this.take(this.fullFrom, encoding);
  }

  /** A zeroed small slot with one reference. */
  allocateSmall(encoding: number): Slot {
    this.smallFrom = this.blockWithRoom(this.smallFrom, SMALL_SHIFT);
    this.usedSmallCount++;
    return this.take(this.smallFrom, encoding);
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
    const block = slot >> SLOTS_PER_BLOCK_BITS;
    if (this.shifts[block] === FULL_SHIFT) {
      this.blocks[block].set(ZEROS, this.offsetOf(slot));
      if (block < this.fullFrom) this.fullFrom = block;
    } else {
      this.blocks[block].set(SMALL_ZEROS, this.offsetOf(slot));
      this.usedSmallCount--;
      if (block < this.smallFrom) this.smallFrom = block;
    }
    this.next[slot] = this.firstFree[block];
    this.firstFree[block] = slot;
    this.usedIn[block]--;
  }

  /**
   * The first slot of the blocks that would be empty if the full slots in use lay in as few blocks as possible. With
   * the slots from there on moved down, {@link giveBack} gives back most of the memory that is reserved and not used.
   * NO_SLOT if that is not much.
   */
  spreadFrom(): Slot {
    const needed = Math.ceil((this.usedCount - this.usedSmallCount) / SLOTS_PER_BLOCK) + 1;
    let count = 0;
    let spread = NO_SLOT;
    for (let block = 0; block < this.blocks.length; block++) {
      if (this.shifts[block] !== FULL_SHIFT || this.blocks[block] === NO_BLOCK) continue;
      if (count++ === needed) spread = block << SLOTS_PER_BLOCK_BITS;
    }
    return count - needed >= Math.max(SPREAD_BLOCKS_MIN, needed) ? spread : NO_SLOT;
  }

  /** Whether a new full slot would come before this one. */
  hasRoomBefore(slot: Slot): boolean {
    const block = slot >> SLOTS_PER_BLOCK_BITS;
    while (this.fullFrom < block && !this.hasRoom(this.fullFrom, FULL_SHIFT)) this.fullFrom++;
    return this.fullFrom < block;
  }

  /** Gives the memory of empty blocks back, but for one full block. The last reference to it here is gone then. */
  giveBack(): void {
    let isSpare = true;
    for (let block = 0; block < this.blocks.length; block++) {
      if (this.usedIn[block] > 0 || this.blocks[block] === NO_BLOCK) continue;
      if (isSpare && this.shifts[block] === FULL_SHIFT) {
        isSpare = false;
        continue;
      }
      this.reservedBytes -= this.blocks[block].length;
      this.blocks[block] = NO_BLOCK;
      this.firstFree[block] = NO_SLOT;
      this.absent.push(block);
    }
  }

  private hasRoom(block: number, shift: number): boolean {
    return this.firstFree[block] !== NO_SLOT && this.shifts[block] === shift;
  }

  /** The first block from `from` on that has a free slot of the kind, or a new block. */
  private blockWithRoom(from: number, shift: number): number {
    let block = from;
    while (block < this.blocks.length && !this.hasRoom(block, shift)) block++;
    return block < this.blocks.length ? block : this.grow(shift);
  }

  private take(block: number, encoding: number): Slot {
    const slot = this.firstFree[block];
    this.firstFree[block] = this.next[slot];
    this.usedIn[block]++;
    this.next[slot] = NO_SLOT;
    this.encoding[slot] = encoding;
    this.references[slot] = 1;
    this.usedCount++;
    this.allocated++;
    return slot;
  }

  /** Adds a block with all its slots free; returns its number. */
  private grow(shift: number): number {
    const byteCount = shift === FULL_SHIFT ? FULL_BLOCK_BYTES : SMALL_BLOCK_BYTES;
    const block = this.absent.pop() ?? this.blocks.length;
    // With its length given, the view is as fast as that of a buffer of fixed length.
    this.blocks[block] = new Uint8Array(blockMemory(byteCount), 0, byteCount);
    this.shifts[block] = shift;
    this.usedIn[block] = 0;
    this.reservedBytes += byteCount;
    const start = block << SLOTS_PER_BLOCK_BITS;
    const end = start + SLOTS_PER_BLOCK;
    if (this.references.length < end) {
      const capacity = Math.max(end, this.references.length * 2);
      this.next = grown(this.next, new Int32Array(capacity));
      this.encoding = grown(this.encoding, new Uint8Array(capacity));
      this.references = grown(this.references, new Int32Array(capacity));
    }
    for (let slot = start; slot < end - 1; slot++) this.next[slot] = slot + 1;
    this.next[end - 1] = NO_SLOT;
    this.firstFree[block] = start;
    return block;
  }
}
