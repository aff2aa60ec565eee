/** The part of the parser for numbers and durations. */
import { quoteLikeGo } from '../../model/quote-like-go.ts';
import type { DurationBinary, DurationCall, DurationExpr, NumberLiteral } from './ast.ts';
import { durationMs, isDynamic } from './duration-expressions.ts';
import { durationOf, numberOf } from './numbers.ts';
import { precedenceOf, SIGN_PRECEDENCE } from './operators.ts';
import { spanOf, TokenReader } from './token-reader.ts';
import type { Token } from './tokens.ts';

/** How many arguments each function of durations takes. */
const durationCalls: ReadonlyMap<string, number> = new Map([
  ['step', 0],
  ['range', 0],
  ['min', 2],
  ['max', 2],
  ['min_of', 2],
  ['max_of', 2],
]);

export class DurationParser extends TokenReader {
  protected numberLiteral(): NumberLiteral {
    const token = this.take();
    const isDuration = token.kind === 'duration';
    const value = isDuration ? this.durationMs(token) / 1000 : this.number(token);
    return { kind: 'number', span: spanOf(token), value, isDuration };
  }

  protected number(token: Token): number {
    const value = numberOf(token.text);
    if (value !== undefined) return value;
    const reason = /^\d.*\d$/.test(token.text) ? 'value out of range' : 'invalid syntax';
    return this.fail(
      token.start,
      `error parsing number: strconv.ParseFloat: parsing ${quoteLikeGo(token.text)}: ${reason}`,
    );
  }

  protected durationMs(token: Token): number {
    const value = durationOf(token.text);
    return typeof value === 'number' ? value : this.fail(token.start, value);
  }

  /** Milliseconds above 0, or NaN as long as they depend on the query. */
  protected positiveMs(expr: DurationExpr): number {
    return isDynamic(expr) ? Number.NaN : durationMs(this.text, expr, 'positive');
  }

  /** A duration whose binary operators have at least this precedence. */
  protected durationExpr(precedenceMin: number): DurationExpr {
    const depth = this.depth;
    this.deeper();
    let left = this.durationOperand();
    for (;;) {
      const token = this.peek();
      const precedence = token.kind === 'operator' && /^[-+*/%^]$/.test(token.word) ? precedenceOf(token.word) : 0;
      if (precedence === 0 || precedence < precedenceMin) break;
      this.deeper();
      this.take();
      const right = this.durationExpr(token.word === '^' ? precedence : precedence + 1);
      left = {
        kind: 'binary',
        span: { start: left.span.start, end: right.span.end },
        operatorSpan: spanOf(token),
        operator: token.word as DurationBinary['operator'],
        left,
        right,
      };
    }
    this.depth = depth;
    return left;
  }

  protected durationOperand(): DurationExpr {
    const token = this.peek();
    if (token.kind !== 'operator' || (token.word !== '+' && token.word !== '-')) return this.durationPrimary();
    this.take();
    const expr = this.durationExpr(SIGN_PRECEDENCE + 1);
    return { kind: 'unary', span: { start: token.start, end: expr.span.end }, operator: token.word, expr };
  }

  protected durationPrimary(): DurationExpr {
    const token = this.peek();
    if (token.kind === 'number' || token.kind === 'duration') {
      const { span, value, isDuration } = this.numberLiteral();
      return { kind: 'number', span, seconds: value, isDuration };
    }
    if (this.takePunctuation('(')) {
      const expr = this.durationExpr(1);
      this.expect(')');
      return { kind: 'parentheses', span: { start: token.start, end: this.lastEnd }, expr };
    }
    const name = (token.word === '' ? token.text.toLowerCase() : token.word) as DurationCall['name'];
    const argCount = durationCalls.get(name);
    if (argCount === undefined || token.kind === 'string') return this.unexpected();
    this.take();
    this.expect('(');
    const args: DurationExpr[] = [];
    while (args.length < argCount) {
      if (args.length > 0) this.expect(',');
      args.push(this.durationExpr(1));
    }
    this.expect(')');
    return { kind: 'call', span: { start: token.start, end: this.lastEnd }, name, args };
  }
}
