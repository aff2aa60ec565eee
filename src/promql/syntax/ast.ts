/**
 * The syntax tree of a PromQL expression: plain data, as the parser makes it and the type checker accepts it. Every node
 * has its place in the text, so that errors and annotations can name it.
 */
import type { Matcher } from '../../model/matcher.ts';

/** The types of PromQL values. `matrix` is a range vector, `vector` an instant vector. */
export type ValueType = 'scalar' | 'string' | 'vector' | 'matrix';

/** A part of the text: UTF-16 offsets, `end` exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Aggregation
  | Binary
  | Unary
  | Call
  | Parentheses;

export interface NumberLiteral {
  readonly kind: 'number';
  readonly span: Span;
  readonly value: number;
  /** The number was written as a duration, such as `5m`. */
  readonly isDuration: boolean;
}

export interface StringLiteral {
  readonly kind: 'string';
  readonly span: Span;
  readonly value: string;
}

/** `@ 1609746000` in milliseconds since the epoch, `@ start()` or `@ end()`. */
export type AtModifier = { readonly at: number } | { readonly at: 'start' | 'end' };

/** What shifts a selector or a subquery in time. */
export interface Shift {
  /** Milliseconds; negative values look ahead. 0 without the modifier. */
  readonly offsetMs: number;
  /** The offset as written, if it is more than a number; see {@link DurationExpr}. */
  readonly offsetExpr?: DurationExpr;
  readonly at: AtModifier | undefined;
}

/**
 * A duration that is computed: `[5m + step()]`, `offset (1m * 2)`. The milliseconds beside it in the tree are its value,
 * or `NaN` while it depends on `step()` or `range()`; `resolveDurations` (duration-expressions.ts) fills these in for one query.
 */
export type DurationExpr =
  | DurationNumber
  | DurationUnary
  | DurationBinary
  | DurationCall
  | { readonly kind: 'parentheses'; readonly span: Span; readonly expr: DurationExpr };

export interface DurationNumber {
  readonly kind: 'number';
  readonly span: Span;
  readonly seconds: number;
  /** Written as a duration, such as `5m`. */
  readonly isDuration: boolean;
}

export interface DurationUnary {
  readonly kind: 'unary';
  readonly span: Span;
  readonly operator: '+' | '-';
  readonly expr: DurationExpr;
}

export interface DurationBinary {
  readonly kind: 'binary';
  readonly span: Span;
  readonly operatorSpan: Span;
  readonly operator: '+' | '-' | '*' | '/' | '%' | '^';
  readonly left: DurationExpr;
  readonly right: DurationExpr;
}

/** `step()` and `range()` of the query in seconds, or the smaller or larger of two durations. */
export interface DurationCall {
  readonly kind: 'call';
  readonly span: Span;
  readonly name: 'step' | 'range' | 'min' | 'max' | 'min_of' | 'max_of';
  readonly args: readonly DurationExpr[];
}

export interface VectorSelector extends Shift {
  readonly kind: 'selector';
  readonly span: Span;
  /** Metric name, if it is written before the braces or as a quoted text in them. */
  readonly name: string | undefined;
  /** All matchers in the order of the text, that of the name first if it stands before the braces. */
  readonly matchers: readonly Matcher[];
}

/** `selector[5m]`; offset and `@` belong to the selector. */
export interface MatrixSelector {
  readonly kind: 'range';
  readonly span: Span;
  readonly selector: VectorSelector;
  /** Milliseconds, more than 0. */
  readonly rangeMs: number;
  /** The range as written, if it is more than a number. */
  readonly rangeExpr?: DurationExpr;
}

/** `expr[1h:5m]`. */
export interface Subquery extends Shift {
  readonly kind: 'subquery';
  readonly span: Span;
  readonly expr: Expr;
  readonly rangeMs: number;
  readonly rangeExpr?: DurationExpr;
  /** `undefined`: the default step of the engine. */
  readonly stepMs: number | undefined;
  readonly stepExpr?: DurationExpr;
}

export type AggregationOperator =
  | 'sum'
  | 'avg'
  | 'count'
  | 'min'
  | 'max'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'count_values'
  | 'quantile'
  | 'limitk'
  | 'limit_ratio';

export interface Aggregation {
  readonly kind: 'aggregation';
  readonly span: Span;
  readonly operator: AggregationOperator;
  readonly expr: Expr;
  /** The parameter of topk, bottomk, quantile, limitk, limit_ratio (a scalar) and count_values (a string). */
  readonly parameter: Expr | undefined;
  readonly grouping: readonly string[];
  /** `without (…)` instead of `by (…)`. */
  readonly without: boolean;
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2';
export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type SetOperator = 'and' | 'or' | 'unless';
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | SetOperator;

export interface VectorMatching {
  readonly cardinality: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';
  /** `on (…)` instead of `ignoring (…)`. */
  readonly on: boolean;
  readonly labels: readonly string[];
  /** The labels of group_left or group_right. */
  readonly include: readonly string[];
}

export interface Binary {
  readonly kind: 'binary';
  readonly span: Span;
  /** Where the operator stands. */
  readonly operatorSpan: Span;
  readonly operator: BinaryOperator;
  readonly left: Expr;
  readonly right: Expr;
  /** `bool` after a comparison. */
  readonly returnBool: boolean;
  /** `undefined` unless both sides are vectors. */
  readonly matching: VectorMatching | undefined;
}

export interface Unary {
  readonly kind: 'unary';
  readonly span: Span;
  readonly operator: '+' | '-';
  readonly expr: Expr;
}

export interface Call {
  readonly kind: 'call';
  readonly span: Span;
  /** The function's name, as functions.ts of the syntax lists it. */
  readonly name: string;
  readonly args: readonly Expr[];
}

export interface Parentheses {
  readonly kind: 'parentheses';
  readonly span: Span;
  readonly expr: Expr;
}
