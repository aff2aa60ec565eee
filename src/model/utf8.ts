/** What strings are as UTF-8, the encoding of everything on disk, without making the bytes. */

/** The string has half of a surrogate pair, which UTF-8 can't express. */
export const INVALID_UTF16 = -1;

/** Bytes that the string takes as UTF-8, or {@link INVALID_UTF16}. */
export const utf8ByteCount = (text: string): number => {
  const length = text.length;
  let byteCount = length;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    if (code < 0x800) byteCount += 1;
    else if (code < 0xd800 || code > 0xdfff) byteCount += 2;
    else if (code > 0xdbff || !isLowSurrogate(text, i + 1)) return INVALID_UTF16;
    else {
      byteCount += 2;
      i++;
    }
  }
  return byteCount;
};

/** Orders strings as their UTF-8 bytes are ordered, which is by code point, not by code unit. */
export const compareUtf8 = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return codePointOrder(left) - codePointOrder(right);
  }
  return a.length - b.length;
};

const isLowSurrogate = (text: string, index: number): boolean => {
  const code = text.charCodeAt(index);
  return code >= 0xdc00 && code <= 0xdfff;
};

/** Surrogates stand for code points above all others, but below U+E000 … U+FFFF as code units. */
const codePointOrder = (code: number): number => (code >= 0xd800 && code <= 0xdfff ? code + 0x10000 : code);
