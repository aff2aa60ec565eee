/** Splits a template into texts and actions, and an action into tokens. `{{-` and `-}}` trim the text beside them. */
import { UnquoteError, unquote } from '../../model/unquote.ts';
import { TemplateError } from './template-error.ts';

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly tokens: readonly Token[]; readonly line: number };

export type Token =
  | { readonly kind: 'constant'; readonly value: string | number | bigint | boolean; readonly spaced: boolean }
  /** `text` is `.name`, `$name`, `name`, or one of `. ( ) | , := =`. */
  | { readonly kind: 'field' | 'variable' | 'word' | 'mark'; readonly text: string; readonly spaced: boolean };

const COMMENT = /^\/\*[\s\S]*?\*\/$/;

export const lexTemplate = (text: string): Piece[] => {
  const pieces: Piece[] = [];
  let offset = 0;
  let line = 1;
  let trimsNext = false;
  const addText = (found: string, trimsEnd: boolean): void => {
    let kept = trimsNext ? found.replace(/^[ \t\r\n]+/, '') : found;
    if (trimsEnd) kept = kept.replace(/[ \t\r\n]+$/, '');
    if (kept !== '') pieces.push({ kind: 'text', text: kept });
  };
  for (;;) {
    const start = text.indexOf('{{', offset);
    if (start < 0) {
      addText(text.slice(offset), false);
      return pieces;
    }
    const trimsBefore = /^\{\{-[ \t\r\n]/.test(text.slice(start, start + 4));
    addText(text.slice(offset, start), trimsBefore);
    line += countLines(text, offset, start);
    const inner = start + (trimsBefore ? 3 : 2);
    const end = endOfAction(text, inner);
    if (end < 0) throw new TemplateError(`line ${line}: unclosed action`);
    let content = text.slice(inner, end);
    trimsNext = /[ \t\r\n]-$/.test(content);
    if (trimsNext) content = content.slice(0, -1);
    if (!COMMENT.test(content.trim())) pieces.push({ kind: 'action', tokens: lexAction(content, line), line });
    line += countLines(text, start, end);
    offset = end + 2;
  }
};

const countLines = (text: string, start: number, end: number): number => text.slice(start, end).split('\n').length - 1;

/** The offset of the `}}` that ends an action; not one within a quoted text or a comment. */
const endOfAction = (text: string, start: number): number => {
  const stop = /\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|\}\}/g;
  stop.lastIndex = start;
  for (let match = stop.exec(text); match !== null; match = stop.exec(text)) if (match[0] === '}}') return match.index;
  return -1;
};

const token =
  /(\s+)|("(?:[^"\\\n]|\\.)*"|`[^`]*`)|('(?:[^'\\\n]|\\.)+')|([+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))(?![\w.])|(\.[A-Za-z_]\w*)|(\$\w*)|([A-Za-z_]\w*)|(:=|[=|(),.])/y;

const lexAction = (text: string, line: number): Token[] => {
  const tokens: Token[] = [];
  let spaced = true;
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const match = token.exec(text);
    if (match === null) {
      throw new TemplateError(`line ${line}: unexpected ${JSON.stringify(text.slice(at, at + 10))} in an action`);
    }
    const [, space, quoted, character, number, field, variable, word, mark] = match;
    if (space !== undefined) {
      spaced = true;
      continue;
    }
    if (quoted !== undefined) tokens.push({ kind: 'constant', value: unquoted(quoted, line), spaced });
    else if (character !== undefined) {
      const value = unquoted(character, line);
      tokens.push({ kind: 'constant', value: BigInt(value.codePointAt(0) ?? 0), spaced });
    } else if (number !== undefined) tokens.push({ kind: 'constant', value: parseConstant(number), spaced });
    else if (field !== undefined) tokens.push({ kind: 'field', text: field.slice(1), spaced });
    else if (variable !== undefined) tokens.push({ kind: 'variable', text: variable, spaced });
    else if (word === 'true' || word === 'false') tokens.push({ kind: 'constant', value: word === 'true', spaced });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, spaced });
    else tokens.push({ kind: 'mark', text: mark, spaced });
    spaced = false;
  }
  return tokens;
};

const unquoted = (text: string, line: number): string => {
  try {
    return unquote(text);
  } catch (error) {
    if (error instanceof UnquoteError) throw new TemplateError(`line ${line}: ${error.message}`);
    throw error;
  }
};

/** Go's untyped constant: a whole number is an int, one with a point or an exponent a float64. */
const parseConstant = (text: string): number | bigint => {
  const digits = text.replaceAll('_', '');
  const sign = digits.startsWith('-') ? -1n : 1n;
  const unsigned = digits.replace(/^[+-]/, '');
  if (/^0[xXbBoO]/.test(unsigned)) return sign * BigInt(unsigned.toLowerCase());
  if (/^0\d+$/.test(unsigned)) return sign * BigInt(/^[0-7]+$/.test(unsigned) ? `0o${unsigned}` : unsigned);
  return /^\d+$/.test(unsigned) ? sign * BigInt(unsigned) : Number(digits);
};
