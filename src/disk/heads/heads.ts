/**
 * heads.db, the checkpoint: every series in memory, with those of its chunks that are in no series file yet.
 * docs/formats/heads.md specifies the bytes. heads-writer.ts writes version 2, heads-reader.ts reads versions 1 and 2.
 *
 *   "PrometheusHeads"  svarint version  count of series (8 bytes BE)  records
 *   [ "TidemarkCheckpoint"  version 1  position (8 bytes BE)  CRC-32 of all before (4 bytes BE) ]
 *
 * The trailer is Tidemark's own; the original ignores all bytes after the last record. A checkpoint of a running store
 * has a trailer, so that snapshot and journal position become visible in one rename. A clean close leaves it out.
 */
import { crc32 } from 'node:zlib';
import type { Slot } from '../../chunk/slab.ts';
import { TidemarkError } from '../../model/errors.ts';
import { fromHalves, highHalf, lowHalf, readInt32BE, writeInt32BE } from '../../model/int64.ts';
import type { LabelPairs } from '../../model/labels.ts';

export const HEADS_FILE = 'heads.db';
export const HEADS_MAGIC = Buffer.from('PrometheusHeads');
export const HEADS_VERSION = 2;
/** Offset of the count of series, in both versions. */
export const COUNT_OFFSET = 16;
export const HEADER_BYTES = 24;

const TRAILER_MAGIC = Buffer.from('TidemarkCheckpoint');
const TRAILER_VERSION = 1;
const POSITION_OFFSET = TRAILER_MAGIC.length + 1;
const CRC_OFFSET = POSITION_OFFSET + 8;
export const TRAILER_BYTES = CRC_OFFSET + 4;

/** One series of the checkpoint. */
export interface HeadsRecord {
  readonly high: number;
  readonly low: number;
  readonly pairs: LabelPairs;
  /** How many of the record's chunk descriptors, counted from the first, are of chunks in the series file. */
  readonly watermark: number;
  /** Modification time of the series file in nanoseconds; -1 when unknown or when there is no file. */
  readonly mtimeNs: bigint;
  /** Chunks of the series file that are older than the first descriptor; -1 when unknown (version 1). */
  readonly chunkDescsOffset: number;
  /** First time of the series' oldest chunk; EARLIEST, -2^63, when unknown. */
  readonly savedFirstTime: number;
  /** First and last times, alternating, of the descriptors before the watermark. */
  readonly descriptorTimes: readonly number[];
  /** The chunks from the watermark on, oldest first; their encodings are in the slab. The last one is the head. */
  readonly slots: readonly Slot[];
}

export interface HeadsTrailer {
  /** Replaying the journal over this checkpoint starts here. */
  readonly position: number;
}

/** The result of reading the checkpoint. */
export interface HeadsRead {
  /** `missing`: no file. `damaged`: see `problems`; all readable records were passed on. */
  readonly status: 'missing' | 'ok' | 'damaged';
  /** 1 or 2; 0 when the file has no readable version. */
  readonly version: number;
  /** Number of series passed on. */
  readonly seriesCount: number;
  /** Number of series that the header announces. */
  readonly seriesExpected: number;
  /** Number of chunks passed on that are in no series file yet, without the head chunks. */
  readonly chunksWaiting: number;
  /** The file's size and CRC-32. */
  readonly bytes: number;
  readonly crc32: number;
  /** The first of `problems`. */
  readonly damage: TidemarkError | undefined;
  /** `TIDEMARK_CORRUPT_HEADS`, the first 100; `details` has `offset`, and `fingerprint` where it is known. */
  readonly problems: readonly TidemarkError[];
  readonly problemCount: number;
  /** Present when the file ends with a trailer. Trust its position only when the status is `ok`. */
  readonly trailer: HeadsTrailer | undefined;
}

/** The trailer's bytes; `crcBefore` is the CRC-32 of the file up to it. */
export const encodeTrailer = ({ position }: HeadsTrailer, crcBefore: number): Buffer => {
  const bytes = Buffer.alloc(TRAILER_BYTES);
  bytes.set(TRAILER_MAGIC);
  bytes[TRAILER_MAGIC.length] = TRAILER_VERSION;
  writeInt32BE(bytes, POSITION_OFFSET, highHalf(position));
  writeInt32BE(bytes, POSITION_OFFSET + 4, lowHalf(position));
  writeInt32BE(bytes, CRC_OFFSET, crc32(bytes.subarray(0, CRC_OFFSET), crcBefore));
  return bytes;
};

/**
 * Decodes the trailer from the last bytes of a file; `undefined` when there is none. Bytes whose magic is mostly right
 * also count as a trailer, because a damaged trailer must not be taken for a missing one. {@link isIntact} checks the
 * content.
 */
export const decodeTrailer = (bytes: Uint8Array): HeadsTrailer | undefined => {
  if (bytes.length !== TRAILER_BYTES) return undefined;
  const matching = TRAILER_MAGIC.filter((byte, index) => byte === bytes[index]).length;
  if (matching < TRAILER_MAGIC.length / 2) return undefined;
  return { position: fromHalves(readInt32BE(bytes, POSITION_OFFSET), readInt32BE(bytes, POSITION_OFFSET + 4)) };
};

/** Whether the trailer and everything before it match the trailer's CRC-32. */
export const isIntact = (trailer: Uint8Array, crcBefore: number): boolean => {
  const position = decodeTrailer(trailer)?.position ?? -1;
  if (!Number.isSafeInteger(position) || position < 0) return false;
  return readInt32BE(trailer, CRC_OFFSET) === (crc32(trailer.subarray(0, CRC_OFFSET), crcBefore) | 0);
};

/** `TIDEMARK_CORRUPT_HEADS` with file and byte offset. */
export const corruptHeads = (
  file: string,
  offset: number,
  problem: string,
  details: Readonly<Record<string, unknown>> = {},
): TidemarkError =>
  new TidemarkError('TIDEMARK_CORRUPT_HEADS', `${file}, byte ${offset}: ${problem}`, {
    details: { file, offset, problem, ...details },
  });
