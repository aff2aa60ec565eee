/**
 * The records of a LevelDB log; a MANIFEST has the same format. A file consists of blocks of 32 KiB. A record has a
 * header (masked CRC-32C, length, type) and is cut into fragments at the block ends.
 *
 * A bad record is skipped and reading continues at the next block, as in LevelDB. Good records after a bad one show a
 * hole in the middle; without them it is a torn end. A crash leaves only a torn end.
 */
import { crc32c } from '../../wire/crc32c.ts';
import { maskCrc } from './mask-crc.ts';

const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;

const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

export interface LogRecords {
  readonly records: readonly Uint8Array[];
  /** Whether good records follow a bad one. */
  readonly hasHole: boolean;
  /** Whether the file does not end with a whole record. */
  readonly isTorn: boolean;
}

export const readLogRecords = (bytes: Uint8Array): LogRecords => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const records: Uint8Array[] = [];
  let fragments: Uint8Array[] = [];
  let isBad = false;
  let hasHole = false;
  const end = (record: Uint8Array): void => {
    records.push(record);
    if (isBad) hasHole = true;
  };
  const lose = (): void => {
    isBad = true;
    fragments = [];
  };
  for (let block = 0; block < bytes.length; block += BLOCK_BYTES) {
    const blockEnd = Math.min(block + BLOCK_BYTES, bytes.length);
    let at = block;
    while (at + HEADER_BYTES <= blockEnd) {
      const length = view.getUint16(at + 4, true);
      const type = bytes[at + 6];
      const dataEnd = at + HEADER_BYTES + length;
      // Space that the file system reserved but that was never written.
      if (type === 0 && length === 0 && view.getUint32(at, true) === 0) break;
      if (dataEnd > blockEnd || maskCrc(crc32c(bytes, at + 6, dataEnd)) !== view.getUint32(at, true)) {
        lose();
        if (hasRecord(bytes, view, at + 1, blockEnd)) hasHole = true;
        break;
      }
      const data = bytes.subarray(at + HEADER_BYTES, dataEnd);
      at = dataEnd;
      const isStart = type === FULL || type === FIRST;
      if (isStart === fragments.length > 0 || type > LAST) {
        // A fragment without its beginning, or a record that another one interrupts.
        lose();
        if (!isStart) continue;
      }
      if (type === FULL) end(data);
      else if (type === LAST) {
        end(concatenate([...fragments, data]));
        fragments = [];
      } else if (type === FIRST || type === MIDDLE) fragments.push(data);
    }
    if (blockEnd < block + BLOCK_BYTES && at < blockEnd && at + HEADER_BYTES > blockEnd) lose();
  }
  return { records, hasHole, isTorn: isBad || fragments.length > 0 };
};

/** Whether a whole record begins somewhere in `bytes[from, end)`. LevelDB will not read it, but it was written. */
const hasRecord = (bytes: Uint8Array, view: DataView, from: number, end: number): boolean => {
  for (let at = from; at + HEADER_BYTES < end; at++) {
    const type = bytes[at + 6];
    const dataEnd = at + HEADER_BYTES + view.getUint16(at + 4, true);
    if (type < FULL || type > LAST || dataEnd > end) continue;
    if (maskCrc(crc32c(bytes, at + 6, dataEnd)) === view.getUint32(at, true)) return true;
  }
  return false;
};

const concatenate = (parts: readonly Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};
