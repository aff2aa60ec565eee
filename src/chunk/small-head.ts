/**
 * Open varbit heads in small slots. A small slot holds header and payload in the same places as a full slot. Its footer
 * is at the end of the small slot:
 *
 *   bytes 0     header and payload, as in varbit-layout.ts
 *         247   footer, which a full slot has from byte 1,015 on
 *
 * A head begins in a small slot. It moves to a full slot once, when its payload reaches the footer or when the head is
 * closed. So a small slot only ever holds an open head, and only this file and varbit-head.ts depend on its layout.
 */
import { CHUNK_BYTES, SMALL_SLOT_BYTES } from './slab.ts';
import { COUNTER_OFFSET, FOOTER_BIT } from './varbit-layout.ts';

/** How much shorter a small slot is, and so how much earlier its footer begins. */
export const SMALL_GAP_BYTES = CHUNK_BYTES - SMALL_SLOT_BYTES;
/** A head has to move to a full slot before its payload reaches beyond this bit. */
export const SMALL_FOOTER_BIT = FOOTER_BIT - SMALL_GAP_BYTES * 8;
/** A head moves into a small slot only if its payload ends before this bit, so that it does not move back at once. */
export const SMALL_ENTRY_BIT = SMALL_FOOTER_BIT - 256;
const SMALL_PAYLOAD_END = COUNTER_OFFSET - SMALL_GAP_BYTES;

/** Copies header and payload of a stored head between a small slot and a full one, in either direction. */
export const copyHead = (from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number): void => {
  to.set(from.subarray(fromOffset, fromOffset + SMALL_PAYLOAD_END), toOffset);
};

/** Writes the 1,024 bytes of a chunk whose stored head is in a small slot. */
export const writeWhole = (small: Uint8Array, offset: number, target: Uint8Array, targetOffset: number): void => {
  copyHead(small, offset, target, targetOffset);
  target.fill(0, targetOffset + SMALL_PAYLOAD_END, targetOffset + COUNTER_OFFSET);
  const footer = small.subarray(offset + SMALL_PAYLOAD_END, offset + SMALL_SLOT_BYTES);
  target.set(footer, targetOffset + COUNTER_OFFSET);
};
