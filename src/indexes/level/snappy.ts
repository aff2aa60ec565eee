/**
 * Decompresses a snappy block: a length, then literals and copies of earlier output. Throws a `RangeError` on bad
 * input.
 */
import { VarintReader } from './varints.ts';

/** Limit of the output, in case the length is damaged. Index blocks are a small part of a table. */
const BYTES_MAX = 64 * 1024 * 1024;

export const unsnap = (bytes: Uint8Array): Uint8Array => {
  const input = new VarintReader(bytes);
  const length = input.varint();
  if (length > BYTES_MAX) throw new RangeError(`a block of ${length} bytes`);
  const output = new Uint8Array(length);
  let at = 0;
  while (!input.isAtEnd) {
    const [tag] = input.take(1);
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >>> 2;
      const size = (short < 60 ? short : littleEndian(input.take(short - 59))) + 1;
      if (at + size > length) throw new RangeError('a literal goes past the end');
      output.set(input.take(size), at);
      at += size;
      continue;
    }
    const size = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const offset = kind === 1 ? ((tag >>> 5) << 8) | input.take(1)[0] : littleEndian(input.take(kind === 2 ? 2 : 4));
    if (offset === 0 || offset > at || at + size > length) throw new RangeError('a copy reaches outside the block');
    for (let i = 0; i < size; i++, at++) output[at] = output[at - offset];
  }
  if (at !== length) throw new RangeError(`${at} of ${length} bytes`);
  return output;
};

const littleEndian = (bytes: Uint8Array): number => bytes.reduceRight((value, byte) => value * 256 + byte, 0);
