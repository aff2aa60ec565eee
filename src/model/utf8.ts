/**
 * Strings and their bytes. Everything on disk is UTF-8, but for label values that the original took without checking
 * them. A byte that belongs to no UTF-8 character becomes half of a surrogate pair, U+DC80 for 0x80 to U+DCFF for 0xff,
 * which UTF-8 can't have; written, it is that byte again. So such values are told without loss, and fingerprints are those
 * of the bytes.
 */

/** The string has half of a surrogate pair that stands for no byte, or bytes that together would be a character. */
export const INVALID_UTF16 = -1;

const ESCAPE = 0xdc00;
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Half of a surrogate pair that stands for a byte. */
const escapedByte = /[\udc80-\udcff]/u;

/** Bytes that the string takes, or {@link INVALID_UTF16}. */
export const utf8ByteCount = (text: string): number => {
  const length = text.length;
  let byteCount = length;
  let hasEscapes = false;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    if (code < 0x800) byteCount += 1;
    else if (code < 0xd800 || code > 0xdfff) byteCount += 2;
    else if (code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff) hasEscapes = true;
    else if (code > 0xdbff || !isLowSurrogate(text, i + 1)) return INVALID_UTF16;
    else {
      byteCount += 2;
      i++;
    }
  }
  return hasEscapes && decodeText(encodeText(text)) !== text ? INVALID_UTF16 : byteCount;
};

/** The string that bytes stand for, whatever they are. */
export const decodeText = (bytes: Uint8Array): string => {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return decodeWithEscapes(bytes);
  }
};

/** The bytes of a string: {@link decodeText} gives it back. */
export const encodeText = (text: string): Buffer => {
  if (!escapedByte.test(text)) return Buffer.from(text);
  const pieces: Uint8Array[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0xd800 && code <= 0xdbff && isLowSurrogate(text, i + 1)) i++;
    else if (code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff) {
      pieces.push(Buffer.from(text.slice(start, i)), Uint8Array.of(code - ESCAPE));
      start = i + 1;
    }
  }
  return Buffer.concat([...pieces, Buffer.from(text.slice(start))]);
};

/** Whether the string has bytes that are no UTF-8. */
export const hasEscapedBytes = (text: string): boolean => escapedByte.test(text);

const decodeWithEscapes = (bytes: Uint8Array): string => {
  let text = '';
  let start = 0;
  for (let i = 0; i < bytes.length; ) {
    const length = characterLength(bytes, i);
    if (length > 0) {
      i += length;
      continue;
    }
    text += strictUtf8.decode(bytes.subarray(start, i)) + String.fromCharCode(ESCAPE + bytes[i]);
    start = ++i;
  }
  return text + strictUtf8.decode(bytes.subarray(start));
};

/** Bytes of the character that begins at `start`; 0 when none does. */
const characterLength = (bytes: Uint8Array, start: number): number => {
  const first = bytes[start];
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || start + length > bytes.length) return 0;
  const second = bytes[start + 1];
  // Too long a form, half of a surrogate pair, beyond U+10FFFF.
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let i = start + 2; i < start + length; i++) if ((bytes[i] & 0xc0) !== 0x80) return 0;
  return length;
};

/** Orders strings as their bytes are ordered: UTF-8 is by code point, not by code unit. */
export const compareUtf8 = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left === right) continue;
    if (isSurrogate(left) || isSurrogate(right)) {
      if (hasEscapedBytes(a) || hasEscapedBytes(b)) return Buffer.compare(encodeText(a), encodeText(b));
    }
    return codePointOrder(left) - codePointOrder(right);
  }
  return a.length - b.length;
};

const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff;

const isLowSurrogate = (text: string, index: number): boolean => {
  const code = text.charCodeAt(index);
  return code >= 0xdc00 && code <= 0xdfff;
};

/** Surrogates stand for code points above all others, but below U+E000 … U+FFFF as code units. */
const codePointOrder = (code: number): number => (isSurrogate(code) ? code + 0x10000 : code);
