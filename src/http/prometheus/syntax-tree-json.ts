/**
 * A syntax tree in the JSON of Prometheus' `/api/v1/parse_query`, which query builders and explainers draw. Members are
 * in the order of their names, as Prometheus sends them. Times are milliseconds.
 */
import type { Matcher } from '../../index.ts';
import type { AtModifier, Binary, Call, Expr, Subquery, VectorSelector } from '../../promql/syntax/ast.ts';
import { functionNamed } from '../../promql/syntax/functions.ts';
import { printNumber } from '../../promql/syntax/numbers.ts';

type Json = { readonly [name: string]: unknown };

/** The tree of an expression; `text` is the text that it was parsed from. */
export const syntaxTreeJson = (expr: Expr, text: string): Json => {
  const inner = (part: Expr): Json => syntaxTreeJson(part, text);
  switch (expr.kind) {
    case 'number':
      return { type: 'numberLiteral', val: printNumber(expr.value) };
    case 'string':
      return { type: 'stringLiteral', val: expr.value };
    case 'parentheses':
      return { expr: inner(expr.expr), type: 'parenExpr' };
    case 'unary':
      return { expr: inner(expr.expr), op: expr.operator, type: 'unaryExpr' };
    case 'aggregation':
      return {
        expr: inner(expr.expr),
        grouping: expr.grouping,
        op: expr.operator,
        param: expr.parameter === undefined ? null : inner(expr.parameter),
        type: 'aggregation',
        without: expr.without,
      };
    case 'binary':
      return {
        bool: expr.returnBool,
        lhs: inner(expr.left),
        matching: matchingJson(expr),
        op: expr.operator,
        rhs: inner(expr.right),
        type: 'binaryExpr',
      };
    case 'call':
      return { args: expr.args.map(inner), func: functionJson(expr), type: 'call' };
    case 'selector':
      return { ...selectorJson(expr, text), type: 'vectorSelector' };
    case 'range': {
      const { anchored, matchers, name, offset, ...rest } = selectorJson(expr.selector, text);
      return { anchored, matchers, name, offset, range: orZero(expr.rangeMs), ...rest, type: 'matrixSelector' };
    }
    case 'subquery':
      return {
        expr: inner(expr.expr),
        offset: orZero(expr.offsetMs),
        range: orZero(expr.rangeMs),
        startOrEnd: startOrEndOf(expr),
        step: orZero(expr.stepMs ?? 0),
        timestamp: timestampOf(expr.at),
        type: 'subquery',
      };
  }
};

/** A duration that depends on the query's step or range has no value yet. */
const orZero = (milliseconds: number): number => (Number.isNaN(milliseconds) ? 0 : milliseconds);

const timestampOf = (at: AtModifier | undefined): number | null => (typeof at?.at === 'number' ? at.at : null);

const startOrEndOf = ({ at }: VectorSelector | Subquery): string | null => (typeof at?.at === 'string' ? at.at : null);

const matcherJson = ({ name, op, value }: Matcher): Json => ({ name, type: op, value });

/** A name before the braces comes as `name` and as the last matcher; one in the braces is a matcher only. */
const selectorJson = (selector: VectorSelector, text: string): Json => {
  const hasNameBefore = selector.name !== undefined && text[selector.span.start] !== '{';
  const [first, ...others] = selector.matchers;
  const matchers = hasNameBefore ? [...others, first] : selector.matchers;
  return {
    anchored: false,
    matchers: matchers.map(matcherJson),
    name: hasNameBefore ? selector.name : '',
    offset: orZero(selector.offsetMs),
    smoothed: false,
    startOrEnd: startOrEndOf(selector),
    timestamp: timestampOf(selector.at),
  };
};

const matchingJson = ({ matching }: Binary): Json | null =>
  matching === undefined
    ? null
    : {
        card: matching.cardinality,
        fillValues: { lhs: null, rhs: null },
        include: matching.include,
        labels: matching.labels,
        on: matching.on,
      };

const functionJson = ({ name }: Call): Json => {
  const signature = functionNamed(name);
  return {
    argTypes: signature?.argTypes ?? [],
    name,
    returnType: signature?.returnType ?? 'vector',
    variadic: signature?.variadic ?? 0,
  };
};
