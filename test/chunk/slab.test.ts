import { expect } from 'chai';
import { CHUNK_BYTES, NO_SLOT, Slab, SlabView, type Slot, SMALL_SLOT_BYTES } from '../../src/chunk/slab.ts';

const SLOTS_PER_BLOCK = 1024;

describe('Slab', () => {
  it('hands out zeroed slots of 1,024 bytes that do not overlap, with one reference', () => {
    const slab = new Slab();
    const slots = Array.from({ length: 3000 }, (_, i) => {
      const slot = slab.allocate(i % 3);
      expect(slab.bytesOf(slot)).to.have.length(CHUNK_BYTES);
      expect(slab.bytesOf(slot).every((byte) => byte === 0)).to.equal(true);
      slab.bytesOf(slot).fill(i & 0xff);
      return slot;
    });
    expect(new Set(slots).size).to.equal(3000);
    expect(slab.used).to.equal(3000);
    expect(slab.bytes).to.equal(3 * SLOTS_PER_BLOCK * CHUNK_BYTES);
    slots.forEach((slot, i) => {
      expect(slab.bytesOf(slot).every((byte) => byte === (i & 0xff))).to.equal(true);
      expect(slab.encoding[slot]).to.equal(i % 3);
      expect(slab.next[slot]).to.equal(NO_SLOT);
      expect(slab['references'][slot]).to.equal(1);
    });
  });

  it('keeps a slot as long as anyone holds it, and gives it out again, zeroed, after that', () => {
    const slab = new Slab();
    const slot = slab.allocate(2);
    slab.bytesOf(slot).fill(7);
    slab.retain(slot);
    slab.release(slot);
    expect(slab.bytesOf(slot)[5]).to.equal(7);
    expect(slab.used).to.equal(1);
    slab.next[slot] = 99;
    slab.release(slot);
    expect(slab.used).to.equal(0);
    const again = slab.allocate(1);
    expect(again).to.equal(slot);
    expect(slab.bytesOf(again).every((byte) => byte === 0)).to.equal(true);
    expect(slab.next[again]).to.equal(NO_SLOT);
    expect(slab.encoding[again]).to.equal(1);
  });

  it('hands out small slots of 256 bytes, which never mix with the others', () => {
    const slab = new Slab();
    const slots = Array.from({ length: 2500 }, (_, i) => (i % 2 === 0 ? slab.allocate(2) : slab.allocateSmall(2)));
    slots.forEach((slot, i) => {
      expect(slab.sizeOf(slot)).to.equal(i % 2 === 0 ? CHUNK_BYTES : SMALL_SLOT_BYTES);
      slab.bytesOf(slot).fill(i & 0xff);
    });
    slots.forEach((slot, i) => {
      expect(slab.bytesOf(slot).every((byte) => byte === (i & 0xff))).to.equal(true);
    });
    expect(slab.usedBytes).to.equal(1250 * (CHUNK_BYTES + SMALL_SLOT_BYTES));
    for (const slot of slots) slab.release(slot);
    expect(slab.usedBytes).to.equal(0);
    const reserved = slab.bytes;
    const again = slots.map((_, i) => (i % 2 === 0 ? slab.allocate(0) : slab.allocateSmall(0)));
    expect(slab.bytes).to.equal(reserved);
    for (const slot of again) expect(slab.bytesOf(slot).every((byte) => byte === 0)).to.equal(true);
  });

  it('has bytes behind every small slot that a decoder may look ahead at', () => {
    const slab = new Slab();
    for (let i = 0; i < SLOTS_PER_BLOCK; i++) {
      const slot = slab.allocateSmall(2);
      expect(slab.blockOf(slot).length - slab.offsetOf(slot)).to.be.at.least(CHUNK_BYTES);
    }
  });

  it('uses freed slots before it grows', () => {
    const slab = new Slab();
    const slots: Slot[] = Array.from({ length: SLOTS_PER_BLOCK }, () => slab.allocate(0));
    for (const slot of slots) slab.release(slot);
    for (let i = 0; i < SLOTS_PER_BLOCK; i++) slab.allocate(0);
    expect(slab.bytes).to.equal(SLOTS_PER_BLOCK * CHUNK_BYTES);
    slab.allocate(0);
    expect(slab.bytes).to.equal(2 * SLOTS_PER_BLOCK * CHUNK_BYTES);
  });

  it('refuses slots that nobody holds, and stays as it was', () => {
    const slab = new Slab();
    const slot = slab.allocate(0);
    slab.release(slot);
    expect(() => slab.release(slot)).to.throw(RangeError, 'released more often');
    expect(() => slab.retain(slot)).to.throw(RangeError, 'without a reference');
    expect(slab.used).to.equal(0);
    expect(slab.allocate(0)).to.equal(slot);
    expect(slab['references'][slot]).to.equal(1);
  });

  it('shows full slots that lie in a buffer, instead of those before', () => {
    const view = new SlabView();
    view.show(new ArrayBuffer(5000 * CHUNK_BYTES));
    expect(view.blocks).to.have.length(5);
    const bytes = new Uint8Array((SLOTS_PER_BLOCK + 2) * CHUNK_BYTES);
    view.show(bytes.buffer);
    expect(view.blocks).to.have.length(2);
    for (const slot of [0, SLOTS_PER_BLOCK - 1, SLOTS_PER_BLOCK + 1]) {
      bytes[slot * CHUNK_BYTES + 17] = 42;
      expect(view.bytesOf(slot)[17]).to.equal(42);
      expect(view.blockOf(slot)[view.offsetOf(slot) + 17]).to.equal(42);
      expect(view.sizeOf(slot)).to.equal(CHUNK_BYTES);
    }
  });

  it('gives out the free slots of the first blocks first', () => {
    const slab = new Slab();
    const slots = Array.from({ length: 4 * SLOTS_PER_BLOCK }, () => slab.allocate(0));
    for (const slot of [slots[3000], slots[20], slots[2000]]) slab.release(slot);
    expect(slab.hasRoomBefore(slots[20])).to.equal(false);
    expect(slab.hasRoomBefore(slots[SLOTS_PER_BLOCK])).to.equal(true);
    expect([slab.allocate(0), slab.allocate(0), slab.allocate(0)]).to.deep.equal([slots[20], slots[2000], slots[3000]]);
    expect(slab.hasRoomBefore(slots[3500])).to.equal(false);
  });

  it('gives back the memory of empty blocks, but for one, and takes new memory for them when it grows', () => {
    const slab = new Slab();
    const slots = Array.from({ length: 12 * SLOTS_PER_BLOCK }, () => slab.allocate(1));
    const small = Array.from({ length: SLOTS_PER_BLOCK }, () => slab.allocateSmall(1));
    expect(slab.spreadFrom()).to.equal(NO_SLOT);
    const kept = [slots[0], slots[5 * SLOTS_PER_BLOCK], slots.at(-1) as Slot];
    slab.bytesOf(kept[1]).fill(7);
    for (const slot of [...slots, ...small]) if (!kept.includes(slot)) slab.release(slot);
    expect(slab.spreadFrom()).to.equal(slots[2 * SLOTS_PER_BLOCK]);
    slab.giveBack();
    expect(slab.bytes).to.equal(4 * SLOTS_PER_BLOCK * CHUNK_BYTES);
    expect(slab.spreadFrom()).to.equal(NO_SLOT);
    const again = Array.from({ length: 12 * SLOTS_PER_BLOCK - 3 }, () => slab.allocate(2));
    again.push(...small.map(() => slab.allocateSmall(2)));
    expect(new Set([...again, ...kept]).size).to.equal(13 * SLOTS_PER_BLOCK);
    for (const slot of again) {
      expect(slab.bytesOf(slot).every((byte) => byte === 0)).to.equal(true);
      slab.bytesOf(slot).fill(1);
    }
    expect(slab.bytesOf(kept[1]).every((byte) => byte === 7)).to.equal(true);
    expect(slab.used).to.equal(13 * SLOTS_PER_BLOCK);
    expect(slab.blocks).to.have.length(13);
  });

  it('keeps what it knows of slots when it grows', () => {
    const slab = new Slab();
    const first = slab.allocate(2);
    slab.retain(first);
    slab.next[first] = 12;
    for (let i = 0; i < 5 * SLOTS_PER_BLOCK; i++) slab.allocate(1);
    expect(slab.encoding[first]).to.equal(2);
    expect(slab.next[first]).to.equal(12);
    expect(slab['references'][first]).to.equal(2);
  });
});
