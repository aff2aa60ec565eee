/**
 * One chunk in a series file: a record of 1,041 bytes (docs/formats/series-files.md).
 *
 *   0   1     encoding: 0, 1, 2
 *   1   8     time of the first sample, int64 little endian
 *   9   8     time of the last sample, int64 little endian
 *   17  1024  the chunk; for encodings 0 and 1 the bytes after its used length are undefined
 */
import { VARBIT } from '../../chunk/chunk.ts';
import { firstTimeOf, lastTimeOf, writeForSeriesFile } from '../../chunk/decode.ts';
import type { SlabView, Slot } from '../../chunk/slab.ts';
import { CHUNK_BYTES } from '../../chunk/slab.ts';
import { TidemarkError } from '../../model/errors.ts';
import { readInt64LE, writeInt64LE } from '../../model/int64.ts';

export const HEADER_BYTES = 17;
export const RECORD_BYTES = HEADER_BYTES + CHUNK_BYTES;

/** Number of records in one read or write: as many as fit into 64 KiB. */
export const BATCH_RECORDS = 62;

const FIRST_TIME_OFFSET = 1;
const LAST_TIME_OFFSET = 9;

/** Writes the record of a chunk into `target` at `offset`. */
export const encodeRecord = (
  slab: SlabView,
  slot: Slot,
  encoding: number,
  target: Uint8Array,
  offset: number,
): void => {
  const block = slab.blockOf(slot);
  const start = slab.offsetOf(slot);
  const firstTime = firstTimeOf(block, start, encoding);
  writeHeader(target, offset, { encoding, firstTime, lastTime: lastTimeOf(block, start, encoding) });
  writeForSeriesFile(block, start, encoding, target, offset + HEADER_BYTES);
};

/** Writes a record's header. */
export const writeHeader = (
  target: Uint8Array,
  offset: number,
  {
    encoding,
    firstTime,
    lastTime,
  }: { readonly encoding: number; readonly firstTime: number; readonly lastTime: number },
): void => {
  target[offset] = encoding;
  writeInt64LE(target, offset + FIRST_TIME_OFFSET, firstTime);
  writeInt64LE(target, offset + LAST_TIME_OFFSET, lastTime);
};

/** Time of the first sample, from a record's header. */
export const recordFirstTime = (bytes: Uint8Array, offset: number): number =>
  readInt64LE(bytes, offset + FIRST_TIME_OFFSET);

/** Time of the last sample, from a record's header. */
export const recordLastTime = (bytes: Uint8Array, offset: number): number =>
  readInt64LE(bytes, offset + LAST_TIME_OFFSET);

/** Why the header of the record at `offset` can't be right, or `undefined`. */
export const headerProblem = (bytes: Uint8Array, offset: number): string | undefined =>
  descriptorProblem(bytes[offset], recordFirstTime(bytes, offset), recordLastTime(bytes, offset));

/** Why a chunk's encoding and times can't be right, or `undefined`. */
export const descriptorProblem = (encoding: number, firstTime: number, lastTime: number): string | undefined => {
  if (encoding > VARBIT) return `unknown chunk encoding ${encoding}, must be 0, 1 or 2`;
  if (lastTime < firstTime) return `last time ${lastTime} is before first time ${firstTime}`;
  return undefined;
};

/** `TIDEMARK_CORRUPT_SERIES_FILE`, with the file and the byte offset of the record or of the damage in it. */
export const corruptSeriesFile = (file: string, offset: number, problem: string, cause?: unknown): TidemarkError =>
  new TidemarkError('TIDEMARK_CORRUPT_SERIES_FILE', `${file}, byte ${offset}: ${problem}`, {
    cause,
    details: { file, offset, problem },
  });

/** The records of a file, by its size. */
export interface SeriesFileStat {
  /** Whole records. */
  readonly chunks: number;
  /** Bytes after the last whole record; 0 in a sound file. */
  readonly trailingBytes: number;
  readonly size: number;
  readonly mtimeNs: bigint;
}

export const toSeriesFileStat = (size: number, mtimeNs: bigint): SeriesFileStat => {
  const trailingBytes = size % RECORD_BYTES;
  return { chunks: (size - trailingBytes) / RECORD_BYTES, trailingBytes, size, mtimeNs };
};

/** The number of records in a file of this size. Throws when the size is not a multiple of the record length. */
export const wholeRecords = (file: string, size: number): number => {
  const { chunks, trailingBytes } = toSeriesFileStat(size, -1n);
  if (trailingBytes === 0) return chunks;
  throw corruptSeriesFile(
    file,
    size - trailingBytes,
    `the file's size ${size} is not a multiple of the record length ${RECORD_BYTES}`,
  );
};
