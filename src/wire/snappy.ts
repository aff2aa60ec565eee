/**
 * Snappy's block format, which remote write and remote read use (not the framed one).
 * https://github.com/google/snappy/blob/main/format_description.txt
 *
 * A block is the length of its content as a varint, then elements: literal bytes, or copies of bytes that came before.
 */
import { WireError } from './wire-error.ts';

const LENGTH_BYTES_MAX = 5;
/** The length of a block's content is a number of 32 bits. */
export const LENGTH_MAX = 0xffff_ffff;

/** Reads the varint at the start: the content's length, and how many bytes the varint takes. Throws `WireError`. */
const readLength = (block: Uint8Array): { readonly length: number; readonly headerBytes: number } => {
  let length = 0;
  for (let count = 0; count < LENGTH_BYTES_MAX; count++) {
    if (count >= block.length) break;
    const byte = block[count];
    length += (byte & 0x7f) * 2 ** (7 * count);
    if (byte < 0x80) {
      if (length > LENGTH_MAX) break;
      return { length, headerBytes: count + 1 };
    }
  }
  throw new WireError('the snappy block does not begin with a length');
};

const damaged = (at: number): WireError => new WireError(`the snappy block is damaged at byte ${at}`);

/** How much of a block's content one step restores. */
const STEP_BYTES = 256 * 1024;
/** Up to this many bytes are copied one by one, because a call takes longer. */
const FEW_BYTES = 32;

/** The restoring of a block's content, a quarter of a mebibyte a step, so that a large block does not hold up the event loop. */
export class Uncompression {
  readonly content: Buffer;
  private readonly block: Uint8Array;
  private from: number;
  private to = 0;

  /**
   * The length that the block announces is checked before memory is taken for it: throws `TooLargeError` if it is above
   * `bytesMax`. `onLength` is called with a length that is allowed; it may throw, too.
   */
  constructor(block: Uint8Array, bytesMax: number, onLength: (length: number) => void = () => {}) {
    const { length, headerBytes } = readLength(block);
    if (length > bytesMax) throw new TooLargeError(length, bytesMax);
    // An element of three bytes gives at most 64 bytes. A block that announces more than that can't keep its word.
    if (length > (block.length - headerBytes) * 32) throw damaged(0);
    onLength(length);
    this.block = block;
    this.from = headerBytes;
    this.content = Buffer.allocUnsafe(length);
  }

  /** Goes on; false when the content is complete. Throws `WireError` if the block is damaged. */
  step(): boolean {
    const { block, content } = this;
    const { length } = content;
    const stop = this.to + STEP_BYTES;
    let { from, to } = this;
    while (from < block.length && to < stop) {
      const tag = block[from++];
      const kind = tag & 3;
      if (kind === 0) {
        let count = (tag >> 2) + 1;
        if (count > 60) {
          const lengthBytes = count - 60;
          if (from + lengthBytes > block.length) throw damaged(from);
          count = 1;
          for (let i = 0; i < lengthBytes; i++) count += block[from + i] * 2 ** (8 * i);
          from += lengthBytes;
        }
        if (count > block.length - from || count > length - to) throw damaged(from);
        if (count > FEW_BYTES) {
          content.set(block.subarray(from, from + count), to);
          from += count;
          to += count;
        } else for (const end = to + count; to < end; to++) content[to] = block[from++];
        continue;
      }
      const offsetBytes = kind === 3 ? 4 : kind;
      if (from + offsetBytes > block.length) throw damaged(from);
      let count = (tag >> 2) + 1;
      let distance = 0;
      if (kind === 1) {
        count = ((tag >> 2) & 7) + 4;
        distance = ((tag >> 5) << 8) | block[from];
      } else for (let i = 0; i < offsetBytes; i++) distance += block[from + i] * 2 ** (8 * i);
      from += offsetBytes;
      if (distance === 0 || distance > to || count > length - to) throw damaged(from);
      if (count > FEW_BYTES && distance >= count) {
        content.copyWithin(to, to - distance, to - distance + count);
        to += count;
      } else for (const end = to + count; to < end; to++) content[to] = content[to - distance];
    }
    this.from = from;
    this.to = to;
    if (from < block.length) return true;
    if (to !== length) throw damaged(from);
    return false;
  }
}

/** The content of a block at once. Throws as {@link Uncompression} does. */
export const uncompress = (block: Uint8Array, bytesMax: number): Buffer => {
  const uncompression = new Uncompression(block, bytesMax);
  while (uncompression.step());
  return uncompression.content;
};

/** The announced content is larger than what is allowed. */
export class TooLargeError extends WireError {
  constructor(length: number, bytesMax: number) {
    super(`the content has ${length} bytes; at most ${bytesMax} are taken`);
  }
}

/** Content is compressed in parts of this size, so that every distance fits into two bytes. */
const PART_BYTES = 65_536;
const HASH_BITS = 14;
const table = new Uint16Array(1 << HASH_BITS);

/** Compresses bytes into one block. The same bytes give the same block. */
export const compress = (content: Uint8Array): Buffer =>
  Buffer.concat([blockHeader(content.length), blockElements(content)]);

/** The beginning of a block whose content has this many bytes. Throws `RangeError` if a block can't be so long. */
export const blockHeader = (length: number): Buffer => {
  if (length > LENGTH_MAX) throw new RangeError(`a snappy block holds at most ${LENGTH_MAX} bytes, not ${length}`);
  const bytes: number[] = [];
  let rest = length;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.of(...bytes, rest);
};

/**
 * The elements of a part of a block's content. Those of one part after those of another make the block, so that long
 * content can be compressed part by part.
 */
export const blockElements = (content: Uint8Array): Buffer => {
  const out = Buffer.allocUnsafe(32 + content.length + Math.ceil(content.length / 6));
  let to = 0;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  for (let start = 0; start < content.length; start += PART_BYTES)
    to = compressPart(content, view, start, Math.min(start + PART_BYTES, content.length), out, to);
  return out.subarray(0, to);
};

const compressPart = (
  content: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  out: Uint8Array,
  outFrom: number,
): number => {
  let to = outFrom;
  // Before this position nothing is looked up: four bytes are compared at once.
  const last = end - 15;
  let literal = start;
  let at = start + 1;
  let misses = 32;
  table.fill(0);
  while (at < last) {
    const word = view.getUint32(at, true);
    const slot = Math.imul(word, 0x1e35_a7bd) >>> (32 - HASH_BITS);
    const candidate = start + table[slot];
    table[slot] = at - start;
    if (candidate >= at || view.getUint32(candidate, true) !== word) {
      // Bytes that don't compress are passed over faster and faster.
      at += misses++ >> 5;
      continue;
    }
    to = emitLiteral(content, literal, at, out, to);
    let matched = 4;
    while (at + matched < end && content[at + matched] === content[candidate + matched]) matched += 1;
    to = emitCopy(at - candidate, matched, out, to);
    at += matched;
    literal = at;
    misses = 32;
  }
  return emitLiteral(content, literal, end, out, to);
};

const emitLiteral = (content: Uint8Array, from: number, through: number, out: Uint8Array, outFrom: number): number => {
  let to = outFrom;
  const rest = through - from - 1;
  if (rest < 0) return to;
  if (rest < 60) out[to++] = rest << 2;
  else if (rest < 0x100) {
    out[to++] = 60 << 2;
    out[to++] = rest;
  } else {
    out[to++] = 61 << 2;
    out[to++] = rest & 0xff;
    out[to++] = rest >> 8;
  }
  out.set(content.subarray(from, through), to);
  return to + rest + 1;
};

const emitCopy = (distance: number, length: number, out: Uint8Array, outFrom: number): number => {
  let to = outFrom;
  let rest = length;
  while (rest > 0) {
    // A remainder below four could not be written as a short copy.
    const count = rest > 64 ? (rest < 68 ? 60 : 64) : rest;
    if (count >= 4 && count <= 11 && distance < 2048) {
      out[to++] = 1 | ((count - 4) << 2) | ((distance >> 8) << 5);
      out[to++] = distance & 0xff;
    } else {
      out[to++] = 2 | ((count - 1) << 2);
      out[to++] = distance & 0xff;
      out[to++] = distance >> 8;
    }
    rest -= count;
  }
  return to;
};
