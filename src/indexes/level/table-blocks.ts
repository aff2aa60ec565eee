/**
 * Verifies a LevelDB table. Every block has a checksum, which LevelDB itself checks only when it compacts. The footer
 * names the index block, which names the data blocks, and the metaindex block, which names the bloom filter.
 */
import { crc32c } from '../../wire/crc32c.ts';
import { uncompress } from '../../wire/snappy.ts';
import { WireError } from '../../wire/wire-error.ts';
import { maskCrc } from './mask-crc.ts';
import { VarintReader } from './varints.ts';

const FOOTER_BYTES = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** Limit of a block's content, in case its length is damaged. Index blocks are a small part of a table. */
const BLOCK_BYTES_MAX = 64 * 1024 * 1024;
/** A larger block, as one long value makes it, is checked in pieces of this size. One takes half a millisecond. */
const PIECE_BYTES = 128 * 1024;
/** Compression type and checksum after each block. */
const TRAILER_BYTES = 5;

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/**
 * Returns what is wrong with a table, `undefined` when nothing is. Yields after each block, and within large ones, so
 * that the caller can give the event loop a turn.
 */
export function* verifyTable(table: Uint8Array): Generator<number, string | undefined> {
  try {
    const { metaindex, index } = readFooter(table);
    const handles = [...handlesIn(yield* readBlock(table, metaindex)), ...handlesIn(yield* readBlock(table, index))];
    for (const handle of handles) yield* checkBlock(table, handle);
    return undefined;
  } catch (error) {
    if (error instanceof RangeError || error instanceof WireError) return error.message;
    throw error;
  }
}

const readFooter = (table: Uint8Array): { metaindex: Handle; index: Handle } => {
  const start = table.length - FOOTER_BYTES;
  if (start < 0) throw new RangeError('it is too short for a table');
  const magic = new DataView(table.buffer, table.byteOffset + table.length - 8, 8).getBigUint64(0, true);
  if (magic !== MAGIC) throw new RangeError('it does not end with the footer of a table');
  const footer = new VarintReader(table.subarray(start, table.length - 8));
  return { metaindex: readHandle(footer), index: readHandle(footer) };
};

const readHandle = (reader: VarintReader): Handle => ({ offset: reader.varint(), size: reader.varint() });

/** Yields how many bytes were checked since it yielded last. */
function* checkBlock(table: Uint8Array, { offset, size }: Handle): Generator<number, void> {
  const end = offset + size + TRAILER_BYTES;
  if (end > table.length) throw new RangeError(`the block at ${offset} goes past the end`);
  const stored = new DataView(table.buffer, table.byteOffset + end - 4, 4).getUint32(0, true);
  let checksum = 0;
  for (let start = offset; start < end - 4; start += PIECE_BYTES) {
    const pieceEnd = Math.min(start + PIECE_BYTES, end - 4);
    checksum = crc32c(table, start, pieceEnd, checksum);
    yield pieceEnd - start;
  }
  if (maskCrc(checksum) !== stored) throw new RangeError(`the block at ${offset} has a wrong checksum`);
}

/** The content of a block. */
function* readBlock(table: Uint8Array, handle: Handle): Generator<number, Uint8Array> {
  yield* checkBlock(table, handle);
  const { offset, size } = handle;
  const content = table.subarray(offset, offset + size);
  return table[offset + size] === 1 ? uncompress(content, BLOCK_BYTES_MAX) : content;
}

/** The block handles that are the values of a block's entries. */
function* handlesIn(block: Uint8Array): Generator<Handle> {
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  if (block.length < 4) throw new RangeError('an index block is too short');
  const restarts = view.getUint32(block.length - 4, true);
  const end = block.length - 4 - 4 * restarts;
  if (end < 0) throw new RangeError('an index block is too short');
  const entries = new VarintReader(block.subarray(0, end));
  while (!entries.isAtEnd) {
    entries.varint(); // bytes shared with the key before
    const keyBytes = entries.varint();
    const valueBytes = entries.varint();
    entries.take(keyBytes);
    yield readHandle(new VarintReader(entries.take(valueBytes)));
  }
}
