/**
 * The frame around every journal record. A reader recognises by it a torn tail, a damaged record and a record at the
 * wrong place (docs/formats/journal.md, "Records").
 *
 *     offset  bytes  content
 *     0       4      marker 9e 54 6d 0a
 *     4       1      kind: 1 samples, 2 events, 3 history mark, 4 late samples, 5 deflated events
 *     5       3      payload length L, little endian
 *     8       4      CRC-32 of the payload
 *     12      4      CRC-32 of bytes 0 to 12, started from the seed below
 *     16      L      payload
 *
 * The seed binds the header to the store and to its position. So a reader never takes a stale block of another journal,
 * or bytes of a label value that look like a record, for a record.
 */
import { crc32 } from 'node:zlib';
import type { Position } from '../../model/events.ts';

export const FRAME_BYTES = 16;
/** Three bytes of length. */
export const PAYLOAD_BYTES_MAX = 0xffffff;

export const SAMPLES = 1;
export const EVENTS = 2;
/** Only in history files: the journal before this position has been moved into the history. */
export const HISTORY_MARK = 3;
/** Samples that are older than their series' newest one. The payload is that of samples; it defines all its references. */
export const LATE_SAMPLES = 4;
/** Only in history files: an events record whose payload is deflated. */
export const DEFLATED_EVENTS = 5;

/** The marker's four bytes, read as a little-endian number. */
const MARKER = 0x0a6d549e;
const MARKER_FIRST_BYTE = 0x9e;
const HEADER_CRC_OFFSET = 12;

/** The seed of the header's checksum, for a record at `position`. */
export const frameSeed = (salt: number, position: Position): number =>
  (salt ^ (position | 0) ^ Math.floor(position / 4294967296)) >>> 0;

/** Writes the frame of a payload that is already at `start + FRAME_BYTES`. Returns the whole length of the record. */
export const sealFrame = (buffer: Buffer, start: number, kind: number, payloadBytes: number, seed: number): number => {
  const payloadStart = start + FRAME_BYTES;
  buffer.writeUInt32LE(MARKER, start);
  buffer.writeUInt32LE(kind + payloadBytes * 256, start + 4);
  buffer.writeUInt32LE(crc32(buffer.subarray(payloadStart, payloadStart + payloadBytes)), start + 8);
  buffer.writeUInt32LE(crc32(buffer.subarray(start, start + HEADER_CRC_OFFSET), seed), start + HEADER_CRC_OFFSET);
  return FRAME_BYTES + payloadBytes;
};

/** The payload length that the header at `start` states; -1 when there is no header, or it is damaged. */
export const framePayloadBytes = (buffer: Buffer, start: number, seed: number): number => {
  if (buffer.readUInt32LE(start) !== MARKER) return -1;
  const expected = buffer.readUInt32LE(start + HEADER_CRC_OFFSET);
  if (crc32(buffer.subarray(start, start + HEADER_CRC_OFFSET), seed) !== expected) return -1;
  return buffer.readUInt32LE(start + 4) >>> 8;
};

export const frameKind = (buffer: Buffer, start: number): number => buffer[start + 4];

/** Whether the payload has the checksum that its header states. */
export const payloadIsWhole = (buffer: Buffer, start: number, payloadBytes: number): boolean => {
  const payloadStart = start + FRAME_BYTES;
  return crc32(buffer.subarray(payloadStart, payloadStart + payloadBytes)) === buffer.readUInt32LE(start + 8);
};

/** The first offset in `from` … `end` at which a marker could begin; -1 when there is none. */
export const findMarker = (buffer: Buffer, from: number, end: number): number => {
  const found = buffer.subarray(0, end).indexOf(MARKER_FIRST_BYTE, from);
  return found;
};
