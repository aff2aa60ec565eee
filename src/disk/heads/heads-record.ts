/**
 * The part of a heads.db record before its chunks: flags, fingerprint, metric, counts and times
 * (docs/formats/heads.md).
 */
import type { Slot } from '../../chunk/slab.ts';
import type { ByteReader } from '../../model/byte-reader.ts';
import { fastFingerprint } from '../../model/fingerprint.ts';
import { MalformedBytes, OutOfBytes } from '../../model/malformed-bytes.ts';
import type { HeadsRecord } from './heads.ts';

/**
 * Maximum number of descriptors of chunks in the file, more than any writer stored: version 2 stores one, version 1
 * those in memory.
 */
const PERSISTED_MAX = 1 << 20;
const HEAD_CHUNK_PERSISTED = 1;

const noTimes: readonly number[] = [];

/** A record before its chunks are read. */
export interface RecordHead extends HeadsRecord {
  /** Empty; to be filled with the chunks that follow. */
  readonly slots: Slot[];
  /** Number of chunks that follow. */
  readonly chunkCount: number;
}

/** Reads the part of a record before its chunks. Throws {@link OutOfBytes} and {@link MalformedBytes}. */
export const readRecordHead = (reader: ByteReader, version: number): RecordHead => {
  const flags = reader.byte();
  const high = reader.int32BE();
  const low = reader.int32BE();
  const pairs = reader.metric();
  const storedWatermark = version === 1 ? -1 : reader.count('persist watermark');
  const mtimeNs = version === 1 ? -1n : reader.svarintBig();
  const chunkDescsOffset = reader.svarint();
  if (chunkDescsOffset < -1) throw new MalformedBytes(`offset of chunk descriptors is negative: ${chunkDescsOffset}`);
  const savedFirstTime = reader.svarint();
  const count = reader.count('number of chunk descriptors');
  const watermark = version === 1 ? impliedWatermark(flags, count) : Math.min(storedWatermark, count);
  if (watermark > PERSISTED_MAX) throw new MalformedBytes(`${watermark} chunk descriptors exceed ${PERSISTED_MAX}`);
  if (watermark * 2 > reader.remaining) throw new OutOfBytes();
  const descriptorTimes = watermark === 0 ? noTimes : timesFrom(reader, watermark * 2);
  return {
    high,
    low,
    pairs,
    watermark,
    mtimeNs,
    chunkDescsOffset,
    savedFirstTime,
    descriptorTimes,
    slots: [],
    chunkCount: count - watermark,
  };
};

const timesFrom = (reader: ByteReader, count: number): number[] => {
  const times: number[] = [];
  for (let i = 0; i < count; i++) times.push(reader.svarint());
  return times;
};

/** Version 1 stores the times of every chunk, except an open head, which it stores as a whole chunk. */
const impliedWatermark = (flags: number, count: number): number =>
  (flags & HEAD_CHUNK_PERSISTED) !== 0 ? count : Math.max(0, count - 1);

const fingerprint = new Int32Array(2);

/**
 * Whether a record of version 2 certainly begins at the reader's position: its fingerprint must be that of its labels,
 * which are 64 bits that do not match by chance, and the rest must be something that a writer of version 2 writes. A
 * series with a mapped fingerprint is not recognised. The reader's position changes.
 */
export const isRecordStart = (reader: ByteReader): boolean => {
  try {
    const { high, low, pairs, watermark, descriptorTimes, chunkCount } = readRecordHead(reader, 2);
    if (pairs.length === 0) return false;
    if (watermark > 1 || (watermark === 1) !== (chunkCount === 0)) return false;
    if (watermark === 1 && descriptorTimes[0] > descriptorTimes[1]) return false;
    fastFingerprint(pairs, fingerprint);
    return fingerprint[0] === high && fingerprint[1] === low;
  } catch (error) {
    if (error instanceof OutOfBytes || error instanceof MalformedBytes) return false;
    throw error;
  }
};
