/** Text as Go quotes it: `"a\n"`. The original writes metrics so, and Prometheus its expressions and messages. */
import { encodeText } from './utf8.ts';

const needsEscape = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;
/** Characters that Go prints unescaped: letters, marks, numbers, punctuation, symbols and the ASCII space. */
let printable: RegExp | undefined;

const named: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** The text in double quotes. Bytes that are not UTF-8, lone surrogates in the text (utf8.ts), become `\x` escapes. */
export const quoteLikeGo = (text: string): string => {
  if (!needsEscape.test(text)) return `"${text}"`;
  let quoted = '"';
  for (const character of text) quoted += character === '"' ? '\\"' : escapeLikeGo(character);
  return `${quoted}"`;
};

/** One character as it stands between quotes. Quotes themselves are the caller's to escape. */
export const escapeLikeGo = (character: string): string => {
  const short = named[character];
  if (short !== undefined) return short;
  if (isPrintable(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return hexBytes(Uint8Array.of(code));
  if (code >= 0xd800 && code <= 0xdfff) return hexBytes(encodeText(character));
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
};

export const isPrintable = (character: string): boolean => {
  // Made when it is needed: the classes of Unicode cost a program's start more than most files do.
  printable ??= /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
  return printable.test(character);
};

const hexBytes = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
