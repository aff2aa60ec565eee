/**
 * Label text with the same string object for the same text where possible: label names and values repeat over thousands
 * of series, and a string that is there already costs neither time nor memory. The table has a fixed number of places; a
 * text that finds its place taken by another replaces it.
 */
import { MalformedBytes } from './malformed-bytes.ts';

/** Longer texts rarely repeat. */
const SHARED_LENGTH_MAX = 64;
const NON_ASCII = -1;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class TextTable {
  private readonly places: string[];
  private readonly mask: number;

  /** `placeBits`: the table has 2^placeBits places. */
  constructor(placeBits = 12) {
    this.places = new Array<string>(1 << placeBits).fill('');
    this.mask = (1 << placeBits) - 1;
  }

  /** The UTF-8 text in `bytes` from `start` to before `end`. Throws {@link MalformedBytes} when it is not UTF-8. */
  read(bytes: Uint8Array, start: number, end: number): string {
    if (end - start > SHARED_LENGTH_MAX) return decode(bytes, start, end);
    const hash = asciiHash(bytes, start, end);
    if (hash === NON_ASCII) return decode(bytes, start, end);
    const place = hash & this.mask;
    const known = this.places[place];
    if (isSame(known, bytes, start, end)) return known;
    const text = asciiText(bytes, start, end);
    this.places[place] = text;
    return text;
  }
}

/** FNV-1a, folded to 31 bits; -1 when a byte is not ASCII. */
const asciiHash = (bytes: Uint8Array, start: number, end: number): number => {
  let hash = 0x811c9dc5;
  let union = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    union |= byte;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return union >= 0x80 ? NON_ASCII : (hash ^ (hash >>> 15)) & 0x7fffffff;
};

const isSame = (text: string, bytes: Uint8Array, start: number, end: number): boolean => {
  if (text.length !== end - start) return false;
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) !== bytes[start + i]) return false;
  }
  return true;
};

const asciiText = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');

const decode = (bytes: Uint8Array, start: number, end: number): string => {
  try {
    return strictUtf8.decode(bytes.subarray(start, end));
  } catch (error) {
    throw new MalformedBytes('text is not valid UTF-8', { cause: error });
  }
};
