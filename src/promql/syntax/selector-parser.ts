/** The part of the parser for selectors and what follows an expression: ranges, subqueries, `offset` and `@`. */
import { METRIC_NAME } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import { compileRegex } from '../../model/regex.ts';
import { RegexSyntaxError } from '../../model/regex-syntax.ts';
import type { AtModifier, DurationExpr, Expr, MatrixSelector, Span, Subquery, VectorSelector } from './ast.ts';
import { durationMs, isDynamic } from './duration-expressions.ts';
import { DurationParser } from './duration-parser.ts';
import type { Paused } from './token-reader.ts';
import type { Token } from './tokens.ts';

/** Instructions that the regular expressions of a text may have together. */
const INSTRUCTIONS_MAX = 100_000;
/** Characters of a regular expression that take as long as a token. */
const CHARACTERS_PER_TOKEN = 8;

export class SelectorParser extends DurationParser {
  private instructions = 0;

  /** The rest of a selector after its name, if it has one. */
  protected *selector(nameToken: Token | undefined): Paused<VectorSelector> {
    const matchers: Matcher[] = [];
    let name = nameToken?.text;
    if (name !== undefined) matchers.push({ name: METRIC_NAME, op: '=', value: name });
    const start = nameToken?.start ?? this.peek().start;
    if (this.takePunctuation('{')) {
      while (!this.takePunctuation('}')) {
        if (this.isPauseDue()) yield;
        const quotedName = this.matcher(matchers);
        name ??= quotedName;
        if (this.takePunctuation('}')) break;
        if (!this.takePunctuation(',')) this.unexpected('label matching', '"," or "}"');
      }
    }
    return { kind: 'selector', span: { start, end: this.lastEnd }, name, matchers, offsetMs: 0, at: undefined };
  }

  /** Adds a matcher; returns the metric name if it is a quoted name alone. */
  protected matcher(matchers: Matcher[]): string | undefined {
    const token = this.peek();
    if (token.kind !== 'identifier' && token.kind !== 'string') {
      this.unexpected('label matching', 'identifier or "}"');
    }
    this.take();
    const label = token.kind === 'string' ? this.unquoted(token) : token.text;
    const op = this.matchOperator();
    if (op === undefined) {
      if (token.kind === 'identifier') this.unexpected('label matching', 'label matching operator');
      matchers.push({ name: METRIC_NAME, op: '=', value: label });
      return label;
    }
    const valueToken = this.peek();
    if (valueToken.kind !== 'string') this.unexpected('label matching', 'string');
    this.take();
    if (label === '') this.fail(token.start, 'invalid label name: ""');
    const value = this.unquoted(valueToken);
    if (op === '=~' || op === '!~') this.checkRegex(value, token.start);
    matchers.push({ name: label, op, value });
    return undefined;
  }

  protected matchOperator(): Matcher['op'] | undefined {
    const { kind, word } = this.peek();
    const isOperator = (kind === 'operator' && /^(?:!=|=~|!~)$/.test(word)) || (kind === 'punctuation' && word === '=');
    if (!isOperator) return undefined;
    return this.take().word as Matcher['op'];
  }

  protected checkRegex(value: string, start: number): void {
    try {
      this.instructions += compileRegex(value).size;
      this.worked(value.length / CHARACTERS_PER_TOKEN);
    } catch (error) {
      if (!(error instanceof RegexSyntaxError)) throw error;
      this.fail(start, `error parsing regexp: ${error.message}`);
    }
    if (this.instructions > INSTRUCTIONS_MAX)
      this.fail(start, 'error parsing regexp: together with those before it repeats too much');
  }

  /** `[5m]` or `[1h:5m]` after an expression. */
  protected ranged(expr: Expr): MatrixSelector | Subquery {
    const bracket = this.take();
    const range = this.inContext('subquery or range selector', 'number, duration, step(), or range()', () =>
      this.durationExpr(1),
    );
    const rangeMs = this.positiveMs(range);
    const isSubquery = this.takePunctuation(':');
    if (!isSubquery && !this.at(']')) this.unexpected('subquery or range', '":" or "]"');
    if (isSubquery) return this.subquery(expr, range, rangeMs);
    this.take();
    if (expr.kind !== 'selector') this.fail(bracket.start, 'ranges only allowed for vector selectors');
    if (expr.offsetMs !== 0) this.fail(bracket.start, 'no offset modifiers allowed before range');
    if (expr.at !== undefined) this.fail(bracket.start, 'no @ modifiers allowed before range');
    const span: Span = { start: expr.span.start, end: this.lastEnd };
    return { kind: 'range', span, selector: expr, rangeMs, ...(isPlain(range) ? {} : { rangeExpr: range }) };
  }

  protected subquery(expr: Expr, range: DurationExpr, rangeMs: number): Subquery {
    let step: DurationExpr | undefined;
    if (!this.at(']')) {
      step = this.inContext('subquery selector', 'number, duration, step(), range(), or "]"', () =>
        this.durationExpr(1),
      );
    }
    const stepMs = step === undefined ? undefined : this.positiveMs(step);
    if (!this.takePunctuation(']')) this.unexpected('subquery selector', '"]"');
    return {
      kind: 'subquery',
      span: { start: expr.span.start, end: this.lastEnd },
      expr,
      rangeMs,
      ...(isPlain(range) ? {} : { rangeExpr: range }),
      stepMs,
      ...(step === undefined || isPlain(step) ? {} : { stepExpr: step }),
      offsetMs: 0,
      at: undefined,
    };
  }

  protected withOffset(expr: Expr): Expr {
    this.take();
    const duration = this.inContext('offset', 'number, duration, step(), or range()', () => this.offsetDuration());
    const offsetMs = isDynamic(duration) ? Number.NaN : durationMs(this.text, duration, 'offset');
    const shifted = this.shiftOf(expr, 'offset');
    if (shifted.offsetMs !== 0) this.fail(expr.span.start, 'offset may not be set multiple times');
    const offset = isPlain(duration) ? { offsetMs } : { offsetMs, offsetExpr: duration };
    return this.reshaped(expr, offset);
  }

  /** An offset has arithmetic only in parentheses: `a offset 5m - b` subtracts b. */
  protected offsetDuration(): DurationExpr {
    const sign = this.peek();
    if (sign.kind !== 'operator' || (sign.word !== '+' && sign.word !== '-')) return this.durationPrimary();
    this.take();
    const expr = this.durationPrimary();
    return { kind: 'unary', span: { start: sign.start, end: expr.span.end }, operator: sign.word, expr };
  }

  protected withAt(expr: Expr): Expr {
    this.take();
    const at = this.inContext('@', 'timestamp', () => this.timestamp(expr));
    const shifted = this.shiftOf(expr, '@');
    if (shifted.at !== undefined) this.fail(expr.span.start, '@ <timestamp> may not be set multiple times');
    return this.reshaped(expr, { at });
  }

  protected timestamp(expr: Expr): AtModifier {
    const token = this.peek();
    if (token.kind === 'preprocessor' && (token.word === 'start' || token.word === 'end')) {
      this.take();
      this.expect('(');
      this.expect(')');
      return { at: token.word };
    }
    let sign = 1;
    if (token.kind === 'operator' && (token.word === '+' || token.word === '-')) {
      this.take();
      if (token.word === '-') sign = -1;
    }
    const { kind } = this.peek();
    if (kind !== 'number' && kind !== 'duration') this.unexpected();
    const seconds = sign * this.numberLiteral().value;
    if (!(Math.abs(seconds) < 2 ** 63)) {
      const shown = Number.isFinite(seconds) ? seconds.toFixed(6) : infiniteText(seconds);
      this.fail(expr.span.start, `timestamp out of bounds for @ modifier: ${shown}`);
    }
    // Halves are rounded away from zero, and there is no -0.
    return { at: Math.sign(seconds) * Math.round(Math.abs(seconds) * 1000) + 0 };
  }

  /** What is shifted by `offset` or `@` after the expression. */
  protected shiftOf(expr: Expr, modifier: string): VectorSelector | Subquery {
    switch (expr.kind) {
      case 'selector':
      case 'subquery':
        return expr;
      case 'range':
        return expr.selector;
      default:
        return this.fail(
          expr.span.start,
          `${modifier} modifier must be preceded by an instant vector selector or range vector selector or a subquery`,
        );
    }
  }

  protected reshaped(expr: Expr, change: Partial<Pick<VectorSelector, 'offsetMs' | 'offsetExpr' | 'at'>>): Expr {
    const span: Span = { start: expr.span.start, end: this.lastEnd };
    if (expr.kind === 'range') return { ...expr, span, selector: { ...expr.selector, ...change } };
    return { ...(expr as VectorSelector | Subquery), span, ...change };
  }
}

const infiniteText = (value: number): string => (Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf');

/** A number with or without a sign, for which milliseconds alone say everything. */
const isPlain = (expr: DurationExpr): boolean =>
  expr.kind === 'number' || (expr.kind === 'unary' && expr.expr.kind === 'number');
