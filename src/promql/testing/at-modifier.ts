/**
 * An expression whose selectors are all pinned to one time by `@` has the same value at every time. Prometheus' test
 * runner asks each instant query this way too.
 */
import type { Expr, Shift, VectorSelector } from '../syntax/ast.ts';
import { functionsOfTime } from '../syntax/functions.ts';

/** The expression with `@ time` at each selector and subquery that has no such time yet. */
export const pinnedTo = (time: number, expr: Expr): Expr => {
  const pinned = (part: Expr): Expr => pinnedTo(time, part);
  switch (expr.kind) {
    case 'number':
    case 'string':
      return expr;
    case 'selector':
      return pinnedSelector(time, expr);
    case 'range':
      return { ...expr, selector: pinnedSelector(time, expr.selector) };
    case 'subquery':
      // The times inside follow from that of the subquery.
      return { ...expr, at: pinnedAt(time, expr) };
    case 'aggregation':
      return {
        ...expr,
        expr: pinned(expr.expr),
        parameter: expr.parameter === undefined ? undefined : pinned(expr.parameter),
      };
    case 'binary':
      return { ...expr, left: pinned(expr.left), right: pinned(expr.right) };
    case 'call':
      return { ...expr, args: expr.args.map(pinned) };
    case 'unary':
    case 'parentheses':
      return { ...expr, expr: pinned(expr.expr) };
  }
};

const pinnedSelector = (time: number, selector: VectorSelector): VectorSelector => ({
  ...selector,
  at: pinnedAt(time, selector),
});

const pinnedAt = (time: number, { at }: Shift): Shift['at'] =>
  at === undefined || typeof at.at === 'string' ? { at: time } : at;

/** Whether the expression still depends on the time of the query after {@link pinnedTo}. */
export const dependsOnTime = (expr: Expr): boolean => {
  switch (expr.kind) {
    case 'number':
    case 'string':
    case 'selector':
    case 'range':
    case 'subquery':
      return false;
    case 'aggregation':
      return dependsOnTime(expr.expr) || (expr.parameter !== undefined && dependsOnTime(expr.parameter));
    case 'binary':
      return dependsOnTime(expr.left) || dependsOnTime(expr.right);
    case 'call':
      return functionsOfTime.has(expr.name) || expr.args.some(dependsOnTime);
    case 'unary':
    case 'parentheses':
      return dependsOnTime(expr.expr);
  }
};
