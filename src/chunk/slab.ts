/**
 * Where chunk bytes live: 1,024-byte slots in large shared blocks outside the JavaScript heap. Worker threads see the
 * same blocks, so a chunk travels to the disk without being copied to another heap.
 *
 * A slot has a reference count: the series that owns it holds one, and every open reader one more. It is free again
 * when the last one lets go, so a reader never sees a slot reused beneath it.
 */

export const CHUNK_BYTES = 1024;
/** Copied over what is to be zero: filling shared memory goes byte by byte and takes three times as long. */
export const ZEROS = new Uint8Array(CHUNK_BYTES);

/** Slots of one block: 1 MiB, so that a small program pays little. */
const SLOTS_PER_BLOCK_BITS = 10;
const SLOTS_PER_BLOCK = 1 << SLOTS_PER_BLOCK_BITS;
const SLOT_IN_BLOCK_MASK = SLOTS_PER_BLOCK - 1;

/** A slot's number; -1 stands for none. */
export type Slot = number;
export const NO_SLOT: Slot = -1;

/** Reads and writes of slots by code that does not allocate: the codecs, and worker threads. */
export class SlabView {
  readonly blocks: Uint8Array[] = [];

  /** The block that holds the slot. Its bytes start at {@link offsetOf}. */
  blockOf(slot: Slot): Uint8Array {
    return this.blocks[slot >> SLOTS_PER_BLOCK_BITS];
  }

  offsetOf(slot: Slot): number {
    return (slot & SLOT_IN_BLOCK_MASK) << 10;
  }

  /** The slot's 1,024 bytes as an array of its own; allocates, not for hot paths. */
  bytesOf(slot: Slot): Uint8Array {
    const start = this.offsetOf(slot);
    return this.blockOf(slot).subarray(start, start + CHUNK_BYTES);
  }

  /** Takes up a block that the owner of the slab has added. */
  addBlock(buffer: SharedArrayBuffer): void {
    this.blocks.push(new Uint8Array(buffer));
  }
}

/** The slab's owner: allocates, counts references, frees. One per store, on the main thread. */
export class Slab extends SlabView {
  /** Called with each new block, so that worker threads can be told. */
  onBlockAdded: ((buffer: SharedArrayBuffer) => void) | undefined;
  /** Next chunk of the same series, oldest to newest; for free slots the next free one. */
  next = new Int32Array(SLOTS_PER_BLOCK).fill(NO_SLOT);
  /** Encoding of the chunk in the slot: 0 delta, 1 double-delta, 2 varbit. */
  encoding = new Uint8Array(SLOTS_PER_BLOCK);
  private references = new Int32Array(SLOTS_PER_BLOCK);
  private firstFree: Slot = NO_SLOT;
  private slotCount = 0;
  private usedCount = 0;
  /** Slots handed out since the start. */
  allocated = 0;

  /** Slots in use. */
  get used(): number {
    return this.usedCount;
  }

  /** Bytes reserved for slots, used or free. */
  get bytes(): number {
    return this.slotCount * CHUNK_BYTES;
  }

  /** A zeroed slot with one reference. */
  allocate(encoding: number): Slot {
    if (this.firstFree === NO_SLOT) this.grow();
    const slot = this.firstFree;
    this.firstFree = this.next[slot];
    this.next[slot] = NO_SLOT;
    this.encoding[slot] = encoding;
    this.references[slot] = 1;
    this.usedCount++;
    this.allocated++;
    return slot;
  }

  /** One more reader or owner of the slot. */
  retain(slot: Slot): void {
    if (this.references[slot] <= 0) throw new RangeError(`slot ${slot} retained while nobody holds it`);
    this.references[slot]++;
  }

  /** One less; the last one frees and zeroes the slot. */
  release(slot: Slot): void {
    const references = this.references[slot];
    if (references <= 0) throw new RangeError(`slot ${slot} released more often than retained`);
    this.references[slot] = references - 1;
    if (references > 1) return;
    this.blockOf(slot).set(ZEROS, this.offsetOf(slot));
    this.next[slot] = this.firstFree;
    this.firstFree = slot;
    this.usedCount--;
  }

  referenceCount(slot: Slot): number {
    return this.references[slot];
  }

  private grow(): void {
    const buffer = new SharedArrayBuffer(SLOTS_PER_BLOCK * CHUNK_BYTES);
    const start = this.slotCount;
    this.slotCount += SLOTS_PER_BLOCK;
    this.addBlock(buffer);
    if (this.references.length < this.slotCount) {
      const capacity = Math.max(this.slotCount, this.references.length * 2);
      this.next = grown(this.next, new Int32Array(capacity));
      this.encoding = grown(this.encoding, new Uint8Array(capacity));
      this.references = grown(this.references, new Int32Array(capacity));
    }
    for (let slot = this.slotCount - 1; slot >= start; slot--) {
      this.next[slot] = this.firstFree;
      this.firstFree = slot;
    }
    this.onBlockAdded?.(buffer);
  }
}

const grown = <T extends Int32Array | Uint8Array>(from: T, to: T): T => {
  to.set(from);
  return to;
};
