/**
 * String literals of PromQL: in double or single quotes with the escapes of Go, or in backquotes without escapes. `\x`
 * and octal escapes stand for bytes, the others for characters. Bytes that are not UTF-8 are kept (utf8.ts).
 */
import { decodeText, encodeText } from './utf8.ts';

/** An error in a literal, with its offset in the text. */
export class UnquoteError extends Error {
  override readonly name = 'UnquoteError';
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const named: Readonly<Record<string, number>> = {
  a: 0x07,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
  '\\': 0x5c,
};

const numeric: Readonly<Record<string, RegExp>> = {
  x: /^[0-9A-Fa-f]{2}/,
  u: /^[0-9A-Fa-f]{4}/,
  U: /^[0-9A-Fa-f]{8}/,
};

/** The text of a literal, which includes its quotes. Throws {@link UnquoteError}. */
export const unquote = (literal: string): string => {
  const quote = literal[0];
  const isClosed = literal.length >= 2 && literal.endsWith(quote);
  if (quote === '`' && isClosed) return literal.slice(1, -1);
  const pieces: Uint8Array[] = [];
  let offset = 1;
  while (offset < literal.length && literal[offset] !== quote) {
    if (literal[offset] === '\\') offset += readEscape(literal, offset, quote, pieces);
    else offset += readPlain(literal, offset, quote, pieces);
  }
  if (offset !== literal.length - 1) throw new UnquoteError(`the closing ${quote} is missing`, 0);
  return decodeText(Buffer.concat(pieces));
};

/** Reads text up to the next quote or escape; returns the number of characters read. */
const readPlain = (literal: string, offset: number, quote: string, pieces: Uint8Array[]): number => {
  let end = offset;
  while (end < literal.length && literal[end] !== quote && literal[end] !== '\\') end++;
  pieces.push(encodeText(literal.slice(offset, end)));
  return end - offset;
};

/** Reads one escape; returns the number of characters read. */
const readEscape = (literal: string, offset: number, quote: string, pieces: Uint8Array[]): number => {
  const kind = literal[offset + 1] ?? '';
  if (kind === quote) {
    pieces.push(Buffer.from(quote));
    return 2;
  }
  if (named[kind] !== undefined) {
    pieces.push(Uint8Array.of(named[kind]));
    return 2;
  }
  const octal = /^[0-3][0-7]{2}/.exec(literal.slice(offset + 1, offset + 4));
  if (octal !== null) {
    pieces.push(Uint8Array.of(Number.parseInt(octal[0], 8)));
    return 4;
  }
  const digits = numeric[kind]?.exec(literal.slice(offset + 2, offset + 10))?.[0];
  if (digits === undefined) throw new UnquoteError(`unknown escape \\${kind}`, offset);
  const code = Number.parseInt(digits, 16);
  pieces.push(kind === 'x' ? Uint8Array.of(code) : character(code, offset));
  return 2 + digits.length;
};

const character = (code: number, offset: number): Uint8Array => {
  // JSON writes a byte that is not UTF-8 this way.
  if (code >= 0xdc80 && code <= 0xdcff) return Uint8Array.of(code & 0xff);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new UnquoteError('no such character', offset);
  return Buffer.from(String.fromCodePoint(code));
};
