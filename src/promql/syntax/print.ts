/**
 * The canonical text of an expression, as Prometheus prints it: matchers sorted, clauses before arguments, `@` before
 * `offset`. Parsing it gives the same tree again, but for spans and the order of matchers.
 */
import { METRIC_NAME } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import { quoteLikeGo } from '../../model/quote-like-go.ts';
import type {
  Aggregation,
  Binary,
  DurationExpr,
  Expr,
  MatrixSelector,
  Shift,
  Subquery,
  VectorSelector,
} from './ast.ts';
import { printDuration, printNumber } from './numbers.ts';
import { precedenceOf } from './operators.ts';
import { isMetricName, kindOfWord } from './tokens.ts';

/** Texts that were made: prettify asks for the text of every part of an expression. */
const texts = new WeakMap<Expr, string>();

export const print = (expr: Expr): string => {
  const known = texts.get(expr);
  if (known !== undefined) return known;
  const text = printNew(expr);
  texts.set(expr, text);
  return text;
};

const printNew = (expr: Expr): string => {
  switch (expr.kind) {
    case 'number':
      return expr.isDuration ? printDuration(Math.round(expr.value * 1000)) : printNumber(expr.value);
    case 'string':
      return quoteLikeGo(expr.value);
    case 'selector':
      return printSelector(expr) + printShift(expr);
    case 'range':
      return printSelector(expr.selector) + printBrackets(expr) + printShift(expr.selector);
    case 'subquery':
      return printIn(expr.expr, POSTFIX) + printBrackets(expr) + printShift(expr);
    case 'aggregation':
      return `${printAggregation(expr)}(${[expr.parameter, expr.expr]
        .filter((arg) => arg !== undefined)
        .map(print)
        .join(', ')})`;
    case 'binary':
      return printBinary(expr);
    case 'unary':
      return expr.operator + printIn(expr.expr, UNARY);
    case 'call':
      return `${expr.name}(${expr.args.map(print).join(', ')})`;
    case 'parentheses':
      return `(${print(expr.expr)})`;
  }
};

const UNARY = 5.5;
const POSTFIX = 7;

/** How strongly the outermost operator binds. */
const strengthOf = (expr: Expr): number => {
  if (expr.kind === 'binary') return precedenceOf(expr.operator);
  return expr.kind === 'unary' || (expr.kind === 'number' && isNegative(expr.value)) ? UNARY : POSTFIX;
};

const isNegative = (value: number): boolean => value < 0 || Object.is(value, -0);

/** The parser's trees need no more parentheses; trees made by hand may. */
const printIn = (expr: Expr, strengthMin: number): string =>
  strengthOf(expr) < strengthMin ? `(${print(expr)})` : print(expr);

const printBinary = (expr: Binary): string => {
  const strength = precedenceOf(expr.operator);
  const isRightAssociative = expr.operator === '^';
  const left = isRightAssociative ? printBase(expr.left) : printIn(expr.left, strength);
  // A sign may follow any operator.
  const isSigned = strengthOf(expr.right) === UNARY;
  const right = isSigned ? print(expr.right) : printIn(expr.right, isRightAssociative ? strength : strength + 1);
  return `${left} ${printOperator(expr)} ${right}`;
};

/** The left side of `^`, which binds more strongly than the sign of `+Inf`. */
const printBase = (expr: Expr): string =>
  expr.kind === 'number' && expr.value === Number.POSITIVE_INFINITY ? 'Inf' : printIn(expr, POSTFIX);

/** The operator with its modifiers: `> bool on (a) group_left (b)`. */
export const printOperator = ({ operator, returnBool, matching }: Binary): string => {
  let text = returnBool ? `${operator} bool` : operator;
  if (matching === undefined) return text;
  const { cardinality, on, labels, include } = matching;
  const isGrouping = cardinality === 'many-to-one' || cardinality === 'one-to-many';
  if (on || labels.length > 0 || isGrouping) text += ` ${on ? 'on' : 'ignoring'} (${printLabels(labels)})`;
  if (isGrouping) text += ` group_${cardinality === 'many-to-one' ? 'left' : 'right'} (${printLabels(include)})`;
  return text;
};

/** The operator with its clause: `sum by (a) `. */
export const printAggregation = ({ operator, grouping, without }: Aggregation): string => {
  if (without) return `${operator} without (${printLabels(grouping)}) `;
  return grouping.length > 0 ? `${operator} by (${printLabels(grouping)}) ` : operator;
};

const printLabels = (labels: readonly string[]): string => labels.map(printLabelName).join(', ');

const plainLabel = /^[A-Za-z_][A-Za-z0-9_]*$/;
const plainMetric = /^[A-Za-z_:][A-Za-z0-9_:]*$/;

/** A name in a grouping clause. Numbers such as `inf` are no names without quotes. */
const printLabelName = (name: string): string =>
  plainLabel.test(name) && kindOfWord(name) !== 'number' ? name : quoteLikeGo(name);

const printSelector = ({ name, matchers }: VectorSelector): string => {
  const nameIndex =
    name === undefined
      ? -1
      : matchers.findIndex((matcher) => matcher.name === METRIC_NAME && matcher.op === '=' && matcher.value === name);
  const others = matchers.filter((_, index) => index !== nameIndex);
  if (nameIndex < 0 || name === undefined) return `{${printMatchers(others)}}`;
  // A name before the braces must be the only one.
  if (isPlainMetric(name) && others.every((matcher) => matcher.name !== METRIC_NAME)) {
    return others.length === 0 ? name : `${name}{${printMatchers(others)}}`;
  }
  return others.length === 0 ? `{${quoteLikeGo(name)}}` : `{${quoteLikeGo(name)},${printMatchers(others)}}`;
};

const isPlainMetric = (name: string): boolean =>
  plainMetric.test(name) &&
  isMetricName({ kind: kindOfWord(name), text: name, word: name.toLowerCase(), start: 0, end: 0 });

const printMatchers = (matchers: readonly Matcher[]): string => matchers.map(printMatcher).sort().join(',');

const printMatcher = ({ name, op, value }: Matcher): string =>
  `${plainLabel.test(name) ? name : quoteLikeGo(name)}${op}${quoteLikeGo(value)}`;

/** `[5m]` or `[1h:5m]`. */
export const printBrackets = (expr: MatrixSelector | Subquery): string => {
  const range = printMs(expr.rangeMs, expr.rangeExpr);
  if (expr.kind === 'range') return `[${range}]`;
  return `[${range}:${expr.stepMs === undefined ? '' : printMs(expr.stepMs, expr.stepExpr)}]`;
};

const printMs = (milliseconds: number, expr: DurationExpr | undefined): string =>
  expr === undefined ? printDuration(milliseconds) : printDurationExpr(expr);

/** ` @ 1.000 offset 5m`. */
export const printShift = ({ at, offsetMs, offsetExpr }: Shift): string => {
  let text = '';
  if (at !== undefined) text += typeof at.at === 'number' ? ` @ ${(at.at / 1000).toFixed(3)}` : ` @ ${at.at}()`;
  if (offsetExpr !== undefined) text += ` offset ${printDurationExpr(offsetExpr)}`;
  else if (offsetMs !== 0) text += ` offset ${printDuration(offsetMs)}`;
  return text;
};

const printDurationExpr = (expr: DurationExpr): string => {
  switch (expr.kind) {
    case 'number':
      return expr.isDuration ? printDuration(Math.round(expr.seconds * 1000)) : printNumber(expr.seconds);
    case 'parentheses':
      return `(${printDurationExpr(expr.expr)})`;
    case 'unary':
      return expr.operator + printDurationExpr(expr.expr);
    case 'binary':
      return `${printDurationExpr(expr.left)} ${expr.operator} ${printDurationExpr(expr.right)}`;
    case 'call':
      return `${expr.name}(${expr.args.map(printDurationExpr).join(', ')})`;
  }
};
