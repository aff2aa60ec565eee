/**
 * Splits a PromQL text into tokens. What a character may mean depends on where it stands: braces hold matchers, brackets
 * hold durations. The messages are those of Prometheus.
 */
import { quoteLikeGo } from '../../model/quote-like-go.ts';
import { describeCharacter, quoteCharacter } from './quote.ts';
import { PromqlSyntaxError } from './syntax-error.ts';
import { kindOfWord, type Token, type TokenKind } from './tokens.ts';

const digits = '\\d+(?:_\\d+)*';
const decimal = `(?:${digits}(?:\\.(?:${digits})?)?|\\.${digits})(?:[eE][+-]?\\d*)?`;
const hexadecimal = '0[xX]_?(?:[0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*)?(?:\\.[0-9A-Fa-f]*)?(?:[pP][+-]?\\d*)?';
const numberPattern = new RegExp(`${hexadecimal}|${decimal}`, 'y');
/** What follows the first number of a duration; a number without a unit at the end is a mistake. */
const durationPattern = /[smhdwy]s?(?:\d+[smhdw]s?)*(\d*)/y;
const wordPattern = /[A-Za-z_:][A-Za-z0-9_:]*/y;
const labelPattern = /[A-Za-z_][A-Za-z0-9_]*/y;
const spacePattern = /[ \t\r\n]+/y;
const commentPattern = /[^\r\n]*/y;
/** What means itself in quotes. */
const plainPattern = /[^"'\\\n]+/y;
const rawPattern = /[^`]+/y;
/** The words that a duration in brackets may have. */
const durationWords: ReadonlySet<string> = new Set(['step', 'range', 'min', 'max', 'min_of', 'max_of']);

/** How many digits an escape has. */
const hexadecimalEscapes: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
]);

/** `==`, `!=`, `<=`, `>=`. */
const firstOfDouble: ReadonlySet<string> = new Set(['=', '!', '<', '>']);
const durationPunctuation: ReadonlySet<string> = new Set(['(', ')', ',', ':', ']']);
const durationOperators: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '^']);

export class Lexer {
  private readonly text: string;
  private position = 0;
  private start = 0;
  private parentheses = 0;
  private isInBraces = false;
  private isInBrackets = false;
  private hasDuration = false;
  private hasColon = false;

  constructor(text: string) {
    this.text = text;
  }

  /** The next token; `end` at the end, again and again. Throws {@link PromqlSyntaxError}. */
  next(): Token {
    this.skip();
    if (this.isInBraces) return this.inBraces();
    return this.isInBrackets ? this.inBrackets() : this.outside();
  }

  private skip(): void {
    for (;;) {
      if (this.peek() <= ' ') this.skipOver(spacePattern);
      this.start = this.position;
      if (this.isInBrackets || this.text[this.position] !== '#') return;
      this.skipOver(commentPattern);
    }
  }

  private outside(): Token {
    const character = this.peek();
    if (character === '') return this.end();
    if (isDigit(character) || (character === '.' && isDigit(this.peek(1)))) return this.number();
    if (isLetter(character) || character === ':') {
      const word = this.take(wordPattern);
      const kind = kindOfWord(word);
      return this.token(
        kind,
        kind === 'number' || kind === 'identifier' || kind === 'metric' ? '' : word.toLowerCase(),
      );
    }
    if (character === '"' || character === "'" || character === '`') return this.string(character);
    return this.mark(character);
  }

  private end(): Token {
    if (this.parentheses > 0) this.fail('unclosed left parenthesis');
    return this.token('end', '');
  }

  private mark(character: string): Token {
    const next = this.peek(1);
    if (next === '=' && firstOfDouble.has(character)) return this.advance(2, 'operator');
    switch (character) {
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
      case '^':
      case '<':
      case '>':
      case '@':
        return this.advance(1, 'operator');
      case ',':
        return this.advance(1, 'punctuation');
      case '=':
        // `=~` stands only within braces.
        if (next === '~') this.fail("unexpected character after '=': '~'");
        return this.advance(1, 'punctuation');
      case '!':
        return this.fail(`unexpected character after '!': ${quoteCharacter(this.whole(1))}`);
      case '(':
      case ')':
        return this.parenthesis(character);
      case '{':
        this.isInBraces = true;
        return this.advance(1, 'punctuation');
      case '[':
        this.isInBrackets = true;
        this.hasDuration = false;
        this.hasColon = false;
        return this.advance(1, 'punctuation');
      case ']':
        return this.fail("unexpected right bracket ']'");
      default:
        return this.fail(`unexpected character: ${quoteCharacter(this.whole())}`);
    }
  }

  private parenthesis(character: string): Token {
    const token = this.advance(1, 'punctuation');
    this.parentheses += character === '(' ? 1 : -1;
    // Prometheus tells the place behind the parenthesis.
    if (this.parentheses < 0) this.fail("unexpected right parenthesis ')'", token.end);
    return token;
  }

  private inBraces(): Token {
    const character = this.peek();
    if (character === '') this.fail('unexpected end of input inside braces');
    if (isLetter(character)) {
      this.skipOver(labelPattern);
      return this.token('identifier', '');
    }
    const double = this.text.slice(this.position, this.position + 2);
    switch (character) {
      case ',':
        return this.advance(1, 'punctuation');
      case '"':
      case "'":
      case '`':
        return this.string(character);
      case '=':
        return double === '=~' ? this.advance(2, 'operator') : this.advance(1, 'punctuation');
      case '!':
        if (double === '!~' || double === '!=') return this.advance(2, 'operator');
        return this.fail(`unexpected character after '!' inside braces: ${quoteCharacter(this.whole(1))}`);
      case '{':
        return this.fail("unexpected left brace '{'");
      case '}':
        this.isInBraces = false;
        return this.advance(1, 'punctuation');
      default:
        return this.fail(`unexpected character inside braces: ${quoteCharacter(this.whole())}`);
    }
  }

  private inBrackets(): Token {
    const character = this.peek();
    if (character === '') this.fail('unexpected end of input in duration expression');
    if (isDigit(character) || (character === '.' && isDigit(this.peek(1)))) {
      this.hasDuration = true;
      return this.number();
    }
    if (isLetter(character)) return this.durationWord(character);
    if (durationOperators.has(character)) return this.advance(1, 'operator');
    if (!durationPunctuation.has(character)) {
      this.fail(`unexpected character in duration expression: ${quoteCharacter(this.whole())}`);
    }
    if (character === '(' || character === ')') return this.parenthesis(character);
    if (character === ':') return this.colon();
    if (character === ']') this.isInBrackets = false;
    return this.advance(1, 'punctuation');
  }

  private durationWord(character: string): Token {
    const word = this.take(wordPattern).toLowerCase();
    if (!durationWords.has(word)) {
      this.fail(`unexpected character in duration expression: ${quoteCharacter(character)}`);
    }
    this.hasDuration = true;
    return this.token(kindOfWord(word), word);
  }

  private colon(): Token {
    const token = this.advance(1, 'punctuation');
    if (!this.hasDuration) this.fail('unexpected colon before duration in duration expression', token.end);
    if (this.hasColon) this.fail('unexpected repeated colon in duration expression', token.end);
    this.hasColon = true;
    return token;
  }

  private number(): Token {
    const number = this.take(numberPattern);
    if (!isWordCharacter(this.peek())) return this.token('number', '');
    durationPattern.lastIndex = this.position;
    const rest = durationPattern.exec(this.text);
    if (rest !== null) this.position += rest[0].length;
    if (rest === null || rest[1] !== '' || isWordCharacter(this.peek())) {
      const next = rest !== null && rest[1] === '' ? this.peek() : '';
      this.fail(`bad number or duration syntax: ${quoteLikeGo(number + (rest?.[0] ?? '') + next)}`);
    }
    return this.token('duration', '');
  }

  private string(quote: string): Token {
    this.position++;
    for (;;) {
      this.skipOver(quote === '`' ? rawPattern : plainPattern);
      const character = this.peek();
      if (character === '' || (character === '\n' && quote !== '`')) {
        this.fail(quote === '`' ? 'unterminated raw string' : 'unterminated quoted string');
      }
      this.position++;
      if (character === quote) return this.token('string', '');
      if (character === '\\' && quote !== '`') this.escape(quote);
    }
  }

  /** An escape after its backslash. */
  private escape(quote: string): void {
    const kind = this.peek();
    if (kind === '') this.fail('escape sequence not terminated');
    if (kind === quote || /[abfnrtv\\]/.test(kind)) {
      this.position++;
      return;
    }
    if (/[0-7]/.test(kind)) {
      this.numericEscape(3, 8, 0xff);
      return;
    }
    const digitCount = hexadecimalEscapes.get(kind);
    if (digitCount === undefined) this.fail(`unknown escape sequence ${describeCharacter(this.whole())}`);
    this.position++;
    this.numericEscape(digitCount, 16, kind === 'x' ? 0xff : 0x10ffff);
  }

  private numericEscape(digitCount: number, base: number, max: number): void {
    let code = 0;
    for (let index = 0; index < digitCount; index++) {
      const character = this.peek();
      if (character === '') this.fail('escape sequence not terminated');
      const digit = /[0-9A-Fa-f]/.test(character) ? Number.parseInt(character, 16) : base;
      if (digit >= base) this.fail(`illegal character ${describeCharacter(this.whole())} in escape sequence`);
      code = code * base + digit;
      this.position++;
    }
    if (code > max || (code >= 0xd800 && code < 0xe000)) {
      this.fail('escape sequence is an invalid Unicode code point');
    }
  }

  /** The UTF-16 unit at the position; empty at the end. */
  private peek(distance = 0): string {
    return this.text[this.position + distance] ?? '';
  }

  /** The character at the position for a message, also if it has two UTF-16 units. */
  private whole(distance = 0): string {
    const code = this.text.codePointAt(this.position + distance);
    return code === undefined ? '' : String.fromCodePoint(code);
  }

  private skipOver(pattern: RegExp): void {
    pattern.lastIndex = this.position;
    if (pattern.test(this.text)) this.position = pattern.lastIndex;
  }

  private take(pattern: RegExp): string {
    const start = this.position;
    this.skipOver(pattern);
    return this.text.slice(start, this.position);
  }

  /** A token whose text says what it is. */
  private advance(length: number, kind: TokenKind): Token {
    this.position += length;
    return this.token(kind, this.text.slice(this.start, this.position));
  }

  private token(kind: TokenKind, word: string): Token {
    const { start, position: end } = this;
    return { kind, text: this.text.slice(start, end), word, start, end };
  }

  private fail(problem: string, offset = this.start): never {
    throw new PromqlSyntaxError(this.text, offset, problem);
  }
}

const isDigit = (character: string): boolean => character >= '0' && character <= '9';

const isLetter = (character: string): boolean =>
  (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || character === '_';

const isWordCharacter = (character: string): boolean => isDigit(character) || isLetter(character);
