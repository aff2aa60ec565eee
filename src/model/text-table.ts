/**
 * Returns the same string object for the same label text where possible. Label names and values repeat over thousands of
 * series. Reusing a string saves time and memory, and spares the garbage collector objects. The table has a fixed number
 * of places; a new text replaces the text in its place.
 */
import { decodeText } from './utf8.ts';

/** Longer texts rarely repeat. */
const SHARED_LENGTH_MAX = 64;
const NON_ASCII = -1;
const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
/**
 * V8 copies the characters when it joins or cuts strings and the result has up to this length. Longer results stay trees of
 * pieces, or refer to the string that they were cut from.
 */
const COPIED_LENGTH_MAX = 12;

const { fromCharCode } = String;

export class TextTable {
  private readonly places: string[];
  /** Hashes of the texts in the places. A different text is recognised by its hash, without loading the text itself. */
  private readonly hashes: Int32Array;
  private readonly mask: number;

  /** `placeBits`: the table has 2^placeBits places. */
  constructor(placeBits = 12) {
    this.places = new Array<string>(1 << placeBits).fill('');
    this.hashes = new Int32Array(1 << placeBits).fill(NON_ASCII);
    this.mask = (1 << placeBits) - 1;
  }

  /** The text in `bytes` from `start` to before `end` (utf8.ts). */
  read(bytes: Uint8Array, start: number, end: number): string {
    if (end - start > SHARED_LENGTH_MAX) return decode(bytes, start, end);
    const hash = asciiHash(bytes, start, end);
    if (hash === NON_ASCII) return decode(bytes, start, end);
    const place = hash & this.mask;
    if (this.hashes[place] === hash) {
      const known = this.places[place];
      if (isSameAscii(known, bytes, start, end)) return known;
    }
    return this.keep(hash, asciiText(bytes, start, end));
  }

  /**
   * The string that is kept for this text, if it is ASCII and short; otherwise `text` itself. What is kept is a copy
   * unless V8 has copied it already: a text that was cut from a larger one would keep that one in memory.
   */
  share(text: string): string {
    if (text.length > SHARED_LENGTH_MAX) return text;
    const hash = asciiHashOf(text);
    if (hash === NON_ASCII) return text;
    const place = hash & this.mask;
    if (this.hashes[place] === hash && this.places[place] === text) return this.places[place];
    return this.keep(hash, text.length > COPIED_LENGTH_MAX ? Buffer.from(text, 'latin1').toString('latin1') : text);
  }

  private keep(hash: number, text: string): string {
    const place = hash & this.mask;
    this.places[place] = text;
    this.hashes[place] = hash;
    return text;
  }
}

/** FNV-1a, folded to 31 bits; -1 when a byte is not ASCII. */
const asciiHash = (bytes: Uint8Array, start: number, end: number): number => {
  let hash = FNV_BASIS;
  let union = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    union |= byte;
    hash = Math.imul(hash ^ byte, FNV_PRIME);
  }
  return union >= 0x80 ? NON_ASCII : folded(hash);
};

/** {@link asciiHash} of the characters of a text. Both must give the same hash. */
const asciiHashOf = (text: string): number => {
  let hash = FNV_BASIS;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return NON_ASCII;
    hash = Math.imul(hash ^ code, FNV_PRIME);
  }
  return folded(hash);
};

const folded = (hash: number): number => (hash ^ (hash >>> 15)) & 0x7fffffff;

/** Whether the bytes are ASCII and equal the text. */
export const isSameAscii = (text: string, bytes: Uint8Array, start: number, end: number): boolean => {
  if (text.length !== end - start) return false;
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[start + i];
    if (text.charCodeAt(i) !== byte || byte >= 0x80) return false;
  }
  return true;
};

/** Builds short texts from their character codes: a call into the runtime takes ten times as long. */
const asciiText = (b: Uint8Array, start: number, end: number): string => {
  const length = end - start;
  if (length > COPIED_LENGTH_MAX) return Buffer.from(b.buffer, b.byteOffset + start, length).toString('latin1');
  if (length > 6) return asciiText(b, start, start + 6) + asciiText(b, start + 6, end);
  switch (length) {
    case 0:
      return '';
    case 1:
      return fromCharCode(b[start]);
    case 2:
      return fromCharCode(b[start], b[start + 1]);
    case 3:
      return fromCharCode(b[start], b[start + 1], b[start + 2]);
    case 4:
      return fromCharCode(b[start], b[start + 1], b[start + 2], b[start + 3]);
    case 5:
      return fromCharCode(b[start], b[start + 1], b[start + 2], b[start + 3], b[start + 4]);
    default:
      return fromCharCode(b[start], b[start + 1], b[start + 2], b[start + 3], b[start + 4], b[start + 5]);
  }
};

const decode = (bytes: Uint8Array, start: number, end: number): string => decodeText(bytes.subarray(start, end));
