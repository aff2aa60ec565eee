/**
 * Reads tokens with one token of lookahead. The parser is built on it in three steps: durations (duration-parser.ts),
 * selectors (selector-parser.ts) and expressions (parser.ts).
 *
 * The messages and places are those of Prometheus. Its grammar has a message for some places only; a mistake anywhere
 * else is reported as that of the innermost such place: an aggregation, or the whole text. `context` is that place.
 */
import { quoteLikeGo } from '../../model/quote-like-go.ts';
import { UnquoteError, unquote } from '../../model/unquote.ts';
import { decodeText, encodeText } from '../../model/utf8.ts';
import type { Span } from './ast.ts';
import { Lexer } from './lexer.ts';
import { PromqlSyntaxError } from './syntax-error.ts';
import { describeToken, type Token } from './tokens.ts';

/** How deep expressions nest. The tree is walked by recursion, also that of `a + b + c + …`. */
const DEPTH_MAX = 1000;

/** A text without escapes, and without lone surrogates that stand for bytes. */
const plainText = /^[^\\\ud800-\udfff]*$/;

/** Tokens between two pauses: a millisecond, or a few before the code is compiled. */
const TOKENS_PER_PAUSE = 500;

/** A part of parsing. It yields when it is time to let the event loop turn. */
export type Paused<Result> = Generator<void, Result, void>;

export class TokenReader {
  protected readonly text: string;
  /** End of the last token taken. */
  protected lastEnd = 0;
  protected context = '';
  protected depth = 0;
  private readonly lexer: Lexer;
  private lookahead: Token | undefined;
  /** Tokens since the last pause. */
  private tokens = 0;

  constructor(text: string) {
    this.text = text;
    this.lexer = new Lexer(text);
  }

  protected peek(): Token {
    this.lookahead ??= this.lexer.next();
    return this.lookahead;
  }

  protected take(): Token {
    const token = this.peek();
    this.lookahead = undefined;
    this.lastEnd = token.end;
    this.tokens += 1;
    return token;
  }

  /** Counts work besides tokens. */
  protected worked(tokens: number): void {
    this.tokens += tokens;
  }

  /** Whether it is time for a pause. */
  protected isPauseDue(): boolean {
    if (this.tokens < TOKENS_PER_PAUSE) return false;
    this.tokens = 0;
    return true;
  }

  protected at(mark: string): boolean {
    const token = this.peek();
    return token.kind === 'punctuation' && token.word === mark;
  }

  protected takePunctuation(mark: string): boolean {
    if (!this.at(mark)) return false;
    this.take();
    return true;
  }

  protected takeWord(kind: Token['kind'], word: string): Token | undefined {
    const token = this.peek();
    return token.kind === kind && token.word === word ? this.take() : undefined;
  }

  protected expect(mark: string): void {
    if (!this.takePunctuation(mark)) this.unexpected();
  }

  protected unquoted(token: Token): string {
    if (plainText.test(token.text)) return token.text.slice(1, -1);
    try {
      // Escaped bytes in the text that form a character are that character.
      return decodeText(encodeText(unquote(token.text)));
    } catch (error) {
      if (!(error instanceof UnquoteError)) throw error;
      return this.fail(token.start, `error unquoting string ${quoteLikeGo(token.text)}: ${error.message}`);
    }
  }

  protected deeper(): void {
    if (++this.depth > DEPTH_MAX) this.fail(this.peek().start, `expression is nested deeper than ${DEPTH_MAX} levels`);
  }

  /** Runs with other words for a mistake: `in context, expected` and more. */
  protected inContext<Result>(context: string, expected: string, run: () => Result): Result {
    const before = this.context;
    this.context = `${context}, expected ${expected}`;
    const result = run();
    this.context = before;
    return result;
  }

  /** Reports the next token. Without a context of its own, that of the innermost place. */
  protected unexpected(context = '', expected = ''): never {
    const place = context === '' ? this.context : `${context}, expected ${expected}`;
    const token = this.peek();
    this.fail(token.start, `unexpected ${describeToken(token)}${place === '' ? '' : ` in ${place}`}`);
  }

  protected fail(offset: number, problem: string): never {
    throw new PromqlSyntaxError(this.text, offset, problem);
  }
}

export const spanOf = (token: Token): Span => ({ start: token.start, end: token.end });
