/**
 * Open varbit heads in small slots. A small slot has the bytes of the chunk in the same places, up to its footer, which is
 * at the small slot's own end instead of the chunk's:
 *
 *   bytes 0     header and payload, as in varbit-layout.ts
 *         247   footer, which a full slot has from byte 1,015 on
 *
 * A head begins in a small slot and moves to a full one once, when its payload reaches the footer or when it is closed; so
 * nothing but an open head is ever in a small slot, and nothing but this file and varbit-head.ts knows how it looks.
 */
import { CHUNK_BYTES, SMALL_SLOT_BYTES } from './slab.ts';
import { COUNTER_OFFSET, FOOTER_BIT } from './varbit-layout.ts';

/** What a small slot is shorter by: its footer comes so much earlier. */
export const SMALL_GAP_BYTES = CHUNK_BYTES - SMALL_SLOT_BYTES;
/** A head whose payload would reach beyond this bit has to move. */
export const SMALL_FOOTER_BIT = FOOTER_BIT - SMALL_GAP_BYTES * 8;
/** A head moves into a small slot if its payload ends before this bit: so that it does not move back at once. */
export const SMALL_ENTRY_BIT = SMALL_FOOTER_BIT - 256;
const SMALL_PAYLOAD_END = COUNTER_OFFSET - SMALL_GAP_BYTES;

/** Copies header and payload of a stored head between a small slot and a full one, in either direction. */
export const copyHead = (from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number): void => {
  to.set(from.subarray(fromOffset, fromOffset + SMALL_PAYLOAD_END), toOffset);
};

/** Writes the 1,024 bytes of the chunk whose stored head is in a small slot. */
export const writeWhole = (small: Uint8Array, offset: number, target: Uint8Array, targetOffset: number): void => {
  copyHead(small, offset, target, targetOffset);
  target.fill(0, targetOffset + SMALL_PAYLOAD_END, targetOffset + COUNTER_OFFSET);
  const footer = small.subarray(offset + SMALL_PAYLOAD_END, offset + SMALL_SLOT_BYTES);
  target.set(footer, targetOffset + COUNTER_OFFSET);
};
