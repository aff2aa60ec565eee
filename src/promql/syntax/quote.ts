/** Quotes text and characters as Go does: `"a\n"`, `'x'`, `U+0071 'q'`. Prometheus prints expressions this way. */
import { encodeText } from '../../model/utf8.ts';

const named: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

const plain = /^[ \p{L}\p{M}\p{N}\p{P}\p{S}]$/u;
const needsEscape = /[^ !#-[\]-~]/;

/** The text in double quotes. Bytes that are not UTF-8 become `\x` escapes. */
export const quoteText = (text: string): string => {
  if (!needsEscape.test(text)) return `"${text}"`;
  let quoted = '"';
  // Bytes that are not UTF-8 are lone surrogates in the text (utf8.ts).
  for (const character of text) quoted += character === '"' ? '\\"' : escaped(character);
  return `${quoted}"`;
};

/** One character in single quotes; the end of the text is shown as the replacement character. */
export const quoteCharacter = (character: string): string => {
  if (character === '') return "'\ufffd'";
  return character === "'" ? "'\\''" : `'${escaped(character)}'`;
};

/** `U+0071 'q'`. */
export const describeCharacter = (character: string): string => {
  const code = character.codePointAt(0) ?? 0xfffd;
  const number = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return plain.test(character) ? `${number} '${character}'` : number;
};

const escaped = (character: string): string => {
  const short = named[character];
  if (short !== undefined) return short;
  if (plain.test(character)) return character;
  const code = character.codePointAt(0)!;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code >= 0xd800 && code <= 0xdfff) return bytesOf(character);
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
};

const bytesOf = (character: string): string => {
  const bytes = encodeText(character);
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
};

/** At most so many characters of the text, with dots if it is longer. */
export const quoteBeginning = (text: string, charactersMax: number): string =>
  encodeText(text).length > charactersMax
    ? `${quoteText(Array.from(text).slice(0, charactersMax).join(''))}...`
    : quoteText(text);
