/**
 * Strings and their bytes. All text on disk is UTF-8, except label values that the original accepted without a check. A
 * byte that belongs to no UTF-8 character is read as a lone surrogate, U+DC80 for 0x80 to U+DCFF for 0xff, which UTF-8
 * can't contain. It is written as the same byte again. So such values are preserved, and fingerprints are computed from
 * the original bytes.
 */

/** The string has a lone surrogate that stands for no byte, or escaped bytes that together form a character. */
export const INVALID_UTF16 = -1;

const ESCAPE = 0xdc00;
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** A lone surrogate that stands for a byte. */
const escapedByte = /[\udc80-\udcff]/u;

/** The string's length in bytes, or {@link INVALID_UTF16}. */
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

/** The string for any bytes, valid UTF-8 or not. */
export const decodeText = (bytes: Uint8Array): string => {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return decodeWithEscapes(bytes);
  }
};

/** The bytes of a string; {@link decodeText} is the inverse. */
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

/** Whether the string has bytes that are not UTF-8. */
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

/** Number of bytes of the character that begins at `start`; 0 if no valid character does. */
const characterLength = (bytes: Uint8Array, start: number): number => {
  const first = bytes[start];
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || start + length > bytes.length) return 0;
  const second = bytes[start + 1];
  // Excludes overlong forms, surrogates, and code points beyond U+10FFFF.
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let i = start + 2; i < start + length; i++) if ((bytes[i] & 0xc0) !== 0x80) return 0;
  return length;
};

/** Orders strings by their UTF-8 bytes, which is by code point, not by UTF-16 code unit. */
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

/** Surrogates stand for the highest code points, but as code units they are below U+E000 … U+FFFF. */
const codePointOrder = (code: number): number => (isSurrogate(code) ? code + 0x10000 : code);
