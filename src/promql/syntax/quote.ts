/** Characters and beginnings of texts as the messages of Prometheus' parser quote them: `'x'`, `U+0071 'q'`. */
import { escapeLikeGo, isPrintable, quoteLikeGo } from '../../model/quote-like-go.ts';
import { encodeText } from '../../model/utf8.ts';

/** One character in single quotes; the end of the text is shown as the replacement character. */
export const quoteCharacter = (character: string): string => {
  if (character === '') return "'\ufffd'";
  return character === "'" ? "'\\''" : `'${escapeLikeGo(character)}'`;
};

/** `U+0071 'q'`. */
export const describeCharacter = (character: string): string => {
  const code = character.codePointAt(0) ?? 0xfffd;
  const number = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return isPrintable(character) ? `${number} '${character}'` : number;
};

/** At most so many characters of the text, with dots if it is longer. */
export const quoteBeginning = (text: string, charactersMax: number): string =>
  encodeText(text).length > charactersMax
    ? `${quoteLikeGo(Array.from(text).slice(0, charactersMax).join(''))}...`
    : quoteLikeGo(text);
