/** The types of PromQL values. */
import type { Binary, Expr, Parentheses, Unary, ValueType } from './ast.ts';
import { functionNamed } from './functions.ts';

/** Types of operations, which depend on those of their sides. Without them, a long chain would cost quadratic time. */
const known = new WeakMap<Expr, ValueType>();

/** The type of the expression's value. */
export const typeOf = (expr: Expr): ValueType => {
  if (expr.kind !== 'binary' && expr.kind !== 'unary' && expr.kind !== 'parentheses') return typeOfLeaf(expr);
  let type = known.get(expr);
  if (type === undefined) {
    if (expr.kind !== 'binary') type = typeOf(expr.expr);
    else type = typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar' ? 'scalar' : 'vector';
    known.set(expr, type);
  }
  return type;
};

const typeOfLeaf = (expr: Exclude<Expr, Binary | Unary | Parentheses>): ValueType => {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'selector':
    case 'aggregation':
      return 'vector';
    case 'range':
    case 'subquery':
      return 'matrix';
    case 'call':
      return functionNamed(expr.name)?.returnType ?? 'vector';
  }
};

/** How messages name a type. */
export const typeName = (type: ValueType): string => {
  switch (type) {
    case 'vector':
      return 'instant vector';
    case 'matrix':
      return 'range vector';
    default:
      return type;
  }
};
