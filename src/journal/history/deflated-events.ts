/**
 * Events records that the history keeps deflated (docs/formats/journal.md, "History"). The names of labels and most of
 * their values repeat from one creation to the next, so the records of creations take less than a sixth.
 *
 *     4   number of bytes inflated, little endian, at most 64 KiB
 *     …   raw deflate of the payload of an events record
 *
 * The bound keeps each piece of work on the host's thread below a millisecond, and the memory that a damaged or
 * crafted file can ask for small.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { MalformedBytes } from '../../model/malformed-bytes.ts';

const LENGTH_BYTES = 4;
/** Of a shorter payload hardly anything would be saved: it is one event of JSON. */
const INFLATED_BYTES_MIN = 256;
const INFLATED_BYTES_MAX = 64 * 1024;
/** Higher levels take up to twice the time and save 4 % more. */
const LEVEL = 1;
/** The smallest buffer that zlib takes for its output. */
const CHUNK_BYTES_MIN = 64;

/** `undefined` if the payload is to be kept as it is: it would not become smaller, or is beyond the bounds. */
export const deflateEvents = (payload: Buffer): Buffer | undefined => {
  if (payload.length < INFLATED_BYTES_MIN || payload.length > INFLATED_BYTES_MAX) return undefined;
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt32LE(payload.length);
  const deflated = Buffer.concat([length, deflateRawSync(payload, { level: LEVEL })]);
  return deflated.length < payload.length ? deflated : undefined;
};

/** The payload that {@link deflateEvents} deflated. Throws {@link MalformedBytes}. */
export const inflateEvents = (deflated: Buffer): Buffer => {
  const byteCount = deflated.length < LENGTH_BYTES ? 0 : deflated.readUInt32LE(0);
  if (byteCount > INFLATED_BYTES_MAX) throw new MalformedBytes(`deflated events of ${byteCount} bytes`);
  const payload = inflate(deflated.subarray(LENGTH_BYTES), byteCount);
  if (payload.length !== byteCount) throw new MalformedBytes(`${payload.length} of ${byteCount} bytes of events`);
  return payload;
};

const inflate = (bytes: Buffer, byteCount: number): Buffer => {
  try {
    // With a byte more than is needed, zlib knows that the output ended, and allocates once.
    const chunkSize = Math.max(CHUNK_BYTES_MIN, byteCount + 1);
    return inflateRawSync(bytes, { chunkSize, maxOutputLength: Math.max(1, byteCount) });
  } catch {
    throw new MalformedBytes('events that can not be inflated');
  }
};
