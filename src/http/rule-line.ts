/**
 * What a page draws of a rule: if its expression compares something with a number, as `rate(errors_total[5m]) > 5` does,
 * the compared side as a line and the number as a threshold; otherwise the expression.
 */
import type { Expr } from '../promql/syntax/ast.ts';
import { parse } from '../promql/syntax/parse.ts';
import { print } from '../promql/syntax/print.ts';

export interface RuleLine {
  /** The expression to draw. */
  readonly line: string;
  /** How the line is compared; absent if the expression is no comparison with a number. */
  readonly comparison?: { readonly operator: string; readonly threshold: number };
}

/** The same comparison with its sides exchanged. */
const mirrored: Readonly<Record<string, string>> = {
  '>': '<',
  '<': '>',
  '>=': '<=',
  '<=': '>=',
  '==': '==',
  '!=': '!=',
};

const calculations: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '^': (a, b) => a ** b,
};

/** The value of an expression of numbers alone; `undefined` for another one. */
const constantOf = (expr: Expr): number | undefined => {
  switch (expr.kind) {
    case 'number':
      return expr.value;
    case 'parentheses':
      return constantOf(expr.expr);
    case 'unary': {
      const value = constantOf(expr.expr);
      return value === undefined || expr.operator === '+' ? value : -value;
    }
    case 'binary': {
      const [left, right] = [constantOf(expr.left), constantOf(expr.right)];
      return left === undefined || right === undefined ? undefined : calculations[expr.operator]?.(left, right);
    }
    default:
      return undefined;
  }
};

const withoutParentheses = (expr: Expr): Expr => (expr.kind === 'parentheses' ? withoutParentheses(expr.expr) : expr);

/** @throws {TidemarkError} of the parser, for text that is no expression */
export const ruleLine = (text: string): RuleLine => {
  const expr = withoutParentheses(parse(text, { experimental: true }));
  const whole = { line: print(expr) };
  if (expr.kind !== 'binary' || mirrored[expr.operator] === undefined) return whole;
  const { operator, left, right } = expr;
  const [before, after] = [constantOf(left), constantOf(right)];
  if (before === undefined && after !== undefined)
    return { line: print(left), comparison: { operator, threshold: after } };
  if (before !== undefined && after === undefined)
    return { line: print(right), comparison: { operator: mirrored[operator], threshold: before } };
  return whole;
};
