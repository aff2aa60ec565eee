/**
 * Parses PromQL into a syntax tree: recursive descent with precedences. A long text is parsed with pauses, so its methods
 * are generators, which yield when it is time to let the event loop turn. Types are checked afterwards (type-checker.ts),
 * because Prometheus tells a mistake of the syntax first, wherever it is.
 */
import { quoteLikeGo } from '../../model/quote-like-go.ts';
import type {
  Aggregation,
  AggregationOperator,
  Binary,
  BinaryOperator,
  Call,
  Expr,
  Span,
  Unary,
  VectorMatching,
} from './ast.ts';
import { functionNamed } from './functions.ts';
import { isSetOperator, precedenceOf, SIGN_PRECEDENCE } from './operators.ts';
import { SelectorParser } from './selector-parser.ts';
import { type Paused, spanOf } from './token-reader.ts';
import { isLabelName, isMetricName, type Token } from './tokens.ts';
import { typeOf } from './types.ts';

export interface ParseOptions {
  /** Allows experimental functions and aggregations. Default false. */
  readonly experimental?: boolean;
}

/** What is written between an operator and its right side. */
export interface MatchingModifiers {
  readonly cardinality: 'one-to-one' | 'many-to-one' | 'one-to-many';
  readonly on: boolean;
  readonly labels: readonly string[];
  readonly include: readonly string[];
}

export interface ParsedText {
  readonly expr: Expr;
  /** The modifiers as written, for the type checker. */
  readonly modifiers: ReadonlyMap<Binary, MatchingModifiers>;
}

/** The maximum length of a text, in characters. */
const LENGTH_MAX = 256 * 1024;
const withParameter: ReadonlySet<string> = new Set([
  'topk',
  'bottomk',
  'count_values',
  'quantile',
  'limitk',
  'limit_ratio',
]);
const experimentalAggregations: ReadonlySet<string> = new Set(['limitk', 'limit_ratio']);

export class Parser extends SelectorParser {
  private readonly allowsExperimental: boolean;
  private readonly modifiers = new Map<Binary, MatchingModifiers>();

  constructor(text: string, options: ParseOptions) {
    super(text);
    this.allowsExperimental = options.experimental === true;
  }

  *parse(): Paused<ParsedText> {
    if (this.text.length > LENGTH_MAX) this.fail(0, `expression is longer than ${LENGTH_MAX} characters`);
    if (this.peek().kind === 'end') this.fail(0, 'no expression found in input');
    const expr = yield* this.expression(1);
    if (this.peek().kind !== 'end') this.unexpected();
    return { expr, modifiers: this.modifiers };
  }

  /** An expression whose binary operators have at least this precedence. */
  private *expression(precedenceMin: number): Paused<Expr> {
    const depth = this.depth;
    this.deeper();
    let left = yield* this.operand();
    for (;;) {
      if (this.isPauseDue()) yield;
      const token = this.peek();
      const precedence = token.kind === 'operator' ? precedenceOf(token.word) : 0;
      if (precedence === 0 || precedence < precedenceMin) break;
      this.deeper();
      left = yield* this.binary(left, precedence);
    }
    this.depth = depth;
    return left;
  }

  private *binary(left: Expr, precedence: number): Paused<Binary> {
    const token = this.take();
    const operator = token.word as BinaryOperator;
    const returnBool = this.takeWord('keyword', 'bool') !== undefined;
    const modifiers = yield* this.matchingModifiers();
    // `^` is right-associative, all others are left-associative.
    const right = yield* this.expression(operator === '^' ? precedence : precedence + 1);
    const isMatching = typeOf(left) === 'vector' && typeOf(right) === 'vector';
    const node: Binary = {
      kind: 'binary',
      span: { start: left.span.start, end: right.span.end },
      operatorSpan: { start: token.start, end: token.end },
      operator,
      left,
      right,
      returnBool,
      matching: isMatching ? matchingOf(operator, modifiers) : undefined,
    };
    this.modifiers.set(node, modifiers);
    return node;
  }

  private *matchingModifiers(): Paused<MatchingModifiers> {
    const on = this.takeWord('keyword', 'on');
    const ignoring = on ?? this.takeWord('keyword', 'ignoring');
    const labels = ignoring === undefined ? [] : yield* this.groupingLabels();
    let cardinality: MatchingModifiers['cardinality'] = 'one-to-one';
    let include: readonly string[] = [];
    if (ignoring !== undefined) {
      if (this.takeWord('keyword', 'group_left') !== undefined) cardinality = 'many-to-one';
      else if (this.takeWord('keyword', 'group_right') !== undefined) cardinality = 'one-to-many';
      if (cardinality !== 'one-to-one' && this.at('(')) include = yield* this.groupingLabels();
    }
    this.refuseFill();
    return { cardinality, on: on !== undefined, labels, include };
  }

  private refuseFill(): void {
    const token = this.peek();
    if (token.kind !== 'modifier' || !token.word.startsWith('fill')) return;
    // Without a parenthesis it is the name of a metric.
    if (/^\s*\(/.test(this.text.slice(token.end, token.end + 100))) {
      this.fail(token.start, `the modifier ${token.word} is not supported`);
    }
  }

  /** An operand with what follows it. It calls `expression` itself, because every call in between costs stack. */
  private *operand(): Paused<Expr> {
    const token = this.peek();
    if (token.kind === 'operator' && (token.word === '+' || token.word === '-')) {
      this.take();
      return signed(token, yield* this.expression(SIGN_PRECEDENCE + 1));
    }
    let expr: Expr;
    if (this.takePunctuation('(')) {
      const inner = yield* this.expression(1);
      this.expect(')');
      expr = { kind: 'parentheses', span: { start: token.start, end: this.lastEnd }, expr: inner };
    } else if (!isMetricName(token)) expr = this.at('{') ? yield* this.selector(undefined) : this.literal();
    else {
      this.take();
      if (this.beginsAggregation(token)) expr = yield* this.aggregation(token);
      else if (this.beginsCall(token)) expr = this.call(token, yield* this.callArguments());
      else expr = yield* this.selector(token);
    }
    for (;;) {
      const next = this.peek();
      if (next.kind === 'punctuation' && next.word === '[') expr = this.ranged(expr);
      else if (next.kind === 'keyword' && next.word === 'offset') expr = this.withOffset(expr);
      else if (next.kind === 'operator' && next.word === '@') expr = this.withAt(expr);
      else if (next.kind === 'modifier' && !next.word.startsWith('fill')) {
        this.fail(expr.span.start, `the modifier ${next.word} is not supported`);
      } else return expr;
      this.deeper();
    }
  }

  private literal(): Expr {
    const token = this.peek();
    if (token.kind === 'number' || token.kind === 'duration') return this.numberLiteral();
    if (token.kind !== 'string') return this.unexpected();
    this.take();
    return { kind: 'string', span: spanOf(token), value: this.unquoted(token) };
  }

  /** Whether a name that was taken begins an aggregation; also a metric may have the name of one. */
  private beginsAggregation(token: Token): boolean {
    if (token.kind !== 'aggregator') return false;
    const next = this.peek();
    return this.at('(') || (next.kind === 'keyword' && (next.word === 'by' || next.word === 'without'));
  }

  private beginsCall(token: Token): boolean {
    return (token.kind === 'identifier' || token.kind === 'preprocessor') && this.at('(');
  }

  private call(token: Token, args: readonly Expr[]): Call {
    const end = this.lastEnd;
    const signature = functionNamed(token.text);
    if (signature === undefined) this.fail(token.start, `unknown function with name ${quoteLikeGo(token.text)}`);
    if (signature.isExperimental) this.needsExperimental(token, token.start);
    return { kind: 'call', span: { start: token.start, end }, name: token.text, args };
  }

  private needsExperimental(token: Token, start: number): void {
    if (this.allowsExperimental) return;
    this.fail(
      start,
      `${token.text}() is experimental and must be enabled with --enable-feature=promql-experimental-functions`,
    );
  }

  /** Arguments in parentheses. */
  private *callArguments(): Paused<readonly Expr[]> {
    this.expect('(');
    const args: Expr[] = [];
    if (this.takePunctuation(')')) return args;
    for (;;) {
      args.push(yield* this.expression(1));
      if (this.takePunctuation(')')) return args;
      if (!this.at(',')) this.unexpected();
      const comma = this.take();
      if (!beginsExpression(this.peek())) {
        this.fail(comma.start, 'trailing commas not allowed in function call args');
      }
    }
  }

  private *aggregation(token: Token): Paused<Aggregation> {
    const contextBefore = this.context;
    this.context = 'aggregation';
    const before = yield* this.aggregationClause();
    const args = yield* this.callArguments();
    const after = before ?? (yield* this.aggregationClause());
    const { lastEnd: end } = this;
    this.context = contextBefore;
    const operator = token.word as AggregationOperator;
    const [parameter, expr] = this.aggregationArguments(token, args);
    return {
      kind: 'aggregation',
      span: { start: token.start, end },
      operator,
      expr,
      parameter,
      grouping: after?.labels ?? [],
      without: after?.without ?? false,
    };
  }

  private aggregationArguments(token: Token, args: readonly Expr[]): readonly [Expr | undefined, Expr] {
    if (args.length === 0) this.fail(token.start, 'no arguments for aggregate expression provided');
    if (experimentalAggregations.has(token.word)) this.needsExperimental(token, token.start);
    const count = withParameter.has(token.word) ? 2 : 1;
    if (args.length !== count) {
      this.fail(
        token.start,
        `wrong number of arguments for aggregate expression provided, expected ${count}, got ${args.length}`,
      );
    }
    return count === 2 ? [args[0], args[1]] : [undefined, args[0]];
  }

  private *aggregationClause(): Paused<{ readonly labels: readonly string[]; readonly without: boolean } | undefined> {
    if (this.takeWord('keyword', 'by') !== undefined) return { labels: yield* this.groupingLabels(), without: false };
    if (this.takeWord('keyword', 'without') !== undefined)
      return { labels: yield* this.groupingLabels(), without: true };
    return undefined;
  }

  /** `(a, b)`; a comma may follow the last label. */
  private *groupingLabels(): Paused<readonly string[]> {
    const labels: string[] = [];
    if (!this.takePunctuation('(')) this.unexpected('grouping opts', '"("');
    if (this.takePunctuation(')')) return labels;
    for (;;) {
      if (this.isPauseDue()) yield;
      labels.push(this.groupingLabel());
      if (this.takePunctuation(')')) return labels;
      if (!this.takePunctuation(',')) this.unexpected('grouping opts', '"," or ")"');
      if (this.takePunctuation(')')) return labels;
    }
  }

  private groupingLabel(): string {
    const token = this.peek();
    if (token.kind !== 'string' && !isLabelName(token)) this.unexpected('grouping opts', 'label');
    this.take();
    const label = token.kind === 'string' ? this.unquoted(token) : token.text;
    if (label === '') this.fail(token.start, `invalid label name for grouping: ${quoteLikeGo(label)}`);
    return label;
  }
}

const signed = ({ start, word }: Token, expr: Expr): Expr => {
  const operator = word as '+' | '-';
  const span: Span = { start, end: expr.span.end };
  if (expr.kind === 'number') return { ...expr, span, value: operator === '-' ? -expr.value : expr.value };
  return { kind: 'unary', span, operator, expr } satisfies Unary;
};

const beginsExpression = (token: Token): boolean => {
  switch (token.kind) {
    case 'number':
    case 'duration':
    case 'string':
      return true;
    case 'punctuation':
      return token.word === '(' || token.word === '{';
    default:
      return token.word === '+' || token.word === '-' || isMetricName(token);
  }
};

const matchingOf = (operator: BinaryOperator, modifiers: MatchingModifiers): VectorMatching =>
  isSetOperator(operator) ? { ...modifiers, cardinality: 'many-to-many' } : modifiers;
