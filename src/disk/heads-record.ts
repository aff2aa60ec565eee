/**
 * The part of a heads.db record before its chunks (docs/formats/heads.md): flags, fingerprint, metric, counts and times.
 */
import type { Slot } from '../chunk/slab.ts';
import type { ByteReader } from '../model/byte-reader.ts';
import { fastFingerprint } from '../model/fingerprint.ts';
import { MalformedBytes, OutOfBytes } from '../model/malformed-bytes.ts';
import type { HeadsRecord } from './heads.ts';

/** More descriptors of chunks in the file than any writer stored: version 2 stores one, version 1 those in memory. */
const PERSISTED_MAX = 1 << 20;
const HEAD_CHUNK_PERSISTED = 1;

const noTimes: readonly number[] = [];

/** A record before its chunks are read. */
export interface RecordHead extends HeadsRecord {
  /** Empty: for the chunks that follow. */
  readonly slots: Slot[];
  /** Chunks that follow. */
  readonly chunkCount: number;
}

/** Reads it at the reader's position. Throws {@link OutOfBytes} and {@link MalformedBytes}. */
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

/** Version 1 stores every chunk's times but those of an open head, which is a whole chunk. */
const impliedWatermark = (flags: number, count: number): number =>
  (flags & HEAD_CHUNK_PERSISTED) !== 0 ? count : Math.max(0, count - 1);

const fingerprint = new Int32Array(2);

/**
 * Whether a record of version 2 begins at the reader's position, for certain: its fingerprint is that of its labels, 64
 * bits that chance does not hit, and the rest is what a writer of version 2 writes. A series with a mapped fingerprint
 * is not recognised. The reader's position is lost.
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
