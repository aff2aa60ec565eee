/**
 * Reads varbit chunks (varbit-layout.ts has the bytes). The header is read here, the payload in WebAssembly
 * (varbit-decoder.ts).
 */
import { HIGH_WORD, LOW_WORD } from '../model/byte-order.ts';
import { fromHalves, readInt32BE } from '../model/int64.ts';
import { readUint16BE } from './bytes.ts';
import type { SampleColumns } from './chunk.ts';
import { corruptChunk } from './outcome.ts';
import { BEYOND_CHUNK, COMPLETE, varbitDecoder } from './varbit-decoder.ts';
import {
  CLOSED,
  ENCODING_MASK,
  FIRST_TIME,
  FIRST_VALUE,
  FLAGS,
  LAST_TIME,
  LAST_VALUE,
  NEXT,
  ONE_SAMPLE,
  PAYLOAD_BIT,
} from './varbit-layout.ts';

/** Time of the first sample; 0 in an empty chunk. */
export const varbitFirstTime = (block: Uint8Array, offset: number): number => readTime(block, offset + FIRST_TIME);

const EARLIEST = -(2 ** 63);

/** Time of the newest sample of an open or closed chunk; -2^63 for an empty chunk. */
export const varbitLastTime = (block: Uint8Array, offset: number): number =>
  readUint16BE(block, offset + NEXT) === 0 ? EARLIEST : readTime(block, offset + LAST_TIME);

export const isVarbitClosed = (block: Uint8Array, offset: number): boolean => (block[offset + FLAGS] & CLOSED) !== 0;

/**
 * Adds the samples with `from <= time <= through` to the columns. A time is `firstTime` plus the differences; a caller
 * that needs exact times passes 0 and adds the first time itself. If the newest sample is only in the header, in
 * "last", its time is `lastTime`. Returns whether such a sample was added. `mendsSteps`: read an interval of 0 as 2^24
 * ms.
 */
export const decodeVarbit = (
  block: Uint8Array,
  offset: number,
  firstTime: number,
  lastTime: number,
  from: number,
  through: number,
  into: SampleColumns,
  mendsSteps: boolean,
): boolean => {
  const end = readUint16BE(block, offset + NEXT);
  const isClosed = isVarbitClosed(block, offset);
  if (end >= ONE_SAMPLE) {
    if (firstTime > through) return false;
    if (firstTime >= from) pushSample(into, firstTime, block, offset + FIRST_VALUE);
  }
  if (end > ONE_SAMPLE && (end !== PAYLOAD_BIT || isClosed)) {
    if (!decodePayload(block, offset, end, firstTime, from, through, into, mendsSteps)) return false;
  }
  if (!isClosed && end !== PAYLOAD_BIT) return false;
  if (lastTime < from || lastTime > through) return false;
  pushSample(into, lastTime, block, offset + LAST_VALUE);
  return true;
};

/**
 * Adds the payload's samples, from the second sample on. False if a sample was after `through`, or if the payload of a
 * damaged chunk goes beyond its end: the original stops there without an error and without reading "last".
 */
const decodePayload = (
  block: Uint8Array,
  offset: number,
  end: number,
  firstTime: number,
  from: number,
  through: number,
  into: SampleColumns,
  mendsSteps: boolean,
): boolean => {
  const decoder = varbitDecoder();
  decoder.load(block, offset, end);
  const encoding = block[offset + FLAGS] & ENCODING_MASK;
  const ending = decoder.decode(encoding, end, firstTime, from, through, mendsSteps, into);
  if (ending === BEYOND_CHUNK) throw corruptChunk('attempted access outside of chunk boundaries');
  return ending === COMPLETE;
};

const pushSample = (into: SampleColumns, time: number, block: Uint8Array, at: number): void => {
  into.reserve(1);
  const { count } = into;
  into.timestamps[count] = time;
  into.words[2 * count + HIGH_WORD] = readInt32BE(block, at);
  into.words[2 * count + LOW_WORD] = readInt32BE(block, at + 4);
  into.count = count + 1;
};

const readTime = (block: Uint8Array, at: number): number =>
  fromHalves(readInt32BE(block, at), readInt32BE(block, at + 4));
